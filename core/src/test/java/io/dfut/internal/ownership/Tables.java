package io.dfut.internal.ownership;

import io.dfut.ObjectId;
import io.dfut.internal.task.Outcome;

/** Lets the simulator look into tables. */
public final class Tables {
  private Tables() {}

  /** Whether the table still has the object, or promises to make it. */
  public static boolean keeps(WorkerMachine machine, ObjectId id) {
    Row row = machine.row(id);
    return row != null && !row.freed;
  }

  /** What became of the object; null while it is pending, and when it is gone. */
  public static Outcome outcome(WorkerMachine machine, ObjectId id) {
    Row row = machine.row(id);
    return row == null ? null : row.value;
  }
}
