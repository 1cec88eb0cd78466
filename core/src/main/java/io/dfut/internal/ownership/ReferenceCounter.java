package io.dfut.internal.ownership;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.machine.Invariant;
import io.dfut.internal.protocol.Transit;
import io.dfut.internal.protocol.WorkerMessage.BorrowAcknowledged;
import io.dfut.internal.protocol.WorkerMessage.BorrowReleased;
import io.dfut.internal.protocol.WorkerMessage.Borrowed;
import io.dfut.internal.protocol.WorkerMessage.TransitClosed;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Who holds which object: the counts of one worker, and the borrowing protocol between workers
 * (paper section 4.2, DESIGN section 5).
 *
 * <p><b>What is kept.</b> A {@link Row} for every object that this worker owns or borrows, with a
 * count for each reason to keep it. An owner's row also lists the borrowers. Only user code
 * (handles), tasks (arguments, holds, lineage), values (containers) and messages under way
 * (transits) change counts, each through one pair of methods here.
 *
 * <p><b>When a value goes.</b> When every count but lineage's is zero, unless nothing could make it
 * again and a description kept as lineage takes it. The row goes when that is zero too. An object
 * that is still being made keeps its row until its task has ended, in whose answer there may be
 * something to free.
 *
 * <p><b>Orders of messages that are possible.</b> A reference reaches a borrower in one of two
 * ways.
 *
 * <ul>
 *   <li><em>First-hand</em>: its owner pushes a task that sees it. The owner's own argument count
 *       covers the borrower while the task runs ({@code COVERED}). If the borrower still holds it
 *       when the task ends, the answer says so, and the owner lists the borrower before it drops
 *       the argument count: both happen in the one step that applies the answer.
 *   <li><em>Second-hand</em>: someone else passes it on (a borrower to its own task, or inside a
 *       result). The passer counts a transit under an id of its own. The receiver's first act is
 *       {@code Borrowed} to the owner, which lists it, answers {@code BorrowAcknowledged}, and
 *       tells the passer {@code TransitClosed}. Each may come late or twice: the owner's list is a
 *       map, the transit's id is removed once, and an unknown id is ignored.
 * </ul>
 *
 * A release is sent only after the registration was acknowledged, and carries the borrow's epoch:
 * when the same worker borrows again before its release arrives, the newer epoch stands and the
 * late release does nothing. So at every moment the owner lists a holder, or counts a task or
 * transit that covers it.
 *
 * <p>A death breaks such a chain in the middle: the dead worker may have passed a reference on, and
 * the receiver's registration may be slower than the news of the death. So what a dead worker held,
 * or was being sent, or saw as an argument, is kept for a while longer (the handover grace).
 *
 * <p>Not thread-safe: part of one worker's machine.
 */
final class ReferenceCounter {
  /** Told when an object's fate changes; implemented by the table and the tasks. */
  interface Listener {
    /** Nothing holds the value any more: free it everywhere. The row may stay for its lineage. */
    void onOutOfScope(Row row);

    /** Nothing holds the value any more but descriptions that could not be used without it. */
    void onKeptForLineage(Row row);

    /** The row is gone, and with it the need for the description of the task that made it. */
    void onDeleted(Row row);
  }

  /**
   * How a borrowed reference came here, for people.
   *
   * @param what a task's name, or null
   * @param site the line that submitted the task
   */
  record Through(String what, CallSite site) {
    static final Through NOTHING_KNOWN = new Through(null, CallSite.UNKNOWN);
    static final Through MESSAGE = new Through("a message", CallSite.UNKNOWN);

    static Through task(TaskSpec spec) {
      return new Through(spec.name(), spec.site());
    }

    static Through valueOf(Row outer) {
      return new Through(outer.madeBy, outer.site);
    }
  }

  private final WorkerId self;
  private final Rows rows;

  /** Transits that this worker sent and nobody has closed, by id, with the receiver. */
  private final Map<Long, OpenTransit> openTransits = new LinkedHashMap<>();

  /**
   * Rows whose counts fell, to be looked at before the step ends: a queue, since chains are longer
   * than any stack.
   */
  private final ArrayDeque<Row> suspects = new ArrayDeque<>();

  private Consumer<? super WorkerEffect> effects;
  private Listener listener;
  private long lastTransit;
  private long lastEpoch;

