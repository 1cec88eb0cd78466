package io.dfut.internal.sim;

/**
 * What a task does, as a seed: the same body gives the same value wherever and however often it
 * runs. See {@link Program}.
 *
 * @param depth of tasks above it
 * @param callsActors whether it may call actors: a call that waits for a call could wait for itself
 */
record Body(long seed, int depth, boolean callsActors) {
  /** Whether it throws at its end, and so has no value. */
  boolean fails() {
    return Math.floorMod(seed >>> 7, 23L) == 0;
  }

  /** Whether its first attempt throws what {@code retryOn} names. */
  boolean isFlaky() {
    return !fails() && Math.floorMod(seed >>> 17, 9L) == 0;
  }

  int results() {
    return Math.floorMod(seed >>> 27, 5L) == 0 ? 2 : 1;
  }
}
