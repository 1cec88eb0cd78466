package io.dfut.internal.runtime;

import io.dfut.ActorHandle;
import io.dfut.ActorId;
import io.dfut.Arg;
import io.dfut.BackpressureException;
import io.dfut.DFut;
import io.dfut.DFut2;
import io.dfut.DFut3;
import io.dfut.DFut4;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.DPromise;
import io.dfut.GetTimeoutException;
import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.SerializationException;
import io.dfut.SharedDFut;
import io.dfut.SystemClosedException;
import io.dfut.TaskId;
import io.dfut.WaitResult;
import io.dfut.internal.api.ActorTemplate;
import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;
import io.dfut.internal.codec.References;
import io.dfut.internal.ownership.WorkerInput;
import io.dfut.internal.protocol.NodeMessage.NamedActor;
import io.dfut.internal.protocol.WorkerMessage.EndActor;
import io.dfut.internal.task.Argument;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.FunctionRef;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import io.dfut.internal.task.ThrownError;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Calls of user code on behalf of one worker: of a driver, an actor or a behaviour (this class), or
 * of a task that runs ({@link TaskContext}). Thread-safe.
 */
class WorkerContext implements ContextBackend {
  final WorkerActor worker;
  private final JobId job;

  /**
   * Made when user code asks for it, as most tasks do not; a race makes another that is as good.
   */
  private DFutContext face;

  WorkerContext(WorkerActor worker, JobId job) {
    this.worker = worker;
    this.job = job;
  }

  private static final class Face extends DFutContext {
    private final WorkerContext context;

    Face(WorkerContext context) {
      this.context = context;
    }

    @Override
    protected ContextBackend backend() {
      return context;
    }
  }

  final DFutContext face() {
    DFutContext known = face;
    if (known == null) {
      known = new Face(this);
      face = known;
    }
    return known;
  }

  // ---- what a task does otherwise ----

  /** A count came to be here: who gives it back if the user does not. */
  void track(Handle.Count count) {
    // The cleaner does.
  }

  boolean isCleaned() {
    return true;
  }

  int depth() {
    return 0;
  }

  /**
   * Whose calls of an actor keep their order: the plain task that runs, else all of the worker's.
   */
  Optional<TaskId> caller() {
    return Optional.empty();
  }

  /** What is left of the time of the running task, 0 for no bound. */
  long timeoutNanosLeft() {
    return 0;
  }

  // ---- handles ----

  private boolean adopt(Handle.Count count) {
    if (!Scope.add(this, count)) {
      track(count);
    }
    return isCleaned();
  }

  final <T> OwnedHandle<T> future(Handle.Count count) {
    return new OwnedHandle<>(count, adopt(count));
  }

  final <T> SharedHandle<T> shared(Handle.Count count) {
    return new SharedHandle<>(count, adopt(count));
  }

  final <A> ActorHandles.Reference<A> actorHandle(
      Handle.Count count, String className, int maxPendingCalls) {
    return new ActorHandles.Reference<>(count, adopt(count), className, maxPendingCalls, this);
  }

  // ---- submission ----

  @Override
  public final Object submit(TaskTemplate template, Object[] arguments) {
    TaskId id = worker.nextTask();
    TaskSpec.Kind kind =
        template.actor().isEmpty()
            ? TaskSpec.Kind.PLAIN
            : new TaskSpec.Kind.Call(actorOf(template.actor().get()));
    List<ResultCell> cells = submit(id, kind, template, arguments);
    if (cells.size() == 1) {
      return future(new Handle.Count(worker, id.result(0), cells.getFirst(), Optional.empty()));
    }
    List<OwnedHandle<Object>> futures = new ArrayList<>(cells.size());
    for (int i = 0; i < cells.size(); i++) {
      futures.add(future(new Handle.Count(worker, id.result(i), cells.get(i), Optional.empty())));
    }
    return switch (futures.size()) {
      case 2 -> new DFut2<>(futures.get(0), futures.get(1));
      case 3 -> new DFut3<>(futures.get(0), futures.get(1), futures.get(2));
      case 4 -> new DFut4<>(futures.get(0), futures.get(1), futures.get(2), futures.get(3));
      default -> throw new IllegalStateException("results: " + futures.size());
    };
  }

  private ActorId actorOf(ActorHandle<?> handle) {
    ActorHandles.Reference<?> reference = ActorHandles.reference(handle);
    reference.requireOpen("submit()");
    return reference.id();
  }

