package io.dfut.internal.runtime;

import io.dfut.ActorHandle;
import io.dfut.ActorId;
import io.dfut.Inspection;
import io.dfut.JobId;
import io.dfut.ObjectId;
import io.dfut.SharedDFut;
import io.dfut.SystemClosedException;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.codec.References;
import io.dfut.internal.ownership.Claim;
import io.dfut.internal.ownership.Settleable;
import io.dfut.internal.ownership.WorkerEffect;
import io.dfut.internal.ownership.WorkerInput;
import io.dfut.internal.ownership.WorkerMachine;
import io.dfut.internal.ownership.WorkerTimer;
import io.dfut.internal.protocol.Transit;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.NoSerializationVerificationNeeded;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker: a typed Pekko actor that owns an ownership table, and the only class that touches it.
 * The table is a machine behind a combining {@link Inbox}; this shell turns messages into its
 * inputs and carries its effects out. User code runs elsewhere, on the {@link TaskRunner}'s
 * threads, so the table answers while tasks run or block.
 *
 * <p>Thread-safe: every method but the behaviour's own may be called from anywhere.
 */
final class WorkerActor {
  private static final Logger LOG = LoggerFactory.getLogger(WorkerActor.class);

  /** The one end that nobody has to be told of: the table was empty. */
  static final String IDLE = "it was idle";

  /**
   * What the Pekko actor is told by its own shell. Everything else that it receives is a message
   * for user code.
   */
  private sealed interface Command extends NoSerializationVerificationNeeded {
    /** The inbox's turn became long: go on. */
    record Drain() implements Command {}

    record Stop() implements Command {}
  }

  private final NodeRuntime node;
  private final WorkerId id;
  private final WorkerMachine machine;

  /** Inputs of the machine, and questions about it ({@code Runnable}s), in one order. */
  private final Inbox<Object> inbox;

  private final java.util.function.Consumer<WorkerEffect> effects = this::perform;
  private final Answers answers = new Answers(this);
  private final ValueReader reader;
  private final References.Sink sink = new ResultReferences();
  private final WorkerContext context;
  private final AtomicLong lastTask = new AtomicLong();

  /** Below zero, so that they are none of the machine's own. */
  private final AtomicLong lastMessageTransit = new AtomicLong();

  private final AtomicInteger pending = new AtomicInteger();

  final PendingCalls pendingCalls = new PendingCalls();

  /**
   * Tasks that run here: of a pool's worker one, and within it those that it runs inline; of an
   * actor as many as it may run at a time. The last is the first to go. Guarded by itself.
   */
  private final ArrayList<TaskContext> active = new ArrayList<>(4);

  /** Timers that the machine set. Touched only in the machine's turn. */
  private final Map<WorkerTimer, Cancellable> timers = new HashMap<>();

  private volatile ActorRef<Object> self;
  private volatile TaskRunner runner;

  /** Why the worker ended; empty while it lives. */
  private volatile Optional<String> end = Optional.empty();

  private volatile boolean closed;

  /** Whether it ends because its node does. */
  private volatile boolean withNode;

  private final CompletableFuture<Void> ending = new CompletableFuture<>();

  WorkerActor(NodeRuntime node, WorkerId id, JobId job) {
    this.node = node;
    this.id = id;
    this.machine = new WorkerMachine(id, node.settings().workerLimits());
    this.inbox = new Inbox<>(this::step, this::takeOver);
    this.reader = new ValueReader(this);
    this.context = new WorkerContext(this, job);
  }

  // ---- the Pekko actor ----

  /** The behaviour of the actor; typed messages for a {@code DFutActor} arrive here too. */
  Behavior<Object> behavior() {
    return Behaviors.setup(
        actor -> {
          self = actor.getSelf();
          inbox.drain();
          return Behaviors.receive(Object.class)
              .onMessage(
                  Command.Drain.class,
                  drain -> {
                    inbox.drain();
                    return Behaviors.same();
                  })
              .onMessage(Command.Stop.class, stop -> Behaviors.stopped())
              .onMessage(
                  Object.class,
                  message -> {
                    userMessage(message);
                    return Behaviors.same();
                  })
              .onSignal(
                  PostStop.class,
                  stop -> {
                    ended("its actor was stopped");
                    return Behaviors.same();
                  })
              .build();
        });
  }

