package io.dfut.samples.bench;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * How soon work goes on after a node was killed: each round kills a JVM that was started for it.
 * The driver, and a node that lives on, stay the same.
 */
final class RecoveryBench {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int MIB = 1 << 20;
  private static final int CHAIN = 10;
  private static final String LINK = "link";
  private static final String VICTIMS_ONLY = "victims";

  /** More than travels in messages. */
  private static final int STORED = 200 << 10;

  /** The paper's chain takes so long, and its node dies in the middle. */
  private static final long PAPER_MILLIS = 10_000;

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

  private static final List<String> VICTIM =
      Stream.concat(NODE.stream(), Stream.of("dfut.resources." + VICTIMS_ONLY + "=1")).toList();

  /**
   * Takes no part but in the vote on who stays: of two nodes a silent one could be the survivor.
   */
  private static final List<String> VOTER =
      List.of("dfut.cpus=0.5", "dfut.cluster.join-timeout=60s", "dfut.store.shared-memory=off");

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
      for (Row row : rows()) {
        measure(row);
      }
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

  /** Kills the victim, or stops it, and measures. */
  private interface Death {
    Round of(DFutSystem dfut, BenchNode survivor, BenchNode victim) throws IOException;
  }

  /**
   * What is measured.
   *
   * @param limit what it is compared with
   * @param runs at most so many deaths; 0 for as many as are asked for
   * @param vote whether the other nodes have to agree that the victim is gone
   */
  private record Row(
      String name, String limit, Figure.Budget budget, int runs, boolean vote, Death death) {}