  private List<ResultCell> submit(
      TaskId id, TaskSpec.Kind kind, TaskTemplate template, Object[] values) {
    worker.requireOpen();
    CallSite site = CallSite.of(template.function().getClass());
    Lent lent = new Lent();
    FunctionRef function =
        worker
            .node()
            .functions()
            .describe(
                template.function(),
                io.dfut.internal.codec.ValueCodecs::isImmutable,
                value -> captured(value, lent));
    Argument[] arguments = new Argument[values.length];
    for (int i = 0; i < values.length; i++) {
      arguments[i] = argument(values[i], lent);
    }
    WorkerContext acting = acting();
    long timeout = timeoutNanos(template, acting.timeoutNanosLeft());
    TaskSpec spec =
        new TaskSpec(
            id,
            job,
            function,
            template.name().isPresent() ? template.name().get() : function.toString(),
            List.of(arguments),
            template.results(),
            kind,
            template.resources(),
            template.maxRetries(),
            namesOf(template.retryOn()),
            timeout,
            template.placement(),
            depth(),
            site);
    List<ResultCell> cells = cells(template.results());
    LocalTask local = new LocalTask(spec, cells, lent.dependencies);
    if (kind instanceof TaskSpec.Kind.Plain) {
      cells.forEach(cell -> cell.task = local);
    }
    begin(id, template, cells.getFirst());
    worker.post(new WorkerInput.Submit(spec, cells, local, acting.task(), caller()));
    if (acting instanceof TaskContext running && running.isStopped()) {
      // The table may have looked for its children before this one was there.
      running.task().ifPresent(stopped -> worker.post(new WorkerInput.ParentCancelled(stopped)));
    }
    lent.counted();
    Reference.reachabilityFence(values); // the handles among them
    Reference.reachabilityFence(template); // the actor's
    return cells;
  }

  /** Room is made for it, or it is refused. */
  private void begin(TaskId id, TaskTemplate template, ResultCell result) {
    ActorHandles.Reference<?> actor = template.actor().map(ActorHandles::reference).orElse(null);
    boolean isBounded = actor != null && actor.maxPendingCalls > 0;
    if (isBounded) {
      worker.pendingCalls.begin(id, actor.id(), actor.className, result, actor.maxPendingCalls);
    }
    try {
      worker.admit();
    } catch (RuntimeException e) {
      if (isBounded) {
        worker.pendingCalls.end(id);
      }
      throw e;
    }
  }

  private static List<ResultCell> cells(int results) {
    if (results == 1) {
      return List.of(new ResultCell());
    }
    return Stream.generate(ResultCell::new).limit(results).toList();
  }

  private static List<String> namesOf(List<Class<? extends Throwable>> classes) {
    return classes.isEmpty() ? List.of() : classes.stream().map(Class::getName).toList();
  }

  /**
   * The call that runs on this thread, if this is an actor's own context: what its methods do with
   * that, they do in the call, and it ends with it.
   */
  private WorkerContext acting() {
    return this instanceof TaskContext ? this : worker.activeContext();
  }

  private static long timeoutNanos(TaskTemplate template, long inherited) {
    long own = template.timeout().map(WorkerContext::nanos).orElse(0L);
    if (own == 0 || inherited == 0) {
      return Math.max(own, inherited);
    }
    return Math.min(own, inherited);
  }

  private static long nanos(Duration duration) {
    try {
      return duration.toNanos();
    } catch (ArithmeticException e) {
      return Long.MAX_VALUE / 4;
    }
  }

  private Argument argument(Object value, Lent lent) {
    return switch (value) {
      case DFut<?> future -> new Argument.Reference(lent.dependOn(own(future)));
      case Arg.All<?>(List<?> futures) -> {
        List<ObjectId> ids = new ArrayList<>(futures.size());
        for (Object future : futures) {
          ids.add(lent.dependOn(own((DFut<?>) future)));
        }
        yield new Argument.ReferenceList(ids);
      }
      case Arg.Value<?>(Object plain) -> plain(plain, lent);
      case null, default -> plain(value, lent);
    };
  }

  private Argument plain(Object value, Lent lent) {
    Optional<Outcome.Inline> small = worker.node().values().keepInline(value, lent, false);
    if (small.isPresent()) {
      return new Argument.Value(small.get().value(), small.get().contained());
    }
    OwnedHandle<Object> put = (OwnedHandle<Object>) this.put(value);
    lent.temporary = Lent.with(lent.temporary, put);
    return new Argument.Reference(lent.dependOn(put));
  }

  private Argument.Value captured(Object value, Lent lent) {
    Outcome.Inline inline = worker.node().values().keepInline(value, lent, true).orElseThrow();
    return new Argument.Value(inline.value(), inline.contained());
  }