  private void userMessage(Object message) {
    if (runner instanceof ActorRunner actor) {
      actor.deliver(message);
    } else {
      LOG.debug("{} is no actor and drops a {}", id, message.getClass().getName());
    }
  }

  private void takeOver() {
    ActorRef<Object> actor = self;
    if (actor != null) { // else its first act is to drain
      actor.tell(new Command.Drain());
    }
  }

  // ---- the table ----

  /** Anything that happens to this worker. Never blocks. */
  void post(WorkerInput input) {
    inbox.post(input);
  }

  /** As {@link #post}, but handled at {@link #drain}, or before by another thread. */
  void enqueue(WorkerInput input) {
    inbox.enqueue(input);
  }

  void enqueue(Answers.Together answers) {
    inbox.enqueue(answers);
  }

  /** As {@link #drain}, where it costs next to nothing if nothing waits. */
  void help() {
    if (!inbox.isEmpty()) {
      inbox.drain();
    }
  }

  /** Handles what waits, unless another thread does. */
  void drain() {
    inbox.drain();
  }

  private void step(Object input) {
    try {
      if (input instanceof WorkerInput happened) {
        machine.step(happened, System.nanoTime(), effects);
      } else if (input instanceof Answers.Together together) {
        together.forEach(this::step);
      } else {
        ((Runnable) input).run();
      }
    } catch (RuntimeException e) {
      // Our own bug. The table cannot be trusted any more: the worker ends, and says so to
      // everyone.
      LOG.error("{} broke on {}: it ends", id, input, e);
      crashed("its table broke: " + e);
    }
  }

  /** The first outcome of a promise is told to the table; false when this is a later one. */
  boolean settlePromise(ObjectId object, ResultCell cell, io.dfut.internal.task.Outcome outcome) {
    boolean won = cell.complete(outcome);
    if (won) {
      post(new WorkerInput.PromiseSettled(object, outcome));
    }
    return won;
  }

  private void perform(WorkerEffect effect) {
    switch (effect) {
      case WorkerEffect.Send(WorkerId to, WorkerMessage message) -> send(to, message);
      case WorkerEffect.Push(WorkerId to, WorkerMessage.TaskPushed message, Claim claim) -> {
        answers.send();
        node.push(id, to, message, claim);
      }
      case WorkerEffect.AskScheduler ask -> node.askScheduler(ask.node(), ask.message());
      case WorkerEffect.Settle(Settleable cell, io.dfut.internal.task.Outcome outcome) ->
          ((ResultCell) cell).settle(outcome);
      case WorkerEffect.SettlePromise(
              ObjectId object,
              Settleable cell,
              io.dfut.internal.task.Outcome outcome) ->
          settlePromise(object, (ResultCell) cell, outcome);
      case WorkerEffect.Unsettle(Settleable cell) -> ((ResultCell) cell).unsettle();
      case WorkerEffect.Nudge(Settleable cell) -> ((ResultCell) cell).nudge();
      case WorkerEffect.Uncover(Settleable cover) ->
          ((Cover) cover).count.release("after its receiver was known");
      case WorkerEffect.FreeCopies free -> node.free(free.key(), free.nodes());
      case WorkerEffect.PromoteCopy promote -> node.promote(promote.key(), promote.node());
      case WorkerEffect.MoveCopy move ->
          node.moveCopy(move.key(), move.bytes(), move.from(), move.to());
      case WorkerEffect.CopyIsSafe(ObjectKey key, io.dfut.NodeId where) ->
          node.copyIsSafe(key, where);
      case WorkerEffect.SetTimer(WorkerTimer timer, long delayNanos) -> {
        Cancellable before =
            timers.put(
                timer,
                node.after(
                    java.time.Duration.ofNanos(delayNanos),
                    () -> post(new WorkerInput.TimerFired(timer))));
        if (before != null) {
          before.cancel();
        }
      }
      case WorkerEffect.CancelTimer(WorkerTimer timer) -> {
        Cancellable running = timers.remove(timer);
        if (running != null) {
          running.cancel();
        }
      }
      case WorkerEffect.ActorGone(ActorId actor, var options) -> node.actorGone(actor, options);
      case WorkerEffect.TakeCheckpoint(ActorId actor, TaskSpec creation) ->
          askForState(actor, creation);
      case WorkerEffect.TaskSettled(io.dfut.TaskId task) -> {
        pending.decrementAndGet();
        pendingCalls.end(task);
      }
    }
  }

