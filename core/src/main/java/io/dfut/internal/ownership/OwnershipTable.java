package io.dfut.internal.ownership;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.ObjectLostException.Reason;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.WorkerMessage.ActorLost;
import io.dfut.internal.protocol.WorkerMessage.CopyAdded;
import io.dfut.internal.protocol.WorkerMessage.CopyLeaves;
import io.dfut.internal.protocol.WorkerMessage.CopyLost;
import io.dfut.internal.protocol.WorkerMessage.CopyMoved;
import io.dfut.internal.protocol.WorkerMessage.EndActor;
import io.dfut.internal.protocol.WorkerMessage.Resolve;
import io.dfut.internal.protocol.WorkerMessage.Resolved;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Where every object is, what became of it, and who waits to hear: the value half of the ownership
 * table (paper section 4.1, table 2; DESIGN section 3). The counts that say whether a value is
 * still needed are the {@link ReferenceCounter}'s.
 *
 * <p><b>What is kept.</b> In an owner's row the outcome (inline value, locations with the primary
 * first, or failure), null while it is pending; the task that makes it; local readers, borrowers
 * that asked, and tasks that wait. In a borrower's row what the owner answered.
 *
 * <p><b>Who changes it.</b> The owner alone decides what an object's outcome is; a borrower asks
 * once ({@code Resolve}) and is answered when the outcome is known: at once, or when the task
 * returns. An outcome, once it is known, changes only when copies come and go: a copy added by a
 * reader is listed so that it is freed with the others; a copy lost (its node died, or a reader
 * found it missing) is unlisted, the next becomes the primary, and without any the task is run
 * again, or the object fails with the reason why it cannot be.
 *
 * <p><b>Why late messages do no harm.</b> Copies are named by attempt: a location of an attempt
 * that is not the row's is answered by freeing those bytes. A second answer to a borrower finds the
 * row settled. A question about a freed object gets a definite answer, never silence.
 *
 * <p>Not thread-safe: part of one worker's machine.
 */
final class OwnershipTable implements ReferenceCounter.Listener {
  /** What the table asks of the tasks. */
  interface Tasks {
    /** One more dependency of a waiting task has an outcome. */
    void onDependencySettled(TaskRecord task, Row dependency);

    /** Run the task again, since a result of it is lost and needed. */
    void rebuild(TaskRecord task);

    /** Whether the task, run again, would be given nothing that leads to a dead worker. */
    boolean isFreeOfTheDead(TaskRecord task);

    /** A row of one of its results is gone. */
    void onResultDeleted(TaskRecord task);

    /** Only kept descriptions keep the value from now on. */
    void onKeptForLineage(Row row);

    /** The value is freed. */
    void onFreed(Row row);

    /** What descriptions, and the values that they keep, may take. */
    long lineageBytesMax();

    /** If this object is an actor, nobody can call it any more. */
    void onActorGone(ObjectId actor);

    /** An object has an outcome, which may be an actor's address, or its end. */
    void onActorSettled(Row actor);
  }

  private final WorkerId self;
  private final ReferenceCounter counter;

  /**
   * Rows that have an outcome, whose dependents are to hear: a queue, since a failure goes down
   * chains that are longer than any stack. Empty between steps.
   */
  private final ArrayDeque<Row> announced = new ArrayDeque<>();

  private boolean announcing;

  /** Lost rows to be made again; a queue for the same reason, since they need each other. */
  private final ArrayDeque<Row> lost = new ArrayDeque<>();

  private boolean recovering;

  /** Nodes that have said that they will leave. Added by that; removed when they are gone. */
  private final Set<NodeId> leaving = new HashSet<>();

  private Tasks tasks;
  private Consumer<? super WorkerEffect> effects;

  OwnershipTable(WorkerId self, ReferenceCounter counter) {
    this.self = self;
    this.counter = counter;
    counter.listener(this);
  }

