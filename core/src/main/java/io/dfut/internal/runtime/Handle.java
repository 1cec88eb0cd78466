package io.dfut.internal.runtime;

import io.dfut.DFutException;
import io.dfut.ObjectId;
import io.dfut.ReleasedException;
import io.dfut.internal.ownership.WorkerInput;
import io.dfut.internal.task.CallSite;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all handles have in common: one count in one worker's table, given back once, by whichever
 * comes first of {@code close}, the end of the task that made it, and unreachability. Thread-safe.
 */
abstract class Handle<T> {
  /**
   * Named for users: on DEBUG it tells which handles nobody closed, and where they came from, and
   * every line that closes one is noted.
   */
  private static final Logger FORGOTTEN = LoggerFactory.getLogger("io.dfut.handles");

  private static final CloseSites CLOSE_SITES = new CloseSites(System.nanoTime());

  /**
   * The count. Refers to everything but the handle, so that the handle can become unreachable. Its
   * value is what it was released by, which says so when it is asked for its text.
   */
  static final class Count extends AtomicReference<Object> {
    private static final long serialVersionUID = 1L;
    private static final Object OPEN = new Object();

    final transient WorkerActor worker;
    final transient ObjectId id;
    final transient ResultCell cell;

    /** The object whose value held the reference, if it came out of one. */
    final transient Optional<ObjectId> outer;

    /** Sees that the handle is unreachable; null for one that something else gives back. */
    private transient Unreachable guard;

    /** Where the handle came to be; set only while somebody wants to know, as it costs a walk. */
    private transient CallSite madeAt = CallSite.UNKNOWN;

    Count(WorkerActor worker, ObjectId id, ResultCell cell, Optional<ObjectId> outer) {
      super(OPEN);
      this.worker = worker;
      this.id = id;
      this.cell = cell;
      this.outer = outer;
    }

    /**
     * One more count on the same object, or an error when this one is released: a release by
     * another thread comes before or after this, never between the look and the new count, which
     * then would count a freed object.
     */
    Count duplicate(String verb) {
      synchronized (this) {
        requireOpen(verb);
        worker.enqueue(new WorkerInput.HandleAdded(id));
      }
      worker.drain(); // not under the lock: a step of the table may release other counts
      return new Count(worker, id, cell, outer);
    }

    /** Takes the count for release; false when it was taken before. */
    synchronized boolean take(Object where) { // not amid duplicate(…)
      return compareAndSet(OPEN, where);
    }

    boolean isOpen() {
      return get() == OPEN;
    }

    /** The handle is unreachable. */
    void unreachable() {
      if (isOpen()) {
        FORGOTTEN.debug(
            "a handle on {}, made at {}, was not closed: the garbage collector released it",
            id,
            madeAt);
      }
      release("by the garbage collector");
    }

    void release(Object where) {
      if (take(where)) {
        if (guard != null) {
          guard.dismiss();
        }
        worker.post(new WorkerInput.HandleReleased(id));
        cell.nudge(); // whoever waits through this handle must hear that nobody will answer
      }
    }

    void requireOpen(String verb) {
      Object released = get();
      if (released != OPEN) {
        throw new ReleasedException(
            verb
                + " on a released handle of "
                + id
                + ": it was released "
                + released
                + ". Keep it open until it is not needed, or share() it to where it is.");
      }
    }
  }

  final Count count;

  Handle(Count count, boolean cleaned) {
    this.count = count;
    if (cleaned) {
      if (FORGOTTEN.isDebugEnabled()) {
        count.madeAt = CallSite.here();
      }
      count.guard = new Unreachable(this, count);
    }
  }

  final WorkerActor worker() {
    return count.worker;
  }

  final ObjectId object() {
    return count.id;
  }

  /** One more count on the same object, for {@code verb}. */
  final Count duplicate(String verb) {
    Count another = count.duplicate(verb);
    keepReachable();
    return another;
  }

  /**
   * Called after the last use of the count in a method. A handle that nobody refers to any more is
   * unreachable as soon as its own method has read its fields, as in {@code submit(…).get()}: the
   * cleaner would give the count back while the method still waits.
   */
  final void keepReachable() {
    Reference.reachabilityFence(this);
  }

  final void requireOpen(String verb) {
    count.requireOpen(verb);
  }

  public final void close() {
    if (count.isOpen()) {
      count.release(FORGOTTEN.isDebugEnabled() ? CloseSites.line() : CLOSE_SITES.here());
    }
  }

  @SuppressWarnings("unchecked") // the object was made by a task whose result type is T
  public final T get() {
    requireOpen("get()");
    try {
      return (T) count.worker.reader().get(count, "get()", Deadline.NEVER);
    } finally {
      keepReachable();
    }
  }

  @SuppressWarnings("unchecked") // as above
  public final T get(Duration timeout) {
    Objects.requireNonNull(timeout, "timeout");
    if (timeout.isNegative()) {
      throw new IllegalArgumentException("timeout is " + timeout + "; it must not be negative");
    }
    requireOpen("get(timeout)");
    try {
      return (T) count.worker.reader().get(count, "get(timeout)", Deadline.in(timeout));
    } finally {
      keepReachable();
    }
  }

  public final boolean isReady() {
    requireOpen("isReady()");
    if (count.cell.outcome() != null) {
      return true;
    }
    count.worker.reader().want(count.id);
    boolean ready = count.cell.outcome() != null;
    keepReachable();
    return ready;
  }

  public final CompletionStage<T> toCompletionStage() {
    CompletableFuture<T> stage = new CompletableFuture<>();
    Count kept = duplicate("toCompletionStage()");
    count.worker.reader().want(count.id);
    kept.cell.whenSettled(
        () ->
            Thread.ofVirtual()
                .start(
                    () -> {
                      try {
                        @SuppressWarnings("unchecked") // as in get()
                        T value =
                            (T)
                                count
                                    .worker
                                    .reader()
                                    .get(kept, "toCompletionStage()", Deadline.NEVER);
                        stage.complete(value);
                      } catch (DFutException e) {
                        stage.completeExceptionally(e);
                      } finally {
                        kept.release("after its stage completed");
                      }
                    }));
    return stage.minimalCompletionStage();
  }

  @Override
  public String toString() {
    Object released = count.get();
    return getClass().getSimpleName()
        + "["
        + count.id
        + (released == Count.OPEN ? "" : ", released " + released)
        + "]";
  }
}
