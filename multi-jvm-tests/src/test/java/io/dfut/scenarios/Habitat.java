package io.dfut.scenarios;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.NodeId;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/**
 * A running system for scenarios: one node, or several in this JVM, with the driver on the first.
 * Thread-safe.
 */
final class Habitat implements AutoCloseable {
  /**
   * Slots of each node of the cluster, the driver's node first. With none there every task of the
   * driver crosses the network, also the single ones, which would stay at home otherwise. To see
   * the scenarios with another spread: {@code -Dtest.jvm.args=-Ddfut.scenarios.cpus=2,2}.
   */
  private static final String CPUS = System.getProperty("dfut.scenarios.cpus", "0,4");

  private static final int LOCAL_CPUS = 4;

  private final List<DFutSystem> nodes;
  private final int slots;

  private Habitat(List<DFutSystem> nodes, int slots) {
    this.nodes = List.copyOf(nodes);
    this.slots = slots;
  }

  static Habitat local() {
    return new Habitat(List.of(DFutSystem.local(config(LOCAL_CPUS))), LOCAL_CPUS);
  }

  static Habitat twoNodes() {
    String[] cpus = CPUS.split(",");
    List<DFutSystem> nodes = new ArrayList<>();
    int slots = 0;
    try {
      for (String text : cpus) {
        int count = Integer.parseInt(text.strip());
        slots += count;
        nodes.add(DFutSystem.start(joining(nodes, count)));
      }
    } catch (RuntimeException e) {
      nodes.reversed().forEach(DFutSystem::close);
      throw e;
    }
    return new Habitat(nodes, slots);
  }

  /** What every node is started with, here and where a scenario starts one of its own. */
  static Config config(int cpus) {
    return ConfigFactory.parseString(
        """
        dfut.cpus = %d
        dfut.store.memory = 256 MiB
        """
            .formatted(cpus));
  }

  private static Config joining(List<DFutSystem> members, int cpus) {
    String join = members.isEmpty() ? "" : '"' + members.getFirst().node().address() + '"';
    return ConfigFactory.parseString(
            """
            dfut.tasks.allow = ["io.dfut."]
            dfut.values.allow = ["io.dfut."]
            dfut.cluster.host = "127.0.0.1"
            dfut.cluster.port = 0
            dfut.cluster.join = [%s]
            """
                .formatted(join))
        .withFallback(config(cpus));
  }

  DFutSystem driver() {
    return nodes.getFirst();
  }

  List<DFutSystem> nodes() {
    return nodes;
  }

  /** The node farthest from the driver: the other one, where there is one. */
  NodeId far() {
    return nodes.getLast().node();
  }

  /** How many tasks of one CPU can run at a time. */
  int slots() {
    return slots;
  }

  /** The sum of a figure over the stores of all nodes. */
  long inStores(ToLongFunction<Inspection.Store> figure) {
    return nodes.stream().mapToLong(node -> figure.applyAsLong(node.inspect().store())).sum();
  }

  @Override
  public void close() {
    nodes.reversed().forEach(DFutSystem::close);
  }
}
