package io.dfut.internal.ownership;

import io.dfut.Inspection;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.machine.Machine;
import io.dfut.internal.protocol.Transit;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.CopyAdded;
import io.dfut.internal.protocol.WorkerMessage.Held;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Everything that a worker knows: its ownership table ({@link OwnershipTable}, {@link
 * ReferenceCounter}), the tasks it owns and their lineage ({@link TaskBook}), and the leases it
 * runs them on ({@link LeaseBook}). This class only tells inputs apart; what they mean is said
 * there. Not thread-safe: one worker actor, or one simulator, drives it.
 */
public final class WorkerMachine implements Machine<WorkerInput, WorkerEffect> {
  private final WorkerId self;
  private final ReferenceCounter counter;
  private final OwnershipTable table;
  private final TaskBook tasks;
  private Consumer<? super WorkerEffect> effects;
  private boolean closed;

  public WorkerMachine(WorkerId self, WorkerLimits limits) {
    this.self = self;
    this.counter =
        new ReferenceCounter(self, limits.handoverGraceNanos(), limits.messageTransitNanos());
    this.table = new OwnershipTable(self, counter);
    this.tasks = new TaskBook(self, table, counter, limits);
  }

  @Override
  public void step(WorkerInput input, long nowNanos, Consumer<? super WorkerEffect> out) {
    effects = out;
    table.begin(out, nowNanos);
    tasks.begin(out, nowNanos);
    switch (input) {
      case WorkerInput.Received(WorkerMessage message) -> onMessage(message, nowNanos);
      case WorkerInput.Submit submit -> onSubmit(submit);
      case WorkerInput.Put put -> onPut(put);
      case WorkerInput.PromiseMade made -> {
        Row row = counter.own(made.object(), Row.Origin.PROMISE, made.site());
        row.handles = 1;
        row.addCell(made.cell());
      }
      case WorkerInput.StateAskedFor asked -> tasks.onStateAskedFor(asked);
      case WorkerInput.PromiseSettled settled ->
          table.settle(counter.find(settled.object()), settled.object(), settled.outcome());
      case WorkerInput.HandleAdded added -> {
        Row row = counter.find(added.object());
        if (row != null) { // else the worker was closed
          counter.handleAdded(row);
        }
      }
      case WorkerInput.HandleArrived arrived -> onHandleArrived(arrived);
      case WorkerInput.ActorFound found -> onActorFound(found);
      case WorkerInput.ReferenceSent(ObjectId object, long transit) -> {
        Row row = counter.find(object);
        if (row != null && !row.freed) { // else it was closed before, and the reader will hear
          counter.departUnaddressed(row, transit);
        }
      }
      case WorkerInput.ReferenceReceived received -> onReferenceReceived(received);
      case WorkerInput.CoverGiven given -> counter.onCoverGiven(given.object(), given.cover());
      case WorkerInput.HandleReleased released -> release(released.object());
      case WorkerInput.Wanted wanted -> {
        Row row = counter.find(wanted.object());
        if (row != null) {
          table.want(row);
        }
      }
      case WorkerInput.StillWaiting(ObjectId object, List<io.dfut.TaskId> waiters) ->
          passOn(new WorkerMessage.Waited(object, waiters), null);
      case WorkerInput.ReadFailed failed ->
          table.onReadFailed(failed.object(), failed.attempt(), failed.sources());
      case WorkerInput.ReadSucceeded read -> onReadSucceeded(read);
      case WorkerInput.Cancel cancel -> onCancel(cancel.object());
      case WorkerInput.TaskArrived(TaskPushed push) -> onTaskArrived(push);
      case WorkerInput.TaskDropped(TaskPushed push) -> {
        releaseLent(push);
        for (Transit transit : push.lent()) {
          Row row = counter.find(transit.object());
          if (row != null) {
            counter.lentNoMore(row);
          }
        }
      }
      case WorkerInput.TaskClaimedInline claimed -> tasks.onClaimedInline(claimed);
      case WorkerInput.TaskEnded ended -> onTaskEnded(ended);
      case WorkerInput.ParentCancelled cancelled -> tasks.cancelChildren(cancelled.parent());
      case WorkerInput.TimerFired(WorkerTimer timer) -> {
        switch (timer) {
          case WorkerTimer.LeaseSweep sweep -> tasks.leases().onSweep(nowNanos);
          case WorkerTimer.HandoverEnd end -> counter.onHandoverEnd();
          case WorkerTimer.TransitEnd end -> counter.onTransitEnd();
          case WorkerTimer.TaskDeadline deadline -> tasks.onDeadline(deadline.task());
        }
      }
      case WorkerInput.Close close -> onClose(close.reason());
    }
    counter.sweep();
    tasks.enforceLineageBudget();
  }