  /** The table wants an actor's state: it never waits for room. */
  private void askForState(ActorId actor, TaskSpec creation) {
    pending.incrementAndGet();
    TaskSpec call = StateCalls.of(nextTask(), actor, creation);
    ResultCell cell = new ResultCell();
    cell.whenSettled(() -> logUnsaved(creation, cell.outcome()));
    post(new WorkerInput.StateAskedFor(call, cell, new Claim()));
  }

  private static void logUnsaved(TaskSpec creation, io.dfut.internal.task.Outcome state) {
    if (state instanceof io.dfut.internal.task.Outcome.Failed(Failure failure)) {
      boolean isTheActorsEnd =
          switch (failure.kind()) {
            case ACTOR_UNAVAILABLE, ACTOR_DIED, OWNER_DIED, CANCELLED, CLOSED, RELEASED -> true;
            default -> false;
          };
      if (isTheActorsEnd) {
        LOG.debug("no state of {}: {}", creation.display(), failure.message());
      } else {
        LOG.warn(
            "the state of the actor of {} is not saved, the one before stays: {}",
            creation.display(),
            failure.message());
      }
    }
  }

  // ---- messages ----

  /** Sends a message, after all answers that this worker has given before. */
  void send(WorkerId to, WorkerMessage message) {
    answers.send();
    node.send(id, to, message);
  }

  Answers answers() {
    return answers;
  }

  /**
   * A message of another worker, or of the node.
   *
   * @param claim what a push from within the JVM has in common with its owner; else null
   */
  void receive(WorkerMessage message, Claim claim) {
    switch (message) {
      case WorkerMessage.TaskPushed push -> {
        if (!push.lent().isEmpty()) {
          post(new WorkerInput.TaskArrived(push));
        }
        accept(new Pushed(push, claim == null ? new Claim() : claim));
      }
      case WorkerMessage.CancelTask cancel -> {
        TaskRunner now = runner;
        if (now != null) {
          now.cancel(cancel.task(), cancel.attempt());
          running(cancel.task(), cancel.attempt()).ifPresent(TaskContext::cancel);
        }
        post(new WorkerInput.ParentCancelled(cancel.task()));
      }
      case WorkerMessage.Waited(ObjectId object, List<TaskId> waiters) -> {
        List<TaskContext> here =
            runningWhere(task -> task.task().filter(object.task()::equals).isPresent());
        here.forEach(task -> task.waitedForBy(waiters));
        boolean queued =
            runner instanceof ActorRunner actor && actor.waitedFor(object.task(), waiters);
        if (here.isEmpty() && !queued) {
          post(new WorkerInput.Received(message));
        }
      }
      case WorkerMessage.EndActor(String reason, boolean restarts) -> endRunner(reason, restarts);
      case WorkerMessage.CheckpointRefused refused ->
          actorRunner().ifPresent(ActorRunner::statesRefused);
      case WorkerMessage.WorkerDied(WorkerId dead, String cause) -> {
        fence(dead::equals);
        post(new WorkerInput.Received(message));
      }
      case WorkerMessage.NodeDied(io.dfut.NodeId dead, String cause) -> {
        fence(worker -> worker.node().equals(dead));
        post(new WorkerInput.Received(message));
      }
      default -> post(new WorkerInput.Received(message));
    }
  }

