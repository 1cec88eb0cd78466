package io.dfut.internal.ownership;

import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.Transit;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * One object in one worker's table: an owner's row, or the subset that a borrower keeps (paper
 * table 2). Counts are kept apart by reason, so that a wrong one can be seen. Not thread-safe.
 */
final class Row {
  /** What made the object. */
  enum Origin {
    TASK,
    PUT,
    PROMISE,
    BORROWED
  }

  /** What the owner knows of this borrower; a borrower's row only. */
  enum Borrow {
    /** A running task was lent the reference by its owner, whose submitted count covers us. */
    COVERED,
    /** We told the owner, and wait to hear that it knows. */
    REGISTERING,
    /** The owner lists us. */
    REGISTERED
  }

  final ObjectId id;
  final Origin origin;
  final CallSite site;

  /**
   * Of an actor that was there and is not: what its calls may expect while the value is null. Set
   * when the actor's worker is lost.
   */
  TaskSpec.Restarts restarts;

  /**
   * The actor's node has said that it leaves: what was not answered was not begun. Set with the
   * above.
   */
  boolean moves;

  /** What became of the object; null while it is pending, unknown to a borrower, or freed. */
  Outcome value;

  /** The value was freed; the row stays for lineage only. */
  boolean freed;

  /**
   * The task that makes it, as long as its description is kept; null for puts and promises, and in
   * a borrower's row.
   */
  TaskRecord task;

  /** What people call the task that made it; null for puts and promises. */
  String madeBy;

  /** Open handles. Added by submit, put, share and decoding; removed when a handle is released. */
  int handles;

  /**
   * Tasks of this worker that take it and have not ended. Added at submit; removed when the task
   * settles.
   */
  int arguments;

  /**
   * Values owned here that contain it. Added when such a value arrives; removed when that is freed.
   */
  int containers;

  /**
   * Messages under way that carry it. Added when one is sent; removed by TransitClosed or the
   * receiver's death.
   */
  int transits;

  /**
   * Running tasks that were lent it, and registrations of inner references that its value covers.
   */
  int holds;

  /**
   * Whether a worker that held it died a short time ago, and may have handed it on to somebody
   * whose registration is still under way.
   */
  boolean handover;

  /** Until when that is to be waited for; the last death's. */
  long handoverEndNanos;

  /** Descriptions of tasks kept here that take it. Keeps the row, not the value. */
  int lineage;

  /**
   * Workers that hold it, with the epoch of their borrow. Added by Borrowed or TaskReturned;
   * removed by release or death.
   */
  private Map<WorkerId, Long> borrowers;

  /**
   * Where local readers wait; every handle made by decoding brings its own. Most rows have one,
   * which stands for itself: null, a {@code Settleable}, or a list of them.
   */
  private Object cells;

  /** Borrowers that asked and are told once it settles. */
  private List<WorkerId> askers = List.of();

  /** Tasks of this worker that wait for it. */
  private List<TaskRecord> dependents = List.of();

  Borrow borrow;
  long epoch;

  /** Whether the owner was asked what became of it; a borrower's row only. */
  boolean asked;

  /** A reference that came with a message, and who counts it until our owner knows us. */
  record Passed(Transit transit, WorkerId sender) {}

  /**
   * What we told the owner and it has not acknowledged. Should it be dead, the passers, who may not
   * know that, hear it from us; a borrower's row only.
   */
  private List<Passed> passed = List.of();

  /** Rows whose value held this reference, held until the owner knows us; a borrower's row only. */
  private List<Row> coveredBy = List.of();

  Row(ObjectId id, Origin origin, CallSite site) {
    this.id = id;
    this.origin = origin;
    this.site = site;
  }

  boolean isOwned() {
    return origin != Origin.BORROWED;
  }

  /**
   * While true, the value must exist or be on its way. A kept description that takes a borrowed
   * object keeps the borrow (a lineage borrow): the row, and with it the owner's, would otherwise
   * be gone when the task is run again.
   */
  boolean inScope() {
    return handles > 0
        || arguments > 0
        || containers > 0
        || transits > 0
        || holds > 0
        || handover
        || (lineage > 0 && !isOwned())
        || (borrowers != null && !borrowers.isEmpty());
  }

  /**
   * Whether a value that nobody holds stays because a kept description takes it and nothing could
   * make it again: it was put, or completed by hand, or its task has no retries left or lost its
   * description to the budget, or it is inline, whose task's description went when it arrived.
   */
  boolean keepsValueForLineage() {
    return lineage > 0
        && switch (value) {
          case Outcome.Stored stored -> task == null || !task.isRebuildable();
          case Outcome.Inline inline -> true;
          case Outcome.Failed failed -> true;
          case Outcome.Actor actor -> false; // nobody can call it any more: it ends
          case null -> false;
        };
  }