  private void onMessage(WorkerMessage message, long nowNanos) {
    switch (message) {
      case WorkerMessage.TaskPushed pushed -> onTaskArrived(pushed);
      case WorkerMessage.TaskReturned returned -> tasks.onReturned(returned);
      case WorkerMessage.TaskHandedBack back -> tasks.onHandedBack(back);
      case WorkerMessage.ArgumentsLost lost -> tasks.onArgumentsLost(lost);
      case WorkerMessage.CancelTask cancel -> tasks.cancelChildren(cancel.task());
      case WorkerMessage.CancelRequested requested -> onCancel(requested.object());
      case WorkerMessage.Waited waited -> passOn(waited, self);
      case WorkerMessage.LeaseGranted granted -> tasks.leases().onGranted(granted, nowNanos);
      case WorkerMessage.LeaseQueued queued -> tasks.leases().onQueued(queued, nowNanos);
      case WorkerMessage.LeaseRedirected redirected ->
          tasks.leases().onRedirected(redirected, nowNanos);
      case WorkerMessage.LeaseRefused refused -> tasks.leases().onRefused(refused, nowNanos);
      case WorkerMessage.LeaseReclaimed reclaimed -> tasks.leases().onReclaimed(reclaimed);
      case WorkerMessage.Resolve resolve -> table.onResolve(resolve);
      case WorkerMessage.Resolved resolved -> table.onResolved(resolved);
      case WorkerMessage.Borrowed borrowed -> counter.onBorrowed(borrowed);
      case WorkerMessage.BorrowAcknowledged acknowledged ->
          counter.onBorrowAcknowledged(acknowledged);
      case WorkerMessage.BorrowReleased released -> counter.onBorrowReleased(released);
      case WorkerMessage.TransitClosed transit -> counter.onTransitClosed(transit);
      case WorkerMessage.CopyLost lost -> table.onCopyLost(lost);
      case WorkerMessage.CopyAdded added -> table.onCopyAdded(added);
      case WorkerMessage.CopyLeaves leaves -> table.onCopyLeaves(leaves);
      case WorkerMessage.CopyMoved moved -> {
        table.onCopyMoved(moved);
        tasks.states().onMoved(moved.object());
      }
      case WorkerMessage.NodeDrains(io.dfut.NodeId node) -> {
        table.onNodeDrains(node);
        tasks.leases().onNodeDrains(node);
      }
      case WorkerMessage.EndActor end -> {} // the shell's: the machine has no actor
      case WorkerMessage.ActorEnded ended -> tasks.onActorEnded(ended.actor(), ended.failure());
      case WorkerMessage.CheckpointDue due -> tasks.states().onDue(due);
      case WorkerMessage.CheckpointRefused refused -> {} // the shell's, too
      case WorkerMessage.ActorLost lost -> table.onActorLost(lost);
      case WorkerMessage.WorkerDied(WorkerId dead, String cause) -> {
        tasks.leases().dropLeases(dead::equals);
        tasks.onActorsDied(dead::equals, cause);
        table.onWorkerDied(dead, cause);
        tasks.onWorkersDied(dead::equals, Failure.Kind.WORKER_CRASHED, cause);
        table.renewOutdated();
      }
      case WorkerMessage.NodeDied(io.dfut.NodeId dead, String cause) -> {
        tasks.leases().dropLeases(worker -> worker.node().equals(dead));
        tasks.onActorsDied(
            worker -> worker.node().equals(dead), "node " + dead + " died: " + cause);
        table.onNodeDied(dead, cause);
        tasks.leases().onNodeDied(dead, nowNanos);
        tasks.onWorkersDied(
            worker -> worker.node().equals(dead),
            Failure.Kind.NODE_FAILED,
            "node " + dead + " died: " + cause);
        table.renewOutdated();
        table.onNodeLeft(dead);
      }
    }
  }

