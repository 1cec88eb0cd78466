package io.dfut;

/**
 * The value was not there within the time that {@code get} or {@code await} was given. The task
 * goes on; asking again is safe.
 */
public final class GetTimeoutException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public GetTimeoutException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public GetTimeoutException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return true;
  }
}
