package io.dfut.samples.bench;

/** What of the heap is in use. */
final class Heap {
  private static final int ROUNDS_MAX = 8;

  private Heap() {}

  /**
   * Bytes of the heap that are reachable, nearly: collects until that frees no more than a
   * thousandth, since what a collection finds unreachable may hold more through cleaners.
   */
  static long liveBytes() {
    Runtime runtime = Runtime.getRuntime();
    long before = Long.MAX_VALUE;
    for (int round = 0; round < ROUNDS_MAX; round++) {
      System.gc();
      long now = runtime.totalMemory() - runtime.freeMemory();
      if (now >= before - before / 1_000) {
        return Math.min(now, before);
      }
      before = now;
    }
    return before;
  }
}