  private void onSubmit(WorkerInput.Submit submit) {
    if (closed) {
      Outcome refusal =
          new Outcome.Failed(closedFailure(submit.spec().display() + " was not submitted"));
      submit.cells().forEach(cell -> effects.accept(new WorkerEffect.Settle(cell, refusal)));
      effects.accept(new WorkerEffect.TaskSettled(submit.spec().id()));
      return;
    }
    tasks.submit(submit);
  }

  private void onPut(WorkerInput.Put put) {
    if (closed) {
      table.discard(put.object(), put.value());
      effects.accept(
          new WorkerEffect.Settle(
              put.cell(), new Outcome.Failed(closedFailure("the value was not put"))));
      return;
    }
    Row row = counter.own(put.object(), Row.Origin.PUT, put.site());
    row.handles = 1;
    row.addCell(put.cell());
    table.settle(row, row.id, put.value());
  }

  private Failure closedFailure(String what) {
    return Failure.of(Failure.Kind.CLOSED, what + ": " + self + " is closed");
  }

  private void onHandleArrived(WorkerInput.HandleArrived arrived) {
    ObjectId id = arrived.object();
    Optional<Row> row =
        id.owner().equals(self)
            ? Optional.ofNullable(counter.find(id)).filter(own -> !own.freed)
            : Optional.of(counter.found(id, arrived.outer().map(counter::find)));
    addHandle(row, id, arrived.cell());
  }

  private void onReferenceReceived(WorkerInput.ReferenceReceived received) {
    Transit transit = received.transit();
    Optional<Row> row =
        counter.arrive(transit, received.sender(), ReferenceCounter.Through.MESSAGE);
    addHandle(row, transit.object(), received.cell());
  }

  private void addHandle(Optional<Row> row, ObjectId id, Settleable cell) {
    if (row.isPresent()) {
      counter.handleAdded(row.get());
      table.addReader(row.get(), cell);
    } else {
      effects.accept(new WorkerEffect.Settle(cell, new Outcome.Failed(OwnershipTable.freed(id))));
    }
  }

  private void onActorFound(WorkerInput.ActorFound found) {
    onHandleArrived(new WorkerInput.HandleArrived(found.object(), found.cell(), Optional.empty()));
    table.onActorFound(found.object(), found.where());
  }

  private void release(ObjectId id) {
    Row row = counter.find(id);
    if (row != null
        && row.handles > 0) { // else it arrived after it was freed, or the worker was closed
      counter.handleReleased(row);
    }
  }

  private void onReadSucceeded(WorkerInput.ReadSucceeded read) {
    CopyAdded added = new CopyAdded(read.object(), read.attempt(), read.node());
    if (read.object().owner().equals(self)) {
      table.onCopyAdded(added);
    } else {
      effects.accept(new WorkerEffect.Send(read.object().owner(), added));
    }
  }

  /**
   * As many objects of this worker are looked at for who waits for one of them: a cycle through
   * more tasks that are themselves waiting for arguments is not found.
   */
  private static final int HELD_UP_MAX = 1_000;

  /**
   * Tells the task that makes an object who waits for it. Whoever waits for a task that waits for
   * its arguments waits for these.
   *
   * @param not a worker that said already that the task is not there; null for none
   */
  private void passOn(WorkerMessage.Waited waited, WorkerId not) {
    WorkerId owner = waited.object().owner();
    if (!owner.equals(self)) {
      if (not == null) {
        effects.accept(new WorkerEffect.Send(owner, waited));
      }
      return;
    }
    Set<ObjectId> seen = new HashSet<>(Set.of(waited.object()));
    ArrayDeque<ObjectId> left = new ArrayDeque<>(seen);
    while (!left.isEmpty()) {
      ObjectId object = left.poll();
      Row row = counter.find(object);
      if (row == null || row.value != null) {
        continue;
      }
      WorkerMessage.Waited passed = new WorkerMessage.Waited(object, waited.waiters());
      if (!object.owner().equals(self)) {
        effects.accept(new WorkerEffect.Send(object.owner(), passed));
      } else if (row.task != null && row.task.state == TaskRecord.State.PUSHED) {
        // Only what was asked for was looked for before at the one that asks not to be told.
        if (!row.task.location.equals(not) || !object.equals(waited.object())) {
          effects.accept(new WorkerEffect.Send(row.task.location, passed));
        }
      } else if (row.task != null) {
        for (ObjectId next : tasks.heldUpBy(row.task)) {
          if (seen.size() < HELD_UP_MAX && seen.add(next)) {
            left.add(next);
          }
        }
      }
    }
  }