  /**
   * @param receiver empty when the message is not ours, so that nobody knows
   */
  private record OpenTransit(Row row, Optional<WorkerId> receiver) {}

  private record Unaddressed(long transit, long endNanos) {}

  /**
   * Transits without a known receiver, in the order of their ends. Added when such a message is
   * written; removed by time.
   */
  private final ArrayDeque<Unaddressed> unaddressed = new ArrayDeque<>();

  /** Rows that are kept since somebody who held them died. Added by a death; removed by time. */
  private final List<Row> handovers = new ArrayList<>();

  private final long handoverGraceNanos;
  private final long messageTransitNanos;
  private boolean ending;
  private long nowNanos;

  /** Deaths that are remembered: messages of the dead may still arrive, but not for long. */
  private static final int DEATHS_MAX = 4096;

  /** Added by a death notice; removed by newer ones beyond the bound. */
  private final Set<Object> dead = new LinkedHashSet<>();

  /**
   * @param handoverGraceNanos how long what a dead worker held is kept for those that it handed it
   *     to
   * @param messageTransitNanos how long a message of the user's may be under way
   */
  ReferenceCounter(WorkerId self, long handoverGraceNanos, long messageTransitNanos) {
    this.self = self;
    this.rows = new Rows(self);
    this.handoverGraceNanos = handoverGraceNanos;
    this.messageTransitNanos = messageTransitNanos;
  }

  void listener(Listener theListener) {
    this.listener = theListener;
  }

  /** Where the effects of the current step go, and when it is. */
  void begin(Consumer<? super WorkerEffect> current, long now) {
    this.effects = current;
    this.nowNanos = now;
  }

  // ---- rows ----

  Row find(ObjectId id) {
    return rows.find(id);
  }

  /** The row of a result of one of this worker's tasks, null if there is none. */
  Row find(TaskRecord task, int index) {
    return rows.find(task, index);
  }

  /** All rows, as a copy: they may come and go while it is gone through. */
  List<Row> allRows() {
    return rows.all();
  }

  boolean isEmpty() {
    return rows.isEmpty() && openTransits.isEmpty();
  }

  Row own(ObjectId id, Row.Origin origin, CallSite site) {
    Row row = new Row(id, origin, site);
    rows.add(row);
    return row;
  }

  /** The row of an object that somebody else owns, made if need be. */
  private Row borrowed(ObjectId id, Row.Borrow how, Through through) {
    Row row = rows.find(id);
    if (row == null) {
      // What is kept is shared by all rows that came in the same way.
      row = new Row(id, Row.Origin.BORROWED, through.site().kept());
      row.madeBy = through.what() == null ? null : through.what().intern();
      row.borrow = how;
      row.epoch = ++lastEpoch;
      rows.add(row);
    }
    return row;
  }

  // ---- counts ----

  void handleAdded(Row row) {
    row.handles++;
  }

  void handleReleased(Row row) {
    Invariant.check(row.handles > 0, "released more handles than there are", row);
    row.handles--;
    suspect(row);
  }

  void argumentAdded(Row row) {
    row.arguments++;
  }

  void argumentReleased(Row row) {
    Invariant.check(row.arguments > 0, "released more arguments than there are", row);
    row.arguments--;
    suspect(row);
  }

  void containerAdded(Row row) {
    row.containers++;
  }

  void containerReleased(Row row) {
    Invariant.check(row.containers > 0, "released more containers than there are", row);
    row.containers--;
    suspect(row);
  }

  void lineageAdded(Row row) {
    row.lineage++;
  }

  void lineageReleased(Row row) {
    Invariant.check(row.lineage > 0, "released more lineage than there is", row);
    row.lineage--;
    suspect(row);
  }

  void holdAdded(Row row) {
    row.holds++;
  }

  void holdReleased(Row row) {
    Invariant.check(row.holds > 0, "released more holds than there are", row);
    row.holds--;
    suspect(row);
  }

  // ---- passing references on ----

  /** Counts one reference on its way to a worker; what must ride in the message. */
  Transit depart(Row row, WorkerId receiver) {
    if (isDead(receiver) || isDead(row.id.owner())) {
      return new Transit(row.id, 0); // nobody would ever close it
    }
    row.transits++;
    long id = ++lastTransit;
    openTransits.put(id, new OpenTransit(row, Optional.of(receiver)));
    return new Transit(row.id, id);
  }

