package io.dfut.internal.sim;

import io.dfut.ActorId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.ownership.CallCycles;
import io.dfut.internal.ownership.Claim;
import io.dfut.internal.ownership.Settleable;
import io.dfut.internal.ownership.Tables;
import io.dfut.internal.ownership.WorkerEffect;
import io.dfut.internal.ownership.WorkerInput;
import io.dfut.internal.ownership.WorkerLimits;
import io.dfut.internal.ownership.WorkerMachine;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.sim.Program.Op;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.Argument;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.FunctionRef;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** A worker: the real table, and a model of the executor and of user code beside it. */
final class SimWorker {
  /** The call for an actor's state. */
  private static final String STATE = "state";

  private static final String FLAKY = "io.dfut.internal.sim.Flaky";

  /** Where a handle's reader looks. */
  static final class Cell implements Settleable {
    Outcome outcome;
    SimClaim task;

    void complete(Outcome known) {
      if (outcome == null
          || (outcome instanceof Outcome.Stored && known instanceof Outcome.Stored)) {
        outcome = known;
      }
    }
  }

  static final class Handle {
    final ObjectId id;
    final Cell cell;
    final boolean actor;
    boolean open = true;

    Handle(ObjectId id, Cell cell, boolean actor) {
      this.id = id;
      this.cell = cell;
      this.actor = actor;
    }

    @Override
    public String toString() {
      return id + (open ? "" : " closed");
    }
  }

  /** What owner and executors of one node share about a task. */
  static final class SimClaim extends Claim {
    final TaskSpec spec;
    final List<Cell> cells;
    final List<Cell> dependencies;

    SimClaim(TaskSpec spec, List<Cell> cells, List<Cell> dependencies) {
      this.spec = spec;
      this.cells = cells;
      this.dependencies = dependencies;
    }
  }

  /**
   * @param reads of its stored arguments
   */
  private record Pushed(TaskPushed push, Claim claim, Map<ObjectKey, SimStore.Read> reads) {
    Pushed(TaskPushed push, Claim claim) {
      this(push, claim, new LinkedHashMap<>());
    }

    void closeReads() {
      reads.values().forEach(SimStore.Read::close);
      reads.clear();
    }

    boolean is(TaskId task, int attempt) {
      return push.spec().id().equals(task) && push.attempt() == attempt;
    }
  }

  /** A body that runs: a task, a call, or a driver. */
  private final class Running {
    final Pushed pushed;
    final Program<Handle> program;
    final List<Handle> handles = new ArrayList<>();
    Handle waitingFor;

    /** Of what it waits for, once that is known to be in a store. */
    SimStore.Read read;

    /** Which attempt's bytes it reads. */
    int readAttempt;

    /** Values on their way into the store, and what is done then. */
    Writing writing;

    boolean cancelled;

    /** Tasks that are known to wait for this one. */
    final Set<TaskId> waiters = new java.util.LinkedHashSet<>();

    /** The task that runs this one inline; null for others. */
    Running outer;

    Running(Pushed pushed, Program<Handle> program) {
      this.pushed = pushed;
      this.program = program;
    }

    /** This task and those that are known to wait for it. */
    List<TaskId> waiting() {
      Set<TaskId> all = new java.util.LinkedHashSet<>(List.of(task().orElseThrow()));
      WorkerMessage.Waited.addTo(all, waiters);
      if (outer != null) {
        WorkerMessage.Waited.addTo(all, outer.waiting());
      }
      return List.copyOf(all);
    }

    boolean isCall() {
      return pushed != null && pushed.push.spec().kind() instanceof TaskSpec.Kind.Call;
    }

    Optional<TaskId> task() {
      return pushed == null ? Optional.empty() : Optional.of(pushed.push.spec().id());
    }
  }

  /** A value that a body makes; first on its way into the store, if it goes there. */
  private static final class Made {
    final ObjectKey key;
    final SimStore.Write write;
    Outcome outcome;

    Made(ObjectKey key, SimStore.Write write, Outcome outcome) {
      this.key = key;
      this.write = write;
      this.outcome = outcome;
    }
  }

  private record Writing(List<Made> all, int[] sealed, Runnable then) {}

  private static final class Caller {
    long next;
    final TreeMap<Long, Pushed> early = new TreeMap<>();
  }

  final Sim sim;
  final SimNode node;
  final WorkerId id;
  final WorkerMachine machine;
  private final Set<ObjectId> actors = new HashSet<>();

  /** Pushed tasks that have not started. */
  private final ArrayDeque<Pushed> queue = new ArrayDeque<>();

  /** The task whose turn it is, and above it those that run inline. */
  private final ArrayDeque<Running> stack = new ArrayDeque<>();

  /** With what, and where to, each of its own tasks was pushed last. */
  private final Map<TaskId, WorkerEffect.Push> lastPushes = new HashMap<>();

  /** The lease whose share is lent out; null when none is. */
  private LeaseId away;

  private boolean askedForShare;
  private LeaseId resumed;
  private boolean blocked;

  /** Of an actor: which of its calls can never run. */
  private final CallCycles cycles = new CallCycles();

  /** Of an actor: calls that run. */
  private final List<Running> calls = new ArrayList<>();

  private final Map<WorkerId, Caller> callers = new HashMap<>();

  /** Handles in an actor's fields, and those that nobody can reach any more. */
  private final List<Handle> kept = new ArrayList<>();

  /** Nodes whose death it was told of. */
  private final Set<NodeId> heardOf = new HashSet<>();

  /** Whether its handles count no more: it is gone, or taken for it. */
  private boolean forgotten;

  private ActorId actor;
  private TaskSpec.Restarts actorRestarts;

  /** Of an actor: it has said that its state is due, and was not called for it. */
  private boolean due;

  private Optional<String> ended = Optional.empty();
  private Running driver;
  private final Map<Object, Long> timers = new LinkedHashMap<>();
  private long lastTimer;
  private long lastId;

  SimWorker(Sim sim, SimNode node, WorkerId id, WorkerLimits limits) {
    this.sim = sim;
    this.node = node;
    this.id = id;
    this.machine = new WorkerMachine(id, limits);
  }

  void drive(Body body) {
    driver = new Running(null, new Program<>(body, sim.profile, true));
  }

  boolean isDone() {
    return driver == null || forgotten;
  }

  private List<Long> trace = List.of();
  private boolean tainted;

