package io.dfut.internal.runtime;

import io.dfut.DFutContext;

/** The context of the task, actor method or actor construction that runs on the current thread. */
public final class CurrentContext {
  static final ScopedValue<WorkerContext> CURRENT = ScopedValue.newInstance();
  static final ScopedValue<ActorCell> CONSTRUCTING = ScopedValue.newInstance();

  private CurrentContext() {}

  /** For {@link DFutContext#current()}. */
  public static DFutContext require() {
    if (CURRENT.isBound()) {
      return CURRENT.get().face();
    }
    throw new IllegalStateException(
        "thread "
            + Thread.currentThread().getName()
            + " has no DFutContext: it runs neither a task nor an actor's method. Use the"
            + " DFutSystem, or call DFutContext.current() where the thread is started and pass it"
            + " on.");
  }

  /** The context of the current thread, null when there is none. */
  static WorkerContext orNull() {
    return CURRENT.isBound() ? CURRENT.get() : null;
  }

  /** For the constructor of {@link io.dfut.DFutActor}. */
  public static ActorCell constructing() {
    return CONSTRUCTING.isBound() ? CONSTRUCTING.get() : ActorCell.OUTSIDE;
  }
}
