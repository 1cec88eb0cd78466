package io.dfut.scenarios;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.NodeId;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * A running system for scenarios: one node, or several in this JVM or others, with the driver on
 * the first. Thread-safe.
 */
final class Habitat implements AutoCloseable {
  /**
   * Slots of each node of the cluster, the driver's node first. With none there every task of the
   * driver crosses the network, also the single ones, which would stay at home otherwise. To see
   * the scenarios with another spread: {@code -Dtest.jvm.args=-Ddfut.scenarios.cpus=2,2}.
   */
  private static final String CPUS = System.getProperty("dfut.scenarios.cpus", "0,4");

  private static final int LOCAL_CPUS = 4;

  /** Nobody dies there: a JVM that gets no processor for a while is not to be found dead. */
  private static final String PATIENT =
      "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause=10s";

  private final List<DFutSystem> systems;
  private final List<FarNode> farNodes;
  private final List<Node> nodes;
  private final int slots;
  private int lastPlace;

  private Habitat(List<DFutSystem> systems, List<FarNode> farNodes, int slots) {
    this.systems = List.copyOf(systems);
    this.farNodes = List.copyOf(farNodes);
    this.nodes =
        Stream.concat(
                systems.stream().map(system -> new Node(system.node(), system::inspect)),
                farNodes.stream().map(far -> new Node(far.node(), far::inspect)))
            .toList();
    this.slots = slots;
  }

  static Habitat local() {
    return new Habitat(List.of(DFutSystem.local(config(LOCAL_CPUS))), List.of(), LOCAL_CPUS);
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
    return new Habitat(nodes, List.of(), slots);
  }

  static Habitat threeJvms() {
    DFutSystem driver =
        DFutSystem.start(ConfigFactory.parseString(PATIENT).withFallback(joining(List.of(), 0)));
    List<FarNode> others =
        Stream.of("second", "third")
            .map(name -> FarNode.start(name, 2, driver.node().address(), List.of(PATIENT)))
            .toList();
    try {
      others.forEach(FarNode::ready);
      Awaitility.await("three JVMs form a cluster").until(() -> driver.nodes().size() == 3);
      return new Habitat(List.of(driver), others, 4);
    } catch (RuntimeException e) {
      others.forEach(FarNode::close);
      driver.close();
      throw e;
    }
  }

  /**
   * What every node is started with, here and where a scenario starts one of its own. There is one
   * {@code token}, a resource, for each slot.
   */
  static Config config(int cpus) {
    return ConfigFactory.parseString(
        """
        dfut.cpus = %1$d
        dfut.resources.token = %1$d
        dfut.store.memory = 256 MiB
        """
            .formatted(cpus));
  }

  private static Config joining(List<DFutSystem> members, int cpus) {
    return ConfigFactory.parseString(
            joining(members.isEmpty() ? "" : members.getFirst().node().address()))
        .withFallback(config(cpus));
  }

  /** What a node of a cluster is started with besides, which joins another one if that is named. */
  static String joining(String address) {
    return """
    dfut.tasks.allow = ["io.dfut."]
    dfut.values.allow = ["io.dfut."]
    dfut.cluster.host = "127.0.0.1"
    dfut.cluster.port = 0
    dfut.cluster.join = [%s]
    """
        .formatted(address.isEmpty() ? "" : '"' + address + '"');
  }

  DFutSystem driver() {
    return systems.getFirst();
  }

  /** The driver of the farthest node in this JVM. */
  DFutSystem otherDriver() {
    return systems.getLast();
  }

  List<Node> nodes() {
    return nodes;
  }

  /** A node that offers work; where several do, each call gives the next. */
  synchronized NodeId next() {
    int without = nodes.size() > 1 ? 1 : 0; // the driver's, unless it is the only one
    return nodes.get(without + lastPlace++ % (nodes.size() - without)).node();
  }

  /** What the nodes in other JVMs have logged as errors. */
  List<String> errorsElsewhere() {
    return farNodes.stream().flatMap(far -> far.errors().stream()).toList();
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
    systems.reversed().forEach(DFutSystem::close); // in order, so while the others are there
    farNodes.forEach(FarNode::close);
  }
}