  /**
   * Counts one reference in a message that others carry, to a receiver that nobody knows: until its
   * registration comes, or the message must be lost.
   */
  void departUnaddressed(Row row, long id) {
    if (isDead(row.id.owner()) || ending) {
      return;
    }
    row.transits++;
    openTransits.put(id, new OpenTransit(row, Optional.empty()));
    unaddressed.add(new Unaddressed(id, nowNanos + messageTransitNanos));
    if (unaddressed.size() == 1) {
      effects.accept(new WorkerEffect.SetTimer(new WorkerTimer.TransitEnd(), messageTransitNanos));
    }
  }

  void onTransitEnd() {
    while (!unaddressed.isEmpty() && unaddressed.peek().endNanos() <= nowNanos) {
      endTransit(unaddressed.poll().transit());
    }
    if (!unaddressed.isEmpty()) {
      effects.accept(
          new WorkerEffect.SetTimer(
              new WorkerTimer.TransitEnd(), unaddressed.peek().endNanos() - nowNanos));
    }
  }

  private void endTransit(long id) {
    OpenTransit open = openTransits.remove(id);
    if (open != null) { // else its receiver registered
      open.row().transits--;
      suspect(open.row());
    }
  }

  void onTransitClosed(TransitClosed closed) {
    endTransit(closed.transit().id()); // unless the message is repeated
  }

  /**
   * A reference came in with a message.
   *
   * @return the row, which nothing holds yet; empty when this worker owns the object and has freed
   *     it
   */
  Optional<Row> arrive(Transit transit, WorkerId sender, Through through) {
    ObjectId id = transit.object();
    if (id.owner().equals(self)) {
      if (transit.id() != 0) {
        send(sender, new TransitClosed(transit));
      }
      return Optional.ofNullable(rows.find(id)).filter(row -> !row.freed);
    }
    if (transit.id() == 0) {
      return Optional.of(borrowed(id, Row.Borrow.COVERED, through));
    }
    Row row = borrowed(id, Row.Borrow.COVERED, through);
    if (row.borrow == Row.Borrow.REGISTERED) {
      send(sender, new TransitClosed(transit));
    } else {
      row.borrow = Row.Borrow.REGISTERING;
      row.addPassed(transit, sender);
      send(id.owner(), new Borrowed(transit, self, row.epoch, sender));
    }
    return Optional.of(row);
  }

  /**
   * References came in with an answer. Each is held until the answer has been applied: what
   * contains it counts it by then, or nothing does. A reference that came twice has two transits,
   * and both must be closed.
   */
  List<Row> arriveAll(List<Transit> carried, WorkerId sender, Through through) {
    List<Row> rows = new ArrayList<>(carried.size());
    for (Transit transit : carried) {
      arrive(transit, sender, through)
          .ifPresent(
              row -> {
                holdAdded(row);
                rows.add(row);
              });
    }
    return rows;
  }

  /**
   * A reference was found inside a value that this worker read. While its owner does not know us,
   * the outer value, which contains it, must not go.
   */
  Row found(ObjectId id, Optional<Row> outer) {
    Row before = rows.find(id);
    if (before != null
        && (before.borrow != Row.Borrow.COVERED || outer.isEmpty() || isDead(id.owner()))) {
      return before;
    }
    // One that a task was lent covers that task only: it may be dropped, or end, before this goes.
    Row row =
        borrowed(id, Row.Borrow.COVERED, outer.map(Through::valueOf).orElse(Through.NOTHING_KNOWN));
    register(row);
    outer.ifPresent(
        cover -> {
          holdAdded(cover);
          row.coverBy(cover);
        });
    return row;
  }

  /** Tells the owner that this worker holds it, with nobody waiting to hear. */
  private void register(Row row) {
    row.borrow = Row.Borrow.REGISTERING;
    row.addPassed(new Transit(row.id, 0), self);
    send(row.id.owner(), new Borrowed(new Transit(row.id, 0), self, row.epoch, self));
  }

  /**
   * A task that was lent it will not run here. What holds it all the same cannot be said in an
   * answer of that task, and perhaps in none: the owner is told directly.
   */
  void lentNoMore(Row row) {
    if (!row.isOwned()
        && row.borrow == Row.Borrow.COVERED
        && row.inScope()
        && !isDead(row.id.owner())) {
      register(row);
    }
  }

