package io.dfut.internal.runtime;

import io.dfut.TaskId;
import java.util.List;
import java.util.function.Predicate;

/** What runs user code for a worker, off its mailbox. Thread-safe. */
interface TaskRunner {
  /** A task was pushed. */
  void offer(Pushed pushed);

  /** Stops an attempt, whether it runs or waits. */
  void cancel(TaskId task, int attempt);

  /**
   * The owners of these tasks are dead: nothing of theirs runs on.
   *
   * @return those that ran
   */
  List<TaskContext> fence(Predicate<io.dfut.WorkerId> deadOwner);

  /** Ends: what waits is handed back or refused, what runs is interrupted. */
  void end(String reason);
}
