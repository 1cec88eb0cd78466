package io.dfut;

/**
 * The task's own code threw. The cause keeps its type where its class is on the class path and
 * admitted (the JDK's exceptions are), else its name, text and frames are kept as text. Never
 * retried by the system unless {@code retryOn} names the cause's type, or it is an {@code
 * OutOfMemoryError}; submitting again is safe when the task is idempotent.
 */
public final class TaskFailedException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public TaskFailedException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public TaskFailedException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return false;
  }
}
