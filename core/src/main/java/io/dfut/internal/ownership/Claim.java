package io.dfut.internal.ownership;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Decides, once for each time that a task is on offer, who starts it: the worker it was pushed to,
 * a blocked worker that runs it inline, or nobody because it was cancelled. Thread-safe: the only
 * thing that owner and executors of one JVM share about a task. A shell may extend it with what
 * else executors in the JVM should know.
 */
public class Claim {
  private final AtomicBoolean taken = new AtomicBoolean();
  private volatile int attempt;

  /** True for one caller between two calls of {@link #reopen}. */
  public boolean take() {
    return !taken.get() && taken.compareAndSet(false, true);
  }

  public boolean isTaken() {
    return taken.get();
  }

  /** The attempt that is on offer. */
  public int attempt() {
    return attempt;
  }

  /** The task is on offer again. Called by the owner, once nobody else has it any more. */
  void reopen(int newAttempt) {
    attempt = newAttempt;
    taken.set(false);
  }
}
