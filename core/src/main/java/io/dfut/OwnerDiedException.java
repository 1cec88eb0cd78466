package io.dfut;

/**
 * The owner of the object is gone, so nobody can name the value's location or lineage
 * (fate-sharing, paper section 4.3). Asking again gives the same answer.
 */
public final class OwnerDiedException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public OwnerDiedException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public OwnerDiedException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return false;
  }
}
