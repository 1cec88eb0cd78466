package io.dfut.internal.explore;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.explore.Cluster.Lane;
import io.dfut.internal.explore.Cluster.Mail;
import io.dfut.internal.explore.Script.Op;
import io.dfut.internal.ownership.Audit;
import io.dfut.internal.ownership.Claim;
import io.dfut.internal.ownership.Settleable;
import io.dfut.internal.ownership.Tables;
import io.dfut.internal.ownership.WorkerEffect;
import io.dfut.internal.ownership.WorkerInput;
import io.dfut.internal.ownership.WorkerMachine;
import io.dfut.internal.ownership.WorkerTimer;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/** A worker: the real machine, and a model of its executor and of user code beside it. */
final class Member {
  static final String AT = "worker-";
  static final WorkerTimer HANDOVER = new WorkerTimer.HandoverEnd();
  static final WorkerTimer SWEEP = new WorkerTimer.LeaseSweep();

  private static final FunctionRef.Descriptor DESCRIPTOR =
      new FunctionRef.Descriptor("Script", "run", "()V", 6, "()V", 0, List.of());

  /** What is put or returned: who made it, and the references inside. */
  private record Value(String madeBy, List<ObjectId> references) {}

  /** Where a handle's reader looks. */
  private static final class Cell implements Settleable {
    Outcome outcome;
  }

  /** A handle that is open. */
  private static final class Handle {
    final ObjectId id;
    final Cell cell;

    Handle(ObjectId id, Cell cell) {
      this.id = id;
      this.cell = cell;
    }
  }

  private record Pushed(TaskPushed push, Claim claim) {}

  /** A body that runs: a task's, or the driver's. */
  private static final class Running {
    final Optional<Pushed> pushed;
    final Script script;
    final TreeMap<String, Handle> handles = new TreeMap<>();
    int next;
    boolean waits;
    boolean cancelled;

    Running(Optional<Pushed> pushed, Script script) {
      this.pushed = pushed;
      this.script = script;
    }
  }

  private record LastPush(int attempt, WorkerId to) {}

  private final Cluster cluster;
  final int index;
  final WorkerId id;
  boolean dead;

  /** Of its death; what the others are told. */
  WorkerMessage notice;

  private WorkerMachine machine;
  final Set<WorkerTimer> timers = new HashSet<>();
  private final Set<Object> knownDead = new HashSet<>();
  private final ArrayDeque<Pushed> queue = new ArrayDeque<>();
  private final List<Handle> kept = new ArrayList<>();
  private final Map<TaskId, LastPush> lastPushes = new HashMap<>();
  private Running running;
  private long lastId;

  Member(Cluster cluster, int index, WorkerId id) {
    this.cluster = cluster;
    this.index = index;
    this.id = id;
    this.machine = new WorkerMachine(id, Cluster.LIMITS);
  }

  void drive(Script script) {
    running = new Running(Optional.empty(), script);
  }

  void die(WorkerMessage cause) {
    dead = true;
    notice = cause;
    machine = null;
    running = null;
    timers.clear();
    knownDead.clear();
    queue.clear();
    kept.clear();
    lastPushes.clear();
  }

  @Override
  public String toString() {
    return String.valueOf((char) ('A' + index));
  }

  // ---- the machine ----

  private void input(WorkerInput input) {
    input(input, 0);
  }

  private void input(WorkerInput input, long now) {
    List<WorkerEffect> effects = new ArrayList<>();
    Optional<TaskReturned> late = staleAnswer(input);
    Outcome before = late.map(answer -> outcomeOf(answer.task())).orElse(null);
    machine.step(input, now, effects::add);
    late.ifPresent(
        answer ->
            Cluster.expect(
                outcomeOf(answer.task()) == before,
                "I9: the answer of an attempt that is no more was taken: ",
                answer));
    List<SchedulerMessage> asked = new ArrayList<>();
    for (WorkerEffect effect : effects) {
      perform(effect, asked);
    }
    for (SchedulerMessage message : asked) {
      cluster.ask(this, message);
    }
  }

