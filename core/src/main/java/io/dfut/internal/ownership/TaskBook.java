package io.dfut.internal.ownership;

import io.dfut.ActorId;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.machine.Invariant;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.Transit;
import io.dfut.internal.protocol.WorkerMessage.ActorLost;
import io.dfut.internal.protocol.WorkerMessage.ArgumentsLost;
import io.dfut.internal.protocol.WorkerMessage.CancelTask;
import io.dfut.internal.protocol.WorkerMessage.Held;
import io.dfut.internal.protocol.WorkerMessage.TaskHandedBack;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.task.Argument;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * The tasks that this worker owns, from submission to the last need for their descriptions (paper
 * section 4.1; DESIGN section 4): dependencies, dispatch, answers, retries, cancellation, and
 * lineage.
 *
 * <p>The order in which an answer is applied matters; each step is there because a system that did
 * otherwise freed something too early: outcome and location first, then the references inside the
 * results, then those that the executor still holds, then the argument counts, and the lineage
 * last.
 *
 * <p>Calls of one actor are sent in the order of their submission: a call whose arguments are not
 * there yet holds up those behind it.
 *
 * <p>Not thread-safe: part of one worker's machine.
 */
final class TaskBook implements OwnershipTable.Tasks, LeaseBook.Pusher {
  /**
   * This worker's calls of one actor. Added by the first; removed when the actor is gone for good,
   * and not before: should the worker lose its last handle and find the actor again, its calls must
   * go on with the number that the actor expects.
   */
  private static final class ActorQueue {
    final ActorId actor;

    /**
     * Calls not sent yet, in the order of their submission, by the plain task that made them; empty
     * for those of a driver or an actor. A worker runs many tasks, one inside or after the other:
     * were they one line, a call that waits for a task's result would hold up the calls of that
     * very task, which may wait for them.
     */
    final Map<Optional<TaskId>, ArrayDeque<TaskRecord>> lines = new LinkedHashMap<>();

    /** Calls are being sent; what happens meanwhile is looked at in one more round, not nested. */
    boolean pumping;

    boolean again;

    /** The incarnation that is called; each counts from zero. */
    WorkerId at;

    /** An incarnation that has said that it ends, and may be followed by another. */
    WorkerId ending;

    long nextSequence;

    ActorQueue(ActorId actor) {
      this.actor = actor;
    }
  }

  /** So many deaths of an actor are told; the oldest are forgotten. */
  private static final int DEATHS_MAX = 10;

  private final WorkerId self;
  private final OwnershipTable table;
  private final ReferenceCounter counter;
  private final LeaseBook leases;
  private final LineageLedger lineage;
  private final int outOfMemoryRetries;
  private final SavedStates states;

  /**
   * By number: tasks whose ends are not known or whose descriptions are kept. Added by submit;
   * removed with the description, or for an actor's creation with the actor.
   */
  private final Long2ObjectHashMap<TaskRecord> tasks = Rows.byNumber();

  private final Map<ActorId, ActorQueue> actors = new LinkedHashMap<>();
  private Consumer<? super WorkerEffect> effects;
  private long nowNanos;

  TaskBook(WorkerId self, OwnershipTable table, ReferenceCounter counter, WorkerLimits limits) {
    this.self = self;
    this.table = table;
    this.counter = counter;
    this.leases = new LeaseBook(self, limits, this, this::locality, counter::isDead);
    this.lineage = new LineageLedger(limits.lineageBytesMax());
    this.outOfMemoryRetries = limits.outOfMemoryRetries();
    this.states = new SavedStates(self.node(), counter, table, lineage);
    table.tasks(this);
  }

  void begin(Consumer<? super WorkerEffect> current, long now) {
    this.effects = current;
    this.nowNanos = now;
    leases.effects(current);
    states.effects(current);
  }

  LeaseBook leases() {
    return leases;
  }

  SavedStates states() {
    return states;
  }

  boolean isEmpty() {
    return tasks.isEmpty() && leases.isEmpty() && lineage.isEmpty() && states.isEmpty();
  }

  int size() {
    return tasks.size();
  }

  /** The task, null when it is not known any more. */
  private TaskRecord find(TaskId id) {
    return tasks.get(id.sequence());
  }

  /** The oldest first, as a copy: they may come and go while it is gone through. */
  private List<TaskRecord> tasksWhere(Predicate<TaskRecord> which) {
    List<TaskRecord> some = new ArrayList<>();
    for (TaskRecord task : tasks.values()) {
      if (which.test(task)) {
        some.add(task);
      }
    }
    some.sort(Comparator.comparingLong(TaskRecord::number));
    return some;
  }

  // ---- submission ----

  void submit(WorkerInput.Submit submit) {
    submit(submit, null);
  }

  /** A line of its own: no other call holds up the one that asks for an actor's state. */
  void onStateAskedFor(WorkerInput.StateAskedFor asked) {
    TaskSpec spec = asked.spec();
    TaskRecord creation =
        spec.kind() instanceof TaskSpec.Kind.Call(ActorId actor)
            ? tasks.get(actor.sequence())
            : null;
    if (!states.wants(creation)) {
      effects.accept(new WorkerEffect.TaskSettled(spec.id()));
      return;
    }
    submit(
        new WorkerInput.Submit(
            spec,
            List.of(asked.cell()),
            asked.claim(),
            Optional.empty(),
            Optional.of(creation.spec.id())),
        creation);
  }

  private void submit(WorkerInput.Submit submit, TaskRecord savesStateOf) {
    TaskSpec spec = submit.spec();
    TaskRecord task =
        new TaskRecord(spec, submit.claim(), submit.parent(), outOfMemoryRetries, savesStateOf);
    TaskRecord before = tasks.put(spec.id().sequence(), task);
    Invariant.check(before == null, "a task was submitted twice", before);
    for (int i = 0; i < spec.results(); i++) {
      Row row = counter.own(task.result(i), Row.Origin.TASK, spec.site());
      row.task = task;
      row.madeBy = spec.name();
      row.handles =
          1; // never zero before the handle is known: it would look as if nobody wanted it
      row.addCell(submit.cells().get(i));
    }
    startDeadline(task);
    if (!takeArguments(task)) {
      return;
    }
    if (spec.kind() instanceof TaskSpec.Kind.Call(ActorId actor)) {
      task.line = submit.caller();
      lineOf(task, actor).addLast(task);
      table.want(counter.find(actor.object()));
    }
    awaitDependencies(task);
  }