  private void accept(Pushed pushed) {
    TaskRunner now = runner;
    if (now == null) {
      throw new IllegalStateException(
          id + " runs no tasks, but was pushed " + pushed.push.spec().display());
    }
    WorkerId owner = pushed.push.spec().id().owner();
    if (node.isDead(owner)) { // its last words; this worker may be somebody else's by now
      pushed.claim.take(pushed.push.attempt());
      drop(pushed);
      return;
    }
    now.offer(pushed);
    if (node.isDead(owner)) { // heard in between, perhaps after the fence had looked
      fence(owner::equals);
    }
  }

  /** An object was fetched here: its owner must know of a copy, so that it frees this one, too. */
  void pulled(ObjectKey key, ObjectStore.Pinned pinned) {
    if (pinned.isCopy()) {
      post(new WorkerInput.ReadSucceeded(key.id(), key.attempt(), id.node()));
    }
  }

  /** A push that will not run here: lets go of its arguments, and of what it was lent. */
  void drop(Pushed pushed) {
    pushed.unpin();
    if (!pushed.push.lent().isEmpty()) {
      post(new WorkerInput.TaskDropped(pushed.push));
    }
  }

  /**
   * Tells the owner of a push whose arguments are not where it said; true when there is one such.
   * The claim of the push is taken.
   */
  boolean refuseWithoutArguments(TaskContext context) {
    Pushed pushed = context.pushed;
    List<WorkerMessage.LostCopies> lost = pushed.lost();
    if (lost.isEmpty()) {
      return false;
    }
    ended(context);
    drop(pushed);
    io.dfut.TaskId task = pushed.push.spec().id();
    WorkerMessage answer = new WorkerMessage.ArgumentsLost(task, pushed.push.attempt(), lost, id());
    send(task.owner(), answer);
    return true;
  }

  /** The share of this lease, which was lent out, is back. */
  void resume(io.dfut.internal.protocol.LeaseId lease) {
    if (runner instanceof PoolRunner pool) { // else it is an actor by now, or has ended
      pool.resume(lease);
    }
  }

  /**
   * Nothing of a dead owner's runs on, nor what its tasks submitted here. What waits is taken out
   * first: it goes from there to what runs, and not back.
   */
  private void fence(Predicate<WorkerId> dead) {
    TaskRunner now = runner;
    if (now != null) {
      now.fence(dead);
      for (TaskContext running : runningWhere(context -> context.ownedBy(dead))) {
        running.cancel();
        running.task().ifPresent(task -> post(new WorkerInput.ParentCancelled(task)));
      }
    }
  }

  private void endRunner(String reason, boolean restarts) {
    TaskRunner now = runner;
    if (now instanceof ActorRunner actor) {
      actor.end(reason, restarts);
    } else if (now instanceof PoolRunner pool) {
      // It was leased to become an actor, and the owner died before it could push the creation: the
      // lease ends with the worker only.
      pool.end(reason);
      ended(reason);
    }
  }

  // ---- running ----

  void runTasks() {
    runner = new PoolRunner(this);
  }

  void runActor(ActorRunner actor) {
    runner = actor;
  }

  /**
   * The pushed creation makes this pool worker an actor for good, unless it fails. Runs it on the
   * current thread.
   */
  void becomeActor(TaskContext creation) {
    io.dfut.internal.task.TaskSpec spec = creation.pushed.push.spec();
    if (!(spec.kind() instanceof io.dfut.internal.task.TaskSpec.Kind.Creation(var options))) {
      throw new IllegalStateException("no creation: " + spec.display());
    }
    if (!(runner instanceof PoolRunner pool)) {
      throw new IllegalStateException("an actor is made on " + id + ", which is no pool worker");
    }
    ActorId actorId = new ActorId(spec.id().owner(), spec.id().sequence());
    ActorRunner actor =
        new ActorRunner(
            this,
            Optional.of(actorId),
            options.maxConcurrency(),
            new WorkerContext(this, spec.job()),
            creation.attempt() > 0);
    runner = actor;
    node.actorHere(this, actorId, options);
    actor.create(creation);
    if (actor.exists()) {
      pool.giveWay();
    } else {
      runner = pool; // the constructor threw: the worker goes back to the pool
      node.nameFree(this);
    }
  }