  private Outcome outcomeOf(TaskId task) {
    return Tables.outcome(machine, task.result(0));
  }

  private Optional<TaskReturned> staleAnswer(WorkerInput input) {
    if (input instanceof WorkerInput.Received(TaskReturned answer)) {
      LastPush last = lastPushes.get(answer.task());
      if (last != null && (last.attempt > answer.attempt() || !last.to.equals(answer.executor()))) {
        return Optional.of(answer);
      }
    }
    return Optional.empty();
  }

  private void perform(WorkerEffect effect, List<SchedulerMessage> asked) {
    switch (effect) {
      case WorkerEffect.Send(WorkerId to, WorkerMessage message) ->
          cluster.send(this, Lane.TABLE, to, message, Optional.empty());
      case WorkerEffect.Push(WorkerId to, TaskPushed push, Claim claim) -> {
        lastPushes.put(push.spec().id(), new LastPush(push.attempt(), to));
        boolean near = to.node().equals(id.node());
        cluster.send(this, Lane.TABLE, to, push, near ? Optional.of(claim) : Optional.empty());
      }
      case WorkerEffect.AskScheduler(NodeId to, SchedulerMessage message) -> asked.add(message);
      case WorkerEffect.Settle(Settleable cell, Outcome outcome) -> {
        if (outcome instanceof Outcome.Failed(Failure failure)
            && failure.detail().equals("LINEAGE_EVICTED")) {
          throw new IllegalStateException("lineage went although nothing bounds it: " + failure);
        }
        ((Cell) cell).outcome = outcome;
      }
      case WorkerEffect.Unsettle(Settleable cell) -> ((Cell) cell).outcome = null;
      case WorkerEffect.FreeCopies(ObjectKey key, List<NodeId> nodes) ->
          nodes.forEach(node -> cluster.free(node, key));
      case WorkerEffect.SetTimer(WorkerTimer timer, long delayNanos) -> timers.add(timer);
      case WorkerEffect.CancelTimer(WorkerTimer timer) -> timers.remove(timer);
      case WorkerEffect.PromoteCopy promote -> {}
      case WorkerEffect.MoveCopy move -> throw new AssertionError("nobody drains here: " + move);
      case WorkerEffect.CopyIsSafe safe -> throw new AssertionError("nobody drains here: " + safe);
      case WorkerEffect.Nudge nudge -> {}
      case WorkerEffect.Uncover uncover -> {}
      case WorkerEffect.ActorGone gone -> {}
      case WorkerEffect.TakeCheckpoint take ->
          throw new AssertionError("no actor here has a state: " + take);
      case WorkerEffect.TaskSettled settled -> {}
      case WorkerEffect.SettlePromise promise ->
          throw new AssertionError("nobody makes promises here: " + promise);
    }
  }

  void fire(WorkerTimer timer, long now) {
    timers.remove(timer);
    input(new WorkerInput.TimerFired(timer), now);
  }

  /** A message that takes no time. */
  void hear(WorkerMessage message) {
    input(new WorkerInput.Received(message));
  }

  void receive(Mail mail) {
    switch (mail.message()) {
      case TaskPushed push -> {
        if (!push.lent().isEmpty()) {
          input(new WorkerInput.TaskArrived(push));
        }
        Pushed pushed = new Pushed(push, mail.claim().orElseGet(Claim::new));
        WorkerId owner = push.spec().id().owner();
        if (knownDead.contains(owner) || knownDead.contains(owner.node())) {
          pushed.claim.take(push.attempt());
          drop(pushed);
        } else {
          queue.add(pushed);
        }
      }
      case WorkerMessage.CancelTask cancel -> {
        cancel(cancel);
        input(new WorkerInput.ParentCancelled(cancel.task()));
      }
      case WorkerMessage.WorkerDied(WorkerId who, String cause) -> {
        knownDead.add(who);
        fence(who::equals);
        hear(mail.message());
      }
      case WorkerMessage.NodeDied(NodeId where, String cause) -> {
        knownDead.add(where);
        fence(worker -> worker.node().equals(where));
        hear(mail.message());
      }
      default -> hear(mail.message());
    }
  }

