package io.dfut;

/**
 * The value is lost and will not be rebuilt; {@link #reason()} tells why. Asking again gives the
 * same answer.
 */
public final class ObjectLostException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Why a lost value is not rebuilt. */
  public enum Reason {
    /**
     * Every handle was released before the value was asked for, or while the question was on its
     * way.
     */
    FREED,
    /** The value was put, not made by a task: there is nothing to run again. */
    PUT_WITHOUT_LINEAGE,
    /** The value was completed by hand through a promise: there is nothing to run again. */
    PROMISE_WITHOUT_LINEAGE,
    /** The task's system retries are spent. */
    RETRIES_SPENT,
    /** The task's description was dropped to stay below {@code dfut.lineage.max-bytes}. */
    LINEAGE_EVICTED,
    /** The task that made the value was cancelled. */
    TASK_CANCELLED,
    /** The value came from an actor whose calls are not repeated. */
    ACTOR_WITHOUT_TASK_RETRIES,
    /** The owner has no record of the object. */
    UNKNOWN
  }

  private final Reason reason;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public ObjectLostException(String message, Reason reason, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Why the value is lost and not rebuilt. */
  public Reason reason() {
    return reason;
  }

  @Override
  public boolean retryable() {
    return false;
  }
}
