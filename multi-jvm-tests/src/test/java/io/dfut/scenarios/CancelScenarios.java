package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.dfut.DFut;
import io.dfut.TaskCancelledException;
import io.dfut.TaskTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How tasks are stopped: by their handles, and by their time limits. */
abstract class CancelScenarios extends Scenarios {
  private static int afterAnd(Gate gate, Tally tally, int value) throws InterruptedException {
    gate.pass();
    tally.add();
    return value + 1;
  }

  private List<DFut<Integer>> chain(Gate gate, Tally tally) {
    List<DFut<Integer>> chain = new ArrayList<>();
    chain.add(dfut.task(CancelScenarios::afterAnd).submit(gate, tally, 0));
    for (int i = 1; i < 4; i++) {
      chain.add(dfut.task(CancelScenarios::afterAnd).submit(gate, tally, chain.getLast()));
    }
    gate.awaitArrived(1);
    return chain;
  }

  private static void isCancelled(DFut<?> future) {
    Throwable thrown = catchThrowable(() -> future.get(SOON));
    while (thrown != null && !(thrown instanceof TaskCancelledException)) {
      thrown = thrown.getCause();
    }
    assertThat(thrown).as("what get gives for " + future.id()).isNotNull();
    assertThat(thrown).hasMessageContaining("afterAnd");
  }

  @Test
  @Tag("C185")
  @DisplayName("185 cancelling the head of a chain cancels all that wait for it")
  void cancellingTheHeadCancelsTheChain() {
    Gate gate = Gate.closed();
    Tally tally = Tally.zero();
    List<DFut<Integer>> chain = chain(gate, tally);
    assertThat(chain.getFirst().cancel()).isTrue();
    chain.forEach(CancelScenarios::isCancelled);
    eventually("the running body was not interrupted").until(() -> gate.interrupted() == 1);
    assertThat(tally.count()).isZero();
    assertThat(chain.getFirst().cancel()).as("cancelled before").isFalse();
  }

  @Test
  @Tag("C185")
  @DisplayName("185 cancelling the third of a chain leaves the first two alone")
  void cancellingTheThirdLeavesTheFirstTwo() {
    Gate gate = Gate.closed();
    Tally tally = Tally.zero();
    List<DFut<Integer>> chain = chain(gate, tally);
    assertThat(dfut.cancel(chain.get(2))).isTrue();
    isCancelled(chain.get(2));
    isCancelled(chain.get(3));
    assertThat(chain.get(0).isReady()).isFalse();
    gate.open();
    assertThat(chain.get(0).get(SOON)).isEqualTo(1);
    assertThat(chain.get(1).get(SOON)).isEqualTo(2);
    isCancelled(chain.get(2));
    assertThat(tally.count()).isEqualTo(2);
  }

  @Test
  @Tag("C186")
  @DisplayName("186 cancelling all that wait for a task leaves the task alone")
  void cancellingTheDependentsLeavesTheirSourceAlone() {
    Gate gate = Gate.closed();
    Tally tally = Tally.zero();
    DFut<Integer> head = dfut.task(CancelScenarios::afterAnd).submit(gate, tally, 0);
    List<DFut<Integer>> dependents =
        IntStream.range(0, 3)
            .mapToObj(i -> dfut.task(CancelScenarios::afterAnd).submit(gate, tally, head))
            .toList();
    gate.awaitArrived(1);
    assertThat(dependents).allSatisfy(dependent -> assertThat(dependent.cancel()).isTrue());
    dependents.forEach(CancelScenarios::isCancelled);
    assertThat(head.isReady()).isFalse();
    gate.open();
    assertThat(head.get(SOON)).isEqualTo(1);
    assertThat(gate.interrupted()).isZero();
    assertThat(tally.count()).as("bodies that ran").isEqualTo(1);
    dependents.forEach(CancelScenarios::isCancelled);
  }

  @Test
  @Tag("C194")
  @DisplayName("194 cancelling what has ended changes nothing")
  void cancellingWhatHasEndedChangesNothing() {
    DFut<Integer> future = dfut.task(Tasks::increment).submit(1);
    assertThat(future.get(SOON)).isEqualTo(2);
    assertThat(future.cancel()).isFalse();
    assertThat(dfut.cancel(future)).isFalse();
    assertThat(dfut.cancel(future.share())).isFalse();
    assertThat(future.get(SOON)).isEqualTo(2);
    assertThat(dfut.task(Tasks::increment).submit(future).get(SOON)).isEqualTo(3);
    DFut<Integer> put = dfut.put(4);
    assertThat(put.cancel()).isFalse();
    assertThat(put.get(SOON)).isEqualTo(4);
  }

