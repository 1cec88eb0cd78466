package io.dfut.internal.runtime;

import io.dfut.ActorHandle;
import io.dfut.ActorId;
import io.dfut.Checkpointed;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.Inspection;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.api.ActorAccess;
import io.dfut.internal.ownership.CallCycles;
import io.dfut.internal.protocol.WorkerMessage.ActorEnded;
import io.dfut.internal.protocol.WorkerMessage.CheckpointDue;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker that is a {@link DFutActor}: its calls and typed messages, on one mailbox, at most
 * {@code maxConcurrency} at a time, on virtual threads that exist only while there is something to
 * do. Thread-safe.
 */
final class ActorRunner implements TaskRunner, ActorCell {
  private static final Logger LOG = LoggerFactory.getLogger(ActorRunner.class);

  private final WorkerActor worker;
  private final Optional<ActorId> id;
  private final int maxConcurrency;
  private final WorkerContext context;
  private final boolean restarted;

  /** Guards all below. */
  private final Object lock = new Object();

  private final CallOrder order;

  /** Calls ({@link Pushed}) and typed messages (anything else), in the order in which they run. */
  private final ArrayDeque<Object> mailbox = new ArrayDeque<>();

  /** Guarded by {@link #lock}. */
  private final CallCycles cycles = new CallCycles();

  /** Threads that run a call or look for one. */
  private int running;

  /** Of these, those that found the mailbox empty and look a little longer. */
  private int looking;

  /** Whether the mailbox has something; changed under {@link #lock}, read without as a hint. */
  private volatile boolean hasMail;

  private Optional<String> ended = Optional.empty();

  /** Whether another incarnation may follow. */
  private boolean mayFollow;

  /** Why the actor goes elsewhere, as soon as the methods that run have ended. */
  private Optional<String> moving = Optional.empty();

  /** What it was made by; empty for a behaviour, and before. */
  private Optional<TaskSpec> creation = Optional.empty();

  private boolean stopped;
  private DFutActor<?> actor;

  private CheckpointPolicy checkpoints;

  /**
   * The owner's call for the actor's state; null for none. It runs before what is in the mailbox,
   * and also when the actor goes elsewhere.
   */
  private Pushed stateCall;

  private volatile boolean restored;

  /**
   * @param id empty for an actor that the user spawned as a behaviour: it has no remote calls
   * @param restarted whether another incarnation may have been before
   */
  ActorRunner(
      WorkerActor worker,
      Optional<ActorId> id,
      int maxConcurrency,
      WorkerContext context,
      boolean restarted) {
    this.restarted = restarted;
    this.worker = worker;
    this.id = id;
    this.maxConcurrency = maxConcurrency;
    this.context = context;
    this.order = new CallOrder(call -> call.fetch(worker), this::fetched, this::enqueue);
    this.checkpoints = checkpoints(TaskSpec.Checkpoints.ON_DEMAND, false);
  }

  private CheckpointPolicy checkpoints(TaskSpec.Checkpoints when, boolean areKept) {
    return new CheckpointPolicy(
        when, areKept, time -> worker.node().after(time, this::saveCheckpoint));
  }

  // ---- life ----

  /** Constructs the actor on the current thread and answers its creation. */
  void create(TaskContext making) {
    TaskSpec spec = making.pushed.push.spec();
    TaskSpec.ActorOptions options = spec.options();
    synchronized (lock) {
      creation = Optional.of(spec);
      checkpoints = checkpoints(options.checkpoints(), options.restarts().any());
    }
    making.run(
        body -> {
          begin(restored(() -> (DFutActor<?>) body.call(new Object[0]), making, options));
          return actor;
        });
    if (exists()) {
      schedule();
    }
  }

  /** Whether the constructor has returned. */
  boolean exists() {
    synchronized (lock) {
      return actor != null;
    }
  }

  /**
   * Constructs the actor on the current thread; what the constructor or {@code onStart} throws is
   * the caller's.
   */
  void construct(ThrowingSupplier constructor) throws Throwable {
    begin(constructed(constructor));
  }

  private DFutActor<?> constructed(ThrowingSupplier constructor) throws Exception {
    return ScopedValue.where(CurrentContext.CONSTRUCTING, this).call(() -> checked(constructor));
  }