  List<Long> trace() {
    return trace;
  }

  boolean isTainted() {
    return tainted;
  }

  boolean isIdle() {
    return queue.isEmpty()
        && stack.isEmpty()
        && calls.isEmpty()
        && driver == null
        && callers.values().stream().allMatch(caller -> caller.early.isEmpty());
  }

  // ---- the table ----

  void input(WorkerInput input) {
    sim.input(this, input);
    List<WorkerEffect> effects = new ArrayList<>();
    TaskReturned late = staleAnswer(input);
    Outcome before = late == null ? null : Tables.outcome(machine, late.task().result(0));
    machine.step(input, sim.now(), effects::add);
    if (late != null) {
      Sim.expect(
          Tables.outcome(machine, late.task().result(0)) == before,
          "the answer of an attempt that is no more was taken: " + late);
    }
    effects.forEach(this::perform);
    sim.checkNothingFreedEarly(this);
  }

  /** An answer of another attempt, or place, than the task was last pushed with; else null. */
  private TaskReturned staleAnswer(WorkerInput input) {
    if (input instanceof WorkerInput.Received(TaskReturned answer)) {
      WorkerEffect.Push last = lastPushes.get(answer.task());
      if (last != null
          && (last.message().attempt() > answer.attempt()
              || !last.to().equals(answer.executor()))) {
        sim.count("stale answer");
        return answer;
      }
    }
    return null;
  }

  private void perform(WorkerEffect effect) {
    switch (effect) {
      case WorkerEffect.Send(WorkerId to, WorkerMessage message) -> {
        // A release may be late: what the same worker says after it may come before it.
        boolean late = message instanceof WorkerMessage.BorrowReleased && sim.oneIn(3);
        sim.send(id, to, late ? new Sim.Late(message) : message, null);
      }
      case WorkerEffect.Push push -> {
        lastPushes.put(push.message().spec().id(), push);
        sim.send(
            id,
            push.to(),
            push.message(),
            push.to().node().equals(id.node()) ? push.claim() : null);
      }
      case WorkerEffect.AskScheduler(NodeId to, SchedulerMessage message) ->
          sim.send(id, new Sim.Scheduler(to), message, null);
      case WorkerEffect.Settle(Settleable cell, Outcome outcome) -> {
        if (outcome instanceof Outcome.Failed(Failure failure)
            && failure.detail().equals("LINEAGE_EVICTED")) {
          sim.count("lineage was gone");
          Sim.expect(sim.boundsLineage(), "lineage went although nothing bounds it: " + failure);
        }
        ((Cell) cell).complete(outcome);
      }
      case WorkerEffect.Unsettle(Settleable cell) -> ((Cell) cell).outcome = null;
      case WorkerEffect.Nudge nudge -> {}
      case WorkerEffect.Uncover uncover -> {}
      case WorkerEffect.FreeCopies(ObjectKey key, List<NodeId> nodes) ->
          nodes.forEach(to -> sim.free(id, key, to));
      case WorkerEffect.PromoteCopy(ObjectKey key, NodeId to) -> sim.promote(id, key, to);
      case WorkerEffect.MoveCopy move -> throw new AssertionError("nobody drains here: " + move);
      case WorkerEffect.CopyIsSafe safe -> throw new AssertionError("nobody drains here: " + safe);
      case WorkerEffect.SetTimer(var timer, long delayNanos) -> {
        long mine = ++lastTimer;
        timers.put(timer, mine);
        sim.after(
            node,
            delayNanos,
            () -> {
              if (timers.remove(timer, mine) && sim.isThere(this)) {
                input(new WorkerInput.TimerFired(timer));
              }
            });
      }
      case WorkerEffect.CancelTimer(var timer) -> timers.remove(timer);
      case WorkerEffect.ActorGone gone -> {}
      case WorkerEffect.TakeCheckpoint(ActorId of, TaskSpec creation) ->
          input(
              new WorkerInput.StateAskedFor(
                  stateCall(of, creation.depth()), new Cell(), new Claim()));
      case WorkerEffect.TaskSettled settled -> {}
      case WorkerEffect.SettlePromise promise ->
          throw new AssertionError("nobody makes promises here: " + promise);
    }
  }

  // ---- messages ----

  /**
   * @param from the worker that says it; null for a scheduler, or the news
   */
  void receive(WorkerId from, WorkerMessage message, Claim claim) {
    if (from != null && heardOf.contains(from.node()) && !changesFromTheDead(message)) {
      sim.count("last words of a dead node");
      String before = machine.describe().toString();
      take(message, claim);
      Sim.expect(
          machine.describe().toString().equals(before),
          "a message of a node that is known to be dead changed the table: " + message);
    } else {
      take(message, claim);
    }
  }

  /**
   * What brings references, and is let go of again with their acknowledgement, or speaks of the
   * living: it may pass through the table of a worker whose node does not refuse it.
   */
  private static boolean changesFromTheDead(WorkerMessage message) {
    return message instanceof TaskPushed
        || message instanceof TaskReturned
        || message instanceof WorkerMessage.BorrowAcknowledged
        || message instanceof WorkerMessage.CancelTask
        || message instanceof WorkerMessage.CancelRequested
        || message instanceof WorkerMessage.WorkerDied
        || message instanceof WorkerMessage.NodeDied;
  }

  private void take(WorkerMessage message, Claim claim) {
    switch (message) {
      case TaskPushed push -> {
        if (!push.lent().isEmpty()) {
          input(new WorkerInput.TaskArrived(push));
        }
        Pushed pushed = new Pushed(push, claim == null ? new Claim() : claim);
        WorkerId owner = push.spec().id().owner();
        if (node.knownDead.contains(owner) || node.knownDead.contains(owner.node())) {
          pushed.claim.take(push.attempt());
          dropped(pushed);
          sim.count("last words");
        } else {
          offer(pushed);
        }
      }
      case WorkerMessage.CancelTask cancel -> {
        cancel(cancel.task(), cancel.attempt());
        input(new WorkerInput.ParentCancelled(cancel.task()));
      }
      case WorkerMessage.Waited(ObjectId object, List<TaskId> waiters) ->
          waitedFor(object, waiters, message);
      case WorkerMessage.EndActor(String reason, boolean restarts) -> end(reason);
      case WorkerMessage.CheckpointRefused refused -> sim.count("state refused");
      case WorkerMessage.WorkerDied(WorkerId dead, String cause) -> {
        node.knownDead.add(dead);
        fence(dead::equals);
        input(new WorkerInput.Received(message));
      }
      case WorkerMessage.NodeDied(NodeId dead, String cause) -> {
        node.knownDead.add(dead);
        heardOf.add(dead);
        fence(worker -> worker.node().equals(dead));
        input(new WorkerInput.Received(message));
      }
      default -> input(new WorkerInput.Received(message));
    }
  }