  void tasks(Tasks theTasks) {
    this.tasks = theTasks;
  }

  void begin(Consumer<? super WorkerEffect> current, long nowNanos) {
    this.effects = current;
    counter.begin(current, nowNanos);
  }

  // ---- outcomes ----

  /**
   * An object's outcome is known. Whoever waits is told. Does nothing but free the copy when the
   * row is gone, freed, or settled already.
   *
   * <p>The references inside it have rows here already: this worker holds them, or they arrived
   * with the answer ({@link ReferenceCounter#arriveAll}).
   */
  void settle(Row row, ObjectId id, Outcome outcome) {
    if (row == null || row.freed || row.value != null) {
      discard(id, outcome);
      if (row != null) {
        counter.suspect(row); // it may have stood here only since its task was not over
      }
      return;
    }
    row.value = outcome;
    if (row.isOwned()) {
      for (ObjectId inner : outcome.references()) {
        Row innerRow = counter.find(inner);
        if (innerRow != null && !innerRow.freed) {
          counter.containerAdded(innerRow);
        }
      }
    }
    announce(row);
    counter.suspect(row);
  }

  private void announce(Row row) {
    row.forEachCell(cell -> effects.accept(new WorkerEffect.Settle(cell, row.value)));
    for (WorkerId asker : row.takeAskers()) {
      effects.accept(new WorkerEffect.Send(asker, new Resolved(row.id, row.value)));
    }
    announced.add(row);
    if (announcing) {
      return;
    }
    announcing = true;
    Row next;
    while ((next = announced.poll()) != null) {
      for (TaskRecord dependent : next.takeDependents()) {
        tasks.onDependencySettled(dependent, next);
      }
      tasks.onActorSettled(next);
    }
    announcing = false;
  }

  /** An outcome that nobody wants: its bytes must not stay. */
  void discard(ObjectId id, Outcome outcome) {
    if (outcome instanceof Outcome.Stored stored) {
      effects.accept(
          new WorkerEffect.FreeCopies(new ObjectKey(id, stored.attempt()), stored.sources()));
    } else if (outcome instanceof Outcome.Actor actor) {
      effects.accept(
          new WorkerEffect.Send(
              actor.worker(), new EndActor("nobody refers to it any more", false)));
    }
  }

  @Override
  public void onKeptForLineage(Row row) {
    tasks.onKeptForLineage(row);
  }

  @Override
  public void onOutOfScope(Row row) {
    tasks.onFreed(row);
    if (row.value == null) {
      return;
    }
    if (!outlives(row)) {
      discard(row.id, row.value);
    }
    releaseContained(row);
  }

  /** Whether it is an actor that lives on without its owner. */
  private static boolean outlives(Row row) {
    return row.task != null
        && row.task.spec.kind() instanceof TaskSpec.Kind.Creation(TaskSpec.ActorOptions options)
        && options.detached();
  }

  private void releaseContained(Row row) {
    for (ObjectId inner : row.value.references()) {
      Row innerRow = counter.find(inner);
      if (innerRow != null && innerRow.containers > 0) {
        counter.containerReleased(innerRow);
      }
    }
  }

  @Override
  public void onDeleted(Row row) {
    if (row.isOwned() ? row.task != null && !outlives(row) : row.value instanceof Outcome.Failed) {
      tasks.onActorGone(row.id);
    }
    if (row.task != null) {
      tasks.onResultDeleted(row.task);
    }
  }

  // ---- readers ----

  /** A local reader waits at this cell. */
  void addReader(Row row, Settleable cell) {
    row.addCell(cell);
    if (row.value != null) {
      effects.accept(new WorkerEffect.Settle(cell, row.value));
    }
  }

  /** Asks the owner of a borrowed object, unless it was asked. */
  void want(Row row) {
    if (!row.isOwned() && row.value == null && !row.asked) {
      row.asked = true;
      effects.accept(new WorkerEffect.Send(row.id.owner(), new Resolve(row.id, self)));
    }
  }

