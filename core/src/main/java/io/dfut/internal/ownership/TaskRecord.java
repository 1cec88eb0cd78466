package io.dfut.internal.ownership;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.task.TaskSpec;
import java.util.List;
import java.util.Optional;

/**
 * A task in its owner's table, from submission until its description is not needed any more. Not
 * thread-safe, apart from its claim.
 */
final class TaskRecord {
  /**
   * Where the task is: as much worth knowing as where an object is, since only so can running be
   * told from lost.
   */
  enum State {
    /** Some argument has no value yet. */
    WAITING,
    /** Waits for a worker, or for the actor's address or its turn. */
    READY,
    /** At the worker in {@link #location}. */
    PUSHED,
    /** A blocked task of this worker runs it. */
    INLINE,
    /** Its results are settled. The description may be kept as lineage. */
    SETTLED
  }

  /** Its description; values that it took in when it was pushed become part of it. */
  TaskSpec spec;

  final Claim claim;
  final Optional<TaskId> parent;

  State state = State.WAITING;
  int attempt;
  int retriesLeft;

  /** The same after an {@code OutOfMemoryError} of its body; −1 for no bound. */
  private int outOfMemoryRetriesLeft;

  /** Pushes that did not start, as arguments were not where they should have been. */
  int argumentLosses;

  /** Arguments that have no value yet. */
  int missing;

  /**
   * The worker it was pushed to; null while it is at none. Stays after cancellation until the body
   * has ended.
   */
  WorkerId location;

  /**
   * The lease it is pushed under; null for actor calls, inline runs, and when it is at no worker.
   */
  LeaseBook.Lease lease;

  /** The node that has much of what it reads, as was known when it became ready. */
  Optional<NodeId> home = Optional.empty();

  /** A blocked task of this worker runs it. Set when it is claimed; ends when it has ended. */
  boolean runsInline;

  /**
   * The submitted counts on its arguments are held: from submission until it settles, or its
   * cancelled body has ended.
   */
  boolean holdsArguments = true;

  /**
   * The lineage counts on its arguments are held: from submission until no result can need to be
   * made again.
   */
  boolean holdsLineage = true;

  /** Of an actor's call: the line in which it waits for its turn. */
  Optional<TaskId> line = Optional.empty();

  /** The creation of the actor whose state this call asks for; null for any other task. */
  final TaskRecord savesStateOf;

  /** The last attempt whose answer was applied, or dropped for good; −1 before. */
  int answeredAttempt = -1;

  /** Of an actor's creation: how often it may be made anew; −1 for no bound. */
  int restartsLeft;

  /** Of an actor's creation: how it came to die, the first death first. */
  List<String> deaths = List.of();

  /** It was cancelled or its time ran out: never retried, never rebuilt. */
  boolean cancelled;

  /** It has been settled before: a rebuild is not one more pending task. */
  boolean counted;

  /** When its time is up, on the machine's clock; 0 for never. */
  long deadlineNanos;

  TaskRecord(
      TaskSpec spec,
      Claim claim,
      Optional<TaskId> parent,
      int outOfMemoryRetries,
      TaskRecord savesStateOf) {
    this.savesStateOf = savesStateOf;
    this.spec = spec;
    this.claim = claim;
    this.parent = parent;
    this.retriesLeft = spec.maxRetries();
    boolean mayRunTwice = spec.kind() instanceof TaskSpec.Kind.Plain && spec.maxRetries() != 0;
    this.outOfMemoryRetriesLeft = mayRunTwice ? outOfMemoryRetries : 0;
    this.restartsLeft =
        spec.kind() instanceof TaskSpec.Kind.Creation(TaskSpec.ActorOptions options)
            ? options.restarts().max()
            : 0;
  }

  boolean isSettled() {
    return state == State.SETTLED;
  }

  boolean mayRetry() {
    return !cancelled && retriesLeft != 0;
  }

  /** Whether a lost result of it, or the actor that it made, could be made again. */
  boolean isRebuildable() {
    return switch (spec.kind()) {
      case TaskSpec.Kind.Plain plain -> mayRetry();
      case TaskSpec.Kind.Call call -> mayRetry();
      case TaskSpec.Kind.Creation creation -> !cancelled && restartsLeft != 0;
    };
  }

  /** Whether this call, which is at no actor, waits for one that is being made anew. */
  boolean waitsFor(TaskSpec.Restarts restarts) {
    return savesStateOf == null && (spec.maxRetries() != 0 || restarts.taskRetries() != 0);
  }

  /**
   * This call is sent to an actor: what that was created with says how often it may be sent again,
   * unless the call does. One that asks for the actor's state is not: it is for the incarnation
   * that has changed.
   */
  void sentTo(TaskSpec.Restarts restarts) {
    if (attempt == 0 && spec.maxRetries() == 0 && restarts.any() && savesStateOf == null) {
      retriesLeft = restarts.taskRetries();
    }
  }

  boolean mayRetryOutOfMemory() {
    return !cancelled && outOfMemoryRetriesLeft != 0;
  }

  void chargeRetry() {
    if (retriesLeft > 0) {
      retriesLeft--;
    }
    attempt++;
  }

  void chargeOutOfMemoryRetry() {
    if (outOfMemoryRetriesLeft > 0) {
      outOfMemoryRetriesLeft--;
    }
    attempt++;
  }

  /** Tasks of one owner are numbered in the order of their submission. */
  long number() {
    return spec.id().sequence();
  }

  ObjectId result(int index) {
    return spec.id().result(index);
  }

  @Override
  public String toString() {
    return spec.display()
        + " "
        + state
        + " attempt "
        + attempt
        + (location == null ? "" : " at " + location);
  }
}