  /** An actor's last method has ended: the worker ends with it. */
  void actorStopped(Failure failure) {
    if (withNode) {
      return; // it is not the actor that has ended
    }
    if (runner instanceof ActorRunner actor && actor.id().isPresent()) {
      ActorId actorId = actor.id().get();
      send(actorId.owner(), ActorRunner.endedMessage(actorId, failure));
      if (failure.kind() == Failure.Kind.ACTOR_UNAVAILABLE) {
        node.actorMoves(this);
      } else {
        node.nameFree(this);
      }
    }
    ended(failure.detail());
  }

  /** Whether nobody is told any more what its tasks and calls come to. */
  boolean endsWithNode() {
    return withNode;
  }

  /** The actor is to be made anew elsewhere; this worker stays to tell callers. */
  void actorMoved(Failure failure) {
    ActorId actorId = actor().orElseThrow();
    send(actorId.owner(), ActorRunner.endedMessage(actorId, failure));
    node.actorMoves(this);
  }

  /** Runs this when the table has handled all that it has been told so far. */
  void inTurn(Runnable action) {
    inbox.post(action);
  }

  /** The node drains. */
  void leave() {
    if (runner instanceof PoolRunner pool) {
      pool.leave();
    }
  }

  /** It is this worker's to run now: who wants it stopped finds it here. */
  void taken(TaskContext task) {
    synchronized (active) {
      active.add(task);
    }
  }

  void ended(TaskContext task) {
    synchronized (active) {
      int place = active.lastIndexOf(task);
      if (place >= 0) {
        active.remove(place);
      }
    }
  }

  Optional<TaskContext> running(TaskId task, int attempt) {
    return runningWhere(context -> context.isTask(task, attempt)).stream().findFirst();
  }

  List<TaskContext> runningWhere(Predicate<TaskContext> which) {
    List<TaskContext> running;
    synchronized (active) {
      running = List.copyOf(active);
    }
    return running.stream().filter(which).toList();
  }

  // ---- what user code calls ----

  TaskId nextTask() {
    return new TaskId(id, lastTask.incrementAndGet());
  }

  void requireOpen() {
    if (closed || end.isPresent()) {
      throw new SystemClosedException(
          id + " is closed" + end.map(why -> ": " + why).orElse("") + "; nothing was submitted");
    }
  }

  /**
   * Counts one more pending task; waits, or refuses on a thread that must not wait, while there are
   * too many.
   */
  void admit() {
    int most = node.settings().maxPendingTasks();
    if (pending.incrementAndGet() <= most) {
      return;
    }
    if (Threads.isDispatcher(node.system())) {
      throw WorkerContext.full(pending.decrementAndGet());
    }
    TaskContext task = CurrentContext.orNull() instanceof TaskContext t ? t : null;
    if (task != null) {
      task.blocked();
    }
    try {
      while (pending.get() > most) {
        java.util.concurrent.locks.LockSupport.parkNanos(this, 200_000);
        if (closed || end.isPresent() || Thread.currentThread().isInterrupted()) {
          pending.decrementAndGet();
          requireOpen();
          throw new io.dfut.TaskCancelledException(
              "the thread was interrupted while submit waited for room");
        }
      }
    } finally {
      if (task != null) {
        task.unblocked();
      }
    }
  }

  /** A count on an actor that the directory knows. */
  Handle.Count found(ObjectId object, io.dfut.internal.task.Outcome.Actor where) {
    ResultCell cell = new ResultCell();
    post(new WorkerInput.ActorFound(object, cell, where));
    return new Handle.Count(this, object, cell, Optional.empty());
  }

  /** A count on a reference that came in with a value or from the directory. */
  Handle.Count arrived(ObjectId object, Optional<ObjectId> outer) {
    ResultCell cell = new ResultCell();
    post(new WorkerInput.HandleArrived(object, cell, outer));
    return new Handle.Count(this, object, cell, outer);
  }