  /**
   * Wherever a task is at that moment: not sent, on its way, queued, about to begin, or running.
   * One that is missed keeps its worker, which the check of every scenario finds.
   */
  @Test
  void cancellationReachesItsTaskAtAnyMoment() {
    Gate gate = Gate.closed();
    Random random = new Random(7);
    for (int i = 0; i < 400; i++) {
      DFut<Integer> future = dfut.task(Tasks::after).submit(gate, i);
      long until = System.nanoTime() + random.nextInt(i % 2 == 0 ? 100_000 : 1_000_000);
      while (System.nanoTime() - until < 0) {
        Thread.onSpinWait();
      }
      assertThat(future.cancel()).isTrue();
      assertThatThrownBy(() -> future.get(SOON)).isInstanceOf(TaskCancelledException.class);
    }
  }

  /** What get gives: the value, or nothing when the task was cancelled. Fails for anything else. */
  private static Optional<Integer> valueUnlessCancelled(DFut<Integer> future) {
    try {
      return Optional.of(future.get(SOON));
    } catch (TaskCancelledException e) {
      return Optional.empty();
    }
  }

  @Test
  @Tag("C200")
  @DisplayName("200 a cancel right after submit gives the value or the cancellation, to everybody")
  void cancelRightAfterSubmit() {
    Random random = new Random(200);
    for (int i = 0; i < 1_000; i++) {
      DFut<Integer> future = dfut.task(Tasks::increment).submit(i);
      if (i >= 100) { // not quite as soon: when it ends, or has just ended
        long until = System.nanoTime() + random.nextInt(i % 2 == 0 ? 20_000 : 200_000);
        while (System.nanoTime() - until < 0) {
          Thread.onSpinWait();
        }
      }
      boolean cancelled = future.cancel();
      Optional<Integer> value = valueUnlessCancelled(future);
      assertThat(value).isIn(Optional.empty(), Optional.of(i + 1));
      assertThat(cancelled || value.isPresent()).as("neither cancelled nor there").isTrue();
      DFut<Integer> consumer = dfut.task(Tasks::increment).submit(future);
      assertThat(valueUnlessCancelled(consumer)).isEqualTo(value.map(Tasks::increment));
    }
  }

  @Test
  @Tag("C200")
  @DisplayName("200 of 5,000 pending tasks one in twenty is cancelled, and all others give values")
  void oneInTwentyIsCancelled() {
    Gate gate = Gate.closed();
    Random random = new Random(200);
    List<DFut<Integer>> futures =
        IntStream.range(0, 5_000).mapToObj(i -> dfut.task(Tasks::after).submit(gate, i)).toList();
    Set<Integer> cancelled =
        IntStream.range(0, futures.size())
            .filter(i -> random.nextInt(20) == 0)
            .boxed()
            .collect(Collectors.toSet());
    assertThat(cancelled).hasSizeGreaterThan(100);
    cancelled.forEach(i -> assertThat(futures.get(i).cancel()).isTrue());
    gate.open();
    for (int i = 0; i < futures.size(); i++) {
      assertThat(valueUnlessCancelled(futures.get(i)))
          .isEqualTo(cancelled.contains(i) ? Optional.empty() : Optional.of(i));
    }
  }

  @Test
  @Tag("C200")
  @DisplayName("200 the same while they run: what was cancelled too late gives its value")
  void oneInTwentyIsCancelledWhileTheyRun() {
    Gate gate = Gate.closed();
    Random random = new Random(201);
    List<DFut<Integer>> futures =
        IntStream.range(0, 5_000).mapToObj(i -> dfut.task(Tasks::after).submit(gate, i)).toList();
    Set<Integer> cancelled = new HashSet<>();
    gate.open();
    for (int n = 0; n < 250; n++) {
      int i = random.nextInt(futures.size());
      if (futures.get(i).cancel()) {
        cancelled.add(i);
      }
    }
    for (int i = 0; i < futures.size(); i++) {
      Optional<Integer> value = valueUnlessCancelled(futures.get(i));
      if (value.isEmpty()) {
        assertThat(cancelled).as("the cancelled ones").contains(i);
      } else {
        assertThat(value).contains(i);
      }
    }
  }