  /** The owner's side of a registration. */
  void onBorrowed(Borrowed message) {
    ObjectId id = message.transit().object();
    Row row = rows.find(id);
    if (row != null && !row.freed && !isDead(message.borrower())) {
      row.addBorrower(message.borrower(), message.epoch());
    }
    send(message.borrower(), new BorrowAcknowledged(id, message.epoch()));
    if (message.transit().id() != 0) {
      if (message.sender().equals(self)) {
        onTransitClosed(new TransitClosed(message.transit()));
      } else {
        send(message.sender(), new TransitClosed(message.transit()));
      }
    }
  }

  /** An executor's answer says that it still holds what this worker lent it. */
  void onHeld(ObjectId id, WorkerId executor, long epoch) {
    Row row = rows.find(id);
    // A reference of a dead owner is lent without a transit too, but only owners list borrowers.
    if (row != null && row.isOwned() && !row.freed && !isDead(executor)) {
      row.addBorrower(executor, epoch);
    }
  }

  void onBorrowAcknowledged(BorrowAcknowledged message) {
    Row row = rows.find(message.object());
    if (row == null || row.isOwned() || row.epoch != message.epoch()) {
      return; // a repeated message, or one about an earlier borrow
    }
    row.firstPassedIsKnown();
    if (row.borrow == Row.Borrow.REGISTERING) {
      row.borrow = Row.Borrow.REGISTERED;
      uncover(row);
      suspect(row);
    }
  }

  /**
   * Another worker of the JVM counts a reference on behalf of this one, until its owner knows this
   * one.
   */
  void onCoverGiven(ObjectId id, Settleable cover) {
    Row row = rows.find(id);
    if (row != null && row.borrow == Row.Borrow.REGISTERING) {
      row.covers = new ArrayList<>(row.covers);
      row.covers.add(cover);
    } else {
      effects.accept(new WorkerEffect.Uncover(cover));
    }
  }

  private void uncover(Row row) {
    row.takeCoveredBy().forEach(this::holdReleased);
    row.covers.forEach(cover -> effects.accept(new WorkerEffect.Uncover(cover)));
    row.covers = List.of();
  }

  void onBorrowReleased(BorrowReleased message) {
    Row row = rows.find(message.object());
    if (row != null && row.removeBorrower(message.borrower(), message.epoch())) {
      suspect(row);
    }
  }

  /**
   * At the end of a task: what is still held of what its owner lent, and must be said in the
   * answer.
   */
  boolean stillHolds(Row row) {
    if (row.isOwned() || !row.inScope()) {
      return false;
    }
    if (row.borrow == Row.Borrow.COVERED) {
      row.borrow = Row.Borrow.REGISTERED; // by the answer that is being written
      return true;
    }
    return row.borrow == Row.Borrow.REGISTERING; // whichever arrives first
  }

  // ---- deaths ----

  /** Drops a dead worker's borrows, and the transits that were on their way to it. */
  void onWorkerDied(WorkerId worker) {
    remember(worker);
    dropHolders(worker::equals);
  }

  /** The same for all workers of a node. */
  void onNodeDied(NodeId node) {
    remember(node);
    dropHolders(worker -> worker.node().equals(node));
  }

  private void remember(Object workerOrNode) {
    dead.add(workerOrNode);
    if (dead.size() > DEATHS_MAX) {
      dead.remove(dead.iterator().next());
    }
  }

  /** Whether what this worker said, or is told, does not matter any more. */
  boolean isDead(NodeId node) {
    return !dead.isEmpty() && dead.contains(node);
  }

  boolean isDead(WorkerId worker) {
    return !dead.isEmpty() && (dead.contains(worker) || dead.contains(worker.node()));
  }

