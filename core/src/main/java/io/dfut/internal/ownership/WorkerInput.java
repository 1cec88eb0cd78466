package io.dfut.internal.ownership;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.Transit;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.List;
import java.util.Optional;

/**
 * What may happen to a worker's table: calls of its own user code, messages of others, and time.
 */
public sealed interface WorkerInput {
  /** A message of another worker, a scheduler, or the node. */
  record Received(WorkerMessage message) implements WorkerInput {}

  /**
   * User code submits a task. Each result starts with one handle.
   *
   * @param cells where each result is waited for
   * @param claim decides who starts it
   * @param parent the task that submits it, if any: it is cancelled with that
   * @param caller whose calls of an actor keep their order: the plain task that submits it; empty
   *     for all that a driver, or an actor by whatever method, submits
   */
  record Submit(
      TaskSpec spec,
      List<? extends Settleable> cells,
      Claim claim,
      Optional<TaskId> parent,
      Optional<TaskId> caller)
      implements WorkerInput {
    public Submit {
      cells = List.copyOf(cells);
    }
  }

  /**
   * The call that {@link WorkerEffect.TakeCheckpoint} wanted. Its result starts with one handle,
   * which is the machine's.
   */
  record StateAskedFor(TaskSpec spec, Settleable cell, Claim claim) implements WorkerInput {}

  /** User code puts a value; it starts with one handle. */
  record Put(ObjectId object, Outcome value, CallSite site, Settleable cell)
      implements WorkerInput {}

  /** User code makes a promise; its future starts with one handle. */
  record PromiseMade(ObjectId object, CallSite site, Settleable cell) implements WorkerInput {}

  /** The promise was completed or failed by hand. */
  record PromiseSettled(ObjectId object, Outcome outcome) implements WorkerInput {}

  /** Another handle on an object whose row exists since another handle is open. */
  record HandleAdded(ObjectId object) implements WorkerInput {}

  /**
   * A handle came to be by decoding a value.
   *
   * @param outer the object whose value held it, if it was not an argument's
   */
  record HandleArrived(ObjectId object, Settleable cell, Optional<ObjectId> outer)
      implements WorkerInput {}

  /**
   * A handle on a named actor came from the directory, which knows where the actor is: its owner,
   * who would be asked otherwise, may be gone if it is detached. One input, not two: between them
   * could come the news that the owner is dead.
   */
  record ActorFound(ObjectId object, Settleable cell, Outcome.Actor where) implements WorkerInput {}

  /**
   * A reference leaves this JVM in a message of the user's own actors. Whoever receives it is not
   * known, and whether anyone does.
   *
   * @param transit names it; minted by the shell, below zero
   */
  record ReferenceSent(ObjectId object, long transit) implements WorkerInput {}

  /** A handle came to be by reading such a message. */
  record ReferenceReceived(Transit transit, WorkerId sender, Settleable cell)
      implements WorkerInput {}

  /**
   * A handle came over from another worker of the JVM without a message; that worker counts it
   * until this one is known to the owner. Answered by {@link WorkerEffect.Uncover}.
   */
  record CoverGiven(ObjectId object, Settleable cover) implements WorkerInput {}

  /** A handle was closed. */
  record HandleReleased(ObjectId object) implements WorkerInput {}

  /** Somebody waits for a borrowed object: its owner must be asked, unless it was. */
  record Wanted(ObjectId object) implements WorkerInput {}

  /**
   * A task of this worker has waited for an object for a while, without a bound; see {@code
   * Waited}.
   */
  record StillWaiting(ObjectId object, List<TaskId> waiters) implements WorkerInput {}

  /** A read of a stored value found none of these sources. */
  record ReadFailed(ObjectId object, int attempt, List<NodeId> sources) implements WorkerInput {}

  /** A copy was pulled to a node and can be read there. */
  record ReadSucceeded(ObjectId object, int attempt, NodeId node) implements WorkerInput {}

  /** User code cancels the task that makes this object. */
  record Cancel(ObjectId object) implements WorkerInput {}

  /** A task with lent references was pushed to this worker. */
  record TaskArrived(TaskPushed push) implements WorkerInput {}

  /**
   * A pushed task with lent references will not run here: it was claimed by another, cancelled, or
   * handed back.
   */
  record TaskDropped(TaskPushed push) implements WorkerInput {}

  /** A blocked task of this worker took this attempt of one of its own tasks to run it inline. */
  record TaskClaimedInline(TaskId task, int attempt) implements WorkerInput {}

  /**
   * A task that ran on this worker ended.
   *
   * @param thrownClasses the class of what it threw and its superclasses, else empty
   * @param released handles that it leaves behind, each once for every count
   */
  record TaskEnded(
      TaskPushed push, List<Outcome> outcomes, List<String> thrownClasses, List<ObjectId> released)
      implements WorkerInput {
    public TaskEnded {
      outcomes = List.copyOf(outcomes);
      thrownClasses = List.copyOf(thrownClasses);
      released = List.copyOf(released);
    }
  }

  /** A running task was cancelled: so are the tasks that it submitted. */
  record ParentCancelled(TaskId parent) implements WorkerInput {}

  /** A timer that the machine set ran out. */
  record TimerFired(WorkerTimer timer) implements WorkerInput {}

  /** The worker is closed: what is pending fails, what is held is released. */
  record Close(String reason) implements WorkerInput {}
}
