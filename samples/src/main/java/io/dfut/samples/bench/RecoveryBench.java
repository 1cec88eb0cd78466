package io.dfut.samples.bench;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.OwnerDiedException;
import io.dfut.SharedDFut;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * How soon work goes on after a node was killed: each round kills a JVM that was started for it.
 * The driver, and a node that lives on, stay the same.
 */
final class RecoveryBench {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int MIB = 1 << 20;
  private static final int CHAIN = 10;
  private static final String LINK = "link";
  private static final double BUDGET_MILLIS = 1_000;

  /** Rounds that do not count: code runs for the first time. */
  private static final int WARM_UP = 2;

  /** The nodes stand for nodes of several hosts, which have their own copies. */
  private static final List<String> NODE =
      List.of(
          "dfut.cpus=2",
          "dfut.resources." + LINK + "=1",
          "dfut.cluster.join-timeout=60s",
          "dfut.store.memory=256 MiB",
          "dfut.store.shared-memory=off");

  private static final Config DRIVER =
      ConfigFactory.parseString(
          """
          dfut.values.allow = ["io.dfut.samples."]
          dfut.store.shared-memory = off
          dfut.cluster.join-timeout = 60 s
          """);

  private final RecoveryOptions options;
  private final PrintStream out;
  private final List<Figure> figures = new ArrayList<>();

  RecoveryBench(RecoveryOptions options, PrintStream out) {
    this.options = options;
    this.out = out;
  }

  void run() {
    out.println(
        "%d cores, Java %s, median of %d deaths (least … most)"
            .formatted(
                Runtime.getRuntime().availableProcessors(),
                Runtime.version().feature(),
                options.runs()));
    try {
      measure("recovery.kill", "the chain alone", RecoveryBench::chainAfterKill);
      measure("recovery.owner.node", "the process's end", RecoveryBench::borrowerAfterKill);
      if (options.json().isPresent()) {
        Files.write(options.json().get(), figures.stream().map(Figure::json).toList());
      }
    } catch (IOException e) {
      throw new OptionException("the benchmark cannot go on: " + e, e);
    }
    if (figures.isEmpty()) {
      throw new OptionException("no figure is called " + options.only());
    }
  }

  /** Milliseconds of one death, and of what it is compared with. */
  private record Round(double ours, double limit) {}

  /** Kills the victim and measures. */
  private interface Death {
    Round of(DFutSystem dfut, BenchNode survivor, BenchNode victim);
  }

  private void measure(String name, String limitName, Death death) throws IOException {
    if (!options.wants(name)) {
      return;
    }
    double[] ours = new double[options.runs()];
    double[] limit = new double[options.runs()];
    try (BenchNode survivor = BenchNode.start(NODE);
        DFutSystem dfut = DFutSystem.connect(survivor.address(), DRIVER)) {
      for (int i = -WARM_UP; i < options.runs(); i++) {
        try (BenchNode victim = BenchNode.start(NODE, survivor.address())) {
          Round round = death.of(dfut, survivor, victim);
          if (i >= 0) {
            ours[i] = round.ours();
            limit[i] = round.limit();
          }
        }
      }
    }
    Figure figure =
        Figure.of(
            name, "ms", ours, limit, limitName, Figure.Budget.atMost(BUDGET_MILLIS, Double.NaN));
    figures.add(figure);
    out.println(figure.line());
  }

  private static double millisSince(long nanos) {
    return (System.nanoTime() - nanos) / 1e6;
  }

  private static NodeId nodeAt(DFutSystem dfut, BenchNode node) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      for (NodeId known : dfut.nodes()) {
        if (known.address().equals(node.address())) {
          return known;
        }
      }
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("the driver does not see " + node.address());
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  // ---- bodies of tasks ----

  static byte[] first() {
    return new byte[MIB];
  }

  static byte[] next(byte[] before) {
    byte[] after = before.clone();
    after[0]++;
    return after;
  }

  static boolean endless() throws InterruptedException {
    return new CountDownLatch(1).await(1, TimeUnit.HOURS);
  }

  static SharedDFut<Boolean> startEndless() {
    return DFutContext.current().task(RecoveryBench::endless).submit().share();
  }

  // ---- deaths ----

  /** Each task needs all that a node has of {@code link}. */
  private static List<DFut<byte[]>> chain(DFutSystem dfut) {
    List<DFut<byte[]>> chain = new ArrayList<>();
    chain.add(dfut.task(RecoveryBench::first).resource(LINK, 1).submit());
    while (chain.size() < CHAIN) {
      chain.add(dfut.task(RecoveryBench::next).resource(LINK, 1).submit(chain.getLast()));
    }
    return chain;
  }

  private static void readAndClose(List<DFut<byte[]>> chain) {
    byte[] last = chain.getLast().get(PATIENCE);
    if (last.length != MIB || last[0] != CHAIN - 1) {
      throw new IllegalStateException("the chain ends with " + last[0]);
    }
    chain.forEach(DFut::close);
  }

  /** Occupies what the chain needs there. */
  private static DFut<Boolean> block(DFutSystem dfut, NodeId node) {
    return dfut.task(RecoveryBench::endless).cpus(0).resource(LINK, 1).on(node).submit();
  }

  private static Round chainAfterKill(DFutSystem dfut, BenchNode survivor, BenchNode victim) {
    DFut<Boolean> there = block(dfut, nodeAt(dfut, victim));
    long aloneNanos = System.nanoTime();
    readAndClose(chain(dfut));
    double alone = millisSince(aloneNanos);
    there.cancel();
    there.close();
    DFut<Boolean> here = block(dfut, nodeAt(dfut, survivor));
    List<DFut<byte[]>> lost = chain(dfut);
    dfut.await(lost, CHAIN, PATIENCE);
    here.cancel();
    here.close();
    long killedNanos = System.nanoTime();
    victim.kill();
    readAndClose(lost);
    return new Round(millisSince(killedNanos), alone);
  }

  private static Round borrowerAfterKill(DFutSystem dfut, BenchNode survivor, BenchNode victim) {
    SharedDFut<Boolean> borrowed =
        dfut.task(RecoveryBench::startEndless).on(nodeAt(dfut, victim)).submit().get(PATIENCE);
    long killedNanos = System.nanoTime();
    victim.kill();
    double ended = millisSince(killedNanos);
    try (borrowed) {
      borrowed.get(PATIENCE);
      throw new IllegalStateException("the owner is dead, and the value was read");
    } catch (OwnerDiedException expected) {
      return new Round(millisSince(killedNanos), ended);
    }
  }
}
