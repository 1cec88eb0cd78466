package io.dfut;

/**
 * The actor is gone for good: its constructor threw, it was killed, it stopped itself, or its last
 * handle went. Asking again gives the same answer.
 */
public final class ActorDiedException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public ActorDiedException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public ActorDiedException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return false;
  }
}