  /** As the runtime does: who is waited for passes that on, and a call that can never run fails. */
  private void waitedFor(ObjectId object, List<TaskId> waiters, WorkerMessage message) {
    boolean here = false;
    for (Running running : running()) {
      if (running.task().filter(object.task()::equals).isPresent()) {
        here = true;
        WorkerMessage.Waited.addTo(running.waiters, waiters);
      }
    }
    Optional<Pushed> queued =
        actor == null
            ? Optional.empty()
            : queue.stream().filter(q -> q.push.spec().id().equals(object.task())).findFirst();
    if (queued.isPresent()) {
      boolean allWait =
          calls.size() >= 2
              && calls.stream()
                  .allMatch(c -> c.waitingFor != null && c.waitingFor.cell.outcome == null);
      if (cycles.canNeverRun(
          object.task(),
          waiters,
          queue.stream().map(q -> q.push.spec().id()).collect(Collectors.toSet()),
          allWait ? calls.stream().map(c -> c.task().orElseThrow()).toList() : List.of(),
          sim.now())) {
        sim.cycleBroken();
        queue.remove(queued.get());
        queued.get().claim.take(queued.get().push.attempt());
        answer(queued.get(), Failure.of(Failure.Kind.CANCELLED, "it could never run"));
      }
    } else if (!here) {
      input(new WorkerInput.Received(message));
    }
  }

  /** Says for which objects its tasks wait, as the runtime does each second; false for none. */
  boolean sayWhoWaits() {
    boolean any = false;
    for (Running running : running()) {
      if (running.pushed != null
          && running.waitingFor != null
          && running.waitingFor.cell.outcome == null) {
        input(new WorkerInput.StillWaiting(running.waitingFor.id, running.waiting()));
        any = true;
      }
    }
    return any;
  }

  private void offer(Pushed pushed) {
    if (actor != null && pushed.push.sequence() < 0) {
      // Pushed before its owner ran it itself and gave the lease back, which came first. Between
      // two
      // nodes, and within one, messages are in order, so that this cannot be; here they are in
      // order
      // between two workers only.
      sim.count("late push at an actor");
      pushed.claim.take(pushed.push.attempt());
      dropped(pushed);
      return;
    }
    if (actor != null) {
      Caller caller =
          callers.computeIfAbsent(pushed.push.spec().id().owner(), from -> new Caller());
      Sim.expect(
          pushed.push.sequence() >= caller.next, "a call's number came twice: " + pushed.push);
      caller.early.put(pushed.push.sequence(), pushed);
      Pushed turn;
      while ((turn = caller.early.remove(caller.next)) != null) {
        caller.next++;
        if (ended.isPresent()) {
          refuse(turn);
        } else {
          queue.add(turn);
        }
      }
      return;
    }
    queue.add(pushed);
    if (blocked) {
      handBack();
    }
  }

  private void dropped(Pushed pushed) {
    pushed.closeReads();
    if (!pushed.push.lent().isEmpty()) {
      input(new WorkerInput.TaskDropped(pushed.push));
    }
  }

  private void handBack() {
    Pushed pushed;
    while ((pushed = queue.poll()) != null) {
      boolean mine = pushed.claim.take(pushed.push.attempt());
      dropped(pushed);
      if (mine) {
        sayHandedBack(pushed);
      }
    }
  }

  private void sayHandedBack(Pushed pushed) {
    sim.send(
        new Sim.Thread(id),
        pushed.push.spec().id().owner(),
        new WorkerMessage.TaskHandedBack(pushed.push.spec().id(), pushed.push.attempt(), id),
        null);
  }

  private void cancel(TaskId task, int attempt) {
    for (Running running : running()) {
      if (running.pushed != null && running.pushed.is(task, attempt)) {
        running.cancelled = true;
      }
    }
    for (Pushed waiting : List.copyOf(queue)) {
      if (waiting.is(task, attempt)) {
        queue.remove(waiting);
        waiting.claim.take(waiting.push.attempt());
        if (actor != null) {
          answer(waiting, Failure.of(Failure.Kind.CANCELLED, "cancelled"));
        } else {
          dropped(waiting);
          sayHandedBack(waiting);
        }
      }
    }
  }

  /** Nothing of a dead owner's runs on. */
  private void fence(Predicate<WorkerId> dead) {
    for (Running running : running()) {
      if (running.pushed != null && dead.test(running.pushed.push.spec().id().owner())) {
        running.cancelled = true;
        input(new WorkerInput.ParentCancelled(running.pushed.push.spec().id()));
      }
    }
    for (Pushed waiting : List.copyOf(queue)) {
      if (dead.test(waiting.push.spec().id().owner())) {
        queue.remove(waiting);
        waiting.claim.take(waiting.push.attempt());
        dropped(waiting);
      }
    }
    for (Caller caller : callers.values()) {
      for (Pushed early : List.copyOf(caller.early.values())) {
        if (dead.test(early.push.spec().id().owner())) {
          caller.early.remove(early.push.sequence());
          dropped(early);
        }
      }
    }
  }

  private List<Running> running() {
    List<Running> all = new ArrayList<>(stack);
    all.addAll(calls);
    if (driver != null) {
      all.add(driver);
    }
    return all;
  }

  private void answer(Pushed call, Failure failure) {
    dropped(call);
    TaskSpec spec = call.push.spec();
    sim.send(
        new Sim.Thread(id),
        spec.id().owner(),
        new TaskReturned(
            spec.id(),
            call.push.attempt(),
            java.util.Collections.nCopies(spec.results(), new Outcome.Failed(failure)),
            List.of(),
            List.of(),
            List.of(),
            id),
        null);
  }

  // ---- an actor's end ----

  private void end(String reason) {
    if (ended.isPresent()) {
      return;
    }
    if (actor == null) { // its creation will not come: the owner died first
      sim.count("ended before it was an actor");
      sim.workerEnded(this, reason);
      return;
    }
    ended = Optional.of(reason);
    List<Pushed> waiting = List.copyOf(queue);
    queue.clear();
    waiting.forEach(this::refuse);
    calls.forEach(call -> call.cancelled = true);
  }

