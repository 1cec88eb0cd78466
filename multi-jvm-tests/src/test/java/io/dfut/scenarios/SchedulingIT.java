package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFut2;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.InfeasibleResourcesException;
import io.dfut.NodeId;
import io.dfut.Returns2;
import io.dfut.SharedDFut;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;

/**
 * Where tasks run in a cluster of three JVMs with seven slots each: the driver's, which is this
 * one, and two more. Later tests have nodes join, leave and die.
 */
@Timeout(90)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class SchedulingIT {
  private static final Duration SOON = Duration.ofSeconds(15);
  private static final Duration UNTIL_INFEASIBLE = Duration.ofSeconds(2);
  private static final int SLOTS = 7;

  /** Far more than is worth a way; a third of the scenario's 100 MB. */
  private static final int HUGE = 32 << 20;

  private static final int LARGE = 4 << 20;

  private static final List<String> SETTINGS =
      List.of(
          "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause=4s",
          "dfut.pekko.cluster.split-brain-resolver.stable-after=1s",
          "dfut.scheduler.infeasible-timeout=" + UNTIL_INFEASIBLE.toMillis() + "ms",
          // The nodes are of one host; here they stand for nodes of many, which have copies.
          "dfut.store.shared-memory=off");

  private DFutSystem dfut;
  private FarNode farB;
  private FarNode farC;
  private NodeId a;
  private NodeId b;
  private NodeId c;
  private final List<FarNode> all = new ArrayList<>();
  private final List<FarNode> living = new ArrayList<>();

  private FarNode start(String name) {
    FarNode node = FarNode.start(name, SLOTS, a.address(), SETTINGS);
    all.add(node);
    return node;
  }

  @BeforeAll
  void startAll() {
    dfut =
        DFutSystem.start(
            ConfigFactory.parseString(Habitat.joining("") + String.join("\n", SETTINGS))
                .withFallback(Habitat.config(SLOTS)));
    a = dfut.node();
    farB = start("b");
    farC = start("c");
    b = farB.node();
    c = farC.node();
    living.addAll(all);
    Awaitility.await("three JVMs form a cluster").until(() -> dfut.nodes().size() == 3);
  }

  @AfterEach
  void nothingIsLeft() {
    Gate.openAll();
    dfut.inspect().assertNoLeaks(SOON);
    living.forEach(node -> node.inspect().assertNoLeaks(SOON));
    assertThat(all).allSatisfy(node -> assertThat(node.errors()).isEmpty());
  }

  @AfterAll
  void closeAll() {
    Gate.openAll();
    if (dfut != null) {
      dfut.close();
    }
    all.forEach(FarNode::close);
    Gate.forgetAll();
  }

  private static ConditionFactory eventually(String reason) {
    return Awaitility.await(reason).atMost(SOON).pollInterval(Duration.ofMillis(5));
  }

  /** The value; the handle is closed, also where there is no scope. */
  private static <T> T now(DFut<T> future) {
    try (future) {
      return future.get(SOON);
    }
  }

  // ---- what tasks do ----

  private static NodeId here() {
    return DFutContext.current().node();
  }

  private static NodeId works(long millis) {
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    return here();
  }

  private static NodeId worksWith(byte[] data, long millis) {
    assertThat(data).isNotEmpty();
    return works(millis);
  }

  private static NodeId reads(byte[] data) {
    assertThat(data).isNotEmpty();
    return here();
  }

  private static NodeId readsBoth(byte[] one, byte[] two) {
    assertThat(one).isNotEqualTo(two);
    return here();
  }

  private static NodeId hereAfter(Gate gate) throws InterruptedException {
    gate.pass();
    return here();
  }

  // ---- balance ----

  private Map<NodeId, Long> count(String what, List<DFut<NodeId>> tasks) {
    long start = System.nanoTime();
    Map<NodeId, Long> counts =
        tasks.stream()
            .map(task -> task.get(SOON))
            .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
    System.out.printf(
        "%s: %s in %d ms%n", what, counts.values(), (System.nanoTime() - start) / 1_000_000);
    return counts;
  }

  @Test
  @Order(1)
  @Tag("C261")
  @DisplayName("261 a thousand tasks of a tenth of a second run on all nodes")
  void tasksSpreadOverAllNodes() {
    dfut.scope(
        () -> {
          List<DFut<NodeId>> tasks =
              IntStream.range(0, 1_000)
                  .mapToObj(i -> dfut.task(SchedulingIT::works).submit(100L))
                  .toList();
          Map<NodeId, Long> counts = count("1000 tasks", tasks);
          assertThat(counts).containsOnlyKeys(a, b, c);
          assertThat(counts.values()).allMatch(count -> count >= 100);
        });
  }

  @Test
  @Order(2)
  @Tag("C261")
  @DisplayName(
      "261 tasks that all read what is stored here run elsewhere too, when it is full here")
  void tasksWithALocalArgumentSpreadToo() {
    dfut.scope(
        () -> {
          DFut<byte[]> data = dfut.put(Tasks.bytes(1, LARGE));
          List<DFut<NodeId>> tasks =
              IntStream.range(0, 100)
                  .mapToObj(i -> dfut.task(SchedulingIT::worksWith).submit(data, 100L))
                  .toList();
          Map<NodeId, Long> counts = count("100 tasks with an argument here", tasks);
          assertThat(counts).containsOnlyKeys(a, b, c);
          assertThat(counts.values()).allMatch(count -> count >= 20);
        });
  }

  // ---- locality ----

  private DFut<byte[]> madeOn(NodeId node, int seed, int length) {
    DFut<byte[]> made = dfut.task(Tasks::bytes).on(node).submit(seed, length);
    eventually("it is not made").until(made::isReady);
    return made;
  }

  @Test
  @Order(3)
  @Tag("C263")
  @DisplayName("263 a task that reads much runs where that is, though there is room here")
  void taskRunsWhereItsArgumentIs() {
    dfut.scope(
        () -> {
          DFut<byte[]> data = madeOn(b, 1, HUGE);
          long pulls = dfut.inspect().store().pulls();
          for (int i = 0; i < 5; i++) {
            assertThat(dfut.task(SchedulingIT::here).submit().get(SOON)).isEqualTo(a);
            assertThat(dfut.task(SchedulingIT::reads).submit(data).get(SOON))
                .as("a lease is idle here")
                .isEqualTo(b);
          }
          assertThat(dfut.inspect().store().pulls()).isEqualTo(pulls);
        });
  }

  @Test
  @Order(4)
  @Tag("C263")
  @DisplayName("263 tasks with arguments on different nodes, submitted at once, each go to theirs")
  void eachTaskGoesToItsOwnArgument() {
    dfut.scope(
        () -> {
          Map<NodeId, DFut<byte[]>> data =
              Map.of(a, madeOn(a, 1, LARGE), b, madeOn(b, 2, LARGE), c, madeOn(c, 3, LARGE));
          Map<DFut<NodeId>, NodeId> homes = new ConcurrentHashMap<>();
          for (int i = 0; i < SLOTS / 2; i++) { // some slots are held by leases that idle
            data.forEach(
                (node, object) -> homes.put(dfut.task(SchedulingIT::reads).submit(object), node));
          }
          assertThat(homes).allSatisfy((task, home) -> assertThat(task.get(SOON)).isEqualTo(home));
        });
  }

  @Test
  @Order(5)
  @Tag("C263")
  @DisplayName("263 a secondary copy counts as well as the primary one")
  void secondaryCopyCounts() {
    dfut.scope(
        () -> {
          DFut<byte[]> larger = madeOn(c, 1, 2 * LARGE);
          DFut<byte[]> smaller = madeOn(b, 2, LARGE);
          assertThat(dfut.task(SchedulingIT::readsBoth).submit(larger, smaller).get(SOON))
              .as("most of it is on c")
              .isEqualTo(c);
          DFut<byte[]> other = madeOn(b, 3, LARGE);
          assertThat(dfut.task(SchedulingIT::reads).on(b).submit(larger).get(SOON)).isEqualTo(b);
          eventually("the owner does not know of the copy on b")
              .untilAsserted(
                  () ->
                      assertThat(now(dfut.task(SchedulingIT::readsBoth).submit(larger, other)))
                          .as("all of it is on b now, part of it on c")
                          .isEqualTo(b));
        });
  }

  private static SharedDFut<byte[]> madeElsewhere(NodeId node, int seed, int length) {
    DFut<byte[]> made = DFutContext.current().task(Tasks::bytes).on(node).submit(seed, length);
    DFutContext.current().await(List.of(made), 1, SOON);
    return made.share();
  }

  @Test
  @Order(6)
  @Tag("C263")
  @DisplayName("263 so does a task whose submitter only borrows the argument")
  void borrowedArgumentCounts() {
    dfut.scope(
        () -> {
          SharedDFut<byte[]> reference =
              dfut.task(SchedulingIT::madeElsewhere).on(c).submit(b, 1, HUGE).get(SOON);
          DFut<byte[]> borrowed = reference.borrow();
          assertThat(dfut.task(SchedulingIT::reads).submit(borrowed).get(SOON)).isEqualTo(b);
        });
  }

  @Test
  @Order(7)
  @Tag("C263")
  @DisplayName("263 spread() overrides where the argument is")
  void spreadOverridesLocality() {
    dfut.scope(
        () -> {
          DFut<byte[]> data = madeOn(b, 1, LARGE);
          eventually("spread tasks all run where their argument is")
              .until(() -> !b.equals(now(dfut.task(SchedulingIT::reads).spread().submit(data))));
          eventually("spread tasks all run at home")
              .until(() -> !a.equals(now(dfut.task(SchedulingIT::here).spread().submit())));
        });
  }

  @Test
  @Order(8)
  @Tag("C263")
  @DisplayName("263 when the node is full the task runs elsewhere, and again there when it is not")
  void fullNodeIsNotWaitedFor() {
    dfut.scope(
        () -> {
          DFut<byte[]> data = madeOn(b, 1, LARGE);
          Gate gate = Gate.closed();
          DFut<NodeId> filling = dfut.task(SchedulingIT::hereAfter).cpus(SLOTS).on(b).submit(gate);
          gate.awaitArrived(1);
          assertThat(dfut.task(SchedulingIT::reads).submit(data).get(SOON)).isNotEqualTo(b);
          gate.open();
          assertThat(filling.get(SOON)).isEqualTo(b);
        });
  }

  @Test
  @Order(9)
  @DisplayName(
      "near(…) prefers the node that has the object, also a borrowed one, until it is full")
  void nearPrefersTheNodeOfTheObject() {
    dfut.scope(
        () -> {
          DFut<byte[]> data = madeOn(b, 1, 200_000);
          assertThat(dfut.task(SchedulingIT::here).near(data).submit().get(SOON)).isEqualTo(b);
          DFut<byte[]> otherwise = madeOn(c, 2, LARGE);
          assertThat(dfut.task(SchedulingIT::reads).near(data).submit(otherwise).get(SOON))
              .as("asked for by name: outweighs the argument")
              .isEqualTo(b);
          SharedDFut<byte[]> reference =
              dfut.task(SchedulingIT::madeElsewhere).on(b).submit(c, 3, 200_000).get(SOON);
          DFut<byte[]> borrowed = reference.borrow();
          eventually("it is not known where it is").until(borrowed::isReady);
          assertThat(dfut.task(SchedulingIT::here).near(borrowed).submit().get(SOON))
              .as("near what another owns")
              .isEqualTo(c);
          Gate gate = Gate.closed();
          DFut<NodeId> filling = dfut.task(SchedulingIT::hereAfter).cpus(SLOTS).on(b).submit(gate);
          gate.awaitArrived(1);
          assertThat(dfut.task(SchedulingIT::here).near(data).submit().get(SOON)).isNotEqualTo(b);
          gate.open();
          assertThat(filling.get(SOON)).isEqualTo(b);
        });
  }

  // ---- who comes and goes ----

  private static final int BYTES = 150_000;

  private static Returns2<NodeId, byte[]> makes(int seed) {
    return new Returns2<>(works(50), Tasks.bytes(seed, BYTES));
  }

  /** Keeps more tasks under way than there are slots, and looks at what each gave. */
  private final class Load {
    private static final int UNDER_WAY = 60;

    /** Where tasks ran, in the order of their submission. */
    final List<NodeId> ran = new CopyOnWriteArrayList<>();

    /** Results that nobody has read, of those that ran on the node meant, by their seeds. */
    final Map<Integer, DFut<byte[]>> kept = new ConcurrentHashMap<>();

    private volatile NodeId meant;
    private volatile boolean over;
    private final CompletableFuture<Void> end = new CompletableFuture<>();

    void start() {
      Thread.ofVirtual()
          .name("load")
          .start(
              () -> {
                try {
                  run();
                  end.complete(null);
                } catch (RuntimeException | Error e) {
                  end.completeExceptionally(e);
                }
              });
    }

    private void run() {
      record Sent(int seed, DFut2<NodeId, byte[]> futures) {}
      Deque<Sent> sent = new ArrayDeque<>();
      int seed = 0;
      while (true) {
        while (!over && sent.size() < UNDER_WAY) {
          seed++;
          sent.add(new Sent(seed, dfut.multi2(SchedulingIT::makes).submit(seed)));
        }
        Sent first = sent.pollFirst();
        if (first == null) {
          return;
        }
        NodeId where;
        try (DFut<NodeId> future = first.futures().first()) {
          where = future.get(SOON);
        }
        if (where.equals(meant)) {
          kept.put(first.seed(), first.futures().second());
        } else {
          first.futures().second().close();
        }
        ran.add(where);
      }
    }

    void awaitMore(int tasks) {
      int before = ran.size();
      eventually("no task ends any more")
          .until(() -> end.isCompletedExceptionally() || ran.size() >= before + tasks);
    }

    void stop() {
      over = true;
      end.orTimeout(SOON.toSeconds(), TimeUnit.SECONDS).join();
    }
  }

  @Test
  @Order(10)
  @Tag("C266")
  @DisplayName(
      "266 a node that joins under load has work in time, and no task fails when it leaves")
  void nodesJoinAndLeaveUnderLoad() {
    Load load = new Load();
    FarNode coming = start("d");
    load.start();
    load.awaitMore(100);
    eventually("the fourth node is not there").until(() -> dfut.nodes().size() == 4);
    long joinedNanos = System.nanoTime();
    NodeId d = dfut.nodes().stream().filter(n -> !List.of(a, b, c).contains(n)).findFirst().get();
    load.meant = d;
    eventually("the node that joined has no work").until(() -> load.ran.contains(d));
    Duration untilUsed = Duration.ofNanos(System.nanoTime() - joinedNanos);
    System.out.printf("a result of the fourth node after %d ms%n", untilUsed.toMillis());
    assertThat(untilUsed).isLessThan(Duration.ofSeconds(2));

    coming.ready();
    eventually("it has few results").until(() -> load.kept.size() >= 20);
    assertThat(coming.leave()).isEqualTo(OptionalInt.of(0));
    eventually("who has left is counted").until(() -> !dfut.nodes().contains(d));
    load.awaitMore(100);
    load.stop();
    assertThat(load.kept).hasSizeGreaterThanOrEqualTo(20);
    load.kept.forEach(
        (seed, future) -> {
          try (future) {
            assertThat(future.get(SOON)).isEqualTo(Tasks.bytes(seed, BYTES));
          }
        });
    System.out.printf(
        "%d tasks, %d of them there; all %d results that only it held can be read%n",
        load.ran.size(), load.ran.stream().filter(d::equals).count(), load.kept.size());
  }

  @Test
  @Order(11)
  @Tag("C267")
  @DisplayName("267 on(…) a node that is unknown or dead fails in time, and names it")
  void pinnedToAMissingNodeFails() {
    dfut.scope(
        () -> {
          NodeId unknown = new NodeId("127.0.0.1", 1, 42);
          assertMissing(unknown, dfut.task(SchedulingIT::here).on(unknown).submit());
          Gate gate = Gate.closed();
          DFut<NodeId> running = dfut.task(SchedulingIT::hereAfter).cpus(SLOTS).on(c).submit(gate);
          gate.awaitArrived(1);
          DFut<NodeId> queued = dfut.task(SchedulingIT::here).on(c).submit();
          farC.kill();
          living.remove(farC);
          assertMissing(c, running);
          assertMissing(c, queued);
          assertThat(dfut.nodes()).doesNotContain(c);
          assertMissing(c, dfut.task(SchedulingIT::here).cpus(0).on(c).submit());
          assertThat(dfut.task(SchedulingIT::here).on(b).submit().get(SOON)).isEqualTo(b);
        });
  }

  private static void assertMissing(NodeId node, DFut<NodeId> task) {
    assertThatThrownBy(() -> task.get(SOON))
        .isInstanceOf(InfeasibleResourcesException.class)
        .hasMessageContaining(node.toString());
  }
}
