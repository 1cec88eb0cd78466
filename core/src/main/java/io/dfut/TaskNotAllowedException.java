package io.dfut;

/**
 * The task, or a class it needs, is not admitted or not the same on the node that was to run it.
 * The message names the key that admits it.
 */
public final class TaskNotAllowedException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public TaskNotAllowedException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public TaskNotAllowedException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return false;
  }
}