  private void refuse(Pushed call) {
    call.claim.take(call.push.attempt());
    answer(call, Failure.died(Failure.Kind.ACTOR_DIED, "the actor ended", 1, "it ended"));
  }

  private boolean stopIfDone() {
    if (ended.isEmpty() || !calls.isEmpty()) {
      return false;
    }
    sim.count("actor ended");
    sim.send(
        id,
        actor.owner(),
        new WorkerMessage.ActorEnded(
            actor.object(), Failure.died(Failure.Kind.ACTOR_DIED, "it ended", 1, "it ended")),
        null);
    sim.workerEnded(this, ended.get());
    return true;
  }

  /** The worker is gone, and with it every handle here. */
  void forgetHandles() {
    if (forgotten) {
      return;
    }
    forgotten = true;
    running().forEach(running -> running.handles.forEach(this::forget));
    kept.forEach(this::forget);
  }

  private void forget(Handle handle) {
    if (handle.open) {
      sim.closed(handle.id);
    }
  }

  private void opened(ObjectId object) {
    if (!forgotten) {
      sim.opened(object);
    }
  }

  private void closed(Handle handle) {
    handle.open = false;
    if (!forgotten) {
      sim.closed(handle.id);
    }
  }

  boolean isActor() {
    return actor != null;
  }

  boolean isBlocked() {
    return blocked;
  }

  boolean hasHeardOf(NodeId dead) {
    return heardOf.contains(dead);
  }

  // ---- acting ----

  /** Does one thing, if there is one to do. */
  boolean act() {
    if (actor != null && stopIfDone()) {
      return true;
    }
    if (!kept.isEmpty() && sim.oneIn(40)) {
      close(kept.remove(sim.random.nextInt(kept.size())));
      return true;
    }
    if (driver != null) {
      return step(driver);
    }
    if (actor != null) {
      if (!queue.isEmpty()
          && calls.size() < 2
          && (calls.isEmpty() || sim.oneIn(2))
          && areHere(queue.peek())) {
        start(queue.poll());
        return true;
      }
      return !calls.isEmpty() && step(calls.get(sim.random.nextInt(calls.size())));
    }
    if (stack.isEmpty()) {
      if (queue.isEmpty()) {
        return false;
      }
      LeaseId lease = queue.peek().push.lease();
      if (!areHere(queue.peek())) {
        return lendShare(lease);
      }
      if (lease.equals(away) && !lease.equals(resumed)) {
        return askForShare();
      }
      away = null; // it is back, or that lease is over
      start(queue.poll());
      return true;
    }
    if (!queue.isEmpty() && sim.profile.handBacks() && sim.oneIn(4)) {
      handBack();
      return true;
    }
    return step(stack.peek());
  }

  /** While what is next waits for its arguments. */
  private boolean lendShare(LeaseId lease) {
    if (lease.equals(away)) {
      return false;
    }
    away = lease;
    resumed = null;
    askedForShare = false;
    sim.count("share lent out");
    sim.send(
        new Sim.Thread(id),
        new Sim.Scheduler(id.node()),
        new SchedulerMessage.ArgumentsAwaited(lease),
        null);
    return true;
  }

  private boolean askForShare() {
    if (askedForShare) {
      return false;
    }
    askedForShare = true;
    sim.send(
        new Sim.Thread(id),
        new Sim.Scheduler(id.node()),
        new SchedulerMessage.ArgumentsArrived(away, id),
        null);
    return true;
  }

  /** The scheduler gave the share of this lease back. */
  void resumed(LeaseId lease) {
    resumed = lease;
    sim.count("share back");
  }

  private void start(Pushed pushed) {
    if (!pushed.claim.take(pushed.push.attempt())) {
      dropped(pushed);
      if (actor != null) {
        sayHandedBack(pushed);
      }
      return;
    }
    sim.count("started");
    if (node.id.incarnation() > 0) {
      sim.count("started on a node that came back");
    }
    TaskSpec spec = pushed.push.spec();
    if (spec.kind() instanceof TaskSpec.Kind.Creation) {
      actor = new ActorId(spec.id().owner(), spec.id().sequence());
      Running creation = new Running(pushed, null);
      decodeLent(creation);
      kept.addAll(creation.handles);
      handBack(); // late pushes of a dead owner, which had the lease before
      if (pushed.push.attempt() > 0) {
        sim.count("actor made anew");
      }
      TaskSpec.ActorOptions options = ((TaskSpec.Kind.Creation) spec.kind()).options();
      if (options.state() == TaskSpec.SavedState.LAST_ARGUMENT) {
        sim.count("state restored");
      }
      actorRestarts = options.restarts();
      finish(creation, List.of(new Outcome.Actor(id, "Actor", actorRestarts)), List.of());
      return;
    }
    if (spec.name().equals(STATE)) {
      giveState(pushed);
      return;
    }
    if (spec.id().owner().equals(id)) {
      sim.count(spec.kind() instanceof TaskSpec.Kind.Call ? "called itself" : "pushed to itself");
    }
    if (!refusedWithoutArguments(pushed)) {
      begin(pushed);
    }
  }

  // ---- an actor's state ----

  /** After a call an actor's state is due, unless it is already. */
  private void sayDue(TaskPushed call) {
    if (actor != null
        && ended.isEmpty()
        && !due
        && actorRestarts.any()
        && call.spec().kind() instanceof TaskSpec.Kind.Call
        && !call.spec().name().equals(STATE)) {
      due = true;
      sim.send(id, actor.owner(), new WorkerMessage.CheckpointDue(actor.object(), id), null);
    }
  }

  private TaskSpec stateCall(ActorId of, int depth) {
    return new TaskSpec(
        new TaskId(id, ++lastId),
        Sim.JOB,
        FunctionRef.local(
            new FunctionRef.Descriptor("Actor", "checkpoint", "()V", 0, "()V", 0, List.of()),
            STATE),
        STATE,
        List.of(),
        1,
        new TaskSpec.Kind.Call(of),
        Resources.NONE,
        0,
        List.of(),
        0,
        new Placement.Anywhere(),
        depth,
        CallSite.UNKNOWN);
  }

