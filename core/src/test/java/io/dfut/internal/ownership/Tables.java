package io.dfut.internal.ownership;

import io.dfut.ObjectId;

/** Lets the simulator look into tables. */
public final class Tables {
  private Tables() {}

  /** Whether the table still has the object, or promises to make it. */
  public static boolean keeps(WorkerMachine machine, ObjectId id) {
    Row row = machine.row(id);
    return row != null && !row.freed;
  }
}
