package io.dfut.internal.runtime;

import io.dfut.Inspection;
import io.dfut.TaskId;
import java.util.function.BiConsumer;
import java.util.function.Predicate;

/** What runs user code for a worker, off its mailbox. Thread-safe. */
interface TaskRunner {
  /** A task was pushed. */
  void offer(Pushed pushed);

  /** Takes out an attempt that waits. One that runs is the worker's to stop, after that. */
  void cancel(TaskId task, int attempt);

  /** Takes out what waits of these owners, who are dead. As with cancel, what runs is left. */
  void fence(Predicate<io.dfut.WorkerId> deadOwner);

  /** Goes through what waits here: what does not run yet, for people. */
  void waiting(BiConsumer<Pushed, Inspection.Stage> action);

  /** Ends: what waits is handed back or refused, what runs is interrupted. */
  void end(String reason);
}
