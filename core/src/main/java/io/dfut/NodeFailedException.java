package io.dfut;

/**
 * The node that ran the task died and the task's retries are spent. Submitting again is safe when
 * the task is idempotent.
 */
public final class NodeFailedException extends DFutException {
  private static final long serialVersionUID = 1L;

  private final int attempts;
  private final String causeOfDeath;

  /** Made by the runtime; the message names what happened, where, and the way out. */
  public NodeFailedException(String message, int attempts, String causeOfDeath, Throwable cause) {
    super(message, cause);
    this.attempts = attempts;
    this.causeOfDeath = causeOfDeath;
  }

  /** How many times the task was started. */
  public int attempts() {
    return attempts;
  }

  /** What is known of the death. */
  public String causeOfDeath() {
    return causeOfDeath;
  }

  @Override
  public boolean retryable() {
    return true;
  }
}
