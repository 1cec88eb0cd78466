package io.dfut.internal.runtime;

import io.dfut.internal.ownership.Settleable;
import io.dfut.internal.task.Outcome;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * Where an object's outcome is waited for: what handles of one object in one worker share. The
 * executor of a task in the same JVM may complete it directly; the table's row follows by message.
 * Thread-safe.
 *
 * <p>The state is one reference: null while pending and unwatched, a chain of waiters while
 * pending, the outcome when settled.
 */
final class ResultCell implements Settleable {
  private record Waiter(Thread thread, Runnable callback, Waiter next) {}

  private static final VarHandle STATE;
  private static final VarHandle GUARD;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      STATE = lookup.findVarHandle(ResultCell.class, "state", Object.class);
      GUARD = lookup.findVarHandle(ResultCell.class, "guard", Unreachable.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Changed by {@link #STATE} only. A field, since there are as many cells as objects. */
  private volatile Object state;

  /**
   * The task that makes it, while it might be run inline by whoever waits; null for anything else.
   */
  volatile LocalTask task;

  /** Of the first handle on it: only here to be reachable. Changed by {@link #GUARD} only. */
  private volatile Unreachable guard;

  /** Keeps the guard reachable; false when it keeps that of another handle. */
  boolean keep(Unreachable first) {
    return GUARD.compareAndSet(this, null, first);
  }

  /** Keeps it no longer; false when it did not. */
  boolean dismiss(Unreachable kept) {
    return GUARD.compareAndSet(this, kept, null);
  }

  /** The outcome, null while it is pending. */
  Outcome outcome() {
    return state instanceof Outcome outcome ? outcome : null;
  }

  /** By the executor, past the table: only the first outcome counts. */
  boolean complete(Outcome outcome) {
    Object before = state;
    while (!(before instanceof Outcome)) {
      if (STATE.compareAndSet(this, before, outcome)) {
        task = null;
        wake((Waiter) before);
        return true;
      }
      before = state;
    }
    return false;
  }

  /**
   * By the table. A new place of a stored value replaces the old one; nothing else replaces what
   * readers may have seen.
   */
  void settle(Outcome outcome) {
    if (!complete(outcome) && outcome instanceof Outcome.Stored) {
      Object before = state;
      if (before instanceof Outcome.Stored) {
        STATE.compareAndSet(this, before, outcome);
        changed();
      }
    }
  }

  /** By the table: the value is gone; it is being made again, or its owner is asked again. */
  void unsettle() {
    Object before = state;
    if (before instanceof Outcome) {
      STATE.compareAndSet(this, before, null);
      changed();
    }
  }

  /** Wakes readers that wait for a change of a settled outcome. */
  private synchronized void changed() {
    notifyAll();
  }

  /** Waits, bounded, until the outcome is another than this one; true if it is. */
  synchronized boolean awaitChange(Outcome old, long millis) throws InterruptedException {
    if (state == old) {
      wait(millis);
    }
    return state != old;
  }

  /** Wakes waiting threads without an outcome: there may be something for them to do. */
  void nudge() {
    Object before = state;
    for (Waiter waiter = before instanceof Waiter w ? w : null;
        waiter != null;
        waiter = waiter.next()) {
      if (waiter.thread() != null) {
        LockSupport.unpark(waiter.thread());
      }
    }
  }

  private static void wake(Waiter waiters) {
    for (Waiter waiter = waiters; waiter != null; waiter = waiter.next()) {
      if (waiter.thread() != null) {
        LockSupport.unpark(waiter.thread());
      } else {
        waiter.callback().run();
      }
    }
  }

  /** Registers the current thread to be unparked when the outcome is there; false when it is. */
  boolean watch(Thread thread) {
    return add(new Waiter(thread, null, null));
  }

  /**
   * Runs the callback when the outcome is there: at once on this thread if it is, else on the one
   * that settles it.
   */
  void whenSettled(Runnable callback) {
    if (!add(new Waiter(null, callback, null))) {
      callback.run();
    }
  }

  private boolean add(Waiter waiter) {
    Object before = state;
    while (!(before instanceof Outcome)) {
      if (STATE.compareAndSet(
          this, before, new Waiter(waiter.thread(), waiter.callback(), (Waiter) before))) {
        return true;
      }
      before = state;
    }
    return false;
  }

  /** Forgets the thread, which does not wait any more. */
  void unwatch(Thread thread) {
    Object before = state;
    while (before instanceof Waiter chain) {
      if (STATE.compareAndSet(this, before, without(chain, thread))) {
        return;
      }
      before = state;
    }
  }

  private static Waiter without(Waiter chain, Thread thread) {
    Waiter kept = null;
    for (Waiter waiter = chain; waiter != null; waiter = waiter.next()) {
      if (waiter.thread() != thread) {
        kept = new Waiter(waiter.thread(), waiter.callback(), kept);
      }
    }
    return kept;
  }
}
