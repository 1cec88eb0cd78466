package io.dfut;

/**
 * The object store of a node had no room for a value within its bound. Safe to retry once handles
 * are closed or the store is larger.
 */
public final class StoreFullException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public StoreFullException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public StoreFullException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return true;
  }
}
