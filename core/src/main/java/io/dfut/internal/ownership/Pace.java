package io.dfut.internal.ownership;

/**
 * How many tasks may be on their way to a worker of another node: enough that it does not wait for
 * messages while there is work, and not so many that tasks wait there which others could begin
 * sooner. Not thread-safe: part of one lease.
 *
 * <p>Doubles while tasks are back about as soon as the quickest ever was, and halves when they are
 * not. One task at a time is timed: the last for which there was room, as a task that goes alone
 * tells only how quick the quickest is. A worker runs its tasks in the order in which they came, so
 * the task's return is the last of those before it.
 */
final class Pace {
  /**
   * How much later than the quickest a task may be back. A quarter of what it may wait behind
   * another one before it is handed back (dfut.lease.behind-max).
   */
  static final long LATER_MAX_NANOS = 5_000_000;

  private final int least;
  private final int most;
  private int window;
  private long quickestNanos = Long.MAX_VALUE;

  /** Returns until that of the task that is timed; 0 when none is. */
  private int returnsLeft;

  private long sentNanos;

  /** Whether there was no room for another one after it. */
  private boolean filled;

  Pace(int least, int most) {
    this.least = least;
    this.most = Math.max(least, most);
    this.window = least;
  }

  /** How many may be on their way. */
  int window() {
    return window;
  }

  /**
   * A task is sent.
   *
   * @param before how many are on their way before it
   */
  void sent(int before, long nowNanos) {
    boolean fills = before + 1 >= window;
    if (returnsLeft == 0 && (before == 0 || fills)) {
      returnsLeft = before + 1;
      sentNanos = nowNanos;
      filled = fills;
    }
  }

  /** One of them is back. */
  void returned(long nowNanos) {
    if (returnsLeft == 0 || --returnsLeft > 0) {
      return;
    }
    long took = nowNanos - sentNanos;
    quickestNanos = Math.min(quickestNanos, took);
    if (took - quickestNanos > LATER_MAX_NANOS) {
      window = Math.max(least, window / 2);
    } else if (filled) {
      window = Math.min(2 * window, most);
    }
  }

  /** A task came back unstarted, as the one before it ran long. */
  void handedBack() {
    window = least;
    returnsLeft = 0;
  }
}
