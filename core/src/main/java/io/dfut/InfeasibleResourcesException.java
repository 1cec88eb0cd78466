package io.dfut;

/**
 * No node of the cluster can ever hold what the task or actor asks for. Asking again gives the same
 * answer until such a node joins.
 */
public final class InfeasibleResourcesException extends DFutException {
  private static final long serialVersionUID = 1L;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public InfeasibleResourcesException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The same without a cause. */
  public InfeasibleResourcesException(String message) {
    super(message, null);
  }

  @Override
  public boolean retryable() {
    return false;
  }
}
