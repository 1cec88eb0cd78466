package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.Inspection;
import io.dfut.SharedDFut;
import io.dfut.TaskCancelledException;
import io.dfut.TaskTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a cancelled body sees, and what becomes of its slot, its children and its actor. */
abstract class StopScenarios extends Scenarios {
  private static void isCancelled(DFut<?> future) {
    assertThatThrownBy(() -> future.get(SOON)).isInstanceOf(TaskCancelledException.class);
  }

  private static void isCancelled(SharedDFut<?> future) {
    assertThatThrownBy(() -> future.get(SOON)).isInstanceOf(TaskCancelledException.class);
  }

  /** Tasks that hold this many slots until the gate is open, and hold them already. */
  private List<DFut<Integer>> onSlots(Gate gate, int slots) {
    List<DFut<Integer>> running =
        IntStream.range(0, slots).mapToObj(i -> dfut.task(Tasks::after).submit(gate, i)).toList();
    gate.awaitArrived(slots);
    return running;
  }

  /** All slots are free: so many tasks can run at the same time. */
  private void assertSlotsAreFree() {
    Gate gate = Gate.closed();
    List<DFut<Integer>> atOnce = onSlots(gate, habitat().slots());
    gate.open();
    atOnce.forEach(future -> future.get(SOON));
  }

  // ---- running bodies ----

  private static int untilCancelled(Tally begun, Tally seen) {
    DFutContext here = DFutContext.current();
    begun.add();
    while (!here.isCancelled()) {
      Thread.onSpinWait(); // computes, and asks now and then
    }
    return seen.add();
  }