  /** A borrower found an actor's worker dead, and asks where the actor is next. */
  void onActorLost(ActorLost lost) {
    Row row = counter.find(lost.actor());
    if (row != null
        && row.value instanceof Outcome.Actor actor
        && actor.worker().equals(lost.worker())) {
      row.addAsker(lost.asker()); // whether it is made anew is known when this worker hears of it
    } else {
      onResolve(new Resolve(lost.actor(), lost.asker()));
    }
  }

  void onResolve(Resolve question) {
    Row row = counter.find(question.object());
    if (row == null || row.freed) {
      answerFreed(question.object(), question.asker());
    } else if (row.value != null) {
      effects.accept(new WorkerEffect.Send(question.asker(), new Resolved(row.id, row.value)));
    } else {
      row.addAsker(question.asker());
    }
  }

  private void answerFreed(ObjectId object, WorkerId asker) {
    effects.accept(
        new WorkerEffect.Send(asker, new Resolved(object, new Outcome.Failed(freed(object)))));
  }

  static Failure freed(ObjectId object) {
    return Failure.lost(
        Reason.FREED,
        object
            + " was freed: every handle that its owner knew of was released before this one was"
            + " used. Keep a handle open, or share() it to the task that needs it.");
  }

  /** What an owner said that is dead by now does not count: its objects share its fate. */
  void onResolved(Resolved answer) {
    if (!counter.isDead(answer.object().owner())) {
      known(answer.object(), answer.outcome());
    }
  }

  private void known(ObjectId object, Outcome outcome) {
    Row row = counter.find(object);
    if (row != null && !row.isOwned() && row.value == null) {
      row.value = outcome;
      announce(row);
    }
  }

  /** The directory says where an actor is; that its owner is dead, if it is, does not matter. */
  void onActorFound(ObjectId object, Outcome.Actor where) {
    Row row = counter.find(object);
    if (row != null
        && !row.isOwned()
        && row.value instanceof Outcome.Failed(Failure failure)
        && failure.kind() == Failure.Kind.OWNER_DIED) {
      row.forEachCell(cell -> effects.accept(new WorkerEffect.Unsettle(cell)));
      row.value = null;
    }
    known(object, where);
  }

  // ---- copies ----

  void onCopyAdded(CopyAdded added) {
    Row row = counter.find(added.object());
    if (row == null
        || !(row.value instanceof Outcome.Stored stored)
        || stored.attempt() != added.attempt()) {
      effects.accept(
          new WorkerEffect.FreeCopies(
              new ObjectKey(added.object(), added.attempt()), List.of(added.node())));
    } else if (!stored.sources().contains(added.node())) {
      List<NodeId> sources = new ArrayList<>(stored.sources());
      sources.add(added.node());
      row.value = new Outcome.Stored(stored.attempt(), stored.bytes(), sources, stored.contained());
    }
  }

  /** A reader of this worker found no copy at these nodes. */
  void onReadFailed(ObjectId object, int attempt, List<NodeId> sources) {
    Row row = counter.find(object);
    if (row == null
        || !(row.value instanceof Outcome.Stored stored)
        || stored.attempt() != attempt) {
      return; // a newer outcome is known, or on its way
    }
    if (row.isOwned()) {
      giveUpCopies(row, sources);
      return;
    }
    row.value = null;
    row.asked = true;
    row.forEachCell(cell -> effects.accept(new WorkerEffect.Unsettle(cell)));
    effects.accept(
        new WorkerEffect.Send(object.owner(), new CopyLost(object, attempt, sources, self)));
  }

