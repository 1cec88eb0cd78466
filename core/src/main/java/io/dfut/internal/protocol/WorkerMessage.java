package io.dfut.internal.protocol;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/**
 * What is said to a worker, from whatever node. Ids only; may be late or repeated; handlers are
 * idempotent. In one JVM the objects themselves are handed over.
 */
public sealed interface WorkerMessage {
  // ---- tasks ----

  /**
   * Owner to the leased worker, or caller to an actor: run this. Answered by {@link TaskReturned},
   * {@link TaskHandedBack} or {@link ArgumentsLost}.
   *
   * @param sequence the caller's count of calls of this actor, −1 for a plain task
   * @param lent the references that the task gets to see
   * @param timeoutNanosLeft what is left of the task's time, 0 for no bound
   */
  record TaskPushed(
      TaskSpec spec,
      int attempt,
      LeaseId lease,
      long sequence,
      List<PushedArgument> arguments,
      List<Transit> lent,
      long timeoutNanosLeft)
      implements WorkerMessage {
    public TaskPushed {
      arguments = List.copyOf(arguments);
      lent = List.copyOf(lent);
    }
  }

  /**
   * Executor to owner: the attempt ended. Carries everything that the owner must apply in one step
   * (DESIGN 4.6).
   *
   * @param outcomes one for each result
   * @param held references among the task's lent ones that the executor still holds, with its epoch
   *     for each
   * @param carried references inside the results, on their way to the owner
   * @param thrownClasses the class of what user code threw and its superclasses, for {@code
   *     retryOn}; else empty
   */
  record TaskReturned(
      TaskId task,
      int attempt,
      List<Outcome> outcomes,
      List<Held> held,
      List<Transit> carried,
      List<String> thrownClasses,
      WorkerId executor)
      implements WorkerMessage {
    public TaskReturned {
      outcomes = List.copyOf(outcomes);
      held = List.copyOf(held);
      carried = List.copyOf(carried);
      thrownClasses = List.copyOf(thrownClasses);
    }
  }

  /** A reference that an executor still holds at the end of a task. */
  record Held(ObjectId object, long epoch) {}

  /**
   * Executor to owner: the task did not start and will not here, since another one blocks or runs
   * long.
   */
  record TaskHandedBack(TaskId task, int attempt, WorkerId executor) implements WorkerMessage {}

  /**
   * Executor to owner, instead of {@link TaskReturned}: the attempt did not start, since none of
   * the nodes that were named has these arguments. The owner gives up the copies, and pushes the
   * task again when the values are there again; that is not one of the task's retries, as its body
   * has not run. Repeated and late ones are told by the attempt.
   */
  record ArgumentsLost(TaskId task, int attempt, List<LostCopies> lost, WorkerId executor)
      implements WorkerMessage {
    public ArgumentsLost {
      lost = List.copyOf(lost);
      if (lost.isEmpty()) {
        throw new IllegalArgumentException("no argument of " + task + " is lost");
      }
    }
  }

  /** Where an argument was looked for in vain. */
  record LostCopies(ObjectId object, int attempt, List<NodeId> sources) {
    public LostCopies {
      sources = List.copyOf(sources);
    }
  }

  /**
   * Owner to executor: stop this task and what it submitted. Not answered: the task returns as
   * always.
   */
  record CancelTask(TaskId task, int attempt, boolean timedOut) implements WorkerMessage {}

  /** Borrower to owner: cancel the task that makes this object. */
  record CancelRequested(ObjectId object) implements WorkerMessage {}

  /**
   * A task waits for this object without a bound, and has for a while: to the object's owner, and
   * from there to where its task is. Sent again as long as that lasts; not answered. What is waited
   * for passes its waiters on when it waits in turn, so an actor that would wait for itself hears
   * of it.
   *
   * @param waiters the task that waits, and those that are known to wait for it; bounded
   */
  record Waited(ObjectId object, List<TaskId> waiters) implements WorkerMessage {
    /** As many are passed on; a longer cycle is not found. */
    public static final int WAITERS_MAX = 64;

    public Waited {
      waiters = List.copyOf(waiters);
    }

    /** Adds waiters to those that are known already, within the bound. */
    public static void addTo(Set<TaskId> known, Collection<TaskId> more) {
      for (TaskId waiter : more) {
        if (known.size() < WAITERS_MAX) {
          known.add(waiter);
        }
      }
    }
  }

  // ---- leases: scheduler to owner ----

  record LeaseGranted(LeaseId lease, WorkerId worker) implements WorkerMessage {}