  @Test
  @Tag("C192")
  @DisplayName("192 a body that asks now and then sees the cancellation at once")
  void cooperativeBodySeesTheCancellation() {
    List<Duration> took = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Tally begun = Tally.zero();
      Tally seen = Tally.zero();
      DFut<Integer> future = dfut.task(StopScenarios::untilCancelled).submit(begun, seen);
      eventually("the body does not begin").until(() -> begun.count() == 1);
      long start = System.nanoTime();
      assertThat(future.cancel()).isTrue();
      isCancelled(future);
      eventually("the body is not told")
          .pollInterval(Duration.ofMillis(1))
          .until(() -> seen.count() == 1);
      took.add(Duration.ofNanos(System.nanoTime() - start));
    }
    // The fastest, since a machine that has other things to do lets any of them wait.
    assertThat(Collections.min(took)).isLessThan(Duration.ofMillis(100));
    assertSlotsAreFree();
  }

  /** Goes on whoever interrupts it. */
  private static int stubborn(Gate gate, Tally seen) {
    while (!gate.isOpen()) {
      try {
        gate.pass();
      } catch (InterruptedException e) {
        if (DFutContext.current().isCancelled()) {
          seen.add();
        }
      }
    }
    return seen.count();
  }

  @Test
  @Tag("C192")
  @DisplayName("192 a body that ignores the cancellation keeps its slot until it ends")
  void stubbornBodyKeepsItsSlot() {
    Gate gate = Gate.closed();
    Tally seen = Tally.zero();
    int slots = habitat().slots();
    List<DFut<Integer>> stubborn =
        IntStream.range(0, slots)
            .mapToObj(i -> dfut.task(StopScenarios::stubborn).submit(gate, seen))
            .toList();
    gate.awaitArrived(slots);
    assertThat(stubborn).allSatisfy(future -> assertThat(future.cancel()).isTrue());
    stubborn.forEach(StopScenarios::isCancelled);
    eventually("the bodies are not interrupted").until(() -> seen.count() == slots);
    Tally ran = Tally.zero();
    DFut<Integer> next = dfut.task(Tasks::counted).cpus(0.5).submit(ran, 1);
    eventually("the next task is not queued")
        .until(
            () ->
                nodes().stream()
                    .flatMap(node -> node.inspect().leases().stream())
                    .anyMatch(lease -> lease.state().equals("queued")));
    assertThat(ran.count()).as("it ran on a slot that is taken").isZero();
    assertThat(next.isReady()).isFalse();
    gate.open();
    assertThat(next.get(SOON)).isEqualTo(1);
    stubborn.forEach(StopScenarios::isCancelled);
    assertSlotsAreFree();
  }

  private static int waitForWhatNeverComes(Gate gate, Tally cancelled, SharedDFut<Integer> never) {
    gate.open();
    try {
      return never.get();
    } catch (TaskCancelledException e) {
      cancelled.add();
      throw e;
    }
  }

  @Test
  @Tag("C192")
  @DisplayName("192 a blocked body is interrupted, in the JDK's waits and in get")
  void blockedBodyIsInterrupted() throws InterruptedException {
    Gate closed = Gate.closed();
    DFut<Integer> atTheGate = dfut.task(Tasks::after).submit(closed, 1);
    closed.awaitArrived(1);
    assertThat(atTheGate.cancel()).isTrue();
    isCancelled(atTheGate);
    eventually("the body was not interrupted").until(() -> closed.interrupted() == 1);

    Gate begun = Gate.closed();
    Tally cancelled = Tally.zero();
    DFut<Integer> never = dfut.<Integer>promise().future();
    DFut<Integer> inGet =
        dfut.task(StopScenarios::waitForWhatNeverComes).submit(begun, cancelled, never.share());
    begun.pass();
    assertThat(inGet.cancel()).isTrue();
    isCancelled(inGet);
    eventually("get was not ended").until(() -> cancelled.count() == 1);
    assertThat(never.isReady()).as("what it waited for is another's").isFalse();
    assertSlotsAreFree();
  }

  // ---- children ----

  /** Holds references for whoever asks. */
  static final class Box extends DFutActor<Void> {
    private List<SharedDFut<Integer>> content = List.of();

    public void keep(List<SharedDFut<Integer>> references) {
      content = references;
    }

    public List<SharedDFut<Integer>> give() {
      return content;
    }
  }

  private ActorHandle<Box> box() {
    return dfut.actor(Box::new).on(far()).create();
  }

  /** What a task put into the box. */
  private List<SharedDFut<Integer>> in(ActorHandle<Box> box) {
    List<List<SharedDFut<Integer>>> found = new ArrayList<>();
    eventually("nothing comes into the box")
        .pollInSameThread() // whose scope closes what is found
        .until(
            () -> {
              DFut<List<SharedDFut<Integer>>> asked = box.task(Box::give).submit();
              List<SharedDFut<Integer>> content = asked.get(SOON);
              asked.close();
              found.add(content);
              return !content.isEmpty();
            });
    return found.getLast();
  }

  private static int parentOf(ActorHandle<Box> box, int children, Gate theirs, Gate own)
      throws InterruptedException {
    DFutContext here = DFutContext.current();
    List<SharedDFut<Integer>> shared =
        IntStream.range(0, children)
            .mapToObj(i -> here.task(Tasks::after).submit(theirs, i).share())
            .toList();
    box.task(Box::keep).submit(shared).get();
    own.pass();
    return children;
  }

  @Test
  @Tag("C197")
  @DisplayName("197 cancelling a parent ends its running children, and those that are queued")
  void cancellingAParentEndsItsChildren() {
    Gate others = Gate.closed();
    List<DFut<Integer>> running = onSlots(others, habitat().slots() - 3);
    ActorHandle<Box> box = box();
    Gate theirs = Gate.closed();
    Gate own = Gate.closed();
    DFut<Integer> parent = dfut.task(StopScenarios::parentOf).cpus(0).submit(box, 6, theirs, own);
    own.awaitArrived(1);
    theirs.awaitArrived(3);
    List<SharedDFut<Integer>> children = in(box);
    assertThat(children).hasSize(6).noneMatch(SharedDFut::isReady);
    assertThat(parent.cancel()).isTrue();
    isCancelled(parent);
    children.forEach(StopScenarios::isCancelled);
    eventually("a body was not interrupted")
        .until(() -> theirs.interrupted() == 3 && own.interrupted() == 1);
    others.open();
    running.forEach(future -> future.get(SOON));
    assertSlotsAreFree();
    assertThat(theirs.arrived()).as("children that began").isEqualTo(3);
  }

  private static int descend(Gate gate, int depth, boolean elsewhere) throws InterruptedException {
    if (depth == 0) {
      gate.pass();
      return 0;
    }
    DFutContext here = DFutContext.current();
    var next = here.task(StopScenarios::descend).cpus(elsewhere ? 0 : 1);
    DFut<Integer> child = next.submit(gate, depth - 1, elsewhere);
    // Without a bound the child may run inside this task; with one it does not.
    return 1 + (elsewhere ? child.get(Duration.ofMinutes(1)) : child.get());
  }

  @Test
  @Tag("C197")
  @DisplayName("197 the cancellation goes down to the children's children")
  void cancellationGoesDown() {
    for (boolean elsewhere : new boolean[] {true, false}) {
      Gate gate = Gate.closed();
      DFut<Integer> top = dfut.task(StopScenarios::descend).submit(gate, 4, elsewhere);
      gate.awaitArrived(1);
      assertThat(top.cancel()).isTrue();
      isCancelled(top);
      eventually("the deepest was not interrupted").until(() -> gate.interrupted() == 1);
      assertSlotsAreFree();
    }
  }

  private static int submitLater(Gate gate, Tally ran, Gate submitted) throws InterruptedException {
    try {
      gate.pass();
    } catch (InterruptedException e) {
      DFut<Integer> late = DFutContext.current().task(Tasks::counted).submit(ran, 1);
      submitted.pass(); // there is no free slot, so the child has not begun
      return late.isReady() ? 1 : 2;
    }
    return 0;
  }

  @Test
  @Tag("C197")
  @DisplayName("197 what a task submits after it was cancelled is cancelled, too")
  void whatACancelledTaskSubmitsIsCancelled() {
    Gate others = Gate.closed();
    List<DFut<Integer>> running = onSlots(others, habitat().slots() - 1);
    Gate gate = Gate.closed();
    Tally ran = Tally.zero();
    Gate kept = Gate.closed();
    DFut<Integer> parent = dfut.task(StopScenarios::submitLater).submit(gate, ran, kept);
    gate.awaitArrived(1);
    assertThat(parent.cancel()).isTrue();
    isCancelled(parent);
    eventually("the body does not go on").until(() -> kept.arrived() == 1);
    kept.open();
    others.open();
    running.forEach(future -> future.get(SOON));
    assertSlotsAreFree();
    assertThat(ran.count()).as("the late child ran").isZero();
  }

  /** By a static field a handle itself comes to another task, which may run what it waits for. */
  private static final Map<Gate, DFut<Integer>> HANDED_OVER = new ConcurrentHashMap<>();

  private static int readHandedOver(Gate gate) {
    return HANDED_OVER.get(gate).get();
  }

  /** Two children: one that waits at the gate, and one that waits for that, so runs it itself. */
  private static String siblings(ActorHandle<Box> box, Gate gate) {
    DFutContext here = DFutContext.current();
    DFut<Integer> first = here.task(Tasks::after).submit(gate, 7);
    HANDED_OVER.put(gate, first);
    DFut<Integer> second = here.task(StopScenarios::readHandedOver).submit(gate);
    box.task(Box::keep).submit(List.of(second.share()));
    String what;
    try {
      what = second.get().toString();
    } catch (TaskCancelledException e) {
      what = "cancelled";
    }
    HANDED_OVER.remove(gate);
    return first.get() + " " + what;
  }

  @Test
  @Tag("C197")
  @DisplayName("197 a cancelled task does not take along what it runs on behalf of another")
  void cancelledTaskLeavesASiblingAloneThatItRuns() {
    Gate others = Gate.closed();
    List<DFut<Integer>> running = onSlots(others, habitat().slots() - 1);
    ActorHandle<Box> box = box();
    Gate gate = Gate.closed();
    DFut<String> parent = dfut.task(StopScenarios::siblings).submit(box, gate);
    gate.awaitArrived(1);
    SharedDFut<Integer> second = in(box).getFirst();
    assertThat(dfut.cancel(second)).isTrue();
    isCancelled(second);
    assertThat(gate.interrupted()).isZero();
    gate.open();
    assertThat(parent.get(SOON)).isEqualTo("7 cancelled");
    others.open();
    running.forEach(future -> future.get(SOON));
  }

  private static int runItsChild(ActorHandle<Box> box, Gate gate) {
    DFut<Integer> child = DFutContext.current().task(Tasks::after).submit(gate, 7);
    box.task(Box::keep).submit(List.of(child.share()));
    return child.get();
  }

  @Test
  @Tag("C197")
  @DisplayName(
      "197 a child that its parent runs itself is cancelled, and not failed by an interrupt")
  void childThatRunsInItsParentIsCancelled() {
    Gate others = Gate.closed();
    List<DFut<Integer>> running = onSlots(others, habitat().slots() - 1);
    for (int round = 0; round < 50; round++) {
      ActorHandle<Box> box = box();
      Gate gate = Gate.closed();
      DFut<Integer> parent = dfut.task(StopScenarios::runItsChild).submit(box, gate);
      gate.awaitArrived(1);
      SharedDFut<Integer> child = in(box).getFirst();
      assertThat(parent.cancel()).isTrue();
      isCancelled(parent);
      isCancelled(child);
      eventually("the child was not interrupted").until(() -> gate.interrupted() == 1);
      child.close();
      box.close();
    }
    others.open();
    running.forEach(future -> future.get(SOON));
    assertSlotsAreFree();
  }

  static final class Slow extends DFutActor<Void> {
    public Slow(Gate gate) throws InterruptedException {
      gate.pass();
    }

    public int answer() {
      return 42;
    }
  }

  private static int makeDetached(String name, Gate constructor, Gate own)
      throws InterruptedException {
    DFutContext.current().actor(Slow::new, constructor).named(name).detached().create();
    own.pass();
    return 0;
  }

  @Test
  @Tag("C197")
  @DisplayName("197 a detached actor stays when the task that made it is cancelled")
  void detachedActorOfACancelledTaskStays() {
    for (boolean made : new boolean[] {true, false}) {
      String name = "c197-" + made;
      Gate constructor = Gate.closed();
      Gate own = Gate.closed();
      DFut<Integer> parent = dfut.task(StopScenarios::makeDetached).submit(name, constructor, own);
      constructor.awaitArrived(1);
      own.awaitArrived(1);
      if (made) {
        constructor.open();
        ActorHandle<Slow> early = dfut.getActor(Slow.class, name).orElseThrow();
        assertThat(early.task(Slow::answer).submit().get(SOON)).isEqualTo(42);
        early.close();
      }
      assertThat(parent.cancel()).isTrue();
      isCancelled(parent);
      eventually("the parent was not interrupted").until(() -> own.interrupted() == 1);
      constructor.open();
      ActorHandle<Slow> actor = dfut.getActor(Slow.class, name).orElseThrow();
      assertThat(actor.task(Slow::answer).submit().get(SOON)).isEqualTo(42);
      assertThat(constructor.interrupted()).isZero();
      dfut.kill(actor);
    }
  }

  private static SharedDFut<Integer> startAndLeave(Gate gate) {
    return DFutContext.current().task(Tasks::after).submit(gate, 1).share();
  }

  @Test
  @DisplayName("a child has what was left of its parent's time, also when the parent has ended")
  void childInheritsTheTimeLeft() {
    Gate gate = Gate.closed();
    long start = System.nanoTime();
    SharedDFut<Integer> child =
        dfut.task(StopScenarios::startAndLeave)
            .timeout(Duration.ofSeconds(1))
            .submit(gate)
            .get(SOON);
    gate.awaitArrived(1);
    assertThatThrownBy(() -> child.get(SOON)).isInstanceOf(TaskTimeoutException.class);
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofMillis(900), Duration.ofMillis(1_900));
    eventually("the body was not interrupted").until(() -> gate.interrupted() == 1);
  }

  // ---- actors ----

  static final class Worker extends DFutActor<Void> {
    private int n;

    public int add(int by) {
      return n += by;
    }

    /** Waits, and tells what it sees when it is interrupted. */
    public int hang(Gate gate, Tally seen) throws InterruptedException {
      try {
        gate.pass();
      } catch (InterruptedException e) {
        if (DFutContext.current().isCancelled() && dfut().isCancelled()) {
          seen.add();
        }
        throw e;
      }
      return n;
    }

    public int hangOnChildren(Gate theirs, Gate own) throws InterruptedException {
      DFut<Integer> one = DFutContext.current().task(Tasks::after).submit(theirs, 1);
      DFut<Integer> other = dfut().task(Tasks::after).submit(theirs, 2);
      own.pass();
      return one.get() + other.get();
    }

    public SharedDFut<Integer> startAndLeave(Gate gate) {
      try (DFut<Integer> child = dfut().task(Tasks::after).submit(gate, 1)) {
        return child.share();
      }
    }
  }

  private ActorHandle<Worker> worker() {
    return dfut.actor(Worker::new).on(far()).create();
  }

  /** Calls that wait for their turn at their actors. */
  private int queuedCalls() {
    return nodes().stream()
        .flatMap(node -> node.inspect().actors().stream())
        .mapToInt(Inspection.Actor::queued)
        .sum();
  }

  @Test
  @Tag("C199")
  @DisplayName("199 a queued call that is cancelled never runs, and those around it do")
  void queuedCallNeverRuns() {
    ActorHandle<Worker> worker = worker();
    Gate gate = Gate.closed();
    Tally seen = Tally.zero();
    DFut<Integer> hung = worker.task(Worker::hang).submit(gate, seen);
    gate.awaitArrived(1);
    DFut<Integer> before = worker.task(Worker::add).submit(1);
    DFut<Integer> cancelled = worker.task(Worker::add).submit(10);
    DFut<Integer> never = dfut.<Integer>promise().future();
    DFut<Integer> waiting = worker.task(Worker::add).submit(never);
    List<DFut<Integer>> after =
        List.of(worker.task(Worker::add).submit(100), worker.task(Worker::add).submit(1_000));
    assertThat(cancelled.cancel()).isTrue();
    assertThat(waiting.cancel()).as("one that holds up those behind it").isTrue();
    isCancelled(cancelled);
    isCancelled(waiting);
    eventually("it is still queued")
        .until(() -> queuedCalls() == 3); // without it, with those after
    assertThat(before.isReady()).isFalse();
    gate.open();
    assertThat(hung.get(SOON)).isZero();
    assertThat(before.get(SOON)).isEqualTo(1);
    assertThat(after.stream().map(call -> call.get(SOON))).containsExactly(101, 1_101);
    assertThat(seen.count()).isZero();
  }

  @Test
  @Tag("C199")
  @DisplayName("199 a running call is told and interrupted; the actor and its state live on")
  void runningCallIsStoppedAndTheActorLives() {
    ActorHandle<Worker> worker = worker();
    assertThat(worker.task(Worker::add).submit(5).get(SOON)).isEqualTo(5);
    Gate gate = Gate.closed();
    Tally seen = Tally.zero();
    DFut<Integer> hung = worker.task(Worker::hang).submit(gate, seen);
    gate.awaitArrived(1);
    DFut<Integer> next = worker.task(Worker::add).submit(10);
    assertThat(hung.cancel()).isTrue();
    isCancelled(hung);
    assertThat(next.get(SOON)).isEqualTo(15);
    assertThat(gate.interrupted()).isEqualTo(1);
    assertThat(seen.count()).as("the method saw it, in both of its contexts").isEqualTo(1);
    assertThat(gate.arrived()).as("it is not run again").isEqualTo(1);
  }

  @Test
  @Tag("C199")
  @DisplayName("199 what a cancelled call submitted is cancelled, by whichever context it did")
  void childrenOfACancelledCallAreCancelled() {
    ActorHandle<Worker> worker = worker();
    Gate theirs = Gate.closed();
    Gate own = Gate.closed();
    DFut<Integer> call = worker.task(Worker::hangOnChildren).submit(theirs, own);
    own.awaitArrived(1);
    theirs.awaitArrived(2);
    assertThat(call.cancel()).isTrue();
    isCancelled(call);
    eventually("a child was not interrupted").until(() -> theirs.interrupted() == 2);
    assertThat(worker.task(Worker::add).submit(1).get(SOON)).isEqualTo(1);

    Gate left = Gate.closed();
    SharedDFut<Integer> child =
        worker.task(Worker::startAndLeave).timeout(Duration.ofSeconds(1)).submit(left).get(SOON);
    left.awaitArrived(1);
    assertThatThrownBy(() -> child.get(SOON)).isInstanceOf(TaskTimeoutException.class);
  }

  @Test
  @Tag("C199")
  @DisplayName("199 of many calls half are cancelled; the others run, in their order")
  void halfOfManyCallsAreCancelled() {
    ActorHandle<Worker> worker = worker();
    Random random = new Random(199);
    for (int round = 0; round < 5; round++) {
      Gate gate = Gate.closed();
      DFut<Integer> hung = worker.task(Worker::hang).submit(gate, Tally.zero());
      gate.awaitArrived(1);
      List<DFut<Integer>> calls =
          IntStream.range(0, 300).mapToObj(i -> worker.task(Worker::add).submit(1)).toList();
      Set<Integer> cancelled = new HashSet<>();
      boolean late = round % 2 == 1;
      if (late) {
        gate.open(); // they run meanwhile
      }
      for (int i = 0; i < calls.size(); i++) {
        if (random.nextBoolean() && calls.get(i).cancel()) {
          cancelled.add(i);
        }
      }
      if (!late) {
        int left = calls.size() - cancelled.size();
        eventually("some are still queued").until(() -> queuedCalls() == left);
      }
      gate.open();
      hung.get(SOON);
      int ran = 0;
      int last = -1;
      for (int i = 0; i < calls.size(); i++) {
        try {
          int value = calls.get(i).get(SOON);
          assertThat(value).as("call %d", i).isGreaterThan(last);
          last = value;
          ran++;
        } catch (TaskCancelledException e) {
          assertThat(cancelled).contains(i);
        }
      }
      if (!late) {
        assertThat(ran).isEqualTo(calls.size() - cancelled.size());
      }
      calls.forEach(DFut::close);
    }
  }
}
