package io.dfut;

/**
 * {@code submit} or {@code put} on a thread that must not park (a Pekko dispatcher) while the
 * worker's queue is full; or a call of an actor beyond what its {@link
 * ActorBuilder#maxPendingCalls} allows. Nothing was submitted; safe to retry later.
 */
public final class BackpressureException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public BackpressureException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public BackpressureException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return true;
  }
}
