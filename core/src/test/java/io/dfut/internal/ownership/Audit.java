package io.dfut.internal.ownership;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Counts a worker's table anew from what the counts stand for, and compares: what RELIABILITY calls
 * I3, I4, I11 and I13. Looks into private fields, which the machines offer to nobody.
 */
public final class Audit {
  private static final Field COUNTER = field(WorkerMachine.class, "counter");
  private static final Field TASKS = field(WorkerMachine.class, "tasks");
  private static final Field RECORDS = field(TaskBook.class, "tasks");
  private static final Field OPEN_TRANSITS = field(ReferenceCounter.class, "openTransits");
  private static final Field HANDOVERS = field(ReferenceCounter.class, "handovers");

  private Audit() {}

  private static Field field(Class<?> type, String name) {
    try {
      Field field = type.getDeclaredField(name);
      field.setAccessible(true);
      return field;
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException("Audit looks for what is not there any more", e);
    }
  }

  private static Object get(Field field, Object of) {
    try {
      return field.get(of);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  private static ReferenceCounter counter(WorkerMachine machine) {
    return (ReferenceCounter) get(COUNTER, machine);
  }

  /**
   * A borrower's row.
   *
   * @param owner of the object
   * @param registered whether it counts on being listed
   */
  public record Borrowed(ObjectId object, WorkerId owner, long epoch, boolean registered) {}

  /** What the worker borrows and holds. */
  public static List<Borrowed> borrowed(WorkerMachine machine) {
    List<Borrowed> all = new ArrayList<>();
    for (Row row : counter(machine).allRows()) {
      if (!row.isOwned() && row.inScope()) {
        boolean registered = row.borrow == Row.Borrow.REGISTERED;
        all.add(new Borrowed(row.id, row.id.owner(), row.epoch, registered));
      }
    }
    return all;
  }

  /** Whether the owner lists this borrower, with this borrow or a newer one. */
  public static boolean lists(WorkerMachine owner, ObjectId object, WorkerId borrower, long epoch) {
    Row row = owner.row(object);
    return row != null && row.borrowers().getOrDefault(borrower, -1L) >= epoch;
  }

  /**
   * Throws when a count is not what it stands for.
   *
   * @param dead workers and nodes whose death the machine was told of
   * @param timers that run
   */
  public static void check(WorkerMachine machine, Set<Object> dead, Set<WorkerTimer> timers) {
    ReferenceCounter counter = counter(machine);
    Map<ObjectId, Integer> containers = new HashMap<>();
    for (Row row : counter.allRows()) {
      if (row.isOwned() && !row.freed && row.value != null) {
        row.value.references().forEach(inner -> containers.merge(inner, 1, Integer::sum));
      }
    }
    Map<ObjectId, Integer> arguments = new HashMap<>();
    Map<ObjectId, Integer> lineage = new HashMap<>();
    for (Object each : ((Map<?, ?>) get(RECORDS, get(TASKS, machine))).values()) {
      TaskRecord task = (TaskRecord) each;
      for (ObjectId id : TaskBook.argumentsOf(task.spec)) {
        if (task.holdsArguments) {
          arguments.merge(id, 1, Integer::sum);
        }
        if (task.holdsLineage) {
          lineage.merge(id, 1, Integer::sum);
        }
      }
    }
    Map<Row, Integer> transits = new HashMap<>();
    for (Object open : ((Map<?, ?>) get(OPEN_TRANSITS, counter)).values()) {
      Row row = (Row) get(TransitFields.ROW, open);
      transits.merge(row, 1, Integer::sum);
      Optional<?> receiver = (Optional<?>) get(TransitFields.RECEIVER, open);
      expect(
          receiver.filter(r -> isDead((WorkerId) r, dead)).isEmpty()
              && !isDead(row.id.owner(), dead),
          "I11: a transit that nobody will close",
          row);
    }
    for (Row row : counter.allRows()) {
      // A value can have come while the inner object was gone, after a death; never the reverse.
      expect(
          row.containers <= containers.getOrDefault(row.id, 0)
              && (!dead.isEmpty() || row.containers == containers.getOrDefault(row.id, 0)),
          "I3: containers",
          row);
      // A machine may let go of them before its task has ended, not keep them longer.
      expect(row.arguments <= arguments.getOrDefault(row.id, 0), "I4: arguments", row);
      expect(row.lineage <= lineage.getOrDefault(row.id, 0), "I4: lineage", row);
      expect(row.transits == transits.getOrDefault(row, 0), "I4: transits", row);
      expect(
          row.handles >= 0
              && row.arguments >= 0
              && row.containers >= 0
              && row.transits >= 0
              && row.holds >= 0
              && row.lineage >= 0,
          "I4: a count below zero",
          row);
      expect(isNeeded(row), "I4: a row that nothing needs", row);
      for (WorkerId borrower : row.borrowers().keySet()) {
        expect(row.isOwned(), "borrowers of what is not owned", row);
        expect(!isDead(borrower, dead), "I11: a borrower that is known to be dead", row);
      }
    }
    boolean waits = !((List<?>) get(HANDOVERS, counter)).isEmpty();
    expect(
        waits == timers.contains(new WorkerTimer.HandoverEnd()),
        "I13: handovers and their timer",
        timers);
  }

  private static boolean isNeeded(Row row) {
    if (row.inScope() || row.lineage > 0) {
      return true;
    }
    return row.isOwned() ? row.isBeingMade() : row.borrow == Row.Borrow.REGISTERING;
  }

  private static boolean isDead(WorkerId worker, Set<Object> dead) {
    NodeId node = worker.node();
    return dead.contains(worker) || dead.contains(node);
  }

  private static void expect(boolean holds, String what, Object value) {
    if (!holds) {
      throw new AssertionError(what + ": " + value);
    }
  }

  /** Of the record of a transit, which is private. */
  private static final class TransitFields {
    static final Field ROW;
    static final Field RECEIVER;

    static {
      Class<?> type =
          java.util.Arrays.stream(ReferenceCounter.class.getDeclaredClasses())
              .filter(each -> each.getSimpleName().equals("OpenTransit"))
              .findFirst()
              .orElseThrow();
      ROW = field(type, "row");
      RECEIVER = field(type, "receiver");
    }
  }
}