  private void begin(DFutActor<?> made) throws Exception {
    ActorAccess.get().onStart(made);
    synchronized (lock) {
      actor = made;
      if (!(made instanceof Checkpointed)) {
        checkpoints.stop();
      }
    }
  }

  /** With its saved state, if there is one, and it can be read and is taken. */
  private DFutActor<?> restored(
      ThrowingSupplier constructor, TaskContext making, TaskSpec.ActorOptions options)
      throws Throwable {
    DFutActor<?> made = constructed(constructor);
    if (options.state() == TaskSpec.SavedState.LOST) {
      LOG.warn(
          "the saved state of actor {} ({}) is lost with every copy of it: it begins without",
          options.className(),
          id.orElseThrow());
    } else if (options.state() == TaskSpec.SavedState.LAST_ARGUMENT) {
      try {
        restore(made, making.savedState());
        restored = true;
      } catch (TaskContext.ArgumentLost e) {
        throw e;
      } catch (Throwable t) {
        if (making.isCancelled()) {
          throw t;
        }
        LOG.warn(
            "actor {} ({}) cannot be restored from its saved state: it is constructed once more,"
                + " without",
            options.className(),
            id.orElseThrow(),
            t);
        return constructed(constructor);
      }
    }
    return made;
  }

  @SuppressWarnings("unchecked") // it gave such a state itself; if not, that is what is caught
  private static void restore(DFutActor<?> made, Object state) throws Exception {
    ((Checkpointed<Object>) made).restore(state);
  }

  /** A constructor, which may throw anything. */
  interface ThrowingSupplier {
    DFutActor<?> get() throws Throwable;
  }

  private static DFutActor<?> checked(ThrowingSupplier constructor) throws Exception {
    try {
      return constructor.get();
    } catch (Exception | Error e) {
      throw e;
    } catch (Throwable t) {
      throw new IllegalStateException(t);
    }
  }

  Optional<ActorId> id() {
    return id;
  }

  String className() {
    synchronized (lock) {
      return actor == null ? "an actor that is being made" : actor.getClass().getName();
    }
  }

  int queued() {
    synchronized (lock) {
      return mailbox.size();
    }
  }

  @Override
  public DFutContext context(Class<?> type) {
    return context.face();
  }

  @Override
  public <A extends DFutActor<?>> ActorHandle<A> self(A self) {
    ActorId actorId =
        id.orElseThrow(
            () ->
                new IllegalStateException(
                    self.getClass().getName()
                        + " was spawned as a behaviour, so it has no handle; create it with"
                        + " dfut.actor(…)"));
    return context.<A>actorHandle(
        worker.arrived(actorId.object(), Optional.empty()),
        self.getClass().getName(),
        maxPendingCalls());
  }

  /** As the handles have it that others were given. */
  private int maxPendingCalls() {
    return creation().map(spec -> spec.options().maxPendingCalls()).orElse(0);
  }

  @Override
  public void stopSelf() {
    end("it stopped itself");
  }

  @Override
  public boolean isRestarted() {
    return restarted;
  }

  @Override
  public boolean isRestored() {
    return restored;
  }

  // ---- the mailbox ----

  @Override
  public void offer(Pushed pushed) {
    synchronized (lock) {
      order.offer(pushed);
    }
  }

  private void fetched(Pushed call) {
    synchronized (lock) {
      order.fetched(call);
    }
  }

  /** A typed message. */
  void deliver(Object message) {
    enqueue(message);
  }

  private void enqueue(Object item) {
    Optional<String> dead;
    synchronized (lock) {
      dead = ended;
      if (dead.isEmpty() && item instanceof Pushed call && isStateCall(call)) {
        stateCall = call;
        hasMail = true;
      } else if (dead.isEmpty()) {
        mailbox.addLast(item);
        hasMail = true;
      }
    }
    if (dead.isPresent()) {
      refuse(item, dead.get());
    } else {
      schedule();
    }
  }

  private void schedule() {
    synchronized (lock) {
      int calls = moving.isPresent() ? 0 : mailbox.size();
      int unserved = calls + (stateCall == null ? 0 : 1) - looking;
      while (actor != null && running < maxConcurrency && unserved-- > 0) {
        running++;
        Thread.ofVirtual().name("dfut-actor-" + worker.id().sequence()).start(this::drain);
      }
    }
  }