  private void dropHolders(java.util.function.Predicate<WorkerId> isDead) {
    for (Row row : rows.all()) {
      for (WorkerId borrower : List.copyOf(row.borrowers().keySet())) {
        if (isDead.test(borrower)) {
          row.removeBorrower(borrower, Long.MAX_VALUE);
          handedOnPerhaps(row);
        }
      }
    }
    for (Map.Entry<Long, OpenTransit> entry : new ArrayList<>(openTransits.entrySet())) {
      OpenTransit open = entry.getValue();
      // A transit is closed by the receiver's registration: with the receiver, or the owner, gone,
      // nobody will.
      boolean ownerIsDead = isDead.test(open.row().id.owner());
      if (open.receiver().filter(isDead).isPresent() || ownerIsDead) {
        openTransits.remove(entry.getKey());
        open.row().transits--;
        if (ownerIsDead) {
          suspect(open.row());
        } else {
          handedOnPerhaps(open.row());
        }
      }
    }
  }

  /**
   * Somebody who held this object died, and may have passed it on before: to a worker whose
   * registration is still under way. Until it must have come, the object is kept.
   */
  void handedOnPerhaps(Row row) {
    if (ending || handoverGraceNanos == 0 || row.freed || isDead(row.id.owner())) {
      suspect(row);
      return;
    }
    row.handoverEndNanos = nowNanos + handoverGraceNanos;
    if (!row.handover) {
      row.handover = true;
      handovers.add(row);
      if (handovers.size() == 1) {
        effects.accept(
            new WorkerEffect.SetTimer(new WorkerTimer.HandoverEnd(), handoverGraceNanos));
      }
    }
  }

  void onHandoverEnd() {
    long soonestNanos = Long.MAX_VALUE;
    for (Row row : takeHandovers()) {
      long leftNanos = row.handoverEndNanos - nowNanos;
      if (leftNanos <= 0) {
        endHandover(row);
      } else {
        handovers.add(row);
        soonestNanos = Math.min(soonestNanos, leftNanos);
      }
    }
    if (!handovers.isEmpty()) {
      effects.accept(new WorkerEffect.SetTimer(new WorkerTimer.HandoverEnd(), soonestNanos));
    }
  }

  /** The worker ends: nobody can ask it for anything any more. */
  void endWaits() {
    ending = true;
    takeHandovers().forEach(this::endHandover);
    while (!unaddressed.isEmpty()) {
      endTransit(unaddressed.poll().transit());
    }
  }

  private List<Row> takeHandovers() {
    List<Row> taken = List.copyOf(handovers);
    handovers.clear();
    return taken;
  }

  private void endHandover(Row row) {
    row.handover = false;
    suspect(row);
  }

  // ---- going ----

  void suspect(Row row) {
    if (!row.inScope()) {
      suspects.add(row);
    }
  }

  /** Frees and deletes what nothing holds. Called at the end of every step. */
  void sweep() {
    Row row;
    while ((row = suspects.poll()) != null) {
      if (row.inScope() || rows.find(row.id) != row) {
        continue; // held again, or gone already: it can stand in the queue twice
      }
      if (row.isOwned()) {
        sweepOwned(row);
      } else {
        sweepBorrowed(row);
      }
    }
  }

  private void sweepOwned(Row row) {
    if (row.isBeingMade()) {
      return; // its task's end looks again
    }
    if (row.keepsValueForLineage()) {
      listener.onKeptForLineage(row);
      return; // the lineage's end looks again
    }
    if (!row.freed) {
      free(row);
    }
    if (row.lineage == 0) {
      rows.remove(row);
      listener.onDeleted(row);
    }
  }

  /** The value goes; the row stays as long as lineage needs it. */
  void free(Row row) {
    row.freed = true;
    listener.onOutOfScope(row);
    row.value = null;
  }

  private void sweepBorrowed(Row row) {
    switch (row.borrow) {
      case COVERED -> rows.remove(row);
      case REGISTERING -> {
        return; // no release before the acknowledgement, which looks again
      }
      case REGISTERED -> {
        rows.remove(row);
        send(row.id.owner(), new BorrowReleased(row.id, self, row.epoch));
      }
    }
    listener.onDeleted(row);
  }

  /** A borrowed row whose owner is dead is told of nothing any more. */
  void ownerDied(Row row) {
    uncover(row);
    for (Row.Passed passed : row.takePassed()) {
      if (passed.transit().id() != 0) {
        send(passed.sender(), new TransitClosed(passed.transit()));
      }
    }
    row.borrow = Row.Borrow.COVERED;
    suspect(row);
  }

  private void send(WorkerId to, io.dfut.internal.protocol.WorkerMessage message) {
    effects.accept(new WorkerEffect.Send(to, message));
  }
}
