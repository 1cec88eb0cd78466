package io.dfut.internal.ownership;

import io.dfut.ActorId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.internal.protocol.WorkerMessage.CheckpointDue;
import io.dfut.internal.protocol.WorkerMessage.CheckpointRefused;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.Argument;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The saved states of the actors that this worker owns and may make anew (ADR 0024).
 *
 * <p>A state is the result of a call that the owner makes when the actor says that it is due, and
 * so an object of the owner's like any other. When it is large, its only copy is where the actor
 * is: it is used when another node has it as the primary, and until then the state before it is.
 * From then on it is the last argument of the actor's creation, and counted as such.
 *
 * <p>Not thread-safe: part of one worker's machine.
 */
final class SavedStates {
  /** What is known of one actor's states. Each row that stands here holds a handle. */
  private static final class Saved {
    /** The actor was asked for its state, and has not answered. */
    boolean isUnderWay;

    /** It has said since that it changed. */
    boolean again;

    /** A state that cannot be used yet; null for none. */
    Row moving;

    /**
     * The newest, behind that; null for none. Were it to take that one's place, an actor that
     * changes faster than its states move would never have one that is safe.
     */
    Row newest;

    /** The object among the creation's arguments; null for none, or a value. */
    Row current;
  }

  private final NodeId self;
  private final ReferenceCounter counter;
  private final OwnershipTable table;
  private final LineageLedger lineage;

  /**
   * By the actor's creation. Added by the first state that is due; removed when the creation's
   * description is let go.
   */
  private final Map<TaskRecord, Saved> saved = new HashMap<>();

  private Consumer<? super WorkerEffect> effects;

  SavedStates(NodeId self, ReferenceCounter counter, OwnershipTable table, LineageLedger lineage) {
    this.self = self;
    this.counter = counter;
    this.table = table;
    this.lineage = lineage;
  }

  void effects(Consumer<? super WorkerEffect> current) {
    effects = current;
  }

  boolean isEmpty() {
    return saved.isEmpty();
  }

  // ---- asking ----

  /** The actor has changed, and waits to be asked for its state. */
  void onDue(CheckpointDue due) {
    Row row = counter.find(due.actor());
    TaskRecord creation = row == null ? null : row.task;
    if (creation == null || !creation.holdsLineage) {
      effects.accept(new WorkerEffect.Send(due.at(), new CheckpointRefused(due.actor())));
      return;
    }
    if (!(row.value instanceof Outcome.Actor there) || !there.worker().equals(due.at())) {
      return; // an earlier incarnation's
    }
    Saved states = saved.computeIfAbsent(creation, first -> new Saved());
    if (states.isUnderWay) {
      states.again = true;
    } else {
      ask(creation, states);
    }
  }

  private void ask(TaskRecord creation, Saved states) {
    states.isUnderWay = true;
    ActorId actor = new ActorId(creation.spec.id().owner(), creation.spec.id().sequence());
    effects.accept(new WorkerEffect.TakeCheckpoint(actor, creation.spec));
  }

  /** Whether the call that was asked for is still wanted; null for a creation that is not known. */
  boolean wants(TaskRecord creation) {
    return creation != null && saved.containsKey(creation);
  }

  /** The call for a state has ended, and its result is settled. */
  void onTaken(TaskRecord call) {
    TaskRecord creation = call.savesStateOf;
    Row row = counter.find(call, 0);
    Saved states = saved.get(creation);
    if (states == null || row == null || isLost(row)) {
      release(row);
    } else if (use(creation, states, row)) {
      release(states.moving);
      release(states.newest);
      states.moving = null;
      states.newest = null;
    } else if (states.moving == null) {
      states.moving = row;
      advance(creation, states);
    } else {
      release(states.newest);
      states.newest = row;
      advance(creation, states); // what moves may have found no place before
    }
    if (states != null) {
      states.isUnderWay = false;
      boolean isThere = counter.find(creation, 0).value instanceof Outcome.Actor;
      if (states.again && isThere) {
        ask(creation, states);
      }
      states.again = false;
    }
  }

  // ---- what is kept ----

  /** The primary of some object is elsewhere: perhaps it is a state, and safe now. */
  void onMoved(ObjectId object) {
    Row row = counter.find(object);
    if (row != null && row.task != null && row.task.savesStateOf != null) {
      advance(row.task.savesStateOf);
    }
  }

  /** The actor has been made: a state that came meanwhile is for the next time. */
  void onMade(TaskRecord creation) {
    advance(creation);
  }

  private void advance(TaskRecord creation) {
    Saved states = saved.get(creation);
    if (states != null) {
      advance(creation, states);
    }
  }

  private void advance(TaskRecord creation, Saved states) {
    while (states.moving != null) {
      if (isLost(states.moving)) {
        release(states.moving);
      } else if (!use(creation, states, states.moving)) {
        move(states.moving);
        return;
      }
      states.moving = states.newest;
      states.newest = null;
    }
  }

  private void move(Row row) {
    if (row.value instanceof Outcome.Stored stored && !stored.sources().getFirst().equals(self)) {
      effects.accept(
          new WorkerEffect.MoveCopy(
              new ObjectKey(row.id, stored.attempt()),
              stored.bytes(),
              stored.sources().getFirst(),
              self));
    }
  }

  /**
   * An object that this creation waits for has failed. If it is the state, the actor is made
   * without; false if it is anything else.
   */
  boolean giveUp(TaskRecord creation, ObjectId failed) {
    Saved states = saved.get(creation);
    if (states == null || states.current == null || !states.current.id.equals(failed)) {
      return false;
    }
    counter.argumentReleased(states.current);
    letGo(states);
    creation.spec = creation.spec.withoutState();
    return true;
  }

  /** The actor will not be made anew; what its creation counts is the caller's. */
  void onForgotten(TaskRecord creation) {
    Saved states = saved.remove(creation);
    if (states != null) {
      release(states.moving);
      release(states.newest);
      release(states.current);
    }
  }

  private void release(Row row) {
    if (row != null && row.handles > 0) { // else the worker was closed
      counter.handleReleased(row);
    }
  }

  private static boolean isLost(Row row) {
    return row.value == null || row.value instanceof Outcome.Failed;
  }

  /** Makes it the last argument of the creation; false while it cannot be. */
  private boolean use(TaskRecord creation, Saved states, Row row) {
    if (!creation.isSettled() || creation.location != null || !isSafe(creation, row)) {
      return false;
    }
    boolean wasKept = lineage.release(creation);
    letGo(states);
    if (row.value instanceof Outcome.Inline(InlineValue value, var contained)
        && contained.isEmpty()) {
      creation.spec = creation.spec.restoring(new Argument.Value(value, List.of()));
      release(row);
    } else {
      creation.spec = creation.spec.restoring(new Argument.Reference(row.id));
      counter.lineageAdded(row);
      states.current = row;
    }
    if (wasKept) {
      lineage.keep(creation);
    }
    return true;
  }

  /** A copy that ends with the actor's node is of no use, unless the node has said that it ends. */
  private boolean isSafe(TaskRecord creation, Row row) {
    if (!(row.value instanceof Outcome.Stored stored)) {
      return true;
    }
    NodeId primary = stored.sources().getFirst();
    return primary.equals(self)
        || table.isLeaving(primary)
        || !(counter.find(creation, 0).value instanceof Outcome.Actor actor
            && actor.worker().node().equals(primary));
  }

  /** Of the state that was used until now. */
  private void letGo(Saved states) {
    if (states.current != null) {
      counter.lineageReleased(states.current);
      release(states.current);
      states.current = null;
    }
  }
}
