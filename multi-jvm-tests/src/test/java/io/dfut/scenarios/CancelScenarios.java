package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.dfut.DFut;
import io.dfut.TaskCancelledException;
import io.dfut.TaskTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
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
    List<DFut<Integer>> running =
        IntStream.range(0, habitat().slots())
            .mapToObj(i -> dfut.task(Tasks::after).submit(gate, i))
            .toList();
    gate.awaitArrived(running.size());
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
