package io.dfut.samples.bench;

/** Bodies that keep a processor busy for a known time. */
final class Work {
  /** For how long what {@link #calibrated} gives keeps one busy. */
  static final long CALIBRATED_NANOS = 20_000;

  private static final long TRYING_NANOS = 2_000_000_000;

  private Work() {}

  /** Computes for a while: a number that depends on every step. */
  static long worked(int steps) {
    long x = steps;
    for (int i = 0; i < steps; i++) {
      x = x * 6364136223846793005L + 1442695040888963407L;
    }
    return x;
  }

  /**
   * The steps that take as long as is said above: the best of many tries, for so long that the
   * compiler has done its best, too.
   */
  static int calibrated() {
    int steps = 20_000;
    long best = Long.MAX_VALUE;
    long seen = 0;
    for (long end = System.nanoTime() + TRYING_NANOS; System.nanoTime() < end; ) {
      long start = System.nanoTime();
      seen += worked(steps);
      best = Math.min(best, System.nanoTime() - start);
    }
    if (seen == 0) {
      throw new IllegalStateException("no work was done");
    }
    return (int) (steps * CALIBRATED_NANOS / best);
  }
}
