package io.dfut.internal.ownership;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Decides, once for each time that a task is on offer, who starts it: the worker it was pushed to,
 * a blocked worker that runs it inline, or nobody because it was cancelled. Thread-safe: the only
 * thing that owner and executors of one JVM share about a task. A shell may extend it with what
 * else executors in the JVM should know.
 */
public class Claim {
  /** Twice the attempt that is on offer; plus one when it is taken. One word, for one CAS. */
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
    return (before & 1) == 0 && before >>> 1 <= attempt && state.compareAndSet(before, before | 1);
  }

  public boolean isTaken() {
    return (state.get() & 1) != 0;
  }

  /** The attempt that is on offer. */
  public int attempt() {
    return (int) (state.get() >>> 1);
  }

  /** The task is on offer again. Called by the owner, once nobody else has it any more. */
  void reopen(int newAttempt) {
    state.set((long) newAttempt << 1);
  }
}