  private void onCancel(ObjectId id) {
    if (!id.owner().equals(self)) {
      effects.accept(new WorkerEffect.Send(id.owner(), new WorkerMessage.CancelRequested(id)));
      return;
    }
    Row row = counter.find(id);
    if (row == null || row.value != null) {
      return;
    }
    if (row.task != null) {
      tasks.cancel(row.task, "");
    } else if (row.origin == Row.Origin.PROMISE) {
      Failure failure =
          Failure.of(
              Failure.Kind.CANCELLED, id + ", a promise made at " + row.site + ", was cancelled");
      Outcome cancelled = new Outcome.Failed(failure);
      if (row.cells().isEmpty()) {
        table.settle(row, id, cancelled);
      } else {
        effects.accept(new WorkerEffect.SettlePromise(id, row.cells().getFirst(), cancelled));
      }
    }
  }

  /** A task that will run here sees these references: they are held until it has ended. */
  private void onTaskArrived(TaskPushed push) {
    if (push.lent().isEmpty()) {
      return;
    }
    WorkerId owner = push.spec().id().owner();
    ReferenceCounter.Through through = ReferenceCounter.Through.task(push.spec());
    for (Transit transit : push.lent()) {
      counter.arrive(transit, owner, through).ifPresent(counter::holdAdded);
    }
  }

  private void onTaskEnded(WorkerInput.TaskEnded ended) {
    TaskPushed push = ended.push();
    WorkerId owner = push.spec().id().owner();
    if (owner.equals(self)) {
      // It ran inline, or this worker was leased to itself, or called itself: no message is needed.
      TaskReturned answer =
          new TaskReturned(
              push.spec().id(),
              push.attempt(),
              ended.outcomes(),
              List.of(),
              List.of(),
              ended.thrownClasses(),
              self);
      if (tasks.runsInline(push.spec().id())) {
        tasks.onInlineEnded(answer);
      } else {
        tasks.onReturned(answer);
      }
      ended.released().forEach(this::release);
      releaseLent(push);
      return;
    }
    // The references inside the results are counted before the task's own handles on them go.
    List<Transit> carried = new ArrayList<>();
    for (Outcome outcome : ended.outcomes()) {
      for (ObjectId inner : outcome.references()) {
        Row row = counter.find(inner);
        if (row != null) {
          carried.add(counter.depart(row, owner));
        }
      }
    }
    ended.released().forEach(this::release);
    releaseLent(push);
    List<Held> held = stillHeld(push);
    effects.accept(
        new WorkerEffect.Send(
            owner,
            new TaskReturned(
                push.spec().id(),
                push.attempt(),
                ended.outcomes(),
                held,
                carried,
                ended.thrownClasses(),
                self)));
  }

  /** The task is not here any more: nothing is held for it. */
  private void releaseLent(TaskPushed push) {
    for (Transit transit : push.lent()) {
      Row row = counter.find(transit.object());
      if (row != null && row.holds > 0) {
        counter.holdReleased(row);
      }
    }
  }

  /**
   * What the task was lent by its owner and something else here still holds: the answer must say
   * it.
   */
  private List<Held> stillHeld(TaskPushed push) {
    List<Held> held = new ArrayList<>();
    for (Transit transit : push.lent()) {
      Row row = counter.find(transit.object());
      if (row != null && transit.id() == 0 && counter.stillHolds(row)) {
        held.add(new Held(row.id, row.epoch));
      }
    }
    return held;
  }