  private void drop(Pushed pushed) {
    if (!pushed.push.lent().isEmpty()) {
      input(new WorkerInput.TaskDropped(pushed.push));
    }
  }

  private void cancel(WorkerMessage.CancelTask cancel) {
    if (running != null && running.pushed.filter(pushed -> is(pushed, cancel)).isPresent()) {
      running.cancelled = true;
    }
    for (Pushed waiting : List.copyOf(queue)) {
      if (is(waiting, cancel)) {
        queue.remove(waiting);
        waiting.claim.take(waiting.push.attempt());
        drop(waiting);
        cluster.send(
            this,
            Lane.THREAD,
            cancel.task().owner(),
            new WorkerMessage.TaskHandedBack(cancel.task(), cancel.attempt(), id),
            Optional.empty());
      }
    }
  }

  private static boolean is(Pushed pushed, WorkerMessage.CancelTask cancel) {
    return pushed.push.spec().id().equals(cancel.task())
        && pushed.push.attempt() == cancel.attempt();
  }

  /** Nothing of a dead owner's runs on. */
  private void fence(Predicate<WorkerId> isDead) {
    if (running != null && running.pushed.isPresent()) {
      TaskId task = running.pushed.get().push.spec().id();
      if (isDead.test(task.owner())) {
        running.cancelled = true;
        input(new WorkerInput.ParentCancelled(task));
      }
    }
    for (Pushed waiting : List.copyOf(queue)) {
      if (isDead.test(waiting.push.spec().id().owner())) {
        queue.remove(waiting);
        waiting.claim.take(waiting.push.attempt());
        drop(waiting);
      }
    }
  }

  // ---- steps ----

  /** What user code and executor may do next; 8 and above are kept handles. */
  List<Integer> steps() {
    List<Integer> steps = new ArrayList<>();
    if (running == null) {
      if (!queue.isEmpty()) {
        steps.add(0);
      }
    } else if (running.cancelled) {
      steps.add(0);
    } else if (running.waits) {
      Op.Get get = (Op.Get) op();
      if (running.handles.get(get.handle()).cell.outcome != null) {
        steps.add(0);
      }
    } else if (running.next == running.script.ops().size()) {
      steps.add(0);
    } else if (op() instanceof Op.Close close) {
      for (int i = 0; i < close.handles().size(); i++) {
        if (running.handles.containsKey(close.handles().get(i))) {
          steps.add(i);
        }
      }
    } else {
      steps.add(0);
    }
    for (int i = 0; i < kept.size(); i++) {
      steps.add(8 + i);
    }
    return steps;
  }

  private Op op() {
    return running.script.ops().get(running.next);
  }

  String describeStep(int step) {
    if (step >= 8) {
      return this + ": closes the kept " + kept.get(step - 8).id;
    }
    if (running == null) {
      return this + ": starts " + queue.peek().push.spec().name();
    }
    String who = this + ": " + running.script.name() + " ";
    if (running.cancelled) {
      return who + "was cancelled, and ends";
    }
    if (running.waits) {
      return who + "reads " + op();
    }
    return who
        + switch (running.next == running.script.ops().size() ? null : op()) {
          case null -> "ends";
          case Op.Close close -> "closes " + close.handles().get(step);
          case Op other -> other.toString();
        };
  }