  private OwnedHandle<?> own(DFut<?> future) {
    Objects.requireNonNull(future, "a future among the arguments");
    if (!(future instanceof OwnedHandle<?> handle)) {
      throw new IllegalArgumentException(
          "not a future of this library: " + future.getClass().getName());
    }
    handle.requireOpen("an argument");
    if (handle.worker() != worker) {
      throw new IllegalArgumentException(
          handle.object()
              + " belongs to "
              + handle.worker().id()
              + ", but is used in "
              + worker.id()
              + ", a context of another "
              + (handle.worker().node() == worker.node() ? "worker" : "system")
              + ". Pass share() of it as a parameter of type SharedDFut, and borrow() there.");
    }
    return handle;
  }

  /**
   * What a task, while it is prepared, is found to take, and references found in values. Their
   * handles must not go before the task counts them. Most tasks take nothing.
   */
  private final class Lent implements References.Sink {
    /** Where the values that it takes are waited for, in their order. */
    List<ResultCell> dependencies = List.of();

    /** Handles of large arguments, which were put for this task. */
    List<DFut<?>> temporary = List.of();

    private List<Object> handles = List.of();

    /**
     * Counts of this worker's own on references that came from another worker of the JVM without a
     * message.
     */
    private List<Handle.Count> adopted = List.of();

    ObjectId dependOn(OwnedHandle<?> handle) {
      dependencies = with(dependencies, handle.count.cell);
      return handle.object();
    }

    private static <E> List<E> with(List<E> some, E another) {
      List<E> more = some.isEmpty() ? new ArrayList<>(4) : some;
      more.add(another);
      return more;
    }

    @Override
    public ObjectId shared(SharedDFut<?> shared) {
      if (!(shared instanceof SharedHandle<?> handle)) {
        throw new SerializationException(
            "not a reference of this library: " + shared.getClass().getName());
      }
      return lend(handle, "a SharedDFut");
    }

    @Override
    public References.Actor actor(ActorHandle<?> actor) {
      ActorHandles.Reference<?> handle = ActorHandles.reference(actor);
      lend(handle, "an ActorHandle");
      return handle.written();
    }

    private ObjectId lend(Handle<?> handle, String what) {
      handle.requireOpen("passing " + what + " on");
      handles = with(handles, handle);
      if (handle.worker() != worker) {
        adopted = with(adopted, worker.adopt(handle, what));
      }
      return handle.object();
    }

    /** The table has counted them: they may go. */
    void counted() {
      temporary.forEach(DFut::close);
      adopted.forEach(count -> count.release("after it was passed on"));
      Reference.reachabilityFence(handles);
    }
  }

  // ---- values and promises ----

  @Override
  public final <T> DFut<T> put(T value) {
    worker.requireOpen();
    TaskId id = worker.nextTask();
    ObjectId object = id.result(0);
    Lent lent = new Lent();
    CallSite site = CallSite.here();
    Outcome outcome = worker.node().values().keep(object, 0, value, lent, () -> "put at " + site);
    ResultCell cell = new ResultCell();
    cell.complete(outcome);
    worker.post(new WorkerInput.Put(object, outcome, site, cell));
    lent.counted();
    return future(new Handle.Count(worker, object, cell, Optional.empty()));
  }

  @Override
  public final <T> DPromise<T> promise() {
    worker.requireOpen();
    ObjectId object = worker.nextTask().result(0);
    ResultCell cell = new ResultCell();
    worker.post(new WorkerInput.PromiseMade(object, CallSite.here(), cell));
    OwnedHandle<T> future = future(new Handle.Count(worker, object, cell, Optional.empty()));
    return new Promise<>(object, cell, future);
  }

  private final class Promise<T> implements DPromise<T> {
    private final ObjectId object;
    private final ResultCell cell;
    private final OwnedHandle<T> future;

    Promise(ObjectId object, ResultCell cell, OwnedHandle<T> future) {
      this.object = object;
      this.cell = cell;
      this.future = future;
    }

    @Override
    public DFut<T> future() {
      return future;
    }

    @Override
    public boolean complete(T value) {
      if (cell.outcome() != null) {
        return false;
      }
      Lent lent = new Lent();
      Outcome outcome = worker.node().values().keep(object, 0, value, lent, () -> "a promise");
      boolean won = settle(outcome);
      lent.counted();
      return won;
    }

    @Override
    public boolean fail(Throwable cause) {
      Objects.requireNonNull(cause, "cause");
      return settle(
          new Outcome.Failed(
              Failure.caused(
                  Failure.Kind.TASK_FAILED,
                  object + ", a promise, was failed by hand: " + cause,
                  ThrownError.of(cause))));
    }