  /**
   * Without references: nothing here tells whether one leads back to the actor, which would then
   * never end.
   */
  private void giveState(Pushed pushed) {
    due = false;
    sim.count("state given");
    InlineValue state = InlineValue.direct(new Value(0, List.of(), false), v -> new byte[0]);
    finish(new Running(pushed, null), List.of(new Outcome.Inline(state, List.of())), List.of());
  }

  private boolean refusedWithoutArguments(Pushed pushed) {
    List<WorkerMessage.LostCopies> lost = new ArrayList<>();
    for (PushedArgument argument : pushed.push.arguments()) {
      switch (argument) {
        case PushedArgument.Value value -> {}
        case PushedArgument.Resolved one -> addIfLost(pushed, one, lost);
        case PushedArgument.ResolvedList list ->
            list.elements().forEach(one -> addIfLost(pushed, one, lost));
      }
    }
    if (lost.isEmpty()) {
      return false;
    }
    sim.count("arguments lost");
    dropped(pushed);
    TaskId task = pushed.push.spec().id();
    sim.send(
        new Sim.Thread(id),
        task.owner(),
        new WorkerMessage.ArgumentsLost(task, pushed.push.attempt(), lost, id),
        null);
    return true;
  }

  private void addIfLost(
      Pushed pushed, PushedArgument.Resolved argument, List<WorkerMessage.LostCopies> lost) {
    if (argument.outcome() instanceof Outcome.Stored stored
        && reading(pushed.reads, argument.object(), stored).state() == SimStore.State.LOST) {
      Sim.expect(
          !sim.isStrict(), "no copy of " + argument.object() + " where it should be: " + stored);
      lost.add(new WorkerMessage.LostCopies(argument.object(), stored.attempt(), stored.sources()));
    }
  }

  private void begin(Pushed pushed) {
    Body body = (Body) pushed.push.spec().function().local().orElseThrow();
    Running running = new Running(pushed, new Program<>(body, sim.profile, false));
    if (running.isCall()) {
      calls.add(running);
    } else {
      running.outer = stack.peek();
      stack.push(running);
    }
    for (PushedArgument argument : pushed.push.arguments()) {
      boolean there =
          switch (argument) {
            case PushedArgument.Value(InlineValue value) -> takeIn(running, (Value) value.object());
            case PushedArgument.Resolved resolved -> take(running, resolved);
            case PushedArgument.ResolvedList list ->
                list.elements().stream().allMatch(element -> take(running, element));
          };
      if (!there) {
        running.pushed.closeReads();
        sim.count("argument lost");
        finish(
            running,
            failed(
                running,
                new Failure(
                    Failure.Kind.OBJECT_LOST, "an argument is lost", Optional.empty(), 0, "")),
            List.of());
        return;
      }
    }
    running.pushed.reads.values().forEach(this::closeLater);
    running.pushed.reads.clear();
    decodeLent(running);
  }

  private void decodeLent(Running running) {
    for (PushedArgument argument : running.pushed.push.arguments()) {
      if (argument instanceof PushedArgument.Value(InlineValue value)) {
        for (ObjectId reference : ((Value) value.object()).references()) {
          Handle handle = arrived(running, reference, Optional.empty());
          if (running.program != null) {
            running.program.has(handle, handle.actor);
          }
        }
      }
    }
  }

  /** One that an earlier attempt took from its object; what is lent comes with references. */
  private boolean takeIn(Running running, Value value) {
    if (value.references().isEmpty()) {
      running.program.read(value.number(), value.tainted());
      sim.count("taken in");
    }
    return true;
  }

  private boolean take(Running running, PushedArgument.Resolved argument) {
    Optional<Value> value =
        switch (argument.outcome()) {
          case Outcome.Inline inline -> Optional.of((Value) inline.value().object());
          case Outcome.Stored stored ->
              fetched(
                  reading(running.pushed.reads, argument.object(), stored),
                  argument.object(),
                  stored);
          default -> throw new AssertionError("pushed as an argument: " + argument);
        };
    value.ifPresent(v -> read(running, v, argument.object()));
    return value.isPresent();
  }

  /** What reads the value at this node, pulled from another if need be. */
  private SimStore.Read reading(
      Map<ObjectKey, SimStore.Read> reads, ObjectId object, Outcome.Stored stored) {
    return reads.computeIfAbsent(
        new ObjectKey(object, stored.attempt()), key -> node.store.read(key, stored.sources()));
  }

  /** The value of a read that is over; empty when no source has it, or there was no room for it. */
  private Optional<Value> fetched(SimStore.Read read, ObjectId object, Outcome.Stored stored) {
    switch (read.state()) {
      case READY -> {
        if (read.takePulled()) {
          sim.count("pulled");
          input(new WorkerInput.ReadSucceeded(object, stored.attempt(), node.id));
        }
        return Optional.of((Value) read.value());
      }
      case LOST -> {
        Sim.expect(!sim.isStrict(), "no copy of " + object + " where it should be: " + stored);
        return Optional.empty();
      }
      case REFUSED -> {
        sim.count("no room to read");
        return Optional.empty();
      }
      case WAITING -> throw new AssertionError("read while it is on its way: " + object);
    }
    throw new AssertionError(read.state());
  }

  /** Lets go after a while, as a view of the value does. */
  private void closeLater(SimStore.Read read) {
    if (node.store.isInstant()) {
      read.close();
    } else {
      sim.after(node, sim.random.nextInt(300_000), read::close);
    }
  }

  /** Whether a task's stored arguments are here, or are known not to come. */
  private boolean areHere(Pushed pushed) {
    boolean all = true;
    for (PushedArgument argument : pushed.push.arguments()) {
      List<PushedArgument.Resolved> some =
          switch (argument) {
            case PushedArgument.Value value -> List.of();
            case PushedArgument.Resolved one -> List.of(one);
            case PushedArgument.ResolvedList list -> list.elements();
          };
      for (PushedArgument.Resolved one : some) {
        if (one.outcome() instanceof Outcome.Stored stored
            && reading(pushed.reads, one.object(), stored).state() == SimStore.State.WAITING) {
          all = false;
        }
      }
    }
    return all;
  }

