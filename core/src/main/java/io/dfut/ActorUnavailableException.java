package io.dfut;

/**
 * The actor is restarting and this call is not to be repeated by the system. The call may or may
 * not have run; a later call may succeed.
 */
public final class ActorUnavailableException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public ActorUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public ActorUnavailableException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return true;
  }
}
