package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.NodeId;
import io.dfut.SharedDFut;
import io.dfut.TaskCancelledException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Cancelling what another JVM owns and a third one runs. A body at a gate is not heard of here when
 * it is interrupted there, but its lease ends only with it.
 */
@RunsOn(Place.THREE_JVMS)
final class CancelIT extends Scenarios {
  /** The driver's node is the first; it has no slots. */
  private NodeId owners;

  private NodeId executors;

  @BeforeEach
  void nameNodes() {
    owners = nodes().get(1).node();
    executors = nodes().get(2).node();
  }

  private static SharedDFut<Integer> startOn(NodeId node, Gate gate) {
    return DFutContext.current().task(Tasks::after).on(node).submit(gate, 1).share();
  }

  /** What a task on the one node has left running on the other. */
  private SharedDFut<Integer> inner(Gate gate) {
    try (DFut<SharedDFut<Integer>> outer =
        dfut.task(CancelIT::startOn).on(owners).submit(executors, gate)) {
      return outer.get(SOON);
    }
  }

  private static void isCancelled(SharedDFut<?> future) {
    assertThatThrownBy(() -> future.get(SOON))
        .isInstanceOf(TaskCancelledException.class)
        .hasMessageContaining("Tasks.after");
  }

  private void assertBodiesHaveEnded() {
    eventually("a body goes on")
        .until(() -> nodes().stream().allMatch(node -> node.inspect().leases().isEmpty()));
  }

  @Test
  @Tag("C195")
  @DisplayName("195 the driver cancels what a task left running: its owner does it, all hear it")
  void borrowerCancelsWhatRunsElsewhere() {
    Gate gate = Gate.closed();
    SharedDFut<Integer> inner = inner(gate);
    assertThat(inner.id().owner().node()).isEqualTo(owners);
    gate.awaitArrived(1);
    DFut<Integer> byValue = dfut.task(Tasks::increment).on(executors).submit(inner.borrow());
    DFut<Integer> byReference = dfut.task(Tasks::valueOf).on(executors).submit(inner);
    assertThat(inner.isReady()).isFalse();
    assertThat(dfut.cancel(inner)).isTrue();
    isCancelled(inner);
    assertThatThrownBy(() -> byValue.get(SOON)).isInstanceOf(TaskCancelledException.class);
    assertThatThrownBy(() -> byReference.get(SOON))
        .as("the body's own exception")
        .hasStackTraceContaining(TaskCancelledException.class.getName());
    assertThat(dfut.cancel(inner)).as("cancelled before").isFalse();
    assertBodiesHaveEnded();
  }

  @Test
  @Tag("C195")
  @DisplayName("195 the driver cancels what a task left queued: it never runs")
  void borrowerCancelsWhatIsQueuedElsewhere() {
    Gate others = Gate.closed();
    SharedDFut<Integer> first = inner(others);
    SharedDFut<Integer> second = inner(others);
    others.awaitArrived(2);
    Gate gate = Gate.closed();
    SharedDFut<Integer> queued = inner(gate);
    assertThat(dfut.cancel(queued)).isTrue();
    isCancelled(queued);
    others.open();
    assertThat(first.get(SOON)).isEqualTo(1);
    assertThat(second.get(SOON)).isEqualTo(1);
    assertBodiesHaveEnded();
    assertThat(gate.arrived()).as("bodies that came to the gate").isZero();
  }
}
