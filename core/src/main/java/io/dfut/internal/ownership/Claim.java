package io.dfut.internal.ownership;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Decides, once for each time that a task is on offer, who starts it: the worker it was pushed to,
 * a blocked worker that runs it inline, or nobody because it was cancelled. Thread-safe: the only
 * thing that owner and executors of one JVM share about a task. A shell may extend it with what
 * else executors in the JVM should know.
 */
public class Claim {
  /**
   * Four times the attempt that is on offer; plus one when it is taken, plus two when its outcome
   * is decided. One word, for one CAS.
   */
  private final AtomicLong state = new AtomicLong();

  /** True for one caller between two calls of {@link #reopen}. */
  public boolean take() {
    long before = state.get();
    return (before & 1) == 0 && state.compareAndSet(before, before | 1);
  }

  /**
   * The same for a caller that has this attempt, which may be an old one: the task may wait at a
   * worker still while it was claimed inline, ended there, and is on offer anew.
   */
  public boolean take(int attempt) {
    long before = state.get();
    return (before & 1) == 0 && before >>> 2 <= attempt && state.compareAndSet(before, before | 1);
  }

  /**
   * Decides, once for each time that it is taken, whose word counts: that of who runs it, and would
   * give its results to who waits for them past the table, or the owner's, who would stop it. False
   * for the second of them, and when another attempt is on offer meanwhile.
   */
  public boolean decide(int attempt) {
    long undecided = ((long) attempt << 2) | 1;
    return state.compareAndSet(undecided, undecided | 2);
  }

  public boolean isTaken() {
    return (state.get() & 1) != 0;
  }

  /** The attempt that is on offer. */
  public int attempt() {
    return (int) (state.get() >>> 2);
  }

  /** The task is on offer again. Called by the owner, once nobody else has it any more. */
  void reopen(int newAttempt) {
    state.set((long) newAttempt << 2);
  }
}