  /** Counts a reference in a message of the user's that leaves the JVM; what must go along. */
  Transit sent(Handle.Count count) {
    long transit = lastMessageTransit.decrementAndGet();
    post(new WorkerInput.ReferenceSent(count.id, transit));
    return new Transit(count.id, transit);
  }

  /** A count on a reference that came in such a message. */
  Handle.Count received(Transit transit, WorkerId sender) {
    ResultCell cell = new ResultCell();
    post(new WorkerInput.ReferenceReceived(transit, sender, cell));
    return new Handle.Count(this, transit.object(), cell, Optional.empty());
  }

  /** Wraps another worker's count as something that the machine can hand back. */
  private record Cover(Handle.Count count) implements Settleable {}

  /** A count of this worker's own on what a handle of another worker of the JVM refers to. */
  Handle.Count adopt(Handle<?> foreign, String what) {
    if (foreign.worker().node() != node) {
      throw new IllegalArgumentException(
          what
              + " on "
              + foreign.object()
              + " belongs to another system, on node "
              + foreign.worker().id().node()
              + "; it cannot be used in this one, on node "
              + id.node());
    }
    Handle.Count cover = foreign.duplicate("passing " + what + " on");
    Handle.Count mine = arrived(foreign.object(), Optional.empty());
    post(new WorkerInput.CoverGiven(foreign.object(), new Cover(cover)));
    return mine;
  }

  /**
   * A small value as user code gets it.
   *
   * @param outer the object whose value it is, if it is one's
   */
  Object decode(io.dfut.internal.task.InlineValue value, Optional<ObjectId> outer) {
    return value.isDirect() ? value.object() : node.values().decode(value, borrows(outer));
  }

  /** Makes handles of references that are decoded on behalf of this worker. */
  References.Source borrows(Optional<ObjectId> outer) {
    WorkerContext receiving = activeContext();
    return new References.Source() {
      @Override
      public SharedDFut<?> shared(ObjectId object) {
        return receiving.shared(arrived(object, outer));
      }

      @Override
      public ActorHandle<?> actor(References.Actor actor) {
        return receiving.actorHandle(
            arrived(actor.id().object(), outer), actor.className(), actor.maxPendingCalls());
      }
    };
  }

  /** Notes the references in a result of this worker's. */
  References.Sink sink() {
    return sink;
  }

  private final class ResultReferences implements References.Sink {
    @Override
    public ObjectId shared(SharedDFut<?> shared) {
      if (!(shared instanceof SharedHandle<?> handle)) {
        throw new io.dfut.SerializationException(
            "not a reference of this library: " + shared.getClass().getName());
      }
      return mine(handle, "a SharedDFut");
    }

    @Override
    public References.Actor actor(ActorHandle<?> actor) {
      ActorHandles.Reference<?> handle = ActorHandles.reference(actor);
      mine(handle, "an ActorHandle");
      return handle.written();
    }

    private ObjectId mine(Handle<?> handle, String what) {
      handle.requireOpen("returning " + what);
      if (handle.worker() != WorkerActor.this) {
        activeContext().track(adopt(handle, what));
      }
      return handle.object();
    }
  }

  boolean cancel(Handle.Count count) {
    if (count.cell.outcome() != null) {
      return false;
    }
    post(new WorkerInput.Cancel(count.id));
    return true;
  }

  /**
   * The context of the task that runs on this thread if it is this worker's, else the worker's own.
   */
  WorkerContext activeContext() {
    WorkerContext current = CurrentContext.orNull();
    return current != null && current.worker == this ? current : context;
  }

  WorkerContext context() {
    return context;
  }

  ValueReader reader() {
    return reader;
  }

  NodeRuntime node() {
    return node;
  }

  WorkerId id() {
    return id;
  }

  Optional<ActorId> actor() {
    return runner instanceof ActorRunner actor ? actor.id() : Optional.empty();
  }

  Optional<ActorRunner> actorRunner() {
    return runner instanceof ActorRunner actor ? Optional.of(actor) : Optional.empty();
  }