  /** It is no more: what it wrote, read, or waited to read, nobody goes on with. */
  void letGoOfStore() {
    for (Running running : running()) {
      if (running.writing != null) {
        List<Made> all = running.writing.all;
        for (int i = running.writing.sealed[0]; i < all.size(); i++) {
          if (all.get(i).write != null) {
            sim.count("half-written when its writer died");
            all.get(i).write.abort();
          }
        }
        running.writing = null;
      }
      if (running.read != null) {
        running.read.close();
        running.read = null;
      }
      if (running.pushed != null) {
        running.pushed.closeReads();
      }
    }
    queue.forEach(Pushed::closeReads);
    callers.values().forEach(caller -> caller.early.values().forEach(Pushed::closeReads));
  }

  private void read(Running running, Value value, ObjectId outer) {
    running.program.read(value.number(), value.tainted());
    for (ObjectId reference : value.references()) {
      Handle handle = arrived(running, reference, Optional.of(outer));
      running.program.has(handle, handle.actor);
    }
  }

  private Handle arrived(Running running, ObjectId object, Optional<ObjectId> outer) {
    Cell cell = new Cell();
    Handle handle = new Handle(object, cell, isActor(object));
    running.handles.add(handle);
    opened(object);
    input(new WorkerInput.HandleArrived(object, cell, outer));
    return handle;
  }

  /** Actors' objects are known by their numbers, so that a reference needs no more than its id. */
  private static boolean isActor(ObjectId object) {
    return object.sequence() >= 1_000_000;
  }

  // ---- one operation ----

  private boolean step(Running running) {
    if (running.writing != null) {
      return goOnWriting(running);
    }
    if (running.waitingFor != null) {
      return resume(running);
    }
    if (running.cancelled) {
      finish(
          running, failed(running, Failure.of(Failure.Kind.CANCELLED, "interrupted")), List.of());
      return true;
    }
    switch (running.program.next()) {
      case Op.Submit<Handle> submit -> submit(running, submit);
      case Op.CreateActor<Handle> create -> create(running, create);
      case Op.Put<Handle> put -> put(running, put);
      case Op.Get<Handle> get -> wait(running, get.from());
      case Op.Duplicate<Handle> duplicate -> {
        Handle from = duplicate.handle();
        Handle copy = new Handle(from.id, from.cell, from.actor);
        running.handles.add(copy);
        opened(copy.id);
        input(new WorkerInput.HandleAdded(copy.id));
        running.program.has(copy, copy.actor);
      }
      case Op.Close<Handle> close -> {
        running.handles.remove(close.handle());
        close(close.handle());
      }
      case Op.Cancel<Handle> cancel -> {
        if (cancel.handle().cell.outcome == null) {
          sim.count("cancel");
          input(new WorkerInput.Cancel(cancel.handle().id));
        }
      }
      case Op.Throw<Handle> thrown ->
          finish(
              running,
              failed(running, Failure.of(Failure.Kind.TASK_FAILED, "thrown")),
              List.of("java.lang.RuntimeException"));
      case Op.Return<Handle> end -> finish(running, end);
    }
    return true;
  }

  private void close(Handle handle) {
    if (handle.open) {
      closed(handle);
      input(new WorkerInput.HandleReleased(handle.id));
    }
  }

  boolean collectGarbage() {
    List<Handle> all = List.copyOf(kept);
    kept.clear();
    all.forEach(this::close);
    return !all.isEmpty();
  }

  private void submit(Running running, Op.Submit<Handle> submit) {
    List<Argument> arguments = new ArrayList<>();
    List<Cell> dependencies = submit.taken().stream().map(handle -> handle.cell).toList();
    List<ObjectId> taken = submit.taken().stream().map(handle -> handle.id).toList();
    if (submit.asList()) {
      arguments.add(new Argument.ReferenceList(taken));
    } else {
      taken.forEach(object -> arguments.add(new Argument.Reference(object)));
    }
    addLent(arguments, submit.lent());
    TaskSpec.Kind kind =
        submit.actor() == null
            ? new TaskSpec.Kind.Plain()
            : new TaskSpec.Kind.Call(
                new ActorId(submit.actor().id.owner(), submit.actor().id.sequence()));
    Body child = submit.child();
    TaskSpec spec =
        spec(
            new TaskId(id, ++lastId),
            child,
            arguments,
            child.results(),
            kind,
            submit.actor() == null ? Resources.ONE_CPU : Resources.NONE,
            running);
    List<Handle> handles = post(running, spec, dependencies);
    handles.forEach(handle -> running.program.has(handle, false));
  }

  private static void addLent(List<Argument> arguments, List<Handle> lent) {
    if (!lent.isEmpty()) {
      List<ObjectId> references = lent.stream().map(handle -> handle.id).toList();
      arguments.add(
          new Argument.Value(
              InlineValue.direct(new Value(0, references, false), v -> new byte[0]), references));
    }
  }

  private void create(Running running, Op.CreateActor<Handle> create) {
    List<Argument> arguments = new ArrayList<>();
    addLent(arguments, create.lent());
    TaskSpec spec =
        spec(
            new TaskId(id, 1_000_000 + ++lastId),
            new Body(0, 3, false),
            arguments,
            1,
            new TaskSpec.Kind.Creation(
                new TaskSpec.ActorOptions(
                    "Actor",
                    Optional.empty(),
                    2,
                    false,
                    restartsOf(lastId),
                    TaskSpec.Checkpoints.ON_DEMAND,
                    TaskSpec.SavedState.NONE,
                    0)),
            Resources.NONE,
            running);
    running.program.has(post(running, spec, List.of()).getFirst(), true);
  }

  /** Some actors stay dead, some come back without their calls, some with them. */
  private static TaskSpec.Restarts restartsOf(long number) {
    return switch ((int) (number % 3)) {
      case 0 -> TaskSpec.Restarts.NONE;
      case 1 -> new TaskSpec.Restarts(2, 0);
      default -> new TaskSpec.Restarts(-1, 3);
    };
  }

  private static TaskSpec spec(
      TaskId task,
      Body body,
      List<Argument> arguments,
      int results,
      TaskSpec.Kind kind,
      Resources resources,
      Running parent) {
    boolean plain = kind instanceof TaskSpec.Kind.Plain;
    return new TaskSpec(
        task,
        Sim.JOB,
        FunctionRef.local(
            new FunctionRef.Descriptor("Body", "run", "()V", 6, "()V", 0, List.of()), body),
        "body",
        arguments,
        results,
        kind,
        resources,
        plain ? 3 : 0,
        plain && body.isFlaky() ? List.of(FLAKY) : List.of(),
        0,
        new Placement.Anywhere(),
        parent.pushed == null ? 0 : parent.pushed.push.spec().depth() + 1,
        CallSite.UNKNOWN);
  }

