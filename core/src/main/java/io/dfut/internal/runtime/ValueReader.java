package io.dfut.internal.runtime;

import io.dfut.DFutException;
import io.dfut.GetTimeoutException;
import io.dfut.ObjectId;
import io.dfut.ObjectView;
import io.dfut.SerializationException;
import io.dfut.SystemClosedException;
import io.dfut.TaskCancelledException;
import io.dfut.internal.codec.SegmentBuffer;
import io.dfut.internal.ownership.WorkerInput;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.agrona.DirectBuffer;

/**
 * Waits for outcomes and turns them into values, for the user's threads of one worker. No wait is
 * without a bound or a named reason: the worker's own end, and the system's, end every wait.
 * Thread-safe.
 */
final class ValueReader {
  /** A waiting thread looks this often whether its worker is still there. */
  private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Spins before a thread parks: parking and waking cost more than most short tasks take. */
  private static final int SPINS = 200;

  /** Reads of a stored value that may fail before the reader gives up with the last reason. */
  private static final int READS_MAX = 20;

  private final WorkerActor worker;

  ValueReader(WorkerActor worker) {
    this.worker = worker;
  }

  /** Asks the owner of a borrowed object, unless it was asked. */
  void want(ObjectId id) {
    if (!id.owner().equals(worker.id())) {
      worker.post(new WorkerInput.Wanted(id));
    }
  }

  DFutException exception(Failure failure) {
    return failure.toException(worker.node()::classOfError);
  }

  // ---- waiting ----

  /**
   * Waits for an outcome.
   *
   * @param verb what the user called, for messages
   */
  Outcome await(Handle.Count count, String verb, Deadline deadline) {
    Outcome outcome = count.cell.outcome();
    if (outcome != null) {
      return outcome;
    }
    want(count.id);
    if (deadline.leftNanos() <= 0) {
      outcome = count.cell.outcome();
      if (outcome != null) {
        return outcome;
      }
      throw timedOut(count, verb, deadline);
    }
    Threads.refuseToBlock(worker.node().system(), verb + " of " + count.id);
    WorkerContext context = CurrentContext.orNull();
    TaskContext task = context instanceof TaskContext t && t.worker == worker ? t : null;
    if (task != null && deadline.isNever()) {
      task.runInlineWhile(count.cell);
    }
    for (int i = 0; i < SPINS; i++) {
      outcome = count.cell.outcome();
      if (outcome != null) {
        return outcome;
      }
      worker.help(); // answers may wait there for somebody who has time
      Thread.onSpinWait();
    }
    return park(count, verb, deadline, context instanceof TaskContext t ? t : null, task);
  }

  private Outcome park(
      Handle.Count count,
      String verb,
      Deadline deadline,
      TaskContext blocked,
      TaskContext inliner) {
    Thread self = Thread.currentThread();
    if (!count.cell.watch(self)) {
      return count.cell.outcome() != null ? count.cell.outcome() : await(count, verb, deadline);
    }
    if (blocked != null) {
      blocked.blocked();
    }
    long nextWord = System.nanoTime() + LOOK_NANOS;
    try {
      while (true) {
        Outcome outcome = count.cell.outcome();
        if (outcome != null) {
          return outcome;
        }
        if (blocked != null && deadline.isNever() && System.nanoTime() - nextWord >= 0) {
          nextWord += LOOK_NANOS;
          worker.post(new WorkerInput.StillWaiting(count.id, blocked.waiting()));
        }
        if (inliner != null && deadline.isNever() && inliner.canRunInline(count.cell)) {
          inliner.unblocked();
          try {
            inliner.runInlineWhile(count.cell);
          } finally {
            inliner.blocked();
          }
          continue;
        }
        checkAlive(count, verb);
        count.requireOpen(verb); // the table answers those it counts, and may have freed the object
        if (Thread.interrupted()) {
          throw interrupted(count, verb, blocked);
        }
        long left = deadline.leftNanos();
        if (left <= 0) {
          throw timedOut(count, verb, deadline);
        }
        LockSupport.parkNanos(count.cell, Math.min(left, LOOK_NANOS));
      }
    } finally {
      count.cell.unwatch(self);
      if (blocked != null) {
        blocked.unblocked();
      }
    }
  }