  void step(int step) {
    if (step >= 8) {
      Handle handle = kept.remove(step - 8);
      input(new WorkerInput.HandleReleased(handle.id));
      return;
    }
    if (running == null) {
      start(queue.poll());
    } else if (running.cancelled) {
      finish(List.of(new Outcome.Failed(Failure.of(Failure.Kind.CANCELLED, "interrupted"))));
    } else if (running.waits) {
      read((Op.Get) op());
    } else if (running.next == running.script.ops().size()) {
      finish(List.of());
    } else {
      perform(op(), step);
    }
    skip();
  }

  /** Operations on handles that never came take no step. */
  private void skip() {
    while (running != null
        && !running.cancelled
        && !running.waits
        && running.next < running.script.ops().size()
        && isNothing(op())) {
      running.next++;
    }
  }

  private boolean isNothing(Op op) {
    return switch (op) {
      case Op.Put put -> false;
      case Op.Submit submit -> !submit.taken().stream().allMatch(running.handles::containsKey);
      case Op.Get get -> !running.handles.containsKey(get.handle());
      case Op.Close close -> close.handles().stream().noneMatch(running.handles::containsKey);
      case Op.Keep keep -> !running.handles.containsKey(keep.handle());
      case Op.Cancel cancel -> !running.handles.containsKey(cancel.handle());
      case Op.Return end -> false;
    };
  }

  private void perform(Op op, int step) {
    switch (op) {
      case Op.Put put -> put(put);
      case Op.Submit submit -> submit(submit);
      case Op.Get get -> {
        Handle handle = running.handles.get(get.handle());
        if (handle.cell.outcome != null) {
          read(get);
        } else {
          running.waits = true;
          if (!handle.id.owner().equals(id)) {
            input(new WorkerInput.Wanted(handle.id));
          }
        }
        return;
      }
      case Op.Close close -> {
        Handle handle = running.handles.remove(close.handles().get(step));
        input(new WorkerInput.HandleReleased(handle.id));
        return; // until all are closed
      }
      case Op.Keep keep -> kept.add(running.handles.remove(keep.handle()));
      case Op.Cancel cancel ->
          input(new WorkerInput.Cancel(running.handles.get(cancel.handle()).id));
      case Op.Return end -> {
        finish(List.of(outcome(end)));
        return;
      }
    }
    running.next++;
  }

  private List<ObjectId> idsOf(List<String> handles) {
    return handles.stream()
        .filter(running.handles::containsKey)
        .map(handle -> running.handles.get(handle).id)
        .toList();
  }

  private static Outcome inline(String madeBy, List<ObjectId> inside) {
    return new Outcome.Inline(
        InlineValue.direct(new Value(madeBy, inside), value -> new byte[0]), inside);
  }

  private void put(Op.Put put) {
    ObjectId object = new ObjectId(id, - ++lastId, 0);
    Cell cell = new Cell();
    Outcome value = inline(put.handle(), idsOf(put.inside()));
    running.handles.put(put.handle(), new Handle(object, cell));
    input(new WorkerInput.Put(object, value, CallSite.UNKNOWN, cell));
  }

  private Outcome outcome(Op.Return end) {
    List<ObjectId> inside = idsOf(end.inside());
    if (!end.stored()) {
      return inline(running.script.name(), inside);
    }
    TaskPushed push = running.pushed.orElseThrow().push;
    cluster.store(id.node(), new ObjectKey(push.spec().id().result(0), push.attempt()));
    return new Outcome.Stored(push.attempt(), 1_000_000, List.of(id.node()), inside);
  }

