package io.dfut.internal.explore;

/**
 * A system whose reachable states are explored: one object is one state. It must be deterministic:
 * the same choices from the beginning lead to the same state. Not thread-safe.
 */
public interface Model {
  /**
   * What may happen next, as numbers from 0 to {@link Short#MAX_VALUE} that mean the same in every
   * run; empty when nothing can.
   */
  int[] choices();

  /**
   * Lets one of {@link #choices()} happen. Throws an {@link AssertionError} or a {@link
   * RuntimeException} when that breaks a promise.
   */
  void choose(int choice);

  /** What this choice is in the present state, for people. */
  String describe(int choice);

  /** Throws an {@link AssertionError} when this state breaks a promise. */
  void check();
}