  private void checkAlive(Handle.Count count, String verb) {
    Optional<String> end = worker.end();
    if (end.isPresent()) {
      throw new SystemClosedException(
          verb + " of " + count.id + " cannot be answered: " + end.get());
    }
  }

  private DFutException timedOut(Handle.Count count, String verb, Deadline deadline) {
    return new GetTimeoutException(
        verb
            + ": the value of "
            + count.id
            + " was not there within "
            + deadline.timeout()
            + "; its task goes on, so asking again is safe");
  }

  private static RuntimeException interrupted(Handle.Count count, String verb, TaskContext task) {
    if (task != null && task.isCancelled()) {
      return new TaskCancelledException(
          task.describe() + " was cancelled while it waited in " + verb + " of " + count.id);
    }
    Thread.currentThread().interrupt();
    return new TaskCancelledException(
        "the thread was interrupted while it waited in " + verb + " of " + count.id);
  }

  // ---- values ----

  /** Waits for the value, fetches it if it is in a store, and decodes it. */
  Object get(Handle.Count count, String verb, Deadline deadline) {
    return read(
        count,
        verb,
        deadline,
        new Use<>() {
          @Override
          public Object inline(InlineValue value) {
            return worker.decode(value, Optional.of(count.id));
          }

          @Override
          public Object stored(ObjectKey key, ObjectStore.Pinned pinned) {
            try (SharedPin pin = SharedPin.of(pinned)) {
              return worker.node().values().decode(key, pin, worker.borrows(Optional.of(count.id)));
            }
          }
        });
  }

  private interface Use<R> {
    R inline(InlineValue value);

    /** Takes over the pin. */
    R stored(ObjectKey key, ObjectStore.Pinned pinned);
  }

  private <R> R read(Handle.Count count, String verb, Deadline deadline, Use<R> use) {
    String lastReason = "";
    for (int reads = 0; reads < READS_MAX; reads++) {
      Outcome outcome = await(count, verb, deadline);
      switch (outcome) {
        case Outcome.Inline inline -> {
          return use.inline(inline.value());
        }
        case Outcome.Actor actor -> {
          return null;
        }
        case Outcome.Failed failed -> throw exception(failed.failure());
        case Outcome.Stored stored -> {
          ObjectKey key = new ObjectKey(count.id, stored.attempt());
          try {
            return use.stored(key, fetch(count, verb, key, stored, deadline));
          } catch (IllegalStateException e) { // the store closed while it was read, or a bug
            checkAlive(count, verb);
            throw e;
          } catch (ObjectStore.SourceLostException e) {
            count.requireOpen(verb); // else it was freed, as nobody holds it any more
            lastReason = e.getMessage();
            worker.post(new WorkerInput.ReadFailed(count.id, stored.attempt(), stored.sources()));
            awaitChange(count, stored, deadline);
          }
        }
      }
    }
    throw new io.dfut.ObjectLostException(
        verb
            + ": the value of "
            + count.id
            + " could not be read in "
            + READS_MAX
            + " tries: "
            + lastReason,
        io.dfut.ObjectLostException.Reason.UNKNOWN,
        null);
  }

  private void awaitChange(Handle.Count count, Outcome old, Deadline deadline) {
    try {
      count.cell.awaitChange(old, Math.max(1, Math.min(500, deadline.leftNanos() / 1_000_000)));
    } catch (InterruptedException e) {
      throw interrupted(count, "get()", null);
    }
  }

