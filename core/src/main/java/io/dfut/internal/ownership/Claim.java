package io.dfut.internal.ownership;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Decides, once for each time that a task is on offer, who starts it: the worker it was pushed to,
 * a blocked worker that runs it inline, or nobody because it was cancelled. Thread-safe: the only
 * thing that owner and executors of one JVM share about a task. A shell may extend it with what
 * else executors in the JVM should know.
 */
public class Claim {
  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(Claim.class, "state", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * Four times the attempt that is on offer; plus one when it is taken, plus two when its outcome
   * is decided. One word, for one CAS. A field, since there are as many claims as tasks.
   */
  private volatile long state;

  /** True for one caller between two calls of {@link #reopen}. */
  public boolean take() {
    long before = state;
    return (before & 1) == 0 && STATE.compareAndSet(this, before, before | 1);
  }

  /**
   * The same for a caller that has this attempt, which may be an old one: the task may wait at a
   * worker still while it was claimed inline, ended there, and is on offer anew.
   */
  public boolean take(int attempt) {
    long before = state;
    return (before & 1) == 0
        && before >>> 2 <= attempt
        && STATE.compareAndSet(this, before, before | 1);
  }

  /**
   * Decides, once for each time that it is taken, whose word counts: that of who runs it, and would
   * give its results to who waits for them past the table, or the owner's, who would stop it. False
   * for the second of them, and when another attempt is on offer meanwhile.
   */
  public boolean decide(int attempt) {
    long undecided = ((long) attempt << 2) | 1;
    return STATE.compareAndSet(this, undecided, undecided | 2);
  }

  public boolean isTaken() {
    return (state & 1) != 0;
  }

  /** The attempt that is on offer. */
  public int attempt() {
    return (int) (state >>> 2);
  }

  /** The task is on offer again. Called by the owner, once nobody else has it any more. */
  void reopen(int newAttempt) {
    state = (long) newAttempt << 2;
  }
}
