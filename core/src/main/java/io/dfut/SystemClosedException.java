package io.dfut;

/** The system, or the worker behind the context, was closed. Nothing was submitted. */
public final class SystemClosedException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public SystemClosedException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public SystemClosedException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return false;
  }
}
