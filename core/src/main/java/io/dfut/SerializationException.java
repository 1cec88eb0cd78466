package io.dfut;

/**
 * A value or a function cannot travel: its class is not supported, not admitted, or holds something
 * that cannot be shared. The message names the class and the way out.
 */
public final class SerializationException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public SerializationException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public SerializationException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return false;
  }
}