  /**
   * A borrower's copy went with its node. Without another one the owner is asked anew: a task that
   * takes the object would be sent to where nothing is, again and again.
   */
  private void forgetCopy(Row row, NodeId dead) {
    if (!(row.value instanceof Outcome.Stored stored) || !stored.sources().contains(dead)) {
      return;
    }
    List<NodeId> left = new ArrayList<>(stored.sources());
    left.remove(dead);
    if (left.isEmpty()) {
      onReadFailed(row.id, stored.attempt(), stored.sources());
    } else {
      row.value = new Outcome.Stored(stored.attempt(), stored.bytes(), left, stored.contained());
      row.forEachCell(cell -> effects.accept(new WorkerEffect.Settle(cell, row.value)));
    }
  }

  /** A borrower found no copy at these nodes, and asks anew. */
  void onCopyLost(CopyLost lost) {
    Row row = counter.find(lost.object());
    if (row != null
        && row.value instanceof Outcome.Stored stored
        && stored.attempt() == lost.attempt()) {
      giveUpCopies(row, lost.sources());
    }
    onResolve(new Resolve(lost.object(), lost.asker()));
  }

  /**
   * A reader could not have the copies at these nodes. One may be there all the same, if the way to
   * it was interrupted: from now on nobody knows of it, so it must not stay.
   */
  private void giveUpCopies(Row row, List<NodeId> nodes) {
    if (row.value instanceof Outcome.Stored stored) {
      List<NodeId> perhaps = nodes.stream().filter(stored.sources()::contains).toList();
      if (!perhaps.isEmpty()) {
        effects.accept(
            new WorkerEffect.FreeCopies(new ObjectKey(row.id, stored.attempt()), perhaps));
      }
    }
    dropCopies(row, nodes);
  }

  /** Copies at these nodes are gone: another becomes the primary, or the object is recovered. */
  void dropCopies(Row row, List<NodeId> gone) {
    if (!(row.value instanceof Outcome.Stored stored)) {
      return;
    }
    List<NodeId> left = new ArrayList<>(stored.sources());
    left.removeAll(gone);
    if (left.size() == stored.sources().size()) {
      return;
    }
    if (left.isEmpty()) {
      lose(row);
      return;
    }
    if (!left.getFirst().equals(stored.sources().getFirst())) {
      effects.accept(
          new WorkerEffect.PromoteCopy(new ObjectKey(row.id, stored.attempt()), left.getFirst()));
    }
    row.value = new Outcome.Stored(stored.attempt(), stored.bytes(), left, stored.contained());
    row.forEachCell(cell -> effects.accept(new WorkerEffect.Settle(cell, row.value)));
  }

  // ---- departures ----

  void onNodeDrains(NodeId node) {
    if (!counter.isDead(node)) {
      leaving.add(node);
    }
  }

  void onNodeLeft(NodeId node) {
    leaving.remove(node);
  }

  /** Whether this node has said that it will leave: whatever ends there was announced. */
  boolean isLeaving(NodeId node) {
    return leaving.contains(node);
  }

  /**
   * A node that will leave has a copy. If it is the primary, another node is to have it, best one
   * that has a copy already. What is there on is listed last until that node is gone: tasks may be
   * on their way that were told to read it there.
   */
  void onCopyLeaves(CopyLeaves leaves) {
    ObjectKey key = new ObjectKey(leaves.object(), leaves.attempt());
    Row row = counter.find(leaves.object());
    if (row == null
        || !(row.value instanceof Outcome.Stored stored)
        || stored.attempt() != leaves.attempt()
        || !stored.sources().contains(leaves.from())) {
      effects.accept(new WorkerEffect.FreeCopies(key, List.of(leaves.from())));
    } else if (!stored.sources().getFirst().equals(leaves.from())) {
      effects.accept(new WorkerEffect.CopyIsSafe(key, leaves.from()));
    } else {
      NodeId to =
          stored.sources().stream()
              .filter(node -> !isLeaving(node) && !node.equals(leaves.from()))
              .findFirst()
              .orElse(leaves.to());
      effects.accept(new WorkerEffect.MoveCopy(key, stored.bytes(), leaves.from(), to));
    }
  }