    private boolean settle(Outcome outcome) {
      boolean won = worker.settlePromise(object, cell, outcome);
      if (!won && outcome instanceof Outcome.Stored stored) {
        worker.node().store().free(new io.dfut.internal.spi.ObjectKey(object, stored.attempt()));
      }
      return won;
    }
  }

  // ---- waiting ----

  @Override
  @SuppressWarnings(
      "unchecked") // a future of a subtype is a future of the type, since it only gives values
  public final <T> WaitResult<T> await(
      Collection<? extends DFut<? extends T>> futures, int count, Duration timeout) {
    Objects.requireNonNull(futures, "futures");
    Objects.requireNonNull(timeout, "timeout");
    if (timeout.isNegative()) {
      throw new IllegalArgumentException("timeout is " + timeout + "; it must not be negative");
    }
    List<OwnedHandle<T>> handles = new ArrayList<>(futures.size());
    for (DFut<? extends T> future : futures) {
      Objects.requireNonNull(future, "an element of futures");
      if (!(future instanceof OwnedHandle<?> handle)) {
        throw new IllegalArgumentException(
            "not a future of this library: " + future.getClass().getName());
      }
      handles.add((OwnedHandle<T>) handle);
    }
    if (handles.isEmpty() && count == 0) {
      return new WaitResult<>(List.of(), List.of());
    }
    if (count < 1 || count > handles.size()) {
      throw new IllegalArgumentException(
          "count is "
              + count
              + "; it must be from 1 to the number of futures, which is "
              + handles.size());
    }
    handles.forEach(handle -> handle.requireOpen("await(…)"));
    awaitSettled(handles, count, Deadline.in(timeout));
    List<DFut<T>> ready = new ArrayList<>(count);
    List<DFut<T>> pending = new ArrayList<>();
    for (OwnedHandle<T> handle : handles) {
      boolean settled = ready.size() < count && handle.count.cell.outcome() != null;
      (settled ? ready : pending).add(handle);
    }
    return new WaitResult<>(ready, pending);
  }

