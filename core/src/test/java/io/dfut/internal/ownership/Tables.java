package io.dfut.internal.ownership;

import io.dfut.Inspection;
import io.dfut.ObjectId;
import io.dfut.internal.task.Outcome;
import java.util.EnumSet;
import java.util.Set;

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

  /** What may be under way in a table; a fault is the more interesting for it. */
  public enum Moment {
    /** A borrower has told the owner, and waits to hear that it knows. */
    REGISTERING,
    /** A message that carries a reference is under way, or not acknowledged. */
    PASSING,
    /** Something is kept for whoever a dead worker may have handed it to. */
    HANDOVER,
    /** A task runs, or waits to run, another time. */
    AGAIN
  }

  /** What is under way in the table. */
  public static Set<Moment> moments(WorkerMachine machine) {
    Set<Moment> moments = EnumSet.noneOf(Moment.class);
    for (Inspection.Row described : machine.describe()) {
      Row row = machine.row(described.object());
      if (row.borrow == Row.Borrow.REGISTERING) {
        moments.add(Moment.REGISTERING);
      }
      if (row.transits > 0) {
        moments.add(Moment.PASSING);
      }
      if (row.handover) {
        moments.add(Moment.HANDOVER);
      }
      if (row.isBeingMade() && row.task.attempt > 0) {
        moments.add(Moment.AGAIN);
      }
    }
    return moments;
  }
}