  private List<Handle> post(Running running, TaskSpec spec, List<Cell> dependencies) {
    List<Cell> cells = new ArrayList<>();
    List<Handle> handles = new ArrayList<>();
    for (int i = 0; i < spec.results(); i++) {
      cells.add(new Cell());
      handles.add(new Handle(spec.id().result(i), cells.get(i), isActor(spec.id().result(i))));
      opened(spec.id().result(i));
    }
    SimClaim claim = new SimClaim(spec, cells, dependencies);
    if (spec.kind() instanceof TaskSpec.Kind.Plain) {
      cells.forEach(cell -> cell.task = claim);
    }
    running.handles.addAll(handles);
    Optional<TaskId> caller = actor == null ? running.task() : Optional.empty();
    input(new WorkerInput.Submit(spec, cells, claim, running.task(), caller));
    return handles;
  }

  private void put(Running running, Op.Put<Handle> put) {
    ObjectId object = new ObjectId(id, - ++lastId, 0);
    Made made =
        made(object, 0, put.number(), put.stored(), put.inside(), running.program.isTainted());
    write(
        running,
        List.of(made),
        () -> {
          Cell cell = new Cell();
          Handle handle = new Handle(object, cell, false);
          running.handles.add(handle);
          opened(object);
          input(new WorkerInput.Put(object, made.outcome, CallSite.UNKNOWN, cell));
          running.program.has(handle, false);
        });
  }

  private Made made(
      ObjectId object,
      int attempt,
      long number,
      boolean stored,
      List<Handle> inside,
      boolean fromFault) {
    List<ObjectId> references = inside.stream().map(handle -> handle.id).toList();
    Value value = new Value(number, references, fromFault);
    ObjectKey key = new ObjectKey(object, attempt);
    if (stored) {
      return new Made(
          key,
          node.store.write(key, value),
          new Outcome.Stored(attempt, 200_000, List.of(node.id), references));
    }
    return new Made(
        key, null, new Outcome.Inline(InlineValue.direct(value, v -> new byte[0]), references));
  }

  private void write(Running running, List<Made> all, Runnable then) {
    running.writing = new Writing(all, new int[1], then);
    if (node.store.isInstant() || all.stream().allMatch(made -> made.write == null)) {
      while (running.writing != null) {
        goOnWriting(running);
      }
    }
  }

  private boolean goOnWriting(Running running) {
    Writing writing = running.writing;
    if (writing.sealed[0] == writing.all.size()) {
      running.writing = null;
      writing.then.run();
      return true;
    }
    Made next = writing.all.get(writing.sealed[0]);
    if (next.write != null) {
      switch (next.write.state()) {
        case WAITING -> {
          return false;
        }
        case READY -> {
          next.write.seal();
          if (!next.key.id().owner().equals(id)) {
            node.unreported.add(next.key);
          }
        }
        case LOST, REFUSED -> {
          sim.count("no room to write");
          next.outcome = new Outcome.Failed(Failure.of(Failure.Kind.STORE_FULL, "no room"));
        }
      }
    }
    writing.sealed[0]++;
    return true;
  }

  // ---- waiting ----

  private void wait(Running running, Handle handle) {
    running.waitingFor = handle;
    if (handle.cell.outcome == null) {
      if (!handle.id.owner().equals(id)) {
        input(new WorkerInput.Wanted(handle.id));
      }
      block(running);
    }
  }

  private void block(Running running) {
    if (!running.isCall() && running.pushed != null && !blocked) {
      blocked = true;
      handBack();
      tellBlocked(running, true);
    }
  }

  private void tellBlocked(Running running, boolean nowBlocked) {
    LeaseId lease = running.pushed.push.lease();
    sim.send(
        new Sim.Thread(id),
        new Sim.Scheduler(id.node()),
        nowBlocked
            ? new SchedulerMessage.TaskBlocked(lease)
            : new SchedulerMessage.TaskUnblocked(lease),
        null);
  }

  private boolean resume(Running running) {
    Handle handle = running.waitingFor;
    Outcome outcome = handle.cell.outcome;
    if (running.read != null && !(outcome instanceof Outcome.Stored)) {
      running.read.close(); // what is being read is no more, or its owner
      running.read = null;
    }
    if (outcome == null) {
      if (running.cancelled) {
        unblock(running);
        running.waitingFor = null;
        return true;
      }
      if (running == stack.peek()) {
        block(running); // if it is not: the value may have been there, and lost since
      }
      return runInline(running, handle.cell);
    }
    Optional<Value> value = Optional.empty();
    switch (outcome) {
      case Outcome.Inline inline -> value = Optional.of((Value) inline.value().object());
      case Outcome.Stored stored -> {
        if (running.read != null && running.readAttempt != stored.attempt()) {
          running.read.close(); // it was lost, and has been made again since
          running.read = null;
        }
        if (running.read == null) {
          running.readAttempt = stored.attempt();
          running.read =
              node.store.read(new ObjectKey(handle.id, stored.attempt()), stored.sources());
        }
        if (running.read.state() == SimStore.State.WAITING) {
          if (running.cancelled) {
            running.read.close();
            running.read = null;
            unblock(running);
            running.waitingFor = null;
            return true;
          }
          return false;
        }
        SimStore.Read read = running.read;
        running.read = null;
        boolean refused = read.state() == SimStore.State.REFUSED;
        value = fetched(read, handle.id, stored);
        closeLater(read);
        if (refused) {
          value = Optional.of(new Value(Evaluation.FAILED, List.of(), true));
        }
        if (value.isEmpty()) {
          Outcome before = handle.cell.outcome;
          input(new WorkerInput.ReadFailed(handle.id, stored.attempt(), stored.sources()));
          if (handle.cell.outcome == null) {
            block(running); // until it has been made again
          }
          return handle.cell.outcome != before;
        }
      }
      case Outcome.Failed(Failure failure) -> {
        sim.count("read " + failure.kind() + " " + failure.detail());
        Sim.expect(
            !sim.isStrict()
                || (!failure.detail().equals("FREED") && failure.kind() != Failure.Kind.RELEASED),
            "an open handle on a value that is gone: " + failure);
        value =
            Optional.of(
                new Value(
                    Evaluation.FAILED, List.of(), failure.kind() != Failure.Kind.TASK_FAILED));
      }
      case Outcome.Actor other -> throw new AssertionError("a get of an actor: " + other);
    }
    unblock(running);
    running.waitingFor = null;
    read(running, value.orElseThrow(), handle.id);
    return true;
  }

