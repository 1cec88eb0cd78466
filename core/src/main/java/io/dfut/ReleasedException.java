package io.dfut;

/** A handle was used after it was released. The message says where it was released. */
public final class ReleasedException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public ReleasedException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public ReleasedException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return false;
  }
}