  private void drain() {
    boolean looked = false;
    boolean changed = false;
    while (true) {
      Object item;
      synchronized (lock) {
        if (looked) {
          looking--;
        }
        if (changed) {
          checkpoints.changed();
        }
        if (checkpoints.sayDue()) {
          sayDue();
        }
        item = next();
        if (item == null && (looked || ended.isPresent() || moving.isPresent() || looking > 0)) {
          running--;
          break;
        }
        looked = item == null;
        if (looked) {
          looking++;
        }
        if (item instanceof Pushed call) {
          TaskContext taken = new TaskContext(worker, call, slot, null);
          worker.taken(taken); // it leaves the mailbox and counts as running in one
          item = taken;
        }
      }
      changed = item != null && !(item instanceof TaskContext call && isStateCall(call.pushed));
      if (looked) {
        look();
      } else if (item instanceof TaskContext call) {
        run(call);
      } else {
        receive(item);
      }
    }
    worker.answers().settle();
    stopIfDone();
    moveIfIdle();
  }

  /** Under the lock: what runs next; null for nothing. */
  private Object next() {
    Object item = stateCall;
    if (item != null) {
      stateCall = null;
      checkpoints.taken();
    } else if (moving.isEmpty()) {
      item = mailbox.pollFirst();
    }
    hasMail = stateCall != null || !mailbox.isEmpty();
    return item;
  }

  /** Its calls hold nothing that could be lent out while they block. */
  private final TaskContext.Slot slot =
      new TaskContext.Slot() {
        @Override
        public void blocked() {
          worker.answers().settle();
        }

        @Override
        public void unblocked() {}

        @Override
        public boolean hasMore() {
          return hasMail;
        }
      };

  /** A call that comes within some microseconds finds a thread awake: to start one costs more. */
  private void look() {
    for (int i = 0; i < PoolRunner.SPINS && !hasMail; i++) {
      if (i == PoolRunner.SPINS_BEFORE_HELP) {
        worker.answers().settle();
      }
      Thread.onSpinWait();
    }
  }

  private void run(TaskContext context) {
    worker.answers().next();
    Pushed call = context.pushed;
    if (!call.claim.take(call.push.attempt())) {
      worker.ended(context);
      worker.drop(call);
      worker.send(
          call.push.spec().id().owner(),
          new io.dfut.internal.protocol.WorkerMessage.TaskHandedBack(
              call.push.spec().id(), call.push.attempt(), worker.id()));
      return;
    }
    if (worker.refuseWithoutArguments(context)) {
      return;
    }
    context.run(
        isStateCall(call)
            ? task -> ((Checkpointed<?>) actor).checkpoint()
            : task -> task.call(new Object[] {actor}));
  }

  private void receive(Object message) {
    try {
      ScopedValue.where(CurrentContext.CURRENT, context)
          .call(
              () -> {
                ActorAccess.get().onMessage(actor, message);
                return null;
              });
    } catch (Exception e) {
      LOG.warn(
          "actor {} ({}) could not handle a {}",
          className(),
          worker.id(),
          message.getClass().getName(),
          e);
    }
  }

  // ---- its state ----

  private static boolean isStateCall(Pushed call) {
    return StateCalls.is(call.push.spec());
  }

  @Override
  public void saveCheckpoint() {
    synchronized (lock) {
      checkpoints.demand();
      if (actor != null && ended.isEmpty() && checkpoints.sayDue()) {
        sayDue();
      }
    }
  }

  /** Under the lock. After what the actor has answered, its creation among that. */
  private void sayDue() {
    ActorId actorId = id.orElseThrow();
    worker.inTurn(
        () -> worker.send(actorId.owner(), new CheckpointDue(actorId.object(), worker.id())));
  }

  /** Nobody keeps its states: it will not be made anew. */
  void statesRefused() {
    synchronized (lock) {
      checkpoints.stop();
    }
    moveIfIdle(); // it may have waited for that only
  }

  // ---- the end ----

  @Override
  public void cancel(TaskId task, int attempt) {
    Optional<Pushed> found;
    synchronized (lock) {
      found = inMailbox(call -> call.isTask(task, attempt));
      found.ifPresent(mailbox::remove);
      if (found.isEmpty()) {
        found = order.takeOut(call -> call.isTask(task, attempt));
      }
    }
    found.ifPresent(
        call -> {
          call.claim.take(call.push.attempt());
          answer(
              call,
              Failure.of(Failure.Kind.CANCELLED, call.push.spec().display() + " was cancelled"));
        });
  }

