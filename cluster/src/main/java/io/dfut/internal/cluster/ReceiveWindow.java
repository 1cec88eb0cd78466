package io.dfut.internal.cluster;

/**
 * The receiver's half of the protocol that loses nothing between two nodes: which envelope of a
 * peer comes next. Not thread-safe: driven by the {@link Gateway}. See {@link SendWindow}.
 */
final class ReceiveWindow {
  /** Acknowledged at the latest after so many envelopes; else with the next tick. */
  static final int ENVELOPES_MAX = 16;

  private long received;
  private long told;
  private boolean missing;

  /**
   * Whether the messages of this envelope are to be handled now: it is the next one, not one that
   * came before, nor one after a gap.
   */
  boolean accept(long number) {
    if (number == received + 1) {
      received = number;
      missing = false;
      return true;
    }
    if (number > received) {
      if (!missing) { // said once; the sender's own patience covers the loss of that
        missing = true;
        told = -1;
      }
    } else {
      told = -1; // it does not know that we have it
    }
    return false;
  }

  /** The last one that was accepted, to be acknowledged. */
  long received() {
    return received;
  }

  /** Whether the one after that is known to be lost. */
  boolean isMissing() {
    return missing;
  }

  /** Whether to acknowledge now. */
  boolean isUrgent() {
    return told < 0 || received - told >= ENVELOPES_MAX;
  }

  /** Whether something was received that is not acknowledged. */
  boolean owes() {
    return told != received;
  }

  /** It was acknowledged. */
  void told() {
    told = received;
  }
}