  /** A node has the primary that was told to take it. */
  void onCopyMoved(CopyMoved moved) {
    ObjectKey key = new ObjectKey(moved.object(), moved.attempt());
    Row row = counter.find(moved.object());
    if (row == null
        || !(row.value instanceof Outcome.Stored stored)
        || stored.attempt() != moved.attempt()
        || counter.isDead(moved.to())) {
      effects.accept(new WorkerEffect.FreeCopies(key, List.of(moved.to())));
      return;
    }
    List<NodeId> sources = new ArrayList<>(stored.sources());
    sources.remove(moved.to());
    sources.addFirst(moved.to());
    if (sources.remove(moved.from())) {
      sources.addLast(moved.from());
    }
    row.value = new Outcome.Stored(stored.attempt(), stored.bytes(), sources, stored.contained());
    row.forEachCell(cell -> effects.accept(new WorkerEffect.Settle(cell, row.value)));
    effects.accept(new WorkerEffect.CopyIsSafe(key, moved.from()));
  }

  private void lose(Row row) {
    if (!row.inScope()) {
      counter.free(row); // what nobody needs is not rebuilt, until it is needed
      return;
    }
    releaseContained(row);
    row.value = null;
    row.forEachCell(cell -> effects.accept(new WorkerEffect.Unsettle(cell)));
    recover(row);
  }

  /**
   * Makes a value that is lost again, or fails the object with the reason why that cannot be done
   * (DESIGN section 7). Nothing happens when it is being made already.
   */
  void recover(Row row) {
    lost.add(row);
    if (!recovering) {
      recoverLost();
    }
  }

  private void recoverLost() {
    recovering = true;
    Row next;
    while ((next = lost.poll()) != null) {
      if (next.value != null) {
        continue; // it stood there twice
      }
      Optional<Failure> refusal = whyNotRebuilt(next);
      if (refusal.isPresent()) {
        settle(next, next.id, new Outcome.Failed(refusal.get()));
      } else {
        tasks.rebuild(next.task);
      }
    }
    recovering = false;
  }

  private Optional<Failure> whyNotRebuilt(Row row) {
    String lost = "every copy of " + row.id + ", made at " + row.site + ", is lost; ";
    if (row.task == null) {
      return Optional.of(lostWithoutTask(row, lost));
    }
    TaskRecord task = row.task;
    if (!task.isSettled()) {
      return Optional.empty();
    }
    if (task.cancelled) {
      return Optional.of(
          Failure.lost(Reason.TASK_CANCELLED, lost + task.spec.display() + " was cancelled."));
    }
    if (!(task.spec.kind() instanceof TaskSpec.Kind.Plain) && !task.isRebuildable()) {
      return Optional.of(
          Failure.lost(
              Reason.ACTOR_WITHOUT_TASK_RETRIES,
              lost
                  + task.spec.display()
                  + " is an actor's, and its calls are not, or not any more, repeated; raise"
                  + " maxTaskRetries."));
    }
    if (task.retriesLeft == 0) {
      return Optional.of(
          Failure.lost(
              Reason.RETRIES_SPENT,
              lost
                  + task.spec.display()
                  + " was started "
                  + (task.attempt + 1)
                  + " times and has no retries left; raise maxRetries."));
    }
    return Optional.empty();
  }

  private Failure lostWithoutTask(Row row, String lost) {
    return switch (row.origin) {
      case PUT ->
          Failure.lost(
              Reason.PUT_WITHOUT_LINEAGE,
              lost
                  + "it was put, so there is no task that could make it again. Make it in a task to"
                  + " have it rebuilt.");
      case PROMISE ->
          Failure.lost(
              Reason.PROMISE_WITHOUT_LINEAGE,
              lost + "it was completed by hand, so there is no task that could make it again.");
      case TASK ->
          Failure.lost(
              Reason.LINEAGE_EVICTED,
              lost
                  + "the description of the task that made it, "
                  + row.madeBy
                  + ", was dropped to keep lineage below dfut.lineage.max-bytes = "
                  + tasks.lineageBytesMax()
                  + "; raise it on the owner's node "
                  + self.node()
                  + ".");
      case BORROWED -> throw new IllegalStateException("a borrower recovers: " + row);
    };
  }

