package io.dfut.internal.ownership;

import io.dfut.ActorId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.List;

/** What a worker's machine wants done, in order. */
public sealed interface WorkerEffect {
  record Send(WorkerId to, WorkerMessage message) implements WorkerEffect {}

  /** As {@code Send}; within the JVM the executor takes the claim before it starts the task. */
  record Push(WorkerId to, TaskPushed message, Claim claim) implements WorkerEffect {}

  record AskScheduler(NodeId node, SchedulerMessage message) implements WorkerEffect {}

  /** Tell whoever waits what became of the object. */
  record Settle(Settleable cell, Outcome outcome) implements WorkerEffect {}

  /** The cover that was given is not needed any more. */
  record Uncover(Settleable cover) implements WorkerEffect {}

  /**
   * The promise is to have this outcome, unless somebody is keeping it at this very moment: the
   * cell decides, as for who keeps it, and {@link WorkerInput.PromiseSettled} says so if this won.
   */
  record SettlePromise(ObjectId object, Settleable cell, Outcome outcome) implements WorkerEffect {}

  /** The value is gone and is being made again: whoever asks from now on waits. */
  record Unsettle(Settleable cell) implements WorkerEffect {}

  /** The task is on offer again: a blocked reader may now run it inline. */
  record Nudge(Settleable cell) implements WorkerEffect {}

  /** Delete the copies on these nodes. */
  record FreeCopies(ObjectKey key, List<NodeId> nodes) implements WorkerEffect {}

  /** Make this node's copy the pinned primary. */
  record PromoteCopy(ObjectKey key, NodeId node) implements WorkerEffect {}

  /** Have this node fetch the copy from there, and keep it as the primary. */
  record MoveCopy(ObjectKey key, long bytes, NodeId from, NodeId to) implements WorkerEffect {}

  /** Tell a node that drains that the primary is elsewhere. */
  record CopyIsSafe(ObjectKey key, NodeId node) implements WorkerEffect {}

  record SetTimer(WorkerTimer timer, long delayNanos) implements WorkerEffect {}

  record CancelTimer(WorkerTimer timer) implements WorkerEffect {}

  /** An actor that this worker owns is gone for good, or was never made. */
  record ActorGone(ActorId actor, TaskSpec.ActorOptions options) implements WorkerEffect {}

  /**
   * Ask this actor for its state: by a call, which comes as {@link WorkerInput.StateAskedFor}.
   *
   * @param creation what it was made by
   */
  record TakeCheckpoint(ActorId actor, TaskSpec creation) implements WorkerEffect {}

  /**
   * A task ended for good, in whatever way: it does not count against the pending tasks any more.
   */
  record TaskSettled(TaskId task) implements WorkerEffect {}
}