  private void startDeadline(TaskRecord task) {
    long timeoutNanos = task.spec.timeoutNanos();
    if (timeoutNanos > 0) {
      task.deadlineNanos = nowNanos + timeoutNanos;
      effects.accept(
          new WorkerEffect.SetTimer(new WorkerTimer.TaskDeadline(task.spec.id()), timeoutNanos));
    }
  }

  /**
   * Counts what the task takes; false when a handle was released in a race with the submission, and
   * the task failed.
   */
  private boolean takeArguments(TaskRecord task) {
    List<Row> taken = new ArrayList<>();
    for (ObjectId id : argumentsOf(task.spec)) {
      Row row = counter.find(id);
      if (row == null || row.freed) {
        taken.forEach(
            t -> {
              counter.argumentReleased(t);
              counter.lineageReleased(t);
            });
        task.holdsArguments = false;
        task.holdsLineage = false;
        fail(
            task,
            Failure.of(
                Failure.Kind.RELEASED,
                "an argument of "
                    + task.spec.display()
                    + ", "
                    + id
                    + ", was released by another thread while the task was submitted; close handles"
                    + " after submitting"));
        return false;
      }
      counter.argumentAdded(row);
      counter.lineageAdded(row);
      taken.add(row);
    }
    return true;
  }

  /**
   * Everything that a task keeps alive: values it takes, references it sees, the actor it calls.
   * With repetition.
   */
  static List<ObjectId> argumentsOf(TaskSpec spec) {
    List<ObjectId> dependencies = spec.dependencies();
    List<ObjectId> lent = spec.lent();
    boolean isCall = spec.kind() instanceof TaskSpec.Kind.Call;
    if (dependencies.isEmpty() && lent.isEmpty() && !isCall) {
      return Collections.emptyList(); // whose iterator costs nothing
    }
    List<ObjectId> ids = new ArrayList<>(dependencies.size() + lent.size() + 1);
    ids.addAll(dependencies);
    ids.addAll(lent);
    if (spec.kind() instanceof TaskSpec.Kind.Call(ActorId actor)) {
      ids.add(actor.object());
    }
    return ids;
  }

  private void awaitDependencies(TaskRecord task) {
    task.state = TaskRecord.State.WAITING;
    task.missing = 0;
    List<ObjectId> dependencies = task.spec.dependencies();
    for (ObjectId id : dependencies) {
      if (counter.find(id).value instanceof Outcome.Failed(Failure failure)
          && !states.giveUp(task, id)) {
        fail(task, failure); // at once: what else is waited for could take for ever
        return;
      }
    }
    for (ObjectId id : dependencies) {
      Row row = counter.find(id);
      if (row.value == null) {
        task.missing++;
        row.addDependent(task);
        table.want(row);
      }
    }
    if (task.missing == 0) {
      dependenciesThere(task);
    }
  }

  @Override
  public void onDependencySettled(TaskRecord task, Row dependency) {
    if (task.state != TaskRecord.State.WAITING) {
      return; // cancelled meanwhile
    }
    task.missing--;
    if (dependency.value instanceof Outcome.Failed(Failure failure)
        && !states.giveUp(task, dependency.id)) {
      fail(task, failure);
    } else if (task.missing == 0) {
      dependenciesThere(task);
    }
  }

  private void dependenciesThere(TaskRecord task) {
    // A dependency can have been lost again while others were waited for.
    boolean again = false;
    for (ObjectId id : task.spec.dependencies()) {
      Row row = counter.find(id);
      if (row.value instanceof Outcome.Failed(Failure failure) && !states.giveUp(task, id)) {
        fail(task, failure);
        return;
      }
      again |= row.value == null;
    }
    if (again) {
      awaitDependencies(task);
      return;
    }
    makeReady(task);
  }

  /**
   * Whether what the task takes is there still: it may have been lost, or its owner died, since the
   * task became ready. If not, the task waits again, or has failed.
   */
  private boolean isStillReady(TaskRecord task) {
    List<ObjectId> dependencies = task.spec.dependencies();
    for (int i = 0; i < dependencies.size(); i++) {
      Outcome value = counter.find(dependencies.get(i)).value;
      if (value == null || value instanceof Outcome.Failed) {
        dependenciesThere(task);
        return false;
      }
    }
    return true;
  }

  private void makeReady(TaskRecord task) {
    task.state = TaskRecord.State.READY;
    if (task.spec.kind() instanceof TaskSpec.Kind.Call(ActorId actor)) {
      pump(actors.get(actor));
    } else {
      leases.ready(task, nowNanos);
    }
  }

  private LeaseBook.Locality locality(TaskRecord task) {
    Map<NodeId, Long> bytes = new HashMap<>();
    long argumentBytes = 0;
    for (ObjectId id : task.spec.dependencies()) {
      argumentBytes += addBytes(bytes, id, 1);
    }
    if (task.spec.placement() instanceof Placement.Near(ObjectId near)) {
      addBytes(bytes, near, 1_000_000); // asked for by name: outweighs the arguments
    }
    return new LeaseBook.Locality(bytes, argumentBytes);
  }

  /** Its size, as far as it is in stores. */
  private long addBytes(Map<NodeId, Long> bytes, ObjectId id, long weight) {
    Row row = counter.find(id);
    if (row != null && row.value instanceof Outcome.Stored stored) {
      for (NodeId node : stored.sources()) {
        bytes.merge(node, stored.bytes() * weight, Long::sum);
      }
      return stored.bytes();
    }
    if (row != null && row.value instanceof Outcome.Actor actor) {
      bytes.merge(actor.worker().node(), weight, Long::sum);
    }
    return 0;
  }

  // ---- pushing ----

  @Override
  public boolean push(TaskRecord task, LeaseBook.Lease lease) {
    return isStillReady(task) && push(task, lease, lease.worker, -1);
  }