  private void submit(Op.Submit submit) {
    List<Argument> arguments = new ArrayList<>();
    List<ObjectId> lent = idsOf(submit.lent());
    if (!lent.isEmpty()) {
      arguments.add(
          new Argument.Value(
              InlineValue.direct(new Value("arguments", lent), value -> new byte[0]), lent));
    }
    idsOf(submit.taken()).forEach(object -> arguments.add(new Argument.Reference(object)));
    Script body = submit.body();
    TaskId task = new TaskId(id, ++lastId);
    TaskSpec spec =
        new TaskSpec(
            task,
            Cluster.JOB,
            FunctionRef.local(DESCRIPTOR, body),
            body.name(),
            arguments,
            1,
            new TaskSpec.Kind.Plain(),
            RESOURCES.get(body.at()),
            body.retriesMax(),
            List.of(),
            0,
            new Placement.Anywhere(),
            running.pushed.isPresent() ? 1 : 0,
            CallSite.UNKNOWN);
    Cell cell = new Cell();
    running.handles.put(submit.handle(), new Handle(task.result(0), cell));
    Optional<TaskId> parent = running.pushed.map(pushed -> pushed.push.spec().id());
    input(new WorkerInput.Submit(spec, List.of(cell), new Claim(), parent, parent));
  }

  private static final List<Resources> RESOURCES =
      List.of(
          Resources.NONE.with(AT + 0, 1),
          Resources.NONE.with(AT + 1, 1),
          Resources.NONE.with(AT + 2, 1));

  // ---- reading ----

  private void read(Op.Get get) {
    Handle handle = running.handles.get(get.handle());
    switch (handle.cell.outcome) {
      case Outcome.Inline(InlineValue value, List<ObjectId> contained) ->
          found(((Value) value.object()).references, get.inside(), Optional.of(handle.id));
      case Outcome.Stored stored -> {
        ObjectKey key = new ObjectKey(handle.id, stored.attempt());
        if (stored.sources().stream().noneMatch(node -> cluster.hasCopy(node, key))) {
          Cluster.expect(cluster.anyDied(), "no copy where it should be: ", stored);
          running.waits = true;
          input(new WorkerInput.ReadFailed(handle.id, stored.attempt(), stored.sources()));
          return;
        }
        found(stored.contained(), get.inside(), Optional.of(handle.id));
      }
      case Outcome.Failed(Failure failure) -> {
        Cluster.expect(
            cluster.anyDied() || failure.kind() == Failure.Kind.CANCELLED,
            "a failure, and nothing died: ",
            failure);
        Cluster.expect(
            !failure.detail().equals("FREED") && failure.kind() != Failure.Kind.RELEASED,
            "an open handle on a value that is gone: ",
            failure);
      }
      case Outcome.Actor actor -> throw new AssertionError("nobody made " + actor);
    }
    running.waits = false;
    running.next++;
  }

  private void found(List<ObjectId> references, List<String> names, Optional<ObjectId> outer) {
    for (int i = 0; i < references.size(); i++) {
      ObjectId object = references.get(i);
      Cell cell = new Cell();
      running.handles.put(names.get(i), new Handle(object, cell));
      input(new WorkerInput.HandleArrived(object, cell, outer));
    }
  }

  // ---- tasks ----

  private void start(Pushed pushed) {
    if (!pushed.claim.take(pushed.push.attempt())) {
      drop(pushed);
      return;
    }
    List<WorkerMessage.LostCopies> lost = new ArrayList<>();
    for (PushedArgument argument : pushed.push.arguments()) {
      if (argument instanceof PushedArgument.Resolved(ObjectId object, Outcome.Stored stored)
          && stored.sources().stream()
              .noneMatch(node -> cluster.hasCopy(node, new ObjectKey(object, stored.attempt())))) {
        lost.add(new WorkerMessage.LostCopies(object, stored.attempt(), stored.sources()));
      }
    }
    if (!lost.isEmpty()) {
      drop(pushed);
      TaskId task = pushed.push.spec().id();
      cluster.send(
          this,
          Lane.THREAD,
          task.owner(),
          new WorkerMessage.ArgumentsLost(task, pushed.push.attempt(), lost, id),
          Optional.empty());
      return;
    }
    Script body = (Script) pushed.push.spec().function().local().orElseThrow();
    running = new Running(Optional.of(pushed), body);
    List<String> names = new ArrayList<>(body.parameters());
    for (PushedArgument argument : pushed.push.arguments()) {
      switch (argument) {
        case PushedArgument.Value(InlineValue value) ->
            arrive(((Value) value.object()).references, names, Optional.empty());
        case PushedArgument.Resolved(ObjectId object, Outcome.Inline(var value, var contained)) ->
            arrive(((Value) value.object()).references, names, Optional.of(object));
        case PushedArgument.Resolved(ObjectId object, Outcome.Stored stored) -> {
          ObjectKey key = new ObjectKey(object, stored.attempt());
          Cluster.expect(
              stored.sources().stream().anyMatch(node -> cluster.hasCopy(node, key)),
              "started without ",
              key);
          arrive(stored.contained(), names, Optional.of(object));
        }
        default -> throw new AssertionError("pushed as an argument: " + argument);
      }
    }
  }

