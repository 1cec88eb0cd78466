package io.dfut.internal.runtime;

import io.dfut.internal.task.CallSite;

/**
 * Where handles are closed, for the message of whoever uses one after that. To find the line walks
 * the stack, which costs more than a small task: so many lines a second are noted, and a program
 * that closes more handles hears how to have them all. Thread-safe; the limit is a rough one, as
 * threads may count at the same time.
 */
final class CloseSites {
  /** At some 2 µs each, 0.2 % of a core. */
  static final int PER_SECOND = 1_000;

  static final String UNNOTED =
      "by close(), at a line that was not noted, as more than "
          + PER_SECOND
          + " handles were closed in that second; with the logger io.dfut.handles at DEBUG every"
          + " line is";

  private static final long WINDOW_NANOS = 1_000_000_000L;

  private int left = PER_SECOND;
  private long windowEndNanos;

  CloseSites(long nowNanos) {
    this.windowEndNanos = nowNanos + WINDOW_NANOS;
  }

  /** The caller's line, as the end of "it was released …", unless it is one too many. */
  String here() {
    return admits(System.nanoTime()) ? line() : UNNOTED;
  }

  /** The caller's line in any case. */
  static String line() {
    return "at " + CallSite.here();
  }

  /** Whether one more line may be noted at this time. */
  boolean admits(long nowNanos) {
    if (left <= 0 && nowNanos - windowEndNanos >= 0) {
      left = PER_SECOND;
      windowEndNanos = nowNanos + WINDOW_NANOS;
    }
    return left-- > 0;
  }
}