  /** Takes its time; what for is nobody's business. */
  private static int nap(int millis, int value) throws InterruptedException {
    Thread.sleep(millis);
    return value;
  }

  @Test
  @Tag("C201")
  @DisplayName("201 one slot, a hundred naps, half of them cancelled at random; the slots are back")
  void halfOfTheNapsOnOneSlotAreCancelled() {
    Gate others = Gate.closed();
    List<DFut<Integer>> running = onSlots(others, habitat().slots() - 1);
    Random random = new Random(201);
    List<DFut<Integer>> naps = new ArrayList<>();
    Set<Integer> cancelled = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      int millis = random.nextBoolean() ? 0 : random.nextInt(30);
      naps.add(dfut.task(CancelScenarios::nap).submit(millis, i));
    }
    List<Integer> order = new ArrayList<>(IntStream.range(0, naps.size()).boxed().toList());
    Collections.shuffle(order, random);
    for (int i : order.subList(0, naps.size() / 2)) {
      long until = System.nanoTime() + random.nextInt(5_000_000);
      while (System.nanoTime() - until < 0) {
        Thread.onSpinWait(); // so that the naps are at all stages
      }
      if (naps.get(i).cancel()) {
        cancelled.add(i);
      }
    }
    assertThat(cancelled).as("the test cancels too late").isNotEmpty();
    for (int i = 0; i < naps.size(); i++) {
      Optional<Integer> value = valueUnlessCancelled(naps.get(i));
      if (value.isEmpty()) {
        assertThat(cancelled).as("the cancelled ones").contains(i);
      } else {
        assertThat(value).contains(i);
      }
    }
    others.open();
    running.forEach(future -> future.get(SOON));
    Gate all = Gate.closed();
    List<DFut<Integer>> atOnce = onSlots(all, habitat().slots());
    all.open();
    atOnce.forEach(future -> future.get(SOON));
  }

  /** Tasks that hold this many slots until the gate is open, and hold them already. */
  private List<DFut<Integer>> onSlots(Gate gate, int slots) {
    List<DFut<Integer>> running =
        IntStream.range(0, slots).mapToObj(i -> dfut.task(Tasks::after).submit(gate, i)).toList();
    gate.awaitArrived(slots);
    return running;
  }

  private static int countedAfter(Tally tally, Gate gate) throws InterruptedException {
    tally.add();
    gate.pass();
    return tally.count();
  }

  @Test
  @Tag("C204")
  @DisplayName("204 a task over its time fails and is stopped, without a retry")
  void taskOverItsTimeIsStopped() {
    Gate gate = Gate.closed();
    Tally tally = Tally.zero();
    long start = System.nanoTime();
    DFut<Integer> future =
        dfut.task(CancelScenarios::countedAfter)
            .timeout(Duration.ofSeconds(1))
            .maxRetries(3)
            .submit(tally, gate);
    assertThatThrownBy(() -> future.get(SOON))
        .isInstanceOf(TaskTimeoutException.class)
        .hasMessageContaining("countedAfter");
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofMillis(1_000), Duration.ofMillis(1_500));
    eventually("the body was not interrupted").until(() -> gate.interrupted() == 1);
    gate.open();
    assertThat(dfut.task(Tasks::increment).submit(1).get(SOON)).isEqualTo(2);
    assertThat(tally.count()).as("runs of the body").isEqualTo(1);
  }

  @Test
  @Tag("C204")
  @DisplayName("204 a task whose time is over before it has a slot never starts")
  void taskOverItsTimeInTheQueueNeverStarts() {
    Gate gate = Gate.closed();
    Tally tally = Tally.zero();
    List<DFut<Integer>> running = onSlots(gate, habitat().slots());
    DFut<Integer> queued =
        dfut.task(Tasks::counted).timeout(Duration.ofMillis(300)).submit(tally, 1);
    assertThatThrownBy(() -> queued.get(SOON)).isInstanceOf(TaskTimeoutException.class);
    gate.open();
    assertThat(running.stream().map(future -> future.get(SOON)))
        .containsExactlyElementsOf(IntStream.range(0, running.size()).boxed().toList());
    assertThat(dfut.task(Tasks::increment).submit(1).get(SOON)).isEqualTo(2);
    assertThat(tally.count()).isZero();
  }
}
