package io.dfut.scenarios.jvm;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import java.io.IOException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * The program of a node: says {@code ready host:port}, then how much it holds whenever that has
 * changed, and ends with its parent. Further settings come as system properties.
 */
public final class NodeProgram {
  private NodeProgram() {}

  /**
   * What a node holds.
   *
   * @param bodies task bodies of {@link Bodies#untilInterrupted} that run
   */
  record Holdings(int rows, int leases, int actors, long objects, long bytes, int bodies) {
    static final Holdings NOTHING = new Holdings(0, 0, 0, 0, 0, 0);

    static Holdings of(Inspection inspection) {
      return new Holdings(
          inspection.rows().size(),
          inspection.leases().size(),
          inspection.actors().size(),
          inspection.store().objects(),
          inspection.store().usedBytes(),
          Bodies.running());
    }
  }

  /** Joins the node that is named, if any. */
  public static void main(String[] args) throws IOException {
    run(args, ConfigFactory.empty(), node -> {});
  }

  /** The same, with settings and a beginning of the program's own. */
  static void run(String[] args, Config settings, Consumer<DFutSystem> begin) throws IOException {
    String join = args.length == 0 ? "" : '"' + args[0] + '"';
    DFutSystem node =
        DFutSystem.start(
            ConfigFactory.parseString(
                    """
                    dfut.cluster.join = [%s]
                    dfut.store.memory = 256 MiB
                    dfut.tasks.allow = ["io.dfut."]
                    dfut.values.allow = ["io.dfut."]
                    """
                        .formatted(join))
                .withFallback(settings));
    begin.accept(node);
    System.out.println("ready " + node.node().address());
    AtomicReference<Holdings> said = new AtomicReference<>();
    Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("holdings").daemon().factory())
        .scheduleWithFixedDelay(() -> say(node, said), 0, 20, TimeUnit.MILLISECONDS);
    while (System.in.read() >= 0) {
      // only the end counts
    }
    node.close();
    System.exit(0);
  }

  private static void say(DFutSystem node, AtomicReference<Holdings> said) {
    Holdings now = Holdings.of(node.inspect());
    if (!now.equals(said.getAndSet(now))) {
      System.out.println(now);
    }
  }
}
