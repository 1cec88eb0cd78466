package io.dfut.internal.ownership;

import io.dfut.TaskId;

/** Names a timer of a worker; at most one of each name runs. */
public sealed interface WorkerTimer {
  /** Time to look for leases that were idle for too long. */
  record LeaseSweep() implements WorkerTimer {}

  /** Time to let go of what was kept for those that a dead worker handed references to. */
  record HandoverEnd() implements WorkerTimer {}

  /** Time to let go of what messages carried that must be lost by now. */
  record TransitEnd() implements WorkerTimer {}

  /** The task's time is up. */
  record TaskDeadline(TaskId task) implements WorkerTimer {}
}
