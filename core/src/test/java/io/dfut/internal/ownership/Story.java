package io.dfut.internal.ownership;

import io.dfut.ActorId;
import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.Transit;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
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
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Some workers and what they say to each other, in the words of the domain. Messages wait until the
 * story delivers them; a scheduler grants what {@link Actor#lend} says.
 */
final class Story {
  /** Of a death: how long what the dead one held is kept. */
  static final long GRACE = 500_000;

  /** How long a reference in somebody's own message is counted. */
  static final long TRANSIT = 700_000;

  /** How long an idle lease is kept. */
  static final long LEASE_IDLE = 100;

  /** Requests for leases of one shape under way at a time. */
  static final int LEASE_REQUESTS = 2;

  static final NodeId HERE = new NodeId("here", 1, 0);
  static final NodeId THERE = new NodeId("there", 2, 0);
  static final NodeId ELSEWHERE = new NodeId("elsewhere", 3, 0);

  /** A message under way. */
  record Mail(WorkerId from, WorkerId to, WorkerMessage message) {}

  /** Where a handle's reader looks. */
  static final class Cell implements Settleable {
    Outcome outcome;
  }

  /** Copies that were to be deleted. */
  record Freed(ObjectKey key, NodeId node) {}

  final List<Mail> mail = new ArrayList<>();
  final List<Freed> freed = new ArrayList<>();
  final List<WorkerEffect.PromoteCopy> promoted = new ArrayList<>();
  private final Map<WorkerId, Actor> workers = new LinkedHashMap<>();
  long now = 1_000_000;

  /** Of workers that begin from now on. */
  long lineageBytesMax = Long.MAX_VALUE;

  /** Of workers that begin from now on. */
  int outOfMemoryRetries = 1;

  Actor worker(NodeId node) {
    Actor worker = new Actor(new WorkerId(node, workers.size() + 1));
    workers.put(worker.id, worker);
    return worker;
  }

  /** Those that live. */
  List<Actor> workers() {
    return List.copyOf(workers.values());
  }

  /** Delivers messages, and those that follow from them, until there are none. */
  void deliverAll() {
    while (!mail.isEmpty()) {
      deliver(mail.removeFirst());
    }
  }

  /** The same, with a look at the tables after each message. */
  void deliverAll(Runnable look) {
    while (!mail.isEmpty()) {
      deliver(mail.removeFirst());
      look.run();
    }
  }

  /** Delivers the first message of this type only. */
  <M extends WorkerMessage> M deliver(Class<M> type) {
    Mail next = take(type);
    deliver(next);
    return type.cast(next.message);
  }

  /** Takes the first message of this type out of the mail: it is lost, or late. */
  Mail take(Class<? extends WorkerMessage> type) {
    for (Mail next : mail) {
      if (type.isInstance(next.message)) {
        mail.remove(next);
        return next;
      }
    }
    throw new AssertionError("no " + type.getSimpleName() + " in " + mail);
  }

  void deliver(Mail next) {
    Actor to = workers.get(next.to);
    if (to == null) {
      return;
    }
    if (next.message instanceof TaskPushed push) {
      to.tasks.add(push);
      to.does(new WorkerInput.TaskArrived(push));
    } else {
      to.does(new WorkerInput.Received(next.message));
    }
  }

  void kill(Actor dead) {
    workers.remove(dead.id);
    workers.values().forEach(w -> w.hears(new WorkerMessage.WorkerDied(dead.id, "killed")));
  }

  void kill(NodeId node) {
    workers.keySet().removeIf(worker -> worker.node().equals(node));
    workers.values().forEach(w -> w.hears(new WorkerMessage.NodeDied(node, "killed")));
  }

  void assertNothingIsLeft() {
    deliverAll();
    for (Actor worker : workers.values()) {
      worker.returnsIdleLeases();
    }
    deliverAll();
    for (Actor worker : workers.values()) {
      if (!worker.machine.isEmpty()) {
        throw new AssertionError(worker.id + " keeps " + worker.machine.describe());
      }
    }
  }

  static Outcome value(Object value, ObjectId... inside) {
    return new Outcome.Inline(InlineValue.direct(value, v -> new byte[0]), Arrays.asList(inside));
  }

  static Outcome stored(int attempt, NodeId node, ObjectId... inside) {
    return new Outcome.Stored(attempt, 1_000_000, List.of(node), Arrays.asList(inside));
  }

  static Outcome failed(Failure.Kind kind) {
    return new Outcome.Failed(Failure.of(kind, "failed"));
  }

  static boolean isCreation(TaskPushed push) {
    return push.spec().kind() instanceof TaskSpec.Kind.Creation;
  }

  /** A reference that a task gets to see. */
  static Argument lent(ObjectId object) {
    return new Argument.Value(InlineValue.direct("reference", v -> new byte[0]), List.of(object));
  }

  static Argument taken(ObjectId object) {
    return new Argument.Reference(object);
  }

  /** A worker. */
  final class Actor {
    final WorkerId id;
    final WorkerMachine machine;
    final List<SchedulerMessage> asked = new ArrayList<>();
    final List<WorkerEffect> effects = new ArrayList<>();
    final Map<TaskId, Claim> claims = new LinkedHashMap<>();

    /** Tasks that were pushed here and have not ended. */
    final List<TaskPushed> tasks = new ArrayList<>();

    final Map<ObjectId, Cell> cells = new LinkedHashMap<>();

    /** Of tasks that are submitted from now on. */
    Resources needs = Resources.ONE_CPU;

    /** Of tasks that are submitted from now on. */
    Placement placement = new Placement.Anywhere();

    /** Of tasks that are submitted from now on. */
    List<String> retryOn = List.of("Flaky");

    /** What its last call for an actor's state is to give. */
    ObjectId state;

    private List<Actor> lent = List.of();
    private int lentNext;

    /**
     * What follows from the step that runs: promises that it settled first, and calls for states.
     */
    private final ArrayDeque<WorkerInput> won = new ArrayDeque<>();

    private long last;
    private long lastMessage;

    Actor(WorkerId id) {
      this.id = id;
      this.machine =
          new WorkerMachine(
              id,
              new WorkerLimits(
                  LEASE_IDLE,
                  2,
                  16,
                  LEASE_REQUESTS,
                  GRACE,
                  TRANSIT,
                  lineageBytesMax,
                  outOfMemoryRetries));
    }

    /** Its requests are granted these workers, in turn. */
    Actor lend(Actor... executors) {
      lent = List.of(executors);
      return this;
    }

    void does(WorkerInput input) {
      for (WorkerInput next = input; next != null; next = won.poll()) {
        machine.step(next, now, this::perform);
      }
    }

    void hears(WorkerMessage message) {
      does(new WorkerInput.Received(message));
    }

    private void perform(WorkerEffect effect) {
      effects.add(effect);
      switch (effect) {
        case WorkerEffect.Send(WorkerId to, WorkerMessage message) ->
            mail.add(new Mail(id, to, message));
        case WorkerEffect.Push(WorkerId to, TaskPushed message, Claim claim) ->
            mail.add(new Mail(id, to, message));
        case WorkerEffect.AskScheduler(NodeId to, SchedulerMessage message) -> {
          asked.add(message);
          if (message instanceof SchedulerMessage.RequestLease request && !lent.isEmpty()) {
            WorkerId granted = lent.get(lentNext++ % lent.size()).id;
            mail.add(new Mail(id, id, new WorkerMessage.LeaseGranted(request.lease(), granted)));
          }
        }
        case WorkerEffect.Settle(Settleable cell, Outcome outcome) ->
            ((Cell) cell).outcome = outcome;
        case WorkerEffect.SettlePromise(ObjectId object, Settleable cell, Outcome outcome) -> {
          if (((Cell) cell).outcome == null) {
            ((Cell) cell).outcome = outcome;
            won.add(new WorkerInput.PromiseSettled(object, outcome));
          }
        }
        case WorkerEffect.Unsettle(Settleable cell) -> ((Cell) cell).outcome = null;
        case WorkerEffect.FreeCopies(ObjectKey key, List<NodeId> nodes) ->
            nodes.forEach(node -> freed.add(new Freed(key, node)));
        case WorkerEffect.PromoteCopy promote -> promoted.add(promote);
        case WorkerEffect.TakeCheckpoint(ActorId actor, TaskSpec creation) -> asksForState(actor);
        default -> {}
      }
    }

    // ---- user code ----

    ObjectId submit(Argument... arguments) {
      return submit(3, arguments).getFirst();
    }

    List<ObjectId> submit(int maxRetries, Argument... arguments) {
      return submit(new TaskSpec.Kind.Plain(), 1, maxRetries, 0, Optional.empty(), arguments);
    }

    List<ObjectId> submit(
        TaskSpec.Kind kind,
        int results,
        int maxRetries,
        long timeoutNanos,
        Optional<TaskId> parent,
        Argument... arguments) {
      TaskId task = new TaskId(id, ++last);
      TaskSpec spec = spec(task, kind, results, maxRetries, timeoutNanos, arguments);
      List<ObjectId> ids = new ArrayList<>();
      List<Cell> waiting = new ArrayList<>();
      for (int i = 0; i < results; i++) {
        ids.add(task.result(i));
        waiting.add(new Cell());
        cells.put(task.result(i), waiting.get(i));
      }
      Claim claim = new Claim();
      claims.put(task, claim);
      does(new WorkerInput.Submit(spec, waiting, claim, parent, parent));
      return ids;
    }

    private TaskSpec spec(
        TaskId task,
        TaskSpec.Kind kind,
        int results,
        int maxRetries,
        long timeoutNanos,
        Argument... arguments) {
      return new TaskSpec(
          task,
          new JobId(HERE, 1),
          FunctionRef.described(
              new FunctionRef.Descriptor("Story", "task", "()V", 6, "()V", 0, List.of())),
          "task",
          List.of(arguments),
          results,
          kind,
          kind instanceof TaskSpec.Kind.Call ? Resources.NONE : needs,
          maxRetries,
          retryOn,
          timeoutNanos,
          placement,
          0,
          CallSite.UNKNOWN);
    }

    /** The call for an actor's state, as the shell makes it; the newest is in {@link #state}. */
    private void asksForState(ActorId actor) {
      TaskId task = new TaskId(id, ++last);
      state = task.result(0);
      Cell cell = new Cell();
      cells.put(state, cell);
      won.add(
          new WorkerInput.StateAskedFor(
              spec(task, new TaskSpec.Kind.Call(actor), 1, 0, 0), cell, new Claim()));
    }

    ActorId create(Argument... arguments) {
      return create(TaskSpec.Restarts.NONE, arguments);
    }

    ActorId create(TaskSpec.Restarts restarts, Argument... arguments) {
      ObjectId object =
          submit(
                  new TaskSpec.Kind.Creation(
                      new TaskSpec.ActorOptions(
                          "Counter",
                          Optional.empty(),
                          1,
                          false,
                          restarts,
                          TaskSpec.Checkpoints.ON_DEMAND,
                          TaskSpec.SavedState.NONE,
                          0)),
                  1,
                  0,
                  0,
                  Optional.empty(),
                  arguments)
              .getFirst();
      return new ActorId(object.owner(), object.sequence());
    }

    ObjectId call(ActorId actor, Argument... arguments) {
      return submit(new TaskSpec.Kind.Call(actor), 1, 0, 0, Optional.empty(), arguments).getFirst();
    }

    ObjectId put(Outcome value) {
      ObjectId object = new ObjectId(id, - ++last, 0);
      Cell cell = new Cell();
      cells.put(object, cell);
      does(new WorkerInput.Put(object, value, CallSite.UNKNOWN, cell));
      return object;
    }

    void close(ObjectId... objects) {
      for (ObjectId object : objects) {
        does(new WorkerInput.HandleReleased(object));
      }
    }

    /** A handle is decoded out of this object's value, or out of an argument. */
    Cell finds(ObjectId object, ObjectId... outer) {
      Cell cell = new Cell();
      cells.put(object, cell);
      does(new WorkerInput.HandleArrived(object, cell, Arrays.stream(outer).findFirst()));
      return cell;
    }

    /** The directory of named actors says where the actor is. */
    void findsActor(ActorId actor, Actor where) {
      Cell cell = new Cell();
      cells.put(actor.object(), cell);
      does(
          new WorkerInput.ActorFound(actor.object(), cell, new Outcome.Actor(where.id, "Counter")));
    }

    /** A message of the user's own actors leaves with a reference. */
    Transit sends(ObjectId object) {
      Transit transit = new Transit(object, --lastMessage);
      does(new WorkerInput.ReferenceSent(object, transit.id()));
      return transit;
    }

    /** Such a message is read. */
    Cell receives(Transit transit, Actor sender) {
      Cell cell = new Cell();
      cells.put(transit.object(), cell);
      does(new WorkerInput.ReferenceReceived(transit, sender.id, cell));
      return cell;
    }

    /** What messages carried that must be lost by now is not counted for them any more. */
    void waitsOutMessages() {
      now += TRANSIT;
      does(new WorkerInput.TimerFired(new WorkerTimer.TransitEnd()));
    }

    /** Somebody waits for a borrowed object. */
    void gets(ObjectId object) {
      does(new WorkerInput.Wanted(object));
    }

    Outcome outcome(ObjectId object) {
      return cells.get(object).outcome;
    }

    Failure failure(ObjectId object) {
      if (outcome(object) instanceof Outcome.Failed(Failure failure)) {
        return failure;
      }
      throw new AssertionError(object + " is " + outcome(object));
    }

    // ---- executing ----

    /** The task that was pushed here first. */
    TaskPushed task() {
      return tasks.getFirst();
    }

    /** The task that was pushed here first ends, with these results. */
    void returns(Outcome... outcomes) {
      returns(task(), List.of(), outcomes);
    }

    void returns(TaskPushed push, List<ObjectId> released, Outcome... outcomes) {
      tasks.remove(push);
      does(new WorkerInput.TaskEnded(push, List.of(outcomes), List.of(), released));
    }

    /** The task that was pushed here first throws what {@code retryOn} names. */
    void throwsFlaky() {
      throwsOf(List.of("Flaky"));
    }

    /** The task that was pushed here first throws; the class of that and its superclasses. */
    void throwsOf(List<String> classes) {
      fails(failed(Failure.Kind.TASK_FAILED), classes);
    }

    /** The task that was pushed here first fails so. */
    void fails(Outcome failure, List<String> thrown) {
      TaskPushed push = tasks.removeFirst();
      List<Outcome> all = Collections.nCopies(push.spec().results(), failure);
      does(new WorkerInput.TaskEnded(push, all, thrown, List.of()));
    }

    /** The task that was pushed here first does not start: these of its arguments are not there. */
    void missesArguments(ObjectId... objects) {
      TaskPushed push = tasks.removeFirst();
      does(new WorkerInput.TaskDropped(push));
      List<WorkerMessage.LostCopies> lost = new ArrayList<>();
      for (PushedArgument argument : push.arguments()) {
        if (argument instanceof PushedArgument.Resolved(ObjectId object, Outcome.Stored stored)
            && List.of(objects).contains(object)) {
          lost.add(new WorkerMessage.LostCopies(object, stored.attempt(), stored.sources()));
        }
      }
      mail.add(
          new Mail(
              id,
              push.spec().id().owner(),
              new WorkerMessage.ArgumentsLost(push.spec().id(), push.attempt(), lost, id)));
    }

    void handsBack(TaskPushed push) {
      tasks.remove(push);
      does(new WorkerInput.TaskDropped(push));
      mail.add(
          new Mail(
              id,
              push.spec().id().owner(),
              new WorkerMessage.TaskHandedBack(push.spec().id(), push.attempt(), id)));
    }

    /** A blocked task of this worker runs one of the worker's own tasks, and it ends. */
    void runsInline(ObjectId object, Outcome outcome) {
      claimsInline(object);
      endsInline(object, outcome);
    }

    void claimsInline(ObjectId object) {
      if (!claims.get(object.task()).take()) {
        throw new AssertionError("the claim is taken");
      }
      does(new WorkerInput.TaskClaimedInline(object.task(), claims.get(object.task()).attempt()));
    }

    void endsInline(ObjectId object, Outcome outcome) {
      endsInline(object, outcome, List.of());
    }

    void endsInline(ObjectId object, Outcome outcome, List<String> thrown) {
      TaskSpec spec = specs().get(object.task());
      TaskPushed push =
          new TaskPushed(
              spec,
              claims.get(object.task()).attempt(),
              new LeaseId(id, 0),
              -1,
              List.of(),
              List.of(),
              0);
      does(new WorkerInput.TaskEnded(push, List.of(outcome), thrown, List.of()));
    }

    private Map<TaskId, TaskSpec> specs() {
      Map<TaskId, TaskSpec> specs = new LinkedHashMap<>();
      for (WorkerEffect effect : effects) {
        if (effect instanceof WorkerEffect.Push push) {
          specs.put(push.message().spec().id(), push.message().spec());
        }
      }
      return specs;
    }

    /** Leases that are idle go back, and requests nobody answered are dropped. */
    void returnsIdleLeases() {
      now += 1_000;
      does(new WorkerInput.TimerFired(new WorkerTimer.LeaseSweep()));
    }

    /** What is kept for those that a dead worker may have handed it to is kept no longer. */
    void waitsOutHandovers() {
      now += GRACE;
      does(new WorkerInput.TimerFired(new WorkerTimer.HandoverEnd()));
    }

    /** A read of the copies that this worker knows of finds none of them. */
    void findsNoCopy(ObjectId object) {
      Outcome.Stored known = (Outcome.Stored) row(object).value;
      does(new WorkerInput.ReadFailed(object, known.attempt(), known.sources()));
    }

    boolean keeps(ObjectId object) {
      return Tables.keeps(machine, object);
    }

    Row row(ObjectId object) {
      return machine.row(object);
    }

    long asksFor(Class<? extends SchedulerMessage> type) {
      return asked.stream().filter(type::isInstance).count();
    }

    /** How often a task that makes this object was pushed. */
    long pushesOf(ObjectId object) {
      return effects.stream()
          .filter(WorkerEffect.Push.class::isInstance)
          .filter(e -> ((WorkerEffect.Push) e).message().spec().id().equals(object.task()))
          .count();
    }

    /** The workers that this owner knows to hold the object. */
    Set<WorkerId> borrowersOf(ObjectId object) {
      return row(object) == null ? Set.of() : row(object).borrowers().keySet();
    }

    long settledTasks() {
      return effects.stream().filter(WorkerEffect.TaskSettled.class::isInstance).count();
    }
  }
}