  Optional<String> end() {
    return end;
  }

  ActorRef<Object> ref() {
    return self;
  }

  void ref(ActorRef<Object> spawned) {
    self = spawned;
  }

  // ---- the end ----

  /** Nothing is submitted any more, what is pending fails, what is held is released. */
  void close(String reason) {
    if (!closed) {
      closed = true;
      post(new WorkerInput.Close(reason));
    }
  }

  /** Ends the worker because its actor ended. */
  void end(String reason) {
    ended(reason);
  }

  /** Runs when the worker has ended, at once if it has. */
  void whenEnded(Runnable action) {
    ending.thenRun(action);
  }

  /**
   * Ends an idle pool worker if its table is empty; it stays parked otherwise, since others may ask
   * for what it owns.
   */
  void retireIfEmpty(Runnable stay) {
    ask(WorkerMachine::isEmpty)
        .thenAccept(
            empty -> {
              // A body whose owner died may run on, and put what nobody would free.
              if (empty
                  && runner instanceof PoolRunner pool
                  && runningWhere(task -> true).isEmpty()) {
                pool.end(IDLE);
                ended(IDLE);
              } else {
                stay.run();
              }
            });
  }

  private void crashed(String cause) {
    TaskRunner now = runner;
    ended(cause);
    if (now != null) {
      now.end(cause);
    }
  }

  /** The worker is no more: everyone is told. */
  private void ended(String cause) {
    synchronized (this) {
      if (end.isPresent()) {
        return;
      }
      end = Optional.of(cause);
    }
    closed = true;
    if (!cause.equals(IDLE)) {
      post(
          new WorkerInput.Close(
              id + " is gone: " + cause)); // what it owns is freed, what it borrows released
    }
    answers.settle(); // or what they say would be done again
    node.workerEnded(this, cause);
    ending.complete(null);
    ActorRef<Object> actor = self;
    if (actor != null) {
      actor.tell(new Command.Stop());
    }
  }

  /**
   * For the node's own end: no word to anyone. What its tasks and actors come to from here on is an
   * effect of that end, and no answer: whoever waits elsewhere hears that the node is gone, and has
   * them run again.
   */
  void stop(String cause) {
    answers.settle(); // what has ended, has
    withNode = true; // before what is interrupted below looks
    TaskRunner now = runner;
    synchronized (this) {
      if (end.isEmpty()) {
        end = Optional.of(cause);
      }
    }
    closed = true;
    if (now != null) {
      now.end(cause);
    }
  }

  // ---- looking in ----

  /** The rows of the table, for people. */
  CompletableFuture<List<Inspection.Row>> describe() {
    return ask(WorkerMachine::describe);
  }

  /** What has no value, and why, for people. */
  CompletableFuture<List<Inspection.Pending>> pendingFutures() {
    return ask(WorkerMachine::pending);
  }

  /** What is here of tasks, for people. */
  List<Inspection.Attempt> attempts() {
    List<Inspection.Attempt> attempts = new ArrayList<>();
    TaskRunner now = runner; // what it has may run meanwhile; nothing that runs waits again
    if (now != null) {
      now.waiting((pushed, stage) -> attempts.add(attempt(pushed, stage)));
    }
    runningWhere(task -> true)
        .forEach(task -> attempts.add(attempt(task.pushed, Inspection.Stage.RUNNING)));
    return attempts;
  }

  private Inspection.Attempt attempt(Pushed pushed, Inspection.Stage stage) {
    TaskSpec spec = pushed.push.spec();
    return new Inspection.Attempt(id, spec.id(), pushed.push.attempt(), spec.display(), stage);
  }

  private <R> CompletableFuture<R> ask(java.util.function.Function<WorkerMachine, R> question) {
    CompletableFuture<R> answer = new CompletableFuture<>();
    Runnable look =
        () -> {
          try {
            answer.complete(question.apply(machine));
          } catch (RuntimeException e) {
            answer.completeExceptionally(e);
          }
        };
    inbox.post(look);
    return answer;
  }
}