  /** Nothing is free now; the request stays in the node's queue. */
  record LeaseQueued(LeaseId lease) implements WorkerMessage {}

  /** Spillback: ask this node instead. The owner notes it before it asks. */
  record LeaseRedirected(LeaseId lease, NodeId to, int hops) implements WorkerMessage {}

  record LeaseRefused(LeaseId lease, Failure failure) implements WorkerMessage {}

  /** Others wait: give the lease back as soon as what is in flight has ended. */
  record LeaseReclaimed(LeaseId lease) implements WorkerMessage {}

  // ---- references ----

  /** Borrower to owner: tell me what becomes of this object. Answered once, when it is settled. */
  record Resolve(ObjectId object, WorkerId asker) implements WorkerMessage {}

  record Resolved(ObjectId object, Outcome outcome) implements WorkerMessage {}

  /**
   * Borrower to owner: I hold a reference. Answered by {@link BorrowAcknowledged}; the passer hears
   * {@link TransitClosed}.
   *
   * @param epoch the borrower's, so that a late release does not undo a newer borrow
   * @param sender who passed it on; the borrower itself when nobody waits to hear
   */
  record Borrowed(Transit transit, WorkerId borrower, long epoch, WorkerId sender)
      implements WorkerMessage {}

  record BorrowAcknowledged(ObjectId object, long epoch) implements WorkerMessage {}

  record BorrowReleased(ObjectId object, WorkerId borrower, long epoch) implements WorkerMessage {}

  /**
   * To the passer: the receiver of a reference is known to its owner, so the passer need not count
   * it any more.
   */
  record TransitClosed(Transit transit) implements WorkerMessage {}

  // ---- copies ----

  /** A reader to the owner: none of the sources named has this copy any more. */
  record CopyLost(ObjectId object, int attempt, List<NodeId> sources, WorkerId asker)
      implements WorkerMessage {
    public CopyLost {
      sources = List.copyOf(sources);
    }
  }

  /** A node that pulled a copy to the owner: it can be read from here too. */
  record CopyAdded(ObjectId object, int attempt, NodeId node) implements WorkerMessage {}

  /**
   * A node that drains to the owner of a copy that it has: it should have its primary elsewhere, at
   * {@code to} if the owner knows nothing better. Repeated until {@link NodeMessage.CopyIsSafe}
   * comes, or the copy is freed.
   */
  record CopyLeaves(ObjectId object, int attempt, NodeId from, NodeId to)
      implements WorkerMessage {}

  /** The node that was told to take a copy to the owner: it has it, as a primary. */
  record CopyMoved(ObjectId object, int attempt, NodeId from, NodeId to) implements WorkerMessage {}

  // ---- actors ----

  /**
   * Owner, or whoever kills, to the actor: end.
   *
   * @param restarts whether its owner may make it anew
   */
  record EndActor(String reason, boolean restarts) implements WorkerMessage {}

  /**
   * Actor to its owner: it is gone. For good, unless the failure says that it is unavailable: then
   * the owner may make it anew.
   */
  record ActorEnded(ObjectId actor, Failure failure) implements WorkerMessage {}

  /**
   * Actor to its owner: it has changed, and wants to be asked for its state. Answered by a call, or
   * {@link CheckpointRefused}, and not sent again before. Those of an earlier incarnation are
   * ignored.
   *
   * @param at the actor's worker
   */
  record CheckpointDue(ObjectId actor, WorkerId at) implements WorkerMessage {}

  /** Owner to actor: it is not made anew any more, so nobody keeps its states. */
  record CheckpointRefused(ObjectId actor) implements WorkerMessage {}

  /**
   * Borrower to owner: the actor's worker is dead; where is it next? Answered by {@link Resolved}
   * once the owner has heard of that death itself, which alone tells whether the actor was killed,
   * and has made it anew or given it up.
   */
  record ActorLost(ObjectId actor, WorkerId worker, WorkerId asker) implements WorkerMessage {}

  // ---- departures ----

  /**
   * A node to its own workers: that one takes no new work, and will leave. What ends there from now
   * on was announced, and costs no retry and no restart.
   */
  record NodeDrains(NodeId node) implements WorkerMessage {}

  // ---- deaths ----

  /** From the worker's own node, or from the node that was addressed: that worker is no more. */
  record WorkerDied(WorkerId worker, String cause) implements WorkerMessage {}

  /** From this node's view of the cluster. */
  record NodeDied(NodeId node, String cause) implements WorkerMessage {}
}
