package io.dfut.internal.runtime;

import io.dfut.internal.ownership.WorkerInput;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Answers of one worker to owners in the same JVM. While a worker runs one quick task after the
 * other its answers go together, and are left for a thread of the owner's to take in: who waits for
 * a value has it already, past the table, and a table that two cores take turns at costs each of
 * them more than the tasks. They go at once when no other task follows, when the tasks are not
 * quick, and before anything else that the worker says.
 *
 * <p>Thread-safe.
 */
final class Answers {
  /** Answers that are one input of their owner's inbox. */
  record Together(List<TaskReturned> answers) {
    void forEach(Consumer<? super WorkerInput> action) {
      for (TaskReturned answer : answers) {
        action.accept(new WorkerInput.Received(answer));
      }
    }
  }

  private static final int TOGETHER_MAX = 32;

  /** So many of them may wait in the inbox for a thread of the owner's. */
  private static final int WAITING_MAX = 32;

  /** A task is quick when the next one begins so soon after it began. */
  private static final long QUICK_NANOS = 20_000;

  /** How long an answer may be kept for others to go with it. */
  private static final long KEPT_MAX_NANOS = 50_000;

  private final WorkerActor worker;

  /** Not sent yet. Guarded by this. */
  private List<TaskReturned> kept = new ArrayList<>(TOGETHER_MAX);

  /** Whose they are; null when there is none. Written under this. */
  private volatile WorkerActor owner;

  private long keptSinceNanos;
  private long lastStartedNanos;

  /** Whose inbox has some that nobody may have taken in; null when that is none. */
  private volatile WorkerActor left;

  /** It was said that no other task follows. */
  private volatile boolean last;

  private int waiting;
  private final AtomicBoolean watched = new AtomicBoolean();

  Answers(WorkerActor worker) {
    this.worker = worker;
  }

  /**
   * Sends an answer, now or soon.
   *
   * @param startedNanos when the task began
   * @param more whether the thread has another task to run
   */
  void add(TaskReturned answer, long startedNanos, boolean more) {
    WorkerActor here = worker.node().here(answer.task().owner());
    if (here == null) {
      worker.send(answer.task().owner(), answer);
      return;
    }
    last = !more;
    boolean goNow;
    WorkerActor before = null;
    WorkerActor older = null;
    synchronized (this) {
      if (owner != here) {
        before = owner;
        older = left;
        publish();
        owner = here;
        keptSinceNanos = startedNanos;
      }
      kept.add(answer);
      boolean quick = startedNanos - lastStartedNanos < QUICK_NANOS;
      lastStartedNanos = startedNanos;
      goNow = !quick || startedNanos - keptSinceNanos > KEPT_MAX_NANOS;
      if (goNow || !more || kept.size() == TOGETHER_MAX) {
        publish();
        goNow |= ++waiting > WAITING_MAX;
      }
    }
    helpOther(older, here);
    helpOther(before, here);
    if (goNow) {
      settle();
    } else if (more) {
      watch();
    }
  }

  /**
   * Nobody looks after that one later. Not under the lock: steps of its table may come back here.
   */
  private static void helpOther(WorkerActor owner, WorkerActor now) {
    if (owner != null && owner != now) {
      owner.help();
    }
  }

  /** Puts them into the owner's inbox. Under the lock. */
  private void publish() {
    if (owner != null) {
      owner.enqueue(new Together(kept));
      left = owner;
      owner = null;
      kept = new ArrayList<>(TOGETHER_MAX);
    }
  }

  /** Sends what is kept, so that what is sent next comes after it. */
  void send() {
    if (owner != null) {
      synchronized (this) {
        publish();
      }
    }
  }

  /** The same, and sees to it that the owner takes it in. */
  void settle() {
    send();
    WorkerActor published = left;
    if (published != null) {
      left = null;
      waiting = 0;
      published.help();
    }
  }

  /** Another task begins: if none was to follow, the thread is not going to look again soon. */
  void next() {
    if (last) {
      last = false;
      settle();
    }
  }

  /** In case the next task runs long. */
  private void watch() {
    if (!watched.get() && watched.compareAndSet(false, true)) {
      worker
          .node()
          .after(
              worker.node().settings().behindMax(),
              () -> {
                watched.set(false);
                settle();
              });
    }
  }
}
