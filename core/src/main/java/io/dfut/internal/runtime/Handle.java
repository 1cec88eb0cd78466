package io.dfut.internal.runtime;

import io.dfut.DFutException;
import io.dfut.ObjectId;
import io.dfut.ReleasedException;
import io.dfut.internal.ownership.WorkerInput;
import java.lang.ref.Cleaner;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What all handles have in common: one count in one worker's table, given back once, by whichever
 * comes first of {@code close}, the end of the task that made it, and unreachability. Thread-safe.
 */
abstract class Handle<T> {
  private static final Cleaner CLEANER = Cleaner.create();

  /** The count. Refers to everything but the handle, so that the handle can become unreachable. */
  static final class Count extends AtomicReference<String> implements Runnable {
    private static final long serialVersionUID = 1L;
    private static final String OPEN = "";

    final transient WorkerActor worker;
    final transient ObjectId id;
    final transient ResultCell cell;

    /** The object whose value held the reference, if it came out of one. */
    final transient Optional<ObjectId> outer;

    Count(WorkerActor worker, ObjectId id, ResultCell cell, Optional<ObjectId> outer) {
      super(OPEN);
      this.worker = worker;
      this.id = id;
      this.cell = cell;
      this.outer = outer;
    }

    /** Takes the count for release; false when it was taken before. */
    boolean take(String where) {
      return compareAndSet(OPEN, where);
    }

    boolean isOpen() {
      return get().equals(OPEN);
    }

    /** By the cleaner: the handle is unreachable. */
    @Override
    public void run() {
      release("by the garbage collector");
    }

    void release(String where) {
      if (take(where)) {
        worker.post(new WorkerInput.HandleReleased(id));
      }
    }
  }

  final Count count;

  Handle(Count count, boolean cleaned) {
    this.count = count;
    if (cleaned) {
      CLEANER.register(this, count);
    }
  }

  final WorkerActor worker() {
    return count.worker;
  }

  final ObjectId object() {
    return count.id;
  }

  final void requireOpen(String verb) {
    String released = count.get();
    if (!released.equals(Count.OPEN)) {
      throw new ReleasedException(
          verb
              + " on a released handle of "
              + count.id
              + ": it was released "
              + released
              + ". Keep it open until it is not needed, or share() it to where it is.");
    }
  }

  public final void close() {
    if (count.isOpen()) {
      count.release("at " + io.dfut.internal.task.CallSite.here());
    }
  }

  @SuppressWarnings("unchecked") // the object was made by a task whose result type is T
  public final T get() {
    requireOpen("get()");
    return (T) count.worker.reader().get(count, "get()", Deadline.NEVER);
  }

  @SuppressWarnings("unchecked") // as above
  public final T get(Duration timeout) {
    Objects.requireNonNull(timeout, "timeout");
    if (timeout.isNegative()) {
      throw new IllegalArgumentException("timeout is " + timeout + "; it must not be negative");
    }
    requireOpen("get(timeout)");
    return (T) count.worker.reader().get(count, "get(" + timeout + ")", Deadline.in(timeout));
  }

  public final boolean isReady() {
    requireOpen("isReady()");
    if (count.cell.outcome() != null) {
      return true;
    }
    count.worker.reader().want(count.id);
    return count.cell.outcome() != null;
  }

  public final CompletionStage<T> toCompletionStage() {
    requireOpen("toCompletionStage()");
    CompletableFuture<T> stage = new CompletableFuture<>();
    Count kept = count.worker.duplicate(count);
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
    String released = count.get();
    return getClass().getSimpleName()
        + "["
        + count.id
        + (released.equals(Count.OPEN) ? "" : ", released " + released)
        + "]";
  }
}
