package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.InfeasibleResourcesException;
import io.dfut.Inspection;
import io.dfut.NodeId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How slots and other resources are shared out. */
abstract class SchedulingScenarios extends Scenarios {
  /** The default of {@code dfut.scheduler.infeasible-timeout}. */
  private static final Duration UNTIL_INFEASIBLE = Duration.ofSeconds(10);

  static NodeId here() {
    return DFutContext.current().node();
  }

  // ---- what cannot be had ----

  @Test
  @Tag("C255")
  @DisplayName("255 what no node can hold fails in time, naming the nearest, with one warning")
  void whatNoNodeCanHoldFailsInTime() {
    int all = habitat().slots();
    assertThat(dfut.task(SchedulingScenarios::here).cpus(all).submit().get(SOON)).isEqualTo(far());

    long start = System.nanoTime();
    List<DFut<NodeId>> tooLarge =
        IntStream.range(0, 20)
            .mapToObj(i -> dfut.task(SchedulingScenarios::here).cpus(2.0 * all).submit())
            .toList();
    DFut<NodeId> unknown = dfut.task(SchedulingScenarios::here).resource("moonstone", 0.5).submit();
    DFut<NodeId> onItsNode =
        dfut.task(SchedulingScenarios::here).cpus(3.0 * all).on(far()).submit();
    DFut<NodeId> between = dfut.task(SchedulingScenarios::here).submit();
    assertThat(between.get(SOON)).as("others are not held up").isEqualTo(far());

    Duration patience = UNTIL_INFEASIBLE.plusSeconds(5);
    assertThatThrownBy(() -> tooLarge.getFirst().get(patience))
        .isInstanceOf(InfeasibleResourcesException.class)
        .hasMessageContaining(2 * all + " CPU")
        .hasMessageContaining(far() + " with " + all + " CPU");
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(UNTIL_INFEASIBLE, UNTIL_INFEASIBLE.plusSeconds(2));
    for (DFut<NodeId> future : tooLarge) {
      assertThatThrownBy(() -> future.get(patience))
          .isInstanceOf(InfeasibleResourcesException.class);
    }
    assertThatThrownBy(() -> unknown.get(patience))
        .isInstanceOf(InfeasibleResourcesException.class)
        .hasMessageContaining("0.5 moonstone");
    assertThatThrownBy(() -> onItsNode.get(patience))
        .isInstanceOf(InfeasibleResourcesException.class)
        .hasMessageContaining(far().toString())
        .hasMessageContaining(3 * all + " CPU");
    for (String shape : List.of(2 * all + " CPU", "0.5 moonstone", 3 * all + " CPU")) {
      assertThat(warnings()).filteredOn(line -> line.contains(shape)).as(shape).hasSize(1);
    }
  }

  // ---- never more than there is ----

  /** What tasks that run hold, in ten-thousandths; all nodes' slots are in this JVM. */
  private static final class InUse {
    static final AtomicLong NOW = new AtomicLong();
    static final AtomicLong MOST = new AtomicLong();

    static void reset() {
      NOW.set(0);
      MOST.set(0);
    }
  }

  private static void hold(long units) {
    InUse.MOST.accumulateAndGet(InUse.NOW.addAndGet(units), Math::max);
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
    InUse.NOW.addAndGet(-units);
  }

