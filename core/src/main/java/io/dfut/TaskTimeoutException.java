package io.dfut;

/**
 * The task did not end within the time that its {@code timeout} option, or its parent's, left to
 * it. Asking again gives the same answer.
 */
public final class TaskTimeoutException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public TaskTimeoutException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public TaskTimeoutException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return false;
  }
}
