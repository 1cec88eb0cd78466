package io.dfut;

/**
 * The task was cancelled, by its own handle or together with its parent. Asking again gives the
 * same answer.
 */
public final class TaskCancelledException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public TaskCancelledException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public TaskCancelledException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return false;
  }
}