  /** Whether a task that will settle it has not ended. */
  boolean isBeingMade() {
    return value == null && task != null && !task.isSettled();
  }

  /** Whether it is an actor that is being made anew. */
  boolean isRestarting() {
    return value == null && restarts != null;
  }

  Map<WorkerId, Long> borrowers() {
    return borrowers == null ? Map.of() : borrowers;
  }

  /** Adds a borrower, or notes its newer epoch. */
  void addBorrower(WorkerId borrower, long borrowEpoch) {
    if (borrowers == null) {
      borrowers = new HashMap<>(4);
    }
    borrowers.merge(borrower, borrowEpoch, Math::max);
  }

  /** Removes a borrower unless it has borrowed anew since. */
  boolean removeBorrower(WorkerId borrower, long borrowEpoch) {
    Long known = borrowers().get(borrower);
    if (known == null || known > borrowEpoch) {
      return false;
    }
    borrowers.remove(borrower);
    return true;
  }

  @SuppressWarnings("unchecked") // a list here holds nothing else
  List<Settleable> cells() {
    return switch (cells) {
      case null -> List.of();
      case Settleable one -> List.of(one);
      default -> (List<Settleable>) cells;
    };
  }

  /** The same without a list, for the one that most have. */
  @SuppressWarnings("unchecked") // as above
  void forEachCell(Consumer<? super Settleable> action) {
    switch (cells) {
      case null -> {}
      case Settleable one -> action.accept(one);
      default -> ((List<Settleable>) cells).forEach(action);
    }
  }

  void addCell(Settleable cell) {
    List<Settleable> before = cells();
    if (before.isEmpty()) {
      cells = cell;
    } else if (!before.contains(cell)) {
      List<Settleable> more = new ArrayList<>(before); // somebody may be going through it
      more.add(cell);
      cells = more;
    }
  }

  void addAsker(WorkerId asker) {
    if (askers.isEmpty()) {
      askers = new ArrayList<>(2);
    }
    if (!askers.contains(asker)) {
      askers.add(asker);
    }
  }

  List<WorkerId> takeAskers() {
    List<WorkerId> taken = askers;
    askers = List.of();
    return taken;
  }

  void addDependent(TaskRecord dependent) {
    if (dependents.isEmpty()) {
      dependents = new ArrayList<>(2);
    }
    dependents.add(dependent);
  }

  List<TaskRecord> takeDependents() {
    List<TaskRecord> taken = dependents;
    dependents = List.of();
    return taken;
  }

  boolean hasDependents() {
    return !dependents.isEmpty();
  }

  /** Counts elsewhere that cover this worker until the owner knows it; a borrower's row only. */
  List<Settleable> covers = List.of();

  void addPassed(Transit transit, WorkerId sender) {
    if (passed.isEmpty()) {
      passed = new ArrayList<>(2);
    }
    passed.add(new Passed(transit, sender));
  }

  /** The owner answers in the order in which it was told. */
  void firstPassedIsKnown() {
    if (!passed.isEmpty()) {
      passed.removeFirst();
    }
  }

  List<Passed> takePassed() {
    List<Passed> taken = passed;
    passed = List.of();
    return taken;
  }

  void coverBy(Row outer) {
    if (coveredBy.isEmpty()) {
      coveredBy = new ArrayList<>(1);
    }
    coveredBy.add(outer);
  }

  List<Row> takeCoveredBy() {
    List<Row> taken = coveredBy;
    coveredBy = List.of();
    return taken;
  }

  /** The counts that hold it, by reason; for people. */
  Map<String, Integer> counts() {
    Map<String, Integer> counts = new LinkedHashMap<>();
    putPositive(counts, "handles", handles);
    putPositive(counts, "arguments", arguments);
    putPositive(counts, "containers", containers);
    putPositive(counts, "borrowers", borrowers().size());
    putPositive(counts, "transits", transits);
    putPositive(counts, "holds", holds);
    putPositive(counts, "handovers", handover ? 1 : 0);
    putPositive(counts, "lineage", lineage);
    return counts;
  }

  private static void putPositive(Map<String, Integer> counts, String reason, int count) {
    if (count > 0) {
      counts.put(reason, count);
    }
  }

  @Override
  public String toString() {
    return id + " " + origin + " value=" + value + (freed ? " freed" : "") + " " + counts();
  }
}
