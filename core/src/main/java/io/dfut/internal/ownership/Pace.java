package io.dfut.internal.ownership;

/**
 * How many tasks may be on their way to a worker: enough that it does not wait for messages while
 * there is work, and not so many that tasks wait there which others could begin sooner. Not
 * thread-safe: part of one lease.
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

  /** The same for a worker of this node, whose answers have no way to go. */
  static final long LATER_HERE_MAX_NANOS = 500_000;

  /**
   * About what it costs to wake another worker, which a task had better wait for behind others than
   * cause.
   */
  static final long WAKING_NANOS = 30_000;

  private final long laterMaxNanos;
  private final int least;
  private final int most;
  private int window;
  private long quickestNanos = Long.MAX_VALUE;

  /** Returns until that of the task that is timed; 0 when none is. */
  private int returnsLeft;

  private long sentNanos;

  /** The place of the task that is timed among those on their way. */
  private int place;

  /** How long one task takes there, by the last ones that were timed. */
  private long eachNanos = Long.MAX_VALUE / 1024;

  /** Whether there was no room for another one after it. */
  private boolean filled;

  Pace(int least, int most, long laterMaxNanos) {
    this.laterMaxNanos = laterMaxNanos;
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
      place = before + 1;
      returnsLeft = place;
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
    long each = took / place;
    eachNanos = each < eachNanos ? each : eachNanos + (each - eachNanos) / 4;
    if (took - quickestNanos > laterMaxNanos) {
      window = Math.max(least, window / 2);
    } else if (filled) {
      window = Math.min(2 * window, most);
    }
  }

  /** A task came back unstarted, as the one before it ran long. */
  void handedBack() {
    window = least;
    returnsLeft = 0;
    eachNanos = Long.MAX_VALUE / 1024;
  }

  /** Whether one more behind so many has its turn sooner than another worker were awake. */
  boolean isSoon(int before) {
    return before * eachNanos < WAKING_NANOS;
  }
}