  private void arrive(List<ObjectId> references, List<String> names, Optional<ObjectId> outer) {
    found(references, names, outer);
    names.subList(0, references.size()).clear();
  }

  private void finish(List<Outcome> outcomes) {
    Running ended = running;
    List<ObjectId> released = ended.handles.values().stream().map(handle -> handle.id).toList();
    running = null;
    if (ended.pushed.isEmpty()) {
      Cluster.expect(released.isEmpty(), "the driver left handles open: ", released);
      return;
    }
    TaskPushed push = ended.pushed.get().push;
    boolean plain =
        released.isEmpty()
            && push.lent().isEmpty()
            && outcomes.stream().allMatch(outcome -> outcome.references().isEmpty());
    if (plain) {
      cluster.send(
          this,
          Lane.THREAD,
          push.spec().id().owner(),
          new TaskReturned(
              push.spec().id(), push.attempt(), outcomes, List.of(), List.of(), List.of(), id),
          Optional.empty());
    } else {
      input(new WorkerInput.TaskEnded(push, outcomes, List.of(), released));
    }
  }

  // ---- what must hold ----

  void check() {
    Audit.check(machine, knownDead, timers);
    if (running != null) {
      running.handles.values().forEach(this::checkHandle);
    }
    kept.forEach(this::checkHandle);
    for (Audit.Borrowed borrowed : Audit.borrowed(machine)) {
      checkBorrowed(borrowed);
    }
  }

  /** I1: what somebody has a handle on is not freed. */
  private void checkHandle(Handle handle) {
    Member owner = cluster.members.get(cluster.indexOf(handle.id.owner()));
    Cluster.expect(
        owner.dead || Tables.keeps(owner.machine, handle.id),
        "I1: freed while " + this + " had a handle on it: ",
        handle.id);
  }

  /** I2: what a borrower counts is kept by its owner, who lists it or will. */
  private void checkBorrowed(Audit.Borrowed borrowed) {
    Member owner = cluster.members.get(cluster.indexOf(borrowed.owner()));
    if (owner.dead) {
      return;
    }
    Cluster.expect(
        Tables.keeps(owner.machine, borrowed.object()),
        "I2: freed while " + this + " counted it: ",
        borrowed);
    Cluster.expect(
        !borrowed.registered()
            || Audit.lists(owner.machine, borrowed.object(), id, borrowed.epoch())
            || cluster.isOnItsWay(this, borrowed.object(), borrowed.epoch()),
        "I2: " + this + " is not listed by the owner, which it counts on: ",
        borrowed);
  }

  void checkNothingIsLeft() {
    Cluster.expect(running == null, "nothing can happen any more, but this waits: ", this);
    Cluster.expect(queue.isEmpty() && kept.isEmpty(), "not over: ", this);
    if (!machine.isEmpty()) {
      Cluster.expect(false, "the table of " + this + " is not empty: ", machine.describe());
    }
    Cluster.expect(timers.isEmpty(), "timers run at " + this + ": ", timers);
  }
}