  private boolean push(TaskRecord task, LeaseBook.Lease lease, WorkerId worker, long sequence) {
    boolean remote = !worker.node().equals(self.node());
    if (remote ? !task.claim.take() : task.claim.isTaken()) {
      return false; // it is being run inline
    }
    PushedArgument[] arguments = new PushedArgument[task.spec.arguments().size()];
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] =
          switch (task.spec.arguments().get(i)) {
            case Argument.Value value -> new PushedArgument.Value(value.value());
            case Argument.Reference reference -> resolved(reference.object());
            case Argument.ReferenceList list ->
                new PushedArgument.ResolvedList(
                    list.objects().stream().map(this::resolved).toList());
          };
    }
    List<Transit> lent = lend(task, worker);
    long left = task.deadlineNanos == 0 ? 0 : Math.max(1, task.deadlineNanos - nowNanos);
    task.state = TaskRecord.State.PUSHED;
    task.location = worker;
    task.lease = lease;
    effects.accept(
        new WorkerEffect.Push(
            worker,
            new TaskPushed(
                task.spec,
                task.attempt,
                lease == null ? new io.dfut.internal.protocol.LeaseId(self, 0) : lease.id,
                sequence,
                List.of(arguments),
                lent,
                left),
            task.claim));
    takeInValues(task);
    return true;
  }

  /**
   * Values that are small and hold no reference become part of the description: their objects are
   * not needed any more, by this attempt or another.
   */
  private void takeInValues(TaskRecord task) {
    List<Argument> arguments = null;
    for (int i = 0; i < task.spec.arguments().size(); i++) {
      if (task.spec.arguments().get(i) instanceof Argument.Reference(ObjectId id)
          && counter.find(id).value instanceof Outcome.Inline(InlineValue value, List<ObjectId> in)
          && in.isEmpty()) {
        if (arguments == null) {
          arguments = new ArrayList<>(task.spec.arguments());
        }
        arguments.set(i, new Argument.Value(value, List.of()));
        Row row = counter.find(id);
        counter.argumentReleased(row);
        counter.lineageReleased(row);
      }
    }
    if (arguments != null) {
      task.spec = task.spec.withArguments(arguments);
    }
  }

  /**
   * What the executor is lent, each once: the references that it sees, and arguments whose values
   * contain references. What it finds inside such a value is covered by the outer object until its
   * owner knows the executor, and that can be after the task has ended.
   */
  private List<Transit> lend(TaskRecord task, WorkerId executor) {
    List<ObjectId> dependencies = task.spec.dependencies();
    List<ObjectId> references = task.spec.lent();
    if (dependencies.isEmpty() && references.isEmpty()) {
      return List.of();
    }
    Set<ObjectId> seen = new LinkedHashSet<>(references);
    for (ObjectId id : dependencies) {
      if (!counter.find(id).value.references().isEmpty()) {
        seen.add(id);
      }
    }
    List<Transit> lent = new ArrayList<>(seen.size());
    for (ObjectId id : seen) {
      Row row = counter.find(id);
      lent.add(row.isOwned() ? new Transit(id, 0) : counter.depart(row, executor));
    }
    return lent;
  }

  private PushedArgument.Resolved resolved(ObjectId id) {
    return new PushedArgument.Resolved(id, counter.find(id).value);
  }

  @Override
  public void refused(TaskRecord task, Failure why) {
    fail(task, why);
  }

  // ---- actors' calls ----

  /** Sends the calls whose turn it is. */
  private void pump(ActorQueue queue) {
    queue.again = true;
    if (queue.pumping) {
      return;
    }
    queue.pumping = true;
    Row actor = counter.find(queue.actor.object());
    while (queue.again) {
      queue.again = false;
      for (ArrayDeque<TaskRecord> line : List.copyOf(queue.lines.values())) {
        pump(queue, line, actor);
      }
      queue.lines.values().removeIf(ArrayDeque::isEmpty);
    }
    queue.pumping = false;
  }

  @Override
  public void onActorGone(ObjectId actor) {
    actors.remove(new ActorId(actor.owner(), actor.sequence()));
  }

  private void pump(ActorQueue queue, ArrayDeque<TaskRecord> line, Row actor) {
    while (true) {
      TaskRecord head = line.peekFirst();
      if (head == null) {
        return;
      }
      if (head.isSettled()) {
        line.removeFirst(); // cancelled, or an argument failed: it has no turn
        continue;
      }
      if (actor == null || head.state != TaskRecord.State.READY) {
        return;
      }
      Optional<TaskSpec.Restarts> awaited = awaited(queue.actor);
      if (awaited.isPresent() && !head.waitsFor(awaited.get()) && !moves(queue, actor)) {
        line.removeFirst();
        fail(head, unavailable(head, "it was not sent, as the actor is being made anew"));
        continue;
      }
      if (actor.value == null || awaited.isPresent()) {
        return;
      }
      if (actor.value instanceof Outcome.Actor && !isStillReady(head)) {
        continue; // before it gets a number: the actor waits for every number
      }
      line.removeFirst();
      switch (actor.value) {
        case Outcome.Actor there -> {
          if (!there.worker().equals(queue.at)) {
            queue.at = there.worker();
            queue.nextSequence = 0;
          }
          head.sentTo(there.restarts());
          push(head, null, there.worker(), queue.nextSequence++);
        }
        case Outcome.Failed(Failure failure) -> fail(head, actorGone(head, failure));
        default -> throw new IllegalStateException("an actor's creation gave " + actor.value);
      }
    }
  }

  /**
   * What a task that is at no worker waits for: arguments without a value; for an actor's call, the
   * actor, and what the call at the head of its line waits for. May name what is there meanwhile.
   */
  List<ObjectId> heldUpBy(TaskRecord task) {
    List<ObjectId> objects = new ArrayList<>();
    if (task.state == TaskRecord.State.WAITING) {
      task.spec.dependencies().forEach(objects::add);
    }
    boolean isHeldBack =
        task.state == TaskRecord.State.WAITING || task.state == TaskRecord.State.READY;
    if (isHeldBack && task.spec.kind() instanceof TaskSpec.Kind.Call(ActorId actor)) {
      objects.add(actor.object());
      ActorQueue queue = actors.get(actor);
      ArrayDeque<TaskRecord> line = queue == null ? null : queue.lines.get(task.line);
      TaskRecord head = line == null ? null : line.peekFirst();
      if (head != null && head != task && head.state == TaskRecord.State.WAITING) {
        head.spec.dependencies().forEach(objects::add);
      }
    }
    return objects;
  }

  /** Why the task has not ended, for people. */
  Inspection.WaitsFor waitsFor(TaskRecord task) {
    return switch (task.state) {
      case WAITING -> orNothing(unsettled(heldUpBy(task)));
      case READY ->
          task.spec.kind() instanceof TaskSpec.Kind.Call
              ? orNothing(unsettled(heldUpBy(task)))
              : asked(task);
      case PUSHED -> new Inspection.WaitsFor.Answer(task.location, task.attempt);
      case INLINE -> new Inspection.WaitsFor.Inline();
      case SETTLED -> new Inspection.WaitsFor.Nothing();
    };
  }

  private Inspection.WaitsFor asked(TaskRecord task) {
    List<NodeId> nodes = leases.asked(task);
    return nodes.isEmpty()
        ? new Inspection.WaitsFor.Nothing()
        : new Inspection.WaitsFor.Lease(nodes);
  }

  private static Inspection.WaitsFor orNothing(List<ObjectId> objects) {
    return objects.isEmpty()
        ? new Inspection.WaitsFor.Nothing()
        : new Inspection.WaitsFor.Objects(objects);
  }

  private List<ObjectId> unsettled(List<ObjectId> objects) {
    return objects.stream()
        .distinct()
        .filter(id -> counter.find(id) != null && counter.find(id).value == null)
        .toList();
  }

  /**
   * A call that was sent before takes its old place: before all that were submitted after it, which
   * may take its result.
   */
  private void lineUp(TaskRecord call, ActorId actor) {
    ArrayDeque<TaskRecord> line = lineOf(call, actor);
    ArrayDeque<TaskRecord> older = new ArrayDeque<>(0);
    while (!line.isEmpty() && line.peekFirst().number() < call.number()) {
      older.push(line.removeFirst());
    }
    line.addFirst(call);
    older.forEach(line::addFirst);
  }

  private ArrayDeque<TaskRecord> lineOf(TaskRecord call, ActorId actor) {
    return actors
        .computeIfAbsent(actor, ActorQueue::new)
        .lines
        .computeIfAbsent(call.line, line -> new ArrayDeque<>());
  }

  /** What calls may expect of an actor that is being made anew, or is about to; else empty. */
  private Optional<TaskSpec.Restarts> awaited(ActorId id) {
    Row actor = counter.find(id.object());
    if (actor != null && actor.isRestarting()) {
      return Optional.of(actor.restarts);
    }
    ActorQueue queue = actors.get(id);
    return queue != null
            && actor != null
            && actor.value instanceof Outcome.Actor there
            && there.worker().equals(queue.ending)
        ? Optional.of(there.restarts())
        : Optional.empty();
  }

  /** Whether the actor is not there because its node leaves: that is no failure of any call. */
  private boolean moves(ActorQueue queue, Row actor) {
    return actor.isRestarting()
        ? actor.moves
        : queue.ending != null && table.isLeaving(queue.ending.node());
  }

  private static Failure unavailable(TaskRecord call, String why) {
    return Failure.of(
        Failure.Kind.ACTOR_UNAVAILABLE,
        call.spec.display()
            + ", submitted at "
            + call.spec.site()
            + ": "
            + why
            + ". Later calls may succeed; with maxTaskRetries calls are sent again, and wait.");
  }

  private static Failure actorGone(TaskRecord call, Failure cause) {
    return cause.kind() == Failure.Kind.ACTOR_DIED || cause.kind() == Failure.Kind.OWNER_DIED
        ? cause
        : new Failure(
            Failure.Kind.ACTOR_DIED,
            call.spec.display()
                + " cannot run, since the actor could not be created: "
                + cause.message(),
            cause.cause(),
            0,
            "");
  }

  @Override
  public void onActorSettled(Row row) {
    if (row.task != null
        && row.value instanceof Outcome.Failed
        && row.task.spec.kind() instanceof TaskSpec.Kind.Creation(TaskSpec.ActorOptions options)) {
      effects.accept(new WorkerEffect.ActorGone(new ActorId(self, row.id.sequence()), options));
    }
    if (actors.isEmpty()) {
      return;
    }
    ActorQueue queue = actors.get(new ActorId(row.id.owner(), row.id.sequence()));
    if (queue != null && row.id.index() == 0) {
      pump(queue);
    }
  }

  /**
   * The actor says that it ends. For good: that becomes its object's outcome; else it is made anew
   * if it may be.
   */
  void onActorEnded(ObjectId actorObject, Failure failure) {
    Row row = counter.find(actorObject);
    if (row != null && row.value instanceof Outcome.Actor actor) {
      if (failure.kind() == Failure.Kind.ACTOR_UNAVAILABLE) {
        actorDied(row, actor, failure.detail());
      } else {
        endActor(row, failure);
      }
    }
  }

  private void endActor(Row row, Failure failure) {
    noLongerThere(row);
    table.settle(row, row.id, new Outcome.Failed(failure));
    if (row.task != null) {
      releaseLineageIfDone(row.task); // nobody makes it anew
    }
  }

  private void noLongerThere(Row row) {
    row.forEachCell(cell -> effects.accept(new WorkerEffect.Unsettle(cell)));
    row.value = null;
  }

  /** Workers died that may have been actors. Comes before anything is sent to where they may be. */
  void onActorsDied(Predicate<WorkerId> isDead, String cause) {
    for (Row row : counter.allRows()) {
      if (row.value instanceof Outcome.Actor actor && isDead.test(actor.worker())) {
        boolean isOwnerless =
            !row.isOwned() && (isDead.test(row.id.owner()) || counter.isDead(row.id.owner()));
        if (isOwnerless) {
          endActor(row, died(row, actor, cause));
        } else {
          actorDied(row, actor, cause);
        }
      }
    }
  }

  /**
   * An actor is gone. Its owner makes it anew as long as that is allowed; whoever else knows it
   * asks the owner what became of it. What happens to its calls is decided when each comes back.
   */
  private void actorDied(Row row, Outcome.Actor actor, String cause) {
    if (row.isOwned() ? !mayRestart(row) : !actor.restarts().any()) {
      endActor(row, died(row, actor, cause));
      return;
    }
    row.restarts = actor.restarts();
    row.moves = table.isLeaving(actor.worker().node());
    noLongerThere(row);
    if (row.isOwned()) {
      restart(row.task, cause, row.moves);
    } else {
      row.asked = true;
      effects.accept(
          new WorkerEffect.Send(row.id.owner(), new ActorLost(row.id, actor.worker(), self)));
    }
    ActorQueue queue = actors.get(new ActorId(row.id.owner(), row.id.sequence()));
    if (queue != null) {
      pump(queue); // calls that may not wait hear it
    }
  }

  private static boolean mayRestart(Row row) {
    return row.task != null && row.task.holdsLineage && row.task.isRebuildable() && row.inScope();
  }

  private void restart(TaskRecord creation, String cause, boolean announced) {
    if (creation.restartsLeft > 0 && !announced) {
      creation.restartsLeft--;
    }
    creation.retriesLeft = creation.spec.maxRetries();
    remember(creation, cause);
    creation.attempt++;
    runAgain(creation);
  }

  private static void remember(TaskRecord creation, String death) {
    List<String> deaths = new ArrayList<>(creation.deaths);
    if (deaths.size() == DEATHS_MAX) {
      deaths.removeFirst();
    }
    deaths.add(death);
    creation.deaths = deaths;
  }

  private Failure died(Row row, Outcome.Actor actor, String cause) {
    List<String> before = row.task == null ? List.of() : row.task.deaths;
    return Failure.died(
        Failure.Kind.ACTOR_DIED,
        "actor "
            + actor.className()
            + " ("
            + row.id
            + ") at "
            + actor.worker()
            + " is gone: "
            + cause
            + (before.isEmpty() ? "" : ". It had been made anew after: " + before),
        before.size() + 1,
        cause);
  }

  // ---- answers ----

  void onReturned(TaskReturned answer) {
    TaskRecord task = find(answer.task());
    if (task != null && task.answeredAttempt == answer.attempt()) {
      return; // repeated: what it brought is in use
    }
    if (task == null
        || task.attempt != answer.attempt()
        || !answer.executor().equals(task.location)) {
      discard(answer);
      return;
    }
    task.answeredAttempt = answer.attempt();
    if (task.spec.kind() instanceof TaskSpec.Kind.Call(ActorId actor)
        && answer.outcomes().getFirst() instanceof Outcome.Failed(Failure failure)
        && failure.kind() == Failure.Kind.ACTOR_UNAVAILABLE) {
      onActorEnding(actor, answer, failure);
      return;
    }
    leavePlace(task, !(answer.outcomes().getFirst() instanceof Outcome.Failed));
    if (task.isSettled()) {
      discard(answer);
      stillHeld(answer);
      releaseArguments(task); // a cancelled body counts until it has ended
      releaseLineageIfDone(task);
      return;
    }
    if (chargesRetry(task, answer)) {
      discard(answer);
      stillHeld(answer);
      pushAgain(task);
      return;
    }
    apply(task, answer);
  }

  /**
   * A call was refused by an actor that ends and may be made anew. So will all be that are there;
   * taken together they keep their order.
   */
  private void onActorEnding(ActorId actor, TaskReturned answer, Failure failure) {
    stillHeld(answer);
    ActorQueue queue = actors.get(actor);
    if (queue != null) { // else it is gone for good
      queue.ending = answer.executor();
    }
    List<TaskRecord> there = tasksWhere(task -> answer.executor().equals(task.location));
    if (queue != null && table.isLeaving(answer.executor().node())) {
      callsReturned(there);
      Row row = counter.find(actor.object());
      if (row != null
          && !row.isOwned() // the owner is told by the actor itself
          && row.value instanceof Outcome.Actor at
          && at.worker().equals(answer.executor())) {
        actorDied(row, at, failure.detail());
      }
    } else {
      callsLost(there, failure.detail());
    }
    if (queue != null) {
      pump(queue);
    }
  }

  /**
   * Calls, the oldest first, were at an actor that moves. It refuses what waits when all that ran
   * there has been answered: none of these was begun.
   */
  private void callsReturned(List<TaskRecord> calls) {
    for (TaskRecord call : calls.reversed()) { // each goes before the next in its line
      call.location = null;
      if (call.isSettled()) {
        releaseArguments(call);
        releaseLineageIfDone(call);
      } else {
        call.attempt++;
        pushAgain(call);
      }
    }
  }

  private void apply(TaskRecord task, TaskReturned answer) {
    settled(task);
    List<Row> came =
        counter.arriveAll(
            answer.carried(), answer.executor(), ReferenceCounter.Through.task(task.spec));
    for (int i = 0; i < task.spec.results(); i++) {
      Outcome outcome = answer.outcomes().get(i);
      settle(task, i, ranOutOfMemory(answer) ? withAttempts(outcome, task) : outcome);
    }
    stateTaken(task);
    came.forEach(counter::holdReleased);
    stillHeld(answer);
    releaseArguments(task);
    releaseLineageIfDone(task);
    if (task.spec.kind() instanceof TaskSpec.Kind.Creation) {
      states.onMade(task);
    }
  }

  private void stateTaken(TaskRecord task) {
    if (task.savesStateOf != null) {
      states.onTaken(task);
    }
  }

  /** What the executor says that it still holds of what it was lent. */
  private void stillHeld(TaskReturned answer) {
    for (Held held : answer.held()) {
      counter.onHeld(held.object(), answer.executor(), held.epoch());
    }
  }

  private void settle(TaskRecord task, int index, Outcome outcome) {
    Row row = counter.find(task, index);
    table.settle(row, row == null ? task.result(index) : row.id, outcome);
  }

  /**
   * Whether a blocked task of this worker runs it; false also when it was pushed to this worker, as
   * one that was leased to itself.
   */
  boolean runsInline(TaskId id) {
    TaskRecord task = find(id);
    return task != null && task.runsInline;
  }

  /** A task that ran inline ended on this worker itself. */
  void onInlineEnded(TaskReturned answer) {
    TaskRecord task = find(answer.task());
    if (task != null && task.attempt == answer.attempt()) {
      task.location = null;
      task.runsInline = false;
    }
    if (task == null || task.isSettled() || task.attempt != answer.attempt()) {
      discard(answer);
      if (task != null) {
        releaseArguments(task);
        releaseLineageIfDone(task);
      }
      return;
    }
    if (chargesRetry(task, answer)) {
      discard(answer);
      pushAgain(task);
      return;
    }
    apply(task, answer);
  }

  /** Whether this failure is retried; that is charged to the retries that are for its kind. */
  private boolean chargesRetry(TaskRecord task, TaskReturned answer) {
    if (task.mayRetryOutOfMemory() && ranOutOfMemory(answer)) {
      task.chargeOutOfMemoryRetry();
      return true;
    }
    if (shouldRetryFailure(task, answer)) {
      task.chargeRetry();
      return true;
    }
    return false;
  }

  private static boolean ranOutOfMemory(TaskReturned answer) {
    return answer.thrownClasses().contains(OutOfMemoryError.class.getName());
  }

  /** That it was not for want of trying. */
  private static Outcome withAttempts(Outcome outcome, TaskRecord task) {
    if (!(outcome instanceof Outcome.Failed(Failure failure))
        || failure.kind() != Failure.Kind.TASK_FAILED) {
      return outcome;
    }
    int attempts = task.attempt + 1;
    String message =
        failure.message()
            + ". Its body ran out of memory; it was started "
            + times(attempts)
            + ". Start that node with more memory, run fewer of these at a time (cpus), or raise"
            + " dfut.tasks.out-of-memory-retries.";
    return new Outcome.Failed(
        new Failure(failure.kind(), message, failure.cause(), attempts, failure.detail()));
  }

  private static String times(int count) {
    return count + (count == 1 ? " time" : " times");
  }

  private boolean shouldRetryFailure(TaskRecord task, TaskReturned answer) {
    return task.mayRetry()
        && answer.outcomes().getFirst() instanceof Outcome.Failed(Failure failure)
        && ((failure.kind() == Failure.Kind.TASK_FAILED
                && task.spec.retryOn().stream().anyMatch(answer.thrownClasses()::contains))
            || (failure.kind() == Failure.Kind.OBJECT_LOST && failure.detail().isEmpty())
            || sharesFate(task, failure));
  }

  /**
   * Whether the attempt failed since it read what a dead worker owned, and came by that itself: run
   * again it is given new references (DESIGN section 7). One whose arguments lead to the dead would
   * fail again.
   */
  private boolean sharesFate(TaskRecord task, Failure failure) {
    return task.spec.kind() instanceof TaskSpec.Kind.Plain
        && failure.comesOfADeadOwner()
        && isFreeOfTheDead(task);
  }

  @Override
  public boolean isFreeOfTheDead(TaskRecord task) {
    return argumentsOf(task.spec).stream().noneMatch(this::leadsToTheDead);
  }

  private boolean leadsToTheDead(ObjectId argument) {
    Row row = counter.find(argument);
    return counter.isDead(argument.owner())
        || (row.value != null
            && row.value.references().stream().anyMatch(id -> counter.isDead(id.owner())));
  }

  /** An answer that comes too late: its bytes and references must not stay. */
  private void discard(TaskReturned answer) {
    for (int i = 0; i < answer.outcomes().size(); i++) {
      ObjectId id = answer.task().result(i);
      Row row = counter.find(id);
      if (row == null || !sameCopies(row.value, answer.outcomes().get(i))) {
        table.discard(id, answer.outcomes().get(i));
      } // else the answer is repeated, and the description went in between
    }
    // They are closed as all others are, by the owner that knows this worker: it may have come once
    // before, and its references may be on their way to their owners still.
    counter
        .arriveAll(answer.carried(), answer.executor(), ReferenceCounter.Through.NOTHING_KNOWN)
        .forEach(counter::holdReleased);
  }

  private static boolean sameCopies(Outcome known, Outcome answered) {
    return known instanceof Outcome.Stored one
        && answered instanceof Outcome.Stored other
        && one.attempt() == other.attempt();
  }

  /** The task is not at its worker any more. */
  private void leavePlace(TaskRecord task, boolean succeeded) {
    task.location = null;
    if (task.lease != null) {
      LeaseBook.Lease lease = task.lease;
      task.lease = null;
      if (task.spec.kind() instanceof TaskSpec.Kind.Creation) {
        leases.creationEnded(lease, succeeded);
      } else {
        leases.returned(lease, nowNanos);
      }
    }
  }

  void onHandedBack(TaskHandedBack message) {
    TaskRecord task = find(message.task());
    if (task == null
        || task.attempt != message.attempt()
        || !message.executor().equals(task.location)) {
      return; // a repeated message, or it was claimed inline meanwhile
    }
    if (task.isSettled()) { // cancelled while it was queued there
      leavePlace(task, false);
      releaseArguments(task);
      releaseLineageIfDone(task);
      return;
    }
    LeaseBook.Lease lease = task.lease;
    task.location = null;
    task.lease = null;
    task.claim.reopen(task.attempt);
    task.state = TaskRecord.State.READY;
    leases.handedBack(task, lease, nowNanos);
    nudge(task);
  }

  /**
   * How often a task is pushed again for arguments that were not where they should have been,
   * before that costs retries of its own: an executor that can reach no source at all must not have
   * every task's arguments made again for ever.
   */
  static final int ARGUMENT_LOSSES_MAX = 20;

  /**
   * The attempt did not start for want of its arguments. Their copies are given up first: whatever
   * else is pushed in this step must not look for them there.
   */
  void onArgumentsLost(ArgumentsLost message) {
    TaskRecord task = find(message.task());
    if (task == null
        || task.attempt != message.attempt()
        || !message.executor().equals(task.location)) {
      return; // repeated or late
    }
    message
        .lost()
        .forEach(lost -> table.onReadFailed(lost.object(), lost.attempt(), lost.sources()));
    leavePlace(task, false);
    if (task.isSettled()) { // cancelled while its arguments were looked for
      releaseArguments(task);
      releaseLineageIfDone(task);
      return;
    }
    // A call has had its turn at the actor: later ones may have run, so it comes again only if the
    // user has allowed that.
    boolean isCall = task.spec.kind() instanceof TaskSpec.Kind.Call;
    if (!isCall && ++task.argumentLosses <= ARGUMENT_LOSSES_MAX) {
      task.attempt++; // an answer to this push that is repeated must not be taken for the next
      pushAgain(task);
    } else if (task.mayRetry()) {
      retry(task);
    } else {
      fail(task, argumentsLost(task, message));
    }
  }

  private static Failure argumentsLost(TaskRecord task, ArgumentsLost message) {
    return Failure.lost(
        io.dfut.ObjectLostException.Reason.UNKNOWN,
        task.spec.display()
            + ", submitted at "
            + task.spec.site()
            + ", did not start: "
            + message.executor()
            + " could not read "
            + message.lost()
            + (task.spec.kind() instanceof TaskSpec.Kind.Call
                ? ". An actor's call is not repeated, as later ones may have run; submit it again."
                : ", as in " + ARGUMENT_LOSSES_MAX + " tries before. Is its node cut off?"));
  }

  private void nudge(TaskRecord task) {
    for (int i = 0; i < task.spec.results(); i++) {
      Row row = counter.find(task, i);
      if (row != null) {
        row.forEachCell(cell -> effects.accept(new WorkerEffect.Nudge(cell)));
      }
    }
  }

  void onClaimedInline(WorkerInput.TaskClaimedInline claimed) {
    TaskRecord task = find(claimed.task());
    if (task == null) { // cancelled between its being claimed and this, and forgotten
      effects.accept(
          new WorkerEffect.Send(self, new CancelTask(claimed.task(), claimed.attempt(), false)));
      return;
    }
    LeaseBook.Lease lease = task.lease;
    task.runsInline = true;
    task.location = self;
    task.lease = null;
    if (task.isSettled()) { // cancelled meanwhile: the body hears it now
      effects.accept(
          new WorkerEffect.Send(self, new CancelTask(task.spec.id(), task.attempt, false)));
    } else {
      task.state = TaskRecord.State.INLINE;
    }
    if (lease != null) {
      leases.returned(lease, nowNanos); // the worker that has it queued skips it without a word
    }
  }

  // ---- the ends of tasks ----

  private void settled(TaskRecord task) {
    task.state = TaskRecord.State.SETTLED;
    if (task.deadlineNanos != 0) {
      effects.accept(new WorkerEffect.CancelTimer(new WorkerTimer.TaskDeadline(task.spec.id())));
    }
    if (!task.counted) {
      task.counted = true;
      effects.accept(new WorkerEffect.TaskSettled(task.spec.id()));
    }
  }

  /**
   * The task ends without a value. What it holds of its arguments is kept while its body still runs
   * somewhere.
   */
  private void fail(TaskRecord task, Failure failure) {
    settled(task);
    Outcome failed = new Outcome.Failed(failure);
    for (int i = 0; i < task.spec.results(); i++) {
      settle(task, i, failed);
    }
    stateTaken(task);
    if (task.location == null) {
      releaseArguments(task);
      releaseLineageIfDone(task);
    }
    if (task.spec.kind() instanceof TaskSpec.Kind.Call(ActorId actor)) {
      ActorQueue queue = actors.get(actor);
      if (queue != null) {
        pump(queue); // calls behind it may have their turn
      }
    }
  }

  private void releaseArguments(TaskRecord task) {
    if (task.holdsArguments) {
      task.holdsArguments = false;
      argumentsOf(task.spec).forEach(id -> counter.argumentReleased(counter.find(id)));
    }
  }

  /**
   * Lets the description go when it cannot be needed: no result is in a store, and no row of a
   * result is kept for the lineage of others. A task that cannot be run again keeps nothing alive,
   * but stays known for what it would have to say of a loss.
   */
  private void releaseLineageIfDone(TaskRecord task) {
    if (!task.isSettled() || task.location != null || task.holdsArguments) {
      return;
    }
    boolean isNeeded = false;
    for (int i = 0; i < task.spec.results(); i++) {
      Row row = counter.find(task, i);
      isNeeded |= row != null && needsDescription(row);
    }
    if (isNeeded && task.isRebuildable()) {
      lineage.keep(task);
      return;
    }
    letLineageGo(task);
    if (!isNeeded) {
      forget(task);
    }
  }

  /**
   * Whether it could be lost, or outdated by the death of whoever owns what it refers to, or is
   * needed to make again what is.
   */
  private static boolean needsDescription(Row row) {
    return switch (row.value) {
      case Outcome.Stored stored -> true;
      case Outcome.Actor actor -> true;
      case Outcome.Inline inline -> row.freed || mayBeOutdated(inline, row.task);
      case Outcome.Failed failed -> row.freed;
      case null -> row.freed;
    };
  }

  /**
   * Whether it refers to something, and its task takes nothing: else what that takes would be kept
   * for as long as the small result.
   */
  private static boolean mayBeOutdated(Outcome.Inline value, TaskRecord task) {
    return !value.contained().isEmpty()
        && task != null
        && task.spec.dependencies().isEmpty()
        && task.spec.lent().isEmpty();
  }

  private void letLineageGo(TaskRecord task) {
    lineage.release(task);
    if (task.spec.kind() instanceof TaskSpec.Kind.Creation) {
      states.onForgotten(task);
    }
    if (task.holdsLineage) {
      task.holdsLineage = false;
      argumentsOf(task.spec).forEach(id -> counter.lineageReleased(counter.find(id)));
    }
  }

  /** Its results do without it. An actor's creation is what the actor was made with, and stays. */
  private void forget(TaskRecord task) {
    boolean stays = false;
    for (int i = 0; i < task.spec.results(); i++) {
      Row row = counter.find(task, i);
      if (row != null && task.spec.kind() instanceof TaskSpec.Kind.Creation) {
        stays = true;
      } else if (row != null) {
        row.task = null;
      }
    }
    if (!stays) {
      tasks.remove(task.spec.id().sequence());
    }
  }

  /**
   * Lets descriptions go until what is kept fits its budget. At the end of each step, when the
   * counts are swept.
   */
  void enforceLineageBudget() {
    Optional<TaskRecord> next;
    while ((next = lineage.next()).isPresent()) {
      evict(next.get());
      counter.sweep();
    }
  }

  /**
   * Lets a description go, and those that could not be used without it: they take an object whose
   * value is freed, and which nothing can make any more.
   */
  private void evict(TaskRecord first) {
    ArrayDeque<TaskRecord> going = new ArrayDeque<>(List.of(first));
    TaskRecord task;
    while ((task = going.poll()) != null) {
      if (!lineage.release(task)) {
        continue; // it went already, by another way
      }
      for (int i = 0; i < task.spec.results(); i++) {
        Row row = counter.find(task, i);
        if (row != null && row.freed) {
          going.addAll(lineage.takersOf(row.id));
        }
      }
      letLineageGo(task);
      forget(task);
    }
  }

  @Override
  public void onKeptForLineage(Row row) {
    lineage.valueKept(row);
  }

  @Override
  public void onFreed(Row row) {
    lineage.valueGone(row);
  }

  @Override
  public long lineageBytesMax() {
    return lineage.bytesMax();
  }

  @Override
  public void onResultDeleted(TaskRecord task) {
    releaseLineageIfDone(task);
  }

  // ---- retries and rebuilding ----

  private void retry(TaskRecord task) {
    task.chargeRetry();
    pushAgain(task);
  }

  /** As soon as its arguments are there; its attempt has a new number. */
  private void pushAgain(TaskRecord task) {
    task.claim.reopen(task.attempt);
    if (task.spec.kind() instanceof TaskSpec.Kind.Call(ActorId actor)) {
      lineUp(task, actor); // it gets a new number
    }
    awaitDependencies(task);
  }

  /** Calls among these tasks, the oldest first, were at an actor that is gone. */
  private void callsLost(List<TaskRecord> tasks, String cause) {
    for (TaskRecord task : tasks.reversed()) { // each goes before the next in its line
      if (task.spec.kind() instanceof TaskSpec.Kind.Call) {
        crashed(task, Failure.Kind.ACTOR_DIED, cause);
      }
    }
  }

  /** A system failure took the task with it. */
  private void crashed(TaskRecord task, Failure.Kind kind, String cause) {
    WorkerId where = task.location;
    task.location = null;
    task.lease = null;
    // Its body may have passed on what it saw; the answer that would have said so will not come.
    for (ObjectId id : argumentsOf(task.spec)) {
      Row row = counter.find(id);
      if (row != null) { // else the task had settled, and let go of it
        counter.handedOnPerhaps(row);
      }
    }
    if (task.isSettled()) {
      releaseArguments(task);
      releaseLineageIfDone(task);
      return;
    }
    if (task.spec.kind() instanceof TaskSpec.Kind.Call(ActorId actor)) {
      callCrashed(task, actor, where, cause);
    } else if (table.isLeaving(where.node()) && !task.cancelled) {
      task.attempt++; // it was announced: no retry is spent, and none is needed
      pushAgain(task);
    } else if (task.mayRetry()) {
      retry(task);
    } else {
      fail(
          task,
          Failure.died(
              kind,
              task.spec.display()
                  + ", submitted at "
                  + task.spec.site()
                  + ", was started "
                  + times(task.attempt + 1)
                  + "; the last attempt ended with "
                  + where
                  + ": "
                  + cause
                  + ". It has no retries left; raise maxRetries if it may run again.",
              task.attempt + 1,
              cause));
    }
  }

  private void callCrashed(TaskRecord call, ActorId actor, WorkerId where, String cause) {
    String ended =
        "it did not end: the actor at "
            + where
            + " is gone ("
            + cause
            + "). It may or may not have run";
    Optional<TaskSpec.Restarts> awaited = awaited(actor);
    if (awaited.isEmpty()) {
      fail(
          call,
          Failure.died(
              Failure.Kind.ACTOR_DIED, call.spec.display() + ": " + ended + ".", 1, cause));
    } else if (call.mayRetry()) {
      retry(call);
    } else {
      fail(call, unavailable(call, ended));
    }
  }

  @Override
  public void rebuild(TaskRecord task) {
    if (!task.isSettled()) {
      return; // under way
    }
    Invariant.check(task.holdsLineage, "a task without lineage is rebuilt", task);
    task.chargeRetry();
    runAgain(task);
  }

  /** A task that has ended and been kept: its next attempt, whose number it has. */
  private void runAgain(TaskRecord task) {
    lineage.release(task);
    task.claim.reopen(task.attempt);
    task.state = TaskRecord.State.WAITING;
    task.holdsArguments = true;
    startDeadline(task); // the first one was kept
    List<Row> lost = new ArrayList<>();
    for (ObjectId id : argumentsOf(task.spec)) {
      Row row = counter.find(id);
      counter.argumentAdded(row);
      lineage.valueGone(row);
      if (row.freed) {
        row.freed = false; // its value went, its lineage stayed for this
        lost.add(row);
      }
    }
    lost.stream().distinct().forEach(table::recover);
    if (task.spec.kind() instanceof TaskSpec.Kind.Call(ActorId actor)) {
      lineUp(task, actor);
      table.want(counter.find(actor.object()));
    }
    awaitDependencies(task);
  }

  // ---- cancellation ----

  /**
   * Ends the task's results with this failure and stops its body, wherever it is. Does nothing when
   * it has ended, also when that is known to those who wait for it only.
   */
  private void stop(TaskRecord task, Failure failure, boolean timedOut) {
    if (task.isSettled()) {
      return;
    }
    boolean waitedForAWorker = task.state == TaskRecord.State.READY;
    boolean neverStarts = task.state != TaskRecord.State.INLINE && task.claim.take();
    if (!neverStarts && !task.claim.decide(task.attempt)) {
      return; // who waits for it has its value already, and its answer is on its way here
    }
    task.cancelled = true;
    if (task.location != null && !neverStarts) {
      effects.accept(
          new WorkerEffect.Send(
              task.location, new CancelTask(task.spec.id(), task.attempt, timedOut)));
    } else if (task.location != null && task.lease != null) {
      // Queued at a worker of this JVM, which will skip it without a word.
      LeaseBook.Lease lease = task.lease;
      task.location = null;
      task.lease = null;
      leases.returned(lease, nowNanos);
    } else if (task.location != null) {
      effects.accept(
          new WorkerEffect.Send(
              task.location, new CancelTask(task.spec.id(), task.attempt, timedOut)));
    }
    fail(task, failure);
    if (waitedForAWorker) {
      leases.gone(task);
    }
  }

  void cancel(TaskRecord task, String why) {
    stop(
        task,
        Failure.of(
            Failure.Kind.CANCELLED,
            task.spec.display() + ", submitted at " + task.spec.site() + ", was cancelled" + why),
        false);
  }

  /** Detached actors outlive whoever made them, also while they are being made. */
  void cancelChildren(TaskId parent) {
    for (TaskRecord child : tasksWhere(task -> task.parent.filter(parent::equals).isPresent())) {
      boolean isDetached =
          child.spec.kind() instanceof TaskSpec.Kind.Creation(TaskSpec.ActorOptions options)
              && options.detached();
      if (!isDetached) {
        cancel(child, " together with its parent " + parent);
      }
    }
  }

  void onDeadline(TaskId id) {
    TaskRecord task = find(id);
    if (task != null && !task.isSettled()) {
      String time = java.time.Duration.ofNanos(task.spec.timeoutNanos()).toString();
      String was = task.state.name().toLowerCase(java.util.Locale.ROOT);
      stop(
          task,
          Failure.of(
              Failure.Kind.TASK_TIMEOUT,
              task.spec.display()
                  + ", submitted at "
                  + task.spec.site()
                  + ", did not end within its timeout of "
                  + time
                  + "; it was "
                  + was
                  + (task.location == null ? "" : " at " + task.location)),
          true);
    }
  }

  // ---- deaths ----

  /** Workers died, whose leases have been dropped: nothing may be pushed to them meanwhile. */
  void onWorkersDied(Predicate<WorkerId> isDead, Failure.Kind kind, String cause) {
    List<TaskRecord> there =
        tasksWhere(some -> some.location != null && isDead.test(some.location));
    for (TaskRecord task : there) {
      if (!(task.spec.kind() instanceof TaskSpec.Kind.Call)) {
        crashed(task, kind, cause);
      }
    }
    callsLost(there, cause);
  }

  /** The worker closes: every task that is not settled fails, and what runs is stopped. */
  void close(Failure failure) {
    for (TaskRecord task : tasksWhere(task -> true)) {
      stop(task, failure, false);
      if (!task.isSettled()) {
        fail(task, failure); // its answer will not be heard any more
      }
      task.location = null;
      releaseArguments(task);
      releaseLineageIfDone(task);
    }
    leases.close();
    actors.clear();
  }
}