  private static List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    rows.add(row("kill", "the chain alone", 1_000, RecoveryBench::chainAfterKill));
    rows.add(voted("freeze", "the chain alone", RecoveryBench::chainAfterFreeze));
    rows.add(row("owner.worker", "a get that fails", 200, RecoveryBench::borrowerAfterEnd));
    rows.add(row("owner.node", "the process's end", 1_000, RecoveryBench::borrowerAfterKill));
    rows.add(voted("owner.frozen", "a get that fails", RecoveryBench::borrowerAfterFreeze));
    for (int length : new int[] {10, 100, 1_000, 10_000}) {
      rows.add(
          new Row(
              "recovery.lineage." + length,
              "made at first",
              Figure.Budget.NONE,
              2,
              false,
              (dfut, survivor, victim) -> afterKill(dfut, survivor, victim, length, 1)));
    }
    for (int objects : new int[] {10, 100, 1_000}) {
      rows.add(
          new Row(
              "recovery.lost." + objects,
              "made at first",
              Figure.Budget.NONE,
              2,
              false,
              (dfut, survivor, victim) -> afterKill(dfut, survivor, victim, 1, objects)));
    }
    for (int millis : new int[] {10, 50, 100, 500, 1_000}) {
      rows.add(paper(millis, "small", 1, 1.3));
      rows.add(paper(millis, "large", 10 * MIB, 1.7));
    }
    return rows;
  }

  private static Row row(String name, String limit, double budgetMillis, Death death) {
    return new Row(
        "recovery." + name, limit, Figure.Budget.atMost(budgetMillis, Double.NaN), 0, false, death);
  }

  private static Row voted(String name, String limit, Death death) {
    return new Row(
        "recovery." + name, limit, Figure.Budget.atMost(8_000, Double.NaN), 0, true, death);
  }

  /**
   * The paper's figure 9: a chain of 10 s whose node dies after 5 s and is replaced.
   *
   * @param ratio of the times with and without the death, as the paper has it
   */
  private static Row paper(int millis, String size, int bytes, double ratio) {
    return new Row(
        "recovery.paper." + millis + "ms." + size,
        "without a death",
        Figure.Budget.atMost(Double.NaN, ratio),
        1,
        false,
        (dfut, survivor, victim) -> chainWithDeath(dfut, survivor, victim, millis, bytes));
  }

  @SuppressWarnings("try") // the voter is only to be there
  private void measure(Row row) throws IOException {
    if (!options.wants(row.name())) {
      return;
    }
    int runs = row.runs() == 0 ? options.runs() : Math.min(row.runs(), options.runs());
    int warmUp = row.runs() == 0 ? WARM_UP : 0;
    double[] ours = new double[runs];
    double[] limit = new double[runs];
    try (BenchNode survivor = BenchNode.start(NODE);
        BenchNode voter = row.vote() ? BenchNode.start(VOTER, survivor.address()) : null;
        DFutSystem dfut = DFutSystem.connect(survivor.address(), DRIVER)) {
      for (int i = -warmUp; i < runs; i++) {
        try (BenchNode victim = BenchNode.start(VICTIM, survivor.address())) {
          Round round;
          try {
            round = row.death().of(dfut, survivor, victim);
          } finally {
            victim.kill();
          }
          if (i >= 0) {
            ours[i] = round.ours();
            limit[i] = round.limit();
          }
        }
      }
    }
    Figure figure = Figure.of(row.name(), "ms", ours, limit, row.limit(), row.budget());
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
    return chainAfter(dfut, survivor, victim, BenchNode::kill);
  }

  private static Round chainAfterFreeze(DFutSystem dfut, BenchNode survivor, BenchNode victim) {
    return chainAfter(dfut, survivor, victim, BenchNode::freeze);
  }

  private static Round chainAfter(
      DFutSystem dfut, BenchNode survivor, BenchNode victim, Consumer<BenchNode> fault) {
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
    long faultNanos = System.nanoTime();
    fault.accept(victim);
    readAndClose(lost);
    return new Round(millisSince(faultNanos), alone);
  }

  /** How long a get waits for an owner that is dead already. */
  private static double failingGet(SharedDFut<?> borrowed) {
    long nanos = System.nanoTime();
    try {
      borrowed.get(PATIENCE);
    } catch (OwnerDiedException expected) {
      return millisSince(nanos);
    }
    throw new IllegalStateException("the owner is dead, and the value was read");
  }

  private static Round borrowerAfterKill(DFutSystem dfut, BenchNode survivor, BenchNode victim) {
    try (SharedDFut<Boolean> borrowed = borrowedFrom(dfut, victim)) {
      long killedNanos = System.nanoTime();
      victim.kill();
      double ended = millisSince(killedNanos);
      failingGet(borrowed);
      return new Round(millisSince(killedNanos), ended);
    }
  }

  private static Round borrowerAfterFreeze(DFutSystem dfut, BenchNode survivor, BenchNode victim) {
    try (SharedDFut<Boolean> borrowed = borrowedFrom(dfut, victim)) {
      long frozenNanos = System.nanoTime();
      victim.freeze();
      failingGet(borrowed);
      return new Round(millisSince(frozenNanos), failingGet(borrowed));
    }
  }

  private static SharedDFut<Boolean> borrowedFrom(DFutSystem dfut, BenchNode owner) {
    try (DFut<SharedDFut<Boolean>> started =
        dfut.task(RecoveryBench::startEndless).on(nodeAt(dfut, owner)).submit()) {
      return started.get(PATIENCE);
    }
  }

  /** The owner is an actor, whose worker ends; its node lives on. */
  private static Round borrowerAfterEnd(DFutSystem dfut, BenchNode survivor, BenchNode victim) {
    try (ActorHandle<Starter> owner = dfut.actor(Starter::new).on(nodeAt(dfut, victim)).create();
        DFut<SharedDFut<Boolean>> started = owner.task(Starter::startEndless).submit();
        SharedDFut<Boolean> borrowed = started.get(PATIENCE)) {
      long endedNanos = System.nanoTime();
      dfut.kill(owner);
      failingGet(borrowed);
      return new Round(millisSince(endedNanos), failingGet(borrowed));
    }
  }

  // ---- how recovery grows ----

  static byte[] stored() {
    return new byte[STORED];
  }

  /** Chains of which only the ends are kept: all the rest was freed, and is made again. */
  private static List<DFut<byte[]>> chains(DFutSystem dfut, int length, int count) {
    List<DFut<byte[]>> ends = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      DFut<byte[]> end = dfut.task(RecoveryBench::stored).resource(LINK, 1).submit();
      for (int task = 1; task < length; task++) {
        DFut<byte[]> before = end;
        end = dfut.task(RecoveryBench::next).resource(LINK, 1).submit(before);
        before.close();
      }
      ends.add(end);
    }
    return ends;
  }

  private static Round afterKill(
      DFutSystem dfut, BenchNode survivor, BenchNode victim, int length, int count) {
    DFut<Boolean> here = block(dfut, nodeAt(dfut, survivor));
    long firstNanos = System.nanoTime();
    List<DFut<byte[]>> lost = chains(dfut, length, count);
    dfut.await(lost, count, Duration.ofMinutes(5));
    double first = millisSince(firstNanos);
    here.cancel();
    here.close();
    long killedNanos = System.nanoTime();
    victim.kill();
    for (DFut<byte[]> end : lost) {
      byte[] value = end.get(Duration.ofMinutes(5));
      if (value.length != STORED || value[0] != (byte) (length - 1)) {
        throw new IllegalStateException("a chain ends with " + value[0]);
      }
    }
    double again = millisSince(killedNanos);
    lost.forEach(DFut::close);
    return new Round(again, first);
  }

  // ---- the paper's ----

  static byte[] slow(byte[] before, int millis, int bytes) throws InterruptedException {
    new CountDownLatch(1).await(millis, TimeUnit.MILLISECONDS);
    byte[] after = new byte[bytes];
    after[0] = (byte) (before[0] + 1);
    return after;
  }

  private static double slowChain(DFutSystem dfut, int millis, int bytes) {
    int length = (int) (PAPER_MILLIS / millis);
    long nanos = System.nanoTime();
    DFut<byte[]> end = dfut.put(new byte[1]);
    for (int i = 0; i < length; i++) {
      DFut<byte[]> before = end;
      end = dfut.task(RecoveryBench::slow).resource(VICTIMS_ONLY, 1).submit(before, millis, bytes);
      before.close();
    }
    try (DFut<byte[]> last = end) {
      if (last.get(Duration.ofMinutes(2))[0] != (byte) length) {
        throw new IllegalStateException("the chain ends with another number");
      }
    }
    return millisSince(nanos);
  }

  private static Round chainWithDeath(
      DFutSystem dfut, BenchNode survivor, BenchNode victim, int millis, int bytes) {
    double without = slowChain(dfut, millis, bytes);
    FutureTask<BenchNode> replaced =
        new FutureTask<>(
            () -> {
              new CountDownLatch(1).await(PAPER_MILLIS / 2, TimeUnit.MILLISECONDS);
              victim.kill();
              return BenchNode.start(VICTIM, survivor.address());
            });
    Thread.ofVirtual().start(replaced);
    double with = slowChain(dfut, millis, bytes);
    try {
      replaced.get().kill();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return new Round(with, without);
  }
}