  // ---- deaths ----

  /**
   * Every copy there is given up before anything is made again: a task must not be pushed for
   * arguments that are gone with the node, too.
   */
  void onNodeDied(NodeId dead, String cause) {
    recovering = true;
    for (Row row : counter.allRows()) {
      if (row.isOwned()) {
        dropCopies(row, List.of(dead));
      } else if (row.id.owner().node().equals(dead)) {
        failBorrowed(row, "its node " + dead + " died: " + cause);
      } else {
        forgetCopy(row, dead);
      }
    }
    recoverLost();
    counter.onNodeDied(dead);
  }

  void onWorkerDied(WorkerId dead, String cause) {
    for (Row row : counter.allRows()) {
      if (!row.isOwned() && row.id.owner().equals(dead)) {
        failBorrowed(row, cause);
      }
    }
    counter.onWorkerDied(dead);
  }

  /**
   * Workers have died, and are known to be dead: a value of a task that refers to what one of them
   * owned is made again, where that gives other references (DESIGN section 7). Where it would not,
   * it stays as it is, and what is inside says what happened.
   */
  void renewOutdated() {
    List<Row> outdated = new ArrayList<>(0);
    for (Row row : counter.allRows()) {
      if (row.isOwned() && row.value != null && refersToTheDead(row.value)) {
        outdated.add(row);
      }
    }
    // What a task took was made before it: if that is made again, the task is given other
    // references.
    outdated.sort(Comparator.comparingLong(row -> row.id.sequence()));
    recovering = true;
    for (Row row : outdated) {
      if (mayBeRenewed(row)) {
        if (row.value instanceof Outcome.Stored stored) {
          effects.accept(
              new WorkerEffect.FreeCopies(
                  new ObjectKey(row.id, stored.attempt()), stored.sources()));
        }
        keepForReaders(row.value);
        lose(row);
      }
    }
    recoverLost();
  }

  /** Whoever has read the value may be about to tell the owners of what is in it. */
  private void keepForReaders(Outcome value) {
    for (ObjectId inner : value.references()) {
      Row row = counter.find(inner);
      if (row != null) {
        counter.handedOnPerhaps(row);
      }
    }
  }

  private boolean refersToTheDead(Outcome value) {
    for (ObjectId inner : value.references()) {
      if (counter.isDead(inner.owner())) {
        return true;
      }
    }
    return false;
  }

  private boolean mayBeRenewed(Row row) {
    return row.inScope()
        && row.task != null
        && row.task.isSettled()
        && row.task.holdsLineage
        && row.task.spec.kind() instanceof TaskSpec.Kind.Plain
        && row.task.isRebuildable()
        && tasks.isFreeOfTheDead(row.task);
  }

  private void failBorrowed(Row row, String cause) {
    if (row.value == null || row.value instanceof Outcome.Stored) {
      if (row.value != null) {
        row.forEachCell(cell -> effects.accept(new WorkerEffect.Unsettle(cell)));
      }
      row.value =
          new Outcome.Failed(
              Failure.of(
                  Failure.Kind.OWNER_DIED,
                  "the owner "
                      + row.id.owner()
                      + " of "
                      + row.id
                      + (row.madeBy == null ? "" : ", borrowed here through " + row.madeBy)
                      + (row.site.equals(CallSite.UNKNOWN) ? "" : " submitted at " + row.site)
                      + ", is gone ("
                      + cause
                      + "), so nobody can name the value's place or make it again. Let a worker"
                      + " that lives longer, such as the driver or an actor, submit or put what"
                      + " must outlive this one."));
      announce(row);
    }
    counter.ownerDied(row);
  }
}