  /** Under the lock: a call that waits for its turn. */
  private Optional<Pushed> inMailbox(Predicate<Pushed> which) {
    for (Object item : mailbox) {
      if (item instanceof Pushed call && which.test(call)) {
        return Optional.of(call);
      }
    }
    return Optional.empty();
  }

  /**
   * Somebody waits for a call that waits here. If every method that runs here waits for that call
   * in turn, it would never have its turn: it fails, which frees them all.
   *
   * @param waiters tasks that wait for the call
   * @return whether the call waits here
   */
  boolean waitedFor(TaskId task, List<TaskId> waiters) {
    Pushed found;
    synchronized (lock) {
      found = inMailbox(call -> call.push.spec().id().equals(task)).orElse(null);
      if (found == null) {
        return false;
      }
      List<TaskContext> methods = worker.runningWhere(running -> true);
      boolean allWait =
          running >= maxConcurrency
              && methods.size() == running
              && methods.stream().allMatch(TaskContext::isBlocked);
      Set<TaskId> queued = new HashSet<>();
      for (Object item : mailbox) {
        if (item instanceof Pushed call) {
          queued.add(call.push.spec().id());
        }
      }
      if (!cycles.canNeverRun(
          task,
          waiters,
          queued,
          allWait
              ? methods.stream().map(method -> method.task().orElseThrow()).toList()
              : List.of(),
          System.nanoTime())) {
        return true;
      }
      mailbox.remove(found);
    }
    found.claim.take(found.push.attempt());
    answer(
        found,
        Failure.of(
            Failure.Kind.TASK_FAILED,
            found.push.spec().display()
                + " can never run: actor "
                + className()
                + " is busy with a call that waits for it, through "
                + waiters
                + ". Do not get() in a method what calls back into its actor: use"
                + " toCompletionStage(), or give the actor a maxConcurrency above 1."));
    return true;
  }

  @Override
  public void waiting(BiConsumer<Pushed, Inspection.Stage> action) {
    synchronized (lock) {
      order.waiting(action);
      for (Object item : mailbox) {
        if (item instanceof Pushed call) {
          action.accept(call, Inspection.Stage.QUEUED);
        }
      }
    }
  }

  @Override
  public void fence(Predicate<WorkerId> deadOwner) {
    List<Pushed> dropped = new ArrayList<>();
    boolean isOwnerless = id.isPresent() && deadOwner.test(id.get().owner());
    synchronized (lock) {
      if (isOwnerless && stateCall != null) {
        dropped.add(stateCall);
        stateCall = null;
      }
      dropped.addAll(order.forget(deadOwner));
      for (Object item : mailbox) {
        if (item instanceof Pushed call && deadOwner.test(call.push.spec().id().owner())) {
          dropped.add(call);
        }
      }
      mailbox.removeAll(dropped);
    }
    dropped.forEach(worker::drop);
    if (isOwnerless) {
      statesRefused();
    }
  }

  @Override
  public void end(String reason) {
    end(reason, false);
  }

  /**
   * The running methods are interrupted, what waits is refused.
   *
   * @param restarts whether the owner may make the actor anew
   */
  void end(String reason, boolean restarts) {
    List<Object> waiting;
    synchronized (lock) {
      if (ended.isPresent()) {
        return;
      }
      ended = Optional.of(reason);
      mayFollow = restarts;
      waiting = takeAll();
    }
    waiting.forEach(item -> refuse(item, reason));
    if (!reason.equals("it stopped itself")) {
      worker
          .runningWhere(task -> !task.isOn(Thread.currentThread()))
          .forEach(task -> task.cancel(failure()));
    }
    stopIfDone();
  }

  /** Under the lock: what waits will not run here. */
  private List<Object> takeAll() {
    List<Object> waiting = new ArrayList<>(mailbox);
    mailbox.clear();
    if (stateCall != null) {
      waiting.add(stateCall);
      stateCall = null;
    }
    checkpoints.stop();
    return waiting;
  }