  @Test
  @DisplayName("tasks of all sorts of fractions never hold more CPUs than there are")
  void fractionsNeverHoldMoreThanThereIs() {
    InUse.reset();
    Random random = new Random(255);
    List<DFut<Void>> tasks = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      long units = 1 + random.nextInt(20_000);
      tasks.add(dfut.task(SchedulingScenarios::hold).cpus(units / 10_000.0).submit(units));
    }
    tasks.forEach(task -> task.get(SOON));
    assertThat(InUse.MOST.get()).isBetween(1L, habitat().slots() * 10_000L);
    assertThat(InUse.NOW.get()).isZero();
  }

  private static void holdUntil(Gate gate, Tally tally) throws InterruptedException {
    tally.enter();
    try {
      gate.pass();
    } finally {
      tally.leave();
    }
  }

  @Test
  @DisplayName("a named resource is shared by as many tasks as it is enough for, in fractions")
  void namedResourceIsSharedInFractions() {
    int room = 4 * habitat().slots();
    Gate gate = Gate.closed();
    Tally tally = Tally.zero();
    List<DFut<Void>> tasks =
        IntStream.range(0, 2 * room)
            .mapToObj(
                i ->
                    dfut.task(SchedulingScenarios::holdUntil)
                        .cpus(0)
                        .resource("token", 0.25)
                        .submit(gate, tally))
            .toList();
    gate.awaitArrived(room);
    gate.open();
    tasks.forEach(task -> task.get(SOON));
    assertThat(tally.insideMax()).isEqualTo(room);
    assertThat(tally.count()).isEqualTo(2 * room);
  }

  private static int waits(Gate gate, Tally tally, int all) throws InterruptedException {
    tally.enter();
    DFut<Integer> other = DFutContext.current().task(Tasks::after).cpus(0).submit(gate, all);
    try {
      return other.get(SOON);
    } finally {
      tally.leave();
    }
  }

  @Test
  @DisplayName("a task that blocks lends its share out, and that is the only way to be over")
  void taskThatBlocksLendsItsShare() {
    int all = habitat().slots();
    Gate gate = Gate.closed();
    Tally tally = Tally.zero();
    DFut<Integer> blocked =
        dfut.task(SchedulingScenarios::waits).cpus(all).submit(gate, tally, all);
    gate.awaitArrived(1);
    assertThat(dfut.task(Tasks::increment).cpus(all).submit(1).get(SOON))
        .as("a task that takes everything, while another one has it and waits")
        .isEqualTo(2);
    assertThat(tally.insideMax()).isEqualTo(1);
    gate.open();
    assertThat(blocked.get(SOON)).isEqualTo(all);
  }

  // ---- nesting ----

  private static int nested(int depth, int cpus, boolean inline) {
    if (depth == 0) {
      return 0;
    }
    DFut<Integer> below =
        DFutContext.current()
            .task(SchedulingScenarios::nested)
            .cpus(cpus)
            .submit(depth - 1, cpus, inline);
    return 1 + (inline ? below.get() : below.get(Duration.ofSeconds(45)));
  }

  @Test
  @DisplayName("tasks nested fifty deep end where only one has room, run inline or not")
  void nestedTasksEndOnOneSlot() {
    int all = habitat().slots(); // each takes them all: there is room for one
    for (boolean inline : new boolean[] {true, false}) {
      DFut<Integer> top = dfut.task(SchedulingScenarios::nested).cpus(all).submit(50, all, inline);
      assertThat(top.get(Duration.ofSeconds(30))).as("inline: %s", inline).isEqualTo(50);
    }
  }

  // ---- actors ----

  static final class Resident extends DFutActor<Void> {
    public NodeId home() {
      return here();
    }
  }

  private List<String> leases() {
    return nodes().stream()
        .flatMap(node -> node.inspect().leases().stream())
        .map(Inspection.Lease::state)
        .toList();
  }

  @Test
  @DisplayName("an actor holds what it asked for until it ends, whether it has work or not")
  void actorHoldsItsShareForLife() {
    int all = habitat().slots();
    ActorHandle<Resident> actor = dfut.actor(Resident::new).cpus(all).create();
    assertThat(actor.task(Resident::home).submit().get(SOON)).isEqualTo(far());
    DFut<NodeId> task = dfut.task(SchedulingScenarios::here).submit();
    ActorHandle<Resident> next = dfut.actor(Resident::new).cpus(1).create();
    eventually("they do not wait for the actor's share")
        .untilAsserted(
            () -> assertThat(leases()).containsOnly("held by an actor", "queued").hasSize(3));
    assertThat(actor.task(Resident::home).submit().get(SOON)).isEqualTo(far());
    assertThat(task.isReady()).isFalse();
    dfut.kill(actor);
    assertThat(task.get(SOON)).isEqualTo(far());
    assertThat(next.task(Resident::home).submit().get(SOON)).isEqualTo(far());
  }

  @Test
  @DisplayName("actors that ask for nothing hold nothing, however many there are")
  void actorsHoldNothingByDefault() {
    int all = habitat().slots();
    List<ActorHandle<Resident>> actors =
        Stream.generate(() -> dfut.actor(Resident::new).create()).limit(5L * all).toList();
    actors.forEach(
        actor -> assertThat(actor.task(Resident::home).submit().get(SOON)).isEqualTo(far()));
    assertThat(dfut.task(SchedulingScenarios::here).cpus(all).submit().get(SOON)).isEqualTo(far());
  }

  // ---- many ----

  private static void nothing() {}

  private static final int MANY = 100_000;

  private long usedHeapBytes() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private void runMany() {
    long start = System.nanoTime();
    List<DFut<Void>> tasks = new ArrayList<>(MANY);
    for (int i = 0; i < MANY; i++) {
      tasks.add(dfut.task(SchedulingScenarios::nothing).submit());
    }
    for (DFut<Void> task : tasks) {
      task.get(Duration.ofSeconds(30));
      task.close();
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf("269: %,d tasks in %.1f s, %,.0f a second%n", MANY, seconds, MANY / seconds);
  }

  @Test
  @Tag("C269")
  @DisplayName("269 a hundred thousand tasks end, and leave tables and heap as they were")
  @Timeout(120)
  void manyTasksLeaveNothing() {
    long before = tasksRun();
    runMany(); // what is made once is made
    nothingIsKnown();
    long heapBytes = usedHeapBytes();
    runMany();
    nothingIsKnown();
    assertThat(tasksRun() - before).isEqualTo(2 * MANY);
    eventually("the heap has grown with the tasks")
        .untilAsserted(
            () ->
                assertThat(usedHeapBytes() - heapBytes)
                    .as("some %d bytes a task", (usedHeapBytes() - heapBytes) / MANY)
                    .isLessThan(40L * MANY));
  }

  private long tasksRun() {
    return nodes().stream().mapToLong(node -> node.inspect().tasksRun()).sum();
  }

  private void nothingIsKnown() {
    eventually("rows or leases stay")
        .untilAsserted(
            () -> {
              for (Node node : nodes()) {
                assertThat(node.inspect().rows()).isEmpty();
                assertThat(node.inspect().leases()).isEmpty();
              }
            });
  }
}