  private void unblock(Running running) {
    if (blocked && running == stack.peek()) {
      blocked = false;
      tellBlocked(running, false);
    }
  }

  private boolean runInline(Running running, Cell cell) {
    SimClaim task = cell.task;
    if (running.pushed == null
        || running.isCall()
        || running != stack.peek()
        || task == null
        || !sim.profile.inline()
        || stack.size() > 6
        || !task.spec.id().owner().equals(id)
        || sim.oneIn(3)
        || !task.dependencies.stream().allMatch(d -> d.outcome instanceof Outcome.Inline)
        || !task.take()) {
      return false;
    }
    sim.count("inline");
    unblock(running);
    input(new WorkerInput.TaskClaimedInline(task.spec.id(), task.attempt()));
    List<PushedArgument> arguments = new ArrayList<>();
    int next = 0;
    for (Argument argument : task.spec.arguments()) {
      switch (argument) {
        case Argument.Value value -> arguments.add(new PushedArgument.Value(value.value()));
        case Argument.Reference reference ->
            arguments.add(
                new PushedArgument.Resolved(
                    reference.object(), task.dependencies.get(next++).outcome));
        case Argument.ReferenceList list -> {
          List<PushedArgument.Resolved> elements = new ArrayList<>();
          for (ObjectId object : list.objects()) {
            elements.add(
                new PushedArgument.Resolved(object, task.dependencies.get(next++).outcome));
          }
          arguments.add(new PushedArgument.ResolvedList(elements));
        }
      }
    }
    begin(
        new Pushed(
            new TaskPushed(
                task.spec,
                task.attempt(),
                running.pushed.push.lease(),
                -1,
                arguments,
                List.of(),
                0),
            task));
    return true;
  }

  // ---- ends ----

  private static List<Outcome> failed(Running running, Failure failure) {
    return java.util.Collections.nCopies(
        running.pushed.push.spec().results(), new Outcome.Failed(failure));
  }

  private void finish(Running running, Op.Return<Handle> end) {
    if (running == driver) {
      Sim.expect(
          running.handles.stream().noneMatch(handle -> handle.open), "a driver left handles");
      trace = List.copyOf(running.program.trace());
      tainted = running.program.isTainted();
      driver = null;
      return;
    }
    TaskSpec spec = running.pushed.push.spec();
    Body body = running.program.body();
    if (body.isFlaky()
        && running.pushed.push.attempt() == 0
        && spec.kind() instanceof TaskSpec.Kind.Plain) {
      sim.count("flaky");
      finish(
          running,
          failed(running, Failure.of(Failure.Kind.TASK_FAILED, "flaky")),
          List.of(FLAKY, "java.lang.Exception"));
      return;
    }
    List<Made> all = new ArrayList<>();
    for (int i = 0; i < end.numbers().size(); i++) {
      all.add(
          made(
              spec.id().result(i),
              running.pushed.push.attempt(),
              end.numbers().get(i),
              end.stored().get(i),
              end.inside().get(i),
              running.program.isTainted()));
    }
    write(running, all, () -> finish(running, outcomesOf(running, all), List.of()));
  }

  /** A task one of whose results has no room has none at all. */
  private List<Outcome> outcomesOf(Running running, List<Made> all) {
    for (Made made : all) {
      if (made.outcome instanceof Outcome.Failed(Failure failure)) {
        all.forEach(
            each -> {
              if (each.outcome instanceof Outcome.Stored) {
                node.store.free(each.key);
              }
            });
        return failed(running, failure);
      }
    }
    return all.stream().map(made -> made.outcome).toList();
  }

  private void finish(Running running, List<Outcome> outcomes, List<String> thrown) {
    TaskPushed push = running.pushed.push;
    List<ObjectId> released = new ArrayList<>();
    if (push.spec().kind() instanceof TaskSpec.Kind.Plain) {
      for (Handle handle : running.handles) {
        if (handle.open) {
          closed(handle);
          released.add(handle.id);
        }
      }
    } else if (running.program != null) {
      running.handles.stream().filter(handle -> handle.open).forEach(kept::add);
    }
    stack.remove(running);
    calls.remove(running);
    sayDue(push);
    blocked = false;
    boolean plain =
        released.isEmpty()
            && push.lent().isEmpty()
            && outcomes.stream().allMatch(outcome -> outcome.references().isEmpty());
    boolean own = push.spec().id().owner().equals(id);
    if (plain && running.pushed.claim instanceof SimClaim local) {
      completeDirectly(local, push.attempt(), outcomes);
    }
    if (plain && !own) {
      sim.send(
          new Sim.Thread(id),
          push.spec().id().owner(),
          new TaskReturned(
              push.spec().id(), push.attempt(), outcomes, List.of(), List.of(), thrown, id),
          null);
    } else {
      input(new WorkerInput.TaskEnded(push, outcomes, thrown, released));
    }
    if (!stack.isEmpty()
        && stack.peek().waitingFor != null
        && stack.peek().waitingFor.cell.outcome == null) {
      blocked = true; // the one below waits again
      tellBlocked(stack.peek(), true);
    }
  }

  private static void completeDirectly(SimClaim local, int attempt, List<Outcome> outcomes) {
    for (Outcome outcome : outcomes) {
      if (!(outcome instanceof Outcome.Inline)) {
        return;
      }
    }
    if (!local.decide(attempt)) {
      return;
    }
    for (int i = 0; i < outcomes.size(); i++) {
      local.cells.get(i).complete(outcomes.get(i));
    }
  }

  // ---- for people ----

  String describe() {
    StringBuilder text = new StringBuilder(id.toString());
    text.append(actor != null ? " an actor" : "").append(" queue ").append(queue);
    running()
        .forEach(
            running ->
                text.append("\n    runs ")
                    .append(running.pushed == null ? "driver" : running.pushed.push.spec().id())
                    .append(" waits for ")
                    .append(running.waitingFor)
                    .append(" handles ")
                    .append(running.handles));
    text.append("\n    kept ").append(kept);
    machine.describe().forEach(row -> text.append("\n    ").append(row));
    return text.append('\n').toString();
  }
}
