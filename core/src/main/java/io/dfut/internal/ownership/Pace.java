package io.dfut.internal.ownership;

/**
 * How many tasks may be on their way to a worker of another node: as many as it runs in a short
 * time, so that it does not wait for messages while there is work, and is not given what others
 * could begin sooner. Not thread-safe: part of one lease.
 */
final class Pace {
  /**
   * As much work is on its way at most. Several times what a message takes, and a tenth of what a
   * task may wait behind another one before it is handed back.
   */
  static final long AHEAD_NANOS = 2_000_000;

  /** Returns come in bursts, since messages share envelopes: shorter looks see only one of them. */
  static final long SAMPLE_NANOS = 1_000_000;

  private final int least;
  private final int most;
  private int window;
  private int returns;
  private long sinceNanos;

  Pace(int least, int most) {
    this.least = least;
    this.most = Math.max(least, most);
    this.window = least;
  }

  /** How many may be on their way. */
  int window() {
    return window;
  }

  /** A task is sent, and no other is on its way. */
  void begins(long nowNanos) {
    sinceNanos = nowNanos;
    returns = 0;
  }

  void returned(long nowNanos) {
    returns++;
    long lasted = nowNanos - sinceNanos;
    if (lasted >= SAMPLE_NANOS) {
      window = Math.clamp(AHEAD_NANOS * returns / lasted, least, most);
      begins(nowNanos);
    }
  }

  /** A task came back, as the one before it ran long: the worker is not as fast as it was. */
  void handedBack() {
    window = least;
  }
}