  /** After the last running method. */
  private void stopIfDone() {
    DFutActor<?> stopping;
    synchronized (lock) {
      if (ended.isEmpty() || running > 0 || stopped) {
        return;
      }
      stopped = true;
      stopping = actor;
    }
    if (stopping != null) {
      Thread.ofVirtual().name("dfut-actor-" + worker.id().sequence()).start(() -> stop(stopping));
    } else {
      worker.actorStopped(failure());
    }
  }

  // ---- going elsewhere ----

  /** What it was made by. */
  Optional<TaskSpec> creation() {
    synchronized (lock) {
      return creation;
    }
  }

  /** Whether it has left: what is here only sends its callers on. */
  boolean hasMoved() {
    synchronized (lock) {
      return moving.isPresent() && ended.isPresent();
    }
  }

  /**
   * The methods that run end, none is begun any more. Its state is saved, if it is kept and has
   * changed. Then the owner hears that it may make the actor anew, and after that every caller that
   * its calls were not begun. The worker stays, to say so to those who come later.
   */
  void move(String reason) {
    synchronized (lock) {
      if (ended.isPresent() || moving.isPresent() || actor == null) {
        return;
      }
      moving = Optional.of(reason);
    }
    moveIfIdle();
  }

  private void moveIfIdle() {
    DFutActor<?> stopping;
    synchronized (lock) {
      if (moving.isEmpty() || ended.isPresent() || running > 0 || stopped) {
        return;
      }
      if (checkpoints.isUnsaved()) {
        if (checkpoints.sayLast()) {
          sayDue();
        }
        return; // until the state has been taken
      }
      stopped = true;
      stopping = actor;
    }
    Thread.ofVirtual()
        .name("dfut-actor-" + worker.id().sequence())
        .start(
            () -> {
              callOnStop(stopping);
              worker.inTurn(this::sendCallersOn); // after the answers that are on their way
            });
  }

  private void sendCallersOn() {
    List<Object> waiting;
    synchronized (lock) {
      if (ended.isPresent()) { // it was killed meanwhile
        waiting = List.of();
      } else {
        ended = moving;
        mayFollow = true;
        waiting = takeAll();
      }
    }
    if (hasMoved() && mayFollow) {
      worker.actorMoved(failure());
      waiting.forEach(item -> refuse(item, moving.orElseThrow()));
    } else {
      worker.actorStopped(failure());
    }
  }

  private void stop(DFutActor<?> stopping) {
    callOnStop(stopping);
    worker.actorStopped(failure());
  }

  private void callOnStop(DFutActor<?> stopping) {
    try {
      ScopedValue.where(CurrentContext.CURRENT, context)
          .call(
              () -> {
                ActorAccess.get().onStop(stopping);
                return null;
              });
    } catch (Exception e) {
      LOG.warn("onStop of actor {} ({}) failed", stopping.getClass().getName(), worker.id(), e);
    }
  }

  private Failure failure() {
    String reason = ended.orElse("unknown");
    return Failure.died(
        mayFollow ? Failure.Kind.ACTOR_UNAVAILABLE : Failure.Kind.ACTOR_DIED,
        "actor "
            + className()
            + " ("
            + id.map(ActorId::toString).orElse("a behaviour")
            + ") at "
            + worker.id()
            + " is gone: "
            + reason,
        1,
        reason);
  }

  private void refuse(Object item, String reason) {
    if (item instanceof Pushed call) {
      call.claim.take(call.push.attempt());
      answer(call, failure());
    } else {
      LOG.debug(
          "actor {} got a {} after its end: {}", worker.id(), item.getClass().getName(), reason);
    }
  }

  private void answer(Pushed call, Failure failure) {
    worker.drop(call);
    if (worker.endsWithNode()) {
      return;
    }
    TaskSpec spec = call.push.spec();
    worker.send(
        spec.id().owner(),
        new TaskReturned(
            spec.id(),
            call.push.attempt(),
            java.util.Collections.nCopies(spec.results(), new Outcome.Failed(failure)),
            List.of(),
            List.of(),
            List.of(),
            worker.id()));
  }

  /** What the owner is told at the end. */
  static ActorEnded endedMessage(ActorId id, Failure failure) {
    return new ActorEnded(id.object(), failure);
  }

  /** For behaviours: the constructor as the runner takes it. */
  static ThrowingSupplier of(Callable<? extends DFutActor<?>> constructor) {
    return constructor::call;
  }
}