  private void onClose(String reason) {
    if (closed) {
      return;
    }
    closed = true;
    Failure failure = Failure.of(Failure.Kind.CLOSED, reason);
    for (Row row : counter.allRows()) {
      row.takeAskers(); // borrowers hear of the owner's end, not of a failure of the object
    }
    tasks.close(failure);
    for (Row row : counter.allRows()) {
      if (row.value == null && !row.freed) {
        table.settle(row, row.id, new Outcome.Failed(failure));
      }
      while (row.handles > 0) {
        counter.handleReleased(row);
      }
      counter.suspect(row);
    }
    counter.endWaits();
  }

  /** Whether nothing is left: a worker may then end without telling anyone. */
  public boolean isEmpty() {
    return counter.isEmpty() && tasks.isEmpty();
  }

  /** One row, null when there is none; for tests. */
  Row row(ObjectId id) {
    return counter.find(id);
  }

  /** The rows, for people. */
  public List<Inspection.Row> describe() {
    List<Inspection.Row> described = new ArrayList<>();
    for (Row row : counter.allRows()) {
      String state =
          row.freed
              ? "freed, kept for lineage"
              : row.value == null
                  ? describePending(row)
                  : row.value.getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT);
      long bytes =
          switch (row.value) {
            case Outcome.Inline(
                    io.dfut.internal.task.InlineValue value,
                    List<ObjectId> contained) ->
                value.approximateBytes();
            case Outcome.Stored stored -> stored.bytes();
            case null, default -> 0;
          };
      described.add(
          new Inspection.Row(
              self,
              row.id,
              row.isOwned() ? Inspection.Role.OWNER : Inspection.Role.BORROWER,
              state,
              row.counts(),
              bytes,
              madeBy(row),
              row.isOwned() && row.value != null ? row.value.references() : List.of(),
              lineageOf(row),
              row.borrowers().keySet(),
              actorEndingWith(row)));
    }
    return described;
  }

  /** What has no value, and why, for people. A borrowed object counts once it was asked for. */
  public List<Inspection.Pending> pending() {
    List<Inspection.Pending> pending = new ArrayList<>();
    for (Row row : counter.allRows()) {
      if (row.value == null && !row.freed && (row.isOwned() || row.asked)) {
        pending.add(new Inspection.Pending(self, row.id, madeBy(row), waitsFor(row)));
      }
    }
    return pending;
  }

  private Inspection.WaitsFor waitsFor(Row row) {
    return switch (row.origin) {
      case TASK -> row.task == null ? new Inspection.WaitsFor.Nothing() : tasks.waitsFor(row.task);
      case PUT -> new Inspection.WaitsFor.Nothing();
      case PROMISE -> new Inspection.WaitsFor.Completion();
      case BORROWED -> new Inspection.WaitsFor.Owner(row.id.owner());
    };
  }

  private String describePending(Row row) {
    String task = row.task == null ? "" : ": " + row.task;
    return "pending" + task + (row.isOwned() || row.asked ? ", " + waitsFor(row) : "");
  }

  private static String madeBy(Row row) {
    String site = row.site.equals(CallSite.UNKNOWN) ? "" : " at " + row.site;
    return switch (row.origin) {
      case TASK -> row.madeBy + " submitted" + site;
      case PUT -> "put" + site;
      case PROMISE -> "promise" + site;
      case BORROWED ->
          row.madeBy == null
              ? "borrowed"
              : "borrowed through " + row.madeBy + (site.isEmpty() ? "" : " submitted" + site);
    };
  }

  private static List<ObjectId> lineageOf(Row row) {
    return row.task != null && row.task.holdsLineage
        ? TaskBook.argumentsOf(row.task.spec)
        : List.of();
  }

  /** The worker that ends with the last reference to this object, if it is such an actor's. */
  private static Optional<WorkerId> actorEndingWith(Row row) {
    return row.isOwned()
            && row.task != null
            && row.value instanceof Outcome.Actor actor
            && row.task.spec.kind() instanceof TaskSpec.Kind.Creation(TaskSpec.ActorOptions options)
            && !options.detached()
            && options.name().isEmpty()
        ? Optional.of(actor.worker())
        : Optional.empty();
  }
}
