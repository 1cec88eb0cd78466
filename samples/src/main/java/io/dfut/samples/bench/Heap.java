package io.dfut.samples.bench;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** What of the heap is in use. */
final class Heap {
  private static final int ROUNDS_MAX = 50;

  /** Rounds that free nothing more, after which nothing more is expected. */
  private static final int QUIET_ROUNDS = 4;

  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private Heap() {}

  /**
   * Bytes of the heap that are reachable, nearly: collects now and then until that frees no more
   * than a thousandth several times in a row, since what a collection finds unreachable is let go
   * by cleaners and actors in their own time.
   */
  static long liveBytes() {
    Runtime runtime = Runtime.getRuntime();
    long least = Long.MAX_VALUE;
    int quiet = 0;
    for (int round = 0; round < ROUNDS_MAX && quiet < QUIET_ROUNDS; round++) {
      System.gc();
      long now = runtime.totalMemory() - runtime.freeMemory();
      quiet = now < least - least / 1_000 ? 0 : quiet + 1;
      least = Math.min(least, now);
      LockSupport.parkNanos(PAUSE_NANOS);
    }
    return least;
  }
}