  private ObjectStore.Pinned fetch(
      Handle.Count count, String verb, ObjectKey key, Outcome.Stored stored, Deadline deadline)
      throws ObjectStore.SourceLostException {
    ObjectStore store = worker.node().store();
    Optional<ObjectStore.Pinned> here = store.pin(key);
    if (here.isPresent()) {
      return here.get();
    }
    Threads.refuseToBlock(worker.node().system(), verb + " of " + count.id);
    CompletableFuture<ObjectStore.Pinned> pulled =
        store
            .fetch(
                key,
                stored.bytes(),
                Spread.of(stored.sources(), count.id, worker.id().node()),
                ObjectStore.Urgency.GET)
            .toCompletableFuture()
            .thenApply(
                pinned -> { // also when nobody waits any more: the copy is here all the same
                  worker.pulled(key, pinned);
                  return pinned;
                });
    TaskContext task = CurrentContext.orNull() instanceof TaskContext t ? t : null;
    boolean waits = task != null && !pulled.isDone();
    if (waits) {
      task.blocked();
    }
    try {
      ObjectStore.Pinned pinned =
          deadline.isNever()
              ? pulled.get()
              : pulled.get(Math.max(0, deadline.leftNanos()), TimeUnit.NANOSECONDS);
      return pinned;
    } catch (TimeoutException e) {
      pulled.thenAccept(ObjectStore.Pinned::close);
      throw timedOut(count, verb, deadline);
    } catch (InterruptedException e) {
      pulled.thenAccept(ObjectStore.Pinned::close);
      throw interrupted(count, verb, task);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof ObjectStore.SourceLostException lost) {
        throw lost;
      }
      if (cause instanceof DFutException known) {
        throw known;
      }
      checkAlive(count, verb);
      throw new ObjectStore.SourceLostException("pulling " + key + " failed: " + cause);
    } finally {
      if (waits) {
        task.unblocked();
      }
    }
  }

  // ---- views ----

  ObjectView view(Handle.Count count) {
    return read(
        count,
        "view()",
        Deadline.NEVER,
        new Use<>() {
          @Override
          public ObjectView inline(InlineValue value) {
            return new View(raw(count, MemorySegment.ofArray(value.bytes())), () -> {});
          }

          @Override
          public ObjectView stored(ObjectKey key, ObjectStore.Pinned pinned) {
            try {
              return new View(raw(count, pinned.bytes()), pinned::close);
            } catch (RuntimeException e) {
              pinned.close();
              throw e;
            }
          }
        });
  }

  private MemorySegment raw(Handle.Count count, MemorySegment encoded) {
    return worker
        .node()
        .values()
        .rawBytes(encoded)
        .orElseThrow(
            () ->
                new SerializationException(
                    "the value of "
                        + count.id
                        + " has no bytes of its own to view: only byte[], buffers, memory"
                        + " segments and primitive arrays have; use get()"));
  }

  private static final class View implements ObjectView {
    private final MemorySegment bytes;
    private final Runnable unpin;
    private boolean closed;

    private View(MemorySegment bytes, Runnable unpin) {
      this.bytes = bytes.asReadOnly();
      this.unpin = unpin;
    }

    private synchronized MemorySegment open() {
      if (closed) {
        throw new IllegalStateException("the view is closed");
      }
      return bytes;
    }

    @Override
    public long size() {
      return open().byteSize();
    }

    @Override
    public ByteBuffer buffer() {
      MemorySegment segment = open();
      if (segment.byteSize() > Integer.MAX_VALUE) {
        throw new IllegalStateException(
            "the value has "
                + segment.byteSize()
                + " bytes, more than a ByteBuffer can show; use segment()");
      }
      return segment.asByteBuffer();
    }

    @Override
    public MemorySegment segment() {
      return open();
    }

    @Override
    public DirectBuffer directBuffer() {
      return new SegmentBuffer(open());
    }

    @Override
    public void close() {
      synchronized (this) {
        if (closed) {
          return;
        }
        closed = true;
      }
      unpin.run();
    }
  }
}
