package io.dfut.internal.ownership;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Decides, once for each time that a task is on offer, who starts it: the worker it was pushed to,
 * a blocked worker that runs it inline, or nobody because it was cancelled. Thread-safe: the only
 * thing that owner and executors of one JVM share about a task.
 */
public final class Claim {
  private final AtomicBoolean taken = new AtomicBoolean();

  /** True for one caller between two calls of {@link #reopen}. */
  public boolean take() {
    return !taken.get() && taken.compareAndSet(false, true);
  }

  public boolean isTaken() {
    return taken.get();
  }

  /** The task is on offer again. Called by the owner, once nobody else has it any more. */
  void reopen() {
    taken.set(false);
  }
}
