package io.dfut.internal.ownership;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** When a queued call of an actor can never run. */
final class CallCyclesTest {
  private static final WorkerId OWNER = new WorkerId(new NodeId("host", 1, 0), 1);

  private final CallCycles cycles = new CallCycles();

  private static TaskId task(long number) {
    return new TaskId(OWNER, number);
  }

  private boolean canNeverRun(
      long call, List<Long> waiters, Set<Long> queued, List<Long> methods, long now) {
    return cycles.canNeverRun(
        task(call),
        waiters.stream().map(CallCyclesTest::task).toList(),
        Set.copyOf(queued.stream().map(CallCyclesTest::task).toList()),
        methods.stream().map(CallCyclesTest::task).toList(),
        now);
  }

  @Test
  void aCallThatTheOnlyMethodWaitsForNeverRuns() {
    assertThat(canNeverRun(7, List.of(1L, 2L), Set.of(7L), List.of(1L), 0)).isTrue();
  }

  @Test
  void aCallThatOthersWaitForRunsWhenTheMethodEnds() {
    assertThat(canNeverRun(7, List.of(2L), Set.of(7L), List.of(1L), 0)).isFalse();
  }

  @Test
  void nothingIsStuckWhileAMethodIsFreeOrBusy() {
    assertThat(canNeverRun(7, List.of(1L), Set.of(7L), List.of(), 0)).isFalse();
  }

  @Test
  void twoMethodsThatWaitForTwoCallsAreStuck() {
    Set<Long> queued = Set.of(7L, 8L);
    assertThat(canNeverRun(7, List.of(1L), queued, List.of(1L, 2L), 0)).isFalse();
    assertThat(canNeverRun(8, List.of(2L), queued, List.of(1L, 2L), 1)).isTrue();
    assertThat(canNeverRun(7, List.of(1L), Set.of(7L), List.of(1L, 2L), 2))
        .as("once one has failed, its method goes on")
        .isFalse();
  }

  @Test
  void twoMethodsThatWaitForOneCallAreStuckThoughEachIsSaidByItself() {
    List<Long> methods = List.of(1L, 2L);
    assertThat(canNeverRun(7, List.of(1L), Set.of(7L), methods, 0)).isFalse();
    assertThat(canNeverRun(7, List.of(9L), Set.of(7L), methods, 1)).isFalse();
    assertThat(canNeverRun(7, List.of(2L), Set.of(7L), methods, 2)).isTrue();
  }

  @Test
  void aCallThatHasLeftTheQueueHoldsNobodyUp() {
    canNeverRun(7, List.of(1L), Set.of(7L, 8L), List.of(1L, 2L), 0);
    assertThat(canNeverRun(8, List.of(2L), Set.of(8L), List.of(1L, 2L), 1)).isFalse();
  }

  @Test
  void oldNewsIsNotBelieved() {
    canNeverRun(7, List.of(1L), Set.of(7L, 8L), List.of(1L, 2L), 0);
    assertThat(
            canNeverRun(8, List.of(2L), Set.of(7L, 8L), List.of(1L, 2L), CallCycles.NEWS_NANOS + 1))
        .isFalse();
  }
}