  private <T> void awaitSettled(List<OwnedHandle<T>> handles, int count, Deadline deadline) {
    long settledNow =
        handles.stream().filter(handle -> handle.count.cell.outcome() != null).count();
    handles.forEach(handle -> handle.worker().reader().want(handle.object()));
    if (settledNow >= count || deadline.leftNanos() <= 0) {
      return;
    }
    Threads.refuseToBlock(worker.node().system(), "await(…)");
    Semaphore settled = new Semaphore(0);
    for (OwnedHandle<T> handle : handles) {
      handle.count.cell.whenSettled(settled::release);
    }
    TaskContext task = this instanceof TaskContext t ? t : null;
    if (task != null) {
      task.blocked();
    }
    try {
      long left;
      while ((left = deadline.leftNanos()) > 0) {
        // Looks up now and then, so that a closed handle or system is noticed.
        if (settled.tryAcquire(count, Math.min(left, 100_000_000L), TimeUnit.NANOSECONDS)) {
          return;
        }
        handles.forEach(handle -> handle.requireOpen("await(…)"));
        Optional<String> end = worker.end();
        if (end.isPresent()) {
          throw new SystemClosedException("await(…) cannot be answered: " + end.get());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new io.dfut.TaskCancelledException(
          "the thread was interrupted while it waited in await(…)");
    } finally {
      if (task != null) {
        task.unblocked();
      }
    }
  }

  // ---- actors ----

  @Override
  public final <A extends DFutActor<?>> ActorHandle<A> create(
      ActorTemplate template, Object[] arguments, boolean orGet) {
    worker.requireOpen();
    TaskId id = worker.nextTask();
    ActorId actor = new ActorId(id.owner(), id.sequence());
    TaskSpec.ActorOptions options =
        new TaskSpec.ActorOptions(
            actorClass(template),
            template.name(),
            template.maxConcurrency(),
            template.detached(),
            template.restarts(),
            template.checkpoints(),
            TaskSpec.SavedState.NONE,
            template.maxPendingCalls());
    Optional<NamedActor> claimed = worker.node().named(actor, options);
    if (claimed.isPresent()) {
      Optional<NamedActor> holder = worker.node().directory().claim(claimed.get());
      if (holder.isPresent() && !holder.get().actor().equals(actor)) {
        if (orGet) {
          return found(holder.get());
        }
        throw new IllegalArgumentException(
            "the name \""
                + claimed.get().name()
                + "\" in namespace \""
                + claimed.get().namespace()
                + "\" is held by "
                + holder.get().className()
                + " ("
                + holder.get().actor()
                + "); use createOrGet(), kill that one, or"
                + " choose another name");
      }
    }
    List<ResultCell> cells;
    try {
      cells = submit(id, new TaskSpec.Kind.Creation(options), template.creation(), arguments);
    } catch (RuntimeException e) {
      claimed.ifPresent(name -> worker.node().directory().release(name));
      throw e;
    }
    return actorHandle(
        new Handle.Count(worker, id.result(0), cells.getFirst(), Optional.empty()),
        options.className(),
        options.maxPendingCalls());
  }

  private String actorClass(ActorTemplate template) {
    FunctionRef function =
        worker
            .node()
            .functions()
            .describe(
                template.creation().function(),
                io.dfut.internal.codec.ValueCodecs::isImmutable,
                value -> captured(value, new Lent()));
    String signature = function.descriptor().callType();
    String result = signature.substring(signature.indexOf(')') + 1);
    return result.startsWith("L")
        ? result.substring(1, result.length() - 1).replace('/', '.')
        : "java.lang.Object";
  }

  private <A extends DFutActor<?>> ActorHandle<A> found(NamedActor named) {
    ObjectId object = named.actor().object();
    Handle.Count count =
        named
            .worker()
            .map(
                at ->
                    worker.found(
                        object, new Outcome.Actor(at, named.className(), named.restarts())))
            .orElseGet(() -> worker.arrived(object, Optional.empty()));
    return actorHandle(count, named.className(), named.maxPendingCalls());
  }

  @Override
  public final <A extends DFutActor<?>> Optional<ActorHandle<A>> findActor(
      Class<A> type, String name) {
    worker.requireOpen();
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(name, "name");
    Optional<NamedActor> holder =
        worker.node().directory().find(worker.node().settings().namespace(), name);
    if (holder.isPresent() && !isA(holder.get().className(), type)) {
      throw new IllegalArgumentException(
          "the actor named \""
              + name
              + "\" is a "
              + holder.get().className()
              + ", not a "
              + type.getName());
    }
    return holder.map(this::found);
  }

  private boolean isA(String className, Class<?> type) {
    if (className.equals(type.getName())) {
      return true;
    }
    try {
      return type.isAssignableFrom(Class.forName(className, false, type.getClassLoader()));
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  @Override
  public final void kill(ActorHandle<?> handle, boolean restart) {
    ActorHandles.Reference<?> reference = ActorHandles.reference(handle);
    reference.requireOpen("kill(…)");
    ResultCell cell = reference.count.cell;
    reference.worker().reader().want(reference.object());
    Handle.Count kept = reference.duplicate("kill(…)");
    if (cell.outcome() == null && !restart) {
      reference
          .worker()
          .cancel(kept); // its constructor is stopped; what it made of itself nevertheless is ended
      // below
    }
    cell.whenSettled(
        () -> {
          if (cell.outcome() instanceof Outcome.Actor actor) {
            worker.send(actor.worker(), new EndActor("it was killed", restart));
          }
          kept.release("after kill(…)");
        });
  }

  @Override
  public final boolean cancel(DFut<?> future) {
    OwnedHandle<?> handle = own(future);
    boolean cancelled = handle.worker().cancel(handle.count);
    handle.keepReachable();
    return cancelled;
  }

  @Override
  public final boolean cancel(SharedDFut<?> future) {
    if (!(future instanceof SharedHandle<?> handle)) {
      throw new IllegalArgumentException(
          "not a reference of this library: " + future.getClass().getName());
    }
    handle.requireOpen("cancel(…)");
    boolean cancelled = handle.worker().cancel(handle.count);
    handle.keepReachable();
    return cancelled;
  }

  @Override
  public final <R> R scope(Supplier<R> body) {
    return Scope.run(this, body);
  }

  // ---- who and where ----

  @Override
  public final JobId job() {
    return job;
  }

  @Override
  public final NodeId node() {
    return worker.id().node();
  }

  @Override
  public Optional<TaskId> task() {
    return Optional.empty();
  }

  @Override
  public int attempt() {
    return 0;
  }

  @Override
  public Optional<ActorId> actor() {
    return worker.actor();
  }

  @Override
  public boolean isCancelled() {
    return acting() instanceof TaskContext running && running.isCancelled();
  }

  static BackpressureException full(int pending) {
    return new BackpressureException(
        "the worker has "
            + pending
            + " tasks that have not ended (dfut.worker.max-pending-tasks), and this thread must"
            + " not wait; submit less, or from another thread");
  }

  static GetTimeoutException directorySilent(String what, Duration after) {
    return new GetTimeoutException(
        what
            + ": the directory of named actors did not answer within "
            + after
            + " (dfut.actors.directory-timeout); asking again is safe");
  }
}
