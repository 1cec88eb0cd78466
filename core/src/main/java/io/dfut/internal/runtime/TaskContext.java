package io.dfut.internal.runtime;

import io.dfut.ObjectId;
import io.dfut.ObjectLostException;
import io.dfut.Returns2;
import io.dfut.Returns3;
import io.dfut.Returns4;
import io.dfut.TaskId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.codec.References;
import io.dfut.internal.ownership.WorkerInput;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.protocol.WorkerMessage.Waited;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.Argument;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.FunctionRef;
import io.dfut.internal.task.Functions;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import io.dfut.internal.task.ThrownError;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt of one task, from its turn to its answer: the context of its body, and the handles
 * that it leaves behind. The body runs on one thread; stray threads of its own may use the context
 * as long as it lasts. Thread-safe.
 */
final class TaskContext extends WorkerContext {
  /** What a task blocks; told so that its share can be lent out. */
  interface Slot {
    void blocked();

    void unblocked();

    /** Whether there is another task to run at once. */
    boolean hasMore();
  }

  private static final Logger LOG = LoggerFactory.getLogger(TaskContext.class);

  private static final StackTraceElement SUBMITTED =
      new StackTraceElement("--- dfut", "task submitted at", "the line below ---", -1);

  final Pushed pushed;
  private final TaskPushed push;
  private final Slot slot;

  /** The task that runs this one inline, as it waits for it; null for one that was pushed. */
  private final TaskContext outer;

  /** How many tasks run on this stack already. */
  private final int nesting;

  /** Handles made in this task and still open at its end are given back then. Guarded by itself. */
  private final OpenCounts counts = new OpenCounts();

  /**
   * The counts were given back: whoever still uses this context comes too late. Guarded by them.
   */
  private boolean over;

  private final long startedNanos = System.nanoTime();
  private Thread thread;

  /**
   * A task that this one runs inline: an interrupt would be that one's, which need not be stopped.
   */
  private boolean runsAnother;

  private boolean ended;
  private volatile boolean cancelled;

  /** Why the actor whose call this is ends; null while it does not. */
  private volatile Failure actorEnds;

  /**
   * @param outer the task that runs this one inline; null when it was pushed
   */
  TaskContext(WorkerActor worker, Pushed pushed, Slot slot, TaskContext outer) {
    super(worker, pushed.push.spec().job());
    this.pushed = pushed;
    this.push = pushed.push;
    this.slot = slot;
    this.outer = outer;
    this.nesting = outer == null ? 0 : outer.nesting + 1;
  }

  // ---- the context ----

  @Override
  void track(Handle.Count count) {
    if (isActorCall()) {
      return; // the cleaner gives it back
    }
    synchronized (counts) {
      if (!over) {
        counts.add(count);
        return;
      }
    }
    count.release("at once, since " + push.spec().display() + ", whose context made it, has ended");
  }

  /** What an actor keeps in its fields lives on; what a task leaves is given back at its end. */
  @Override
  boolean isCleaned() {
    return isActorCall();
  }

  private boolean isActorCall() {
    return !(push.spec().kind() instanceof TaskSpec.Kind.Plain);
  }

  @Override
  int depth() {
    return push.spec().depth() + 1;
  }

  @Override
  long timeoutNanosLeft() {
    return push.timeoutNanosLeft() == 0
        ? 0
        : Math.max(1, push.timeoutNanosLeft() - (System.nanoTime() - pushed.sinceNanos));
  }

  @Override
  public Optional<TaskId> task() {
    return Optional.of(push.spec().id());
  }

  @Override
  Optional<TaskId> caller() {
    return isActorCall() ? Optional.empty() : task();
  }

  @Override
  public int attempt() {
    return push.attempt();
  }

  @Override
  public boolean isCancelled() {
    return cancelled || (push.timeoutNanosLeft() != 0 && timeoutNanosLeft() <= 1);
  }

  String describe() {
    return push.spec().display();
  }

  boolean isTask(TaskId id, int attempt) {
    return pushed.isTask(id, attempt);
  }

  boolean ownedBy(java.util.function.Predicate<io.dfut.WorkerId> owner) {
    return owner.test(push.spec().id().owner());
  }

  long runningNanos() {
    return System.nanoTime() - startedNanos;
  }

  /**
   * Tells the body to stop, and interrupts it; where it runs another task inline, when that one has
   * ended. Its children are the table's to stop, and such a task is one of them, or not.
   */
  void cancel() {
    boolean isFirst;
    synchronized (this) {
      isFirst = !cancelled;
      cancelled = true;
      if (thread != null && !ended && !runsAnother) {
        thread.interrupt();
      }
    }
    if (isFirst) {
      long stoppedNanos = System.nanoTime();
      Duration wait = worker.node().settings().stopReportAfter();
      worker.node().after(wait, () -> reportIfRunning(stoppedNanos, wait));
    }
  }

  /** A thread cannot be made to end: whoever can mend its code must hear of it. */
  private void reportIfRunning(long stoppedNanos, Duration wait) {
    Thread stuck;
    synchronized (this) {
      stuck = ended ? null : thread;
    }
    if (stuck == null || worker.end().isPresent()) {
      return;
    }
    StackTraceElement[] frames = stuck.getStackTrace();
    LOG.warn(
        "{}, attempt {}, was told to stop {} ms ago and still runs, at {}; its CPU stays taken"
            + " until it ends. Let it look at isCancelled() or react to interrupts",
        push.spec().display(),
        push.attempt(),
        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - stoppedNanos),
        frames.length == 0 ? "an unknown line" : frames[0]);
    worker.node().after(wait, () -> reportIfRunning(stoppedNanos, wait.multipliedBy(2)));
  }

  /** What it submits from now on is to be stopped as well. */
  boolean isStopped() {
    return cancelled;
  }

  /**
   * The same because the actor ends: what the interrupted body throws is then no failure of its
   * own.
   */
  void cancel(Failure why) {
    actorEnds = why;
    cancel();
  }

  // ---- blocking ----

  /** Waits within each other; written by the task's own thread only. */
  private volatile int blockedDepth;

  /** Whether it waits for something at this moment. */
  boolean isBlocked() {
    return blockedDepth > 0;
  }

  void blocked() {
    if (blockedDepth++ == 0) {
      slot.blocked();
    }
  }

  void unblocked() {
    if (--blockedDepth == 0) {
      slot.unblocked();
    }
  }

  /** Tasks that are known to wait for this one, oldest news first. Bounded; guarded by this. */
  private Set<TaskId> waiters = Set.of();

  synchronized void waitedForBy(List<TaskId> others) {
    if (waiters.isEmpty()) {
      waiters = new LinkedHashSet<>();
    }
    Waited.addTo(waiters, others);
  }

  /**
   * This task and those that wait for it, such as one that runs it inline: all of them wait for
   * what this one waits for.
   */
  List<TaskId> waiting() {
    Set<TaskId> all = new LinkedHashSet<>(List.of(push.spec().id()));
    synchronized (this) {
      Waited.addTo(all, waiters);
    }
    if (outer != null) {
      Waited.addTo(all, outer.waiting());
    }
    return List.copyOf(all);
  }

  // ---- running what is waited for ----

  /**
   * Whether this task may itself start the task that a cell waits for, or one that this depends on.
   */
  boolean canRunInline(ResultCell cell) {
    return findRunnable(cell, 0) != null;
  }

  /** Runs tasks inline as long as there is one that the cell waits for. */
  void runInlineWhile(ResultCell cell) {
    if (isActorCall()) {
      return; // an actor's call holds no share that a task could run under
    }
    while (cell.outcome() == null) {
      LocalTask task = findRunnable(cell, 0);
      if (task == null || !task.take()) {
        return;
      }
      runInline(task);
    }
  }

  private LocalTask findRunnable(ResultCell cell, int depth) {
    LocalTask task = cell.task;
    if (task == null
        || !worker.node().settings().inline()
        || nesting >= worker.node().settings().inlineDepthMax()
        || depth > 32
        || cell.outcome() != null) {
      return null;
    }
    for (ResultCell dependency : task.dependencies) {
      if (dependency.outcome() == null) {
        return findRunnable(dependency, depth + 1);
      }
      if (!(dependency.outcome() instanceof Outcome.Inline)) {
        return null; // a failure is the table's business; a stored value is fetched before a turn
        // is taken
      }
    }
    boolean eligible =
        !task.isTaken()
            && task.spec.id().owner().equals(worker.id())
            && task.spec.kind() instanceof TaskSpec.Kind.Plain
            && task.spec.placement() instanceof Placement.Anywhere
            && task.spec.resources().fitsIn(push.spec().resources());
    return eligible ? task : null;
  }

  private void runInline(LocalTask task) {
    List<PushedArgument> arguments = new ArrayList<>(task.spec.arguments().size());
    int next = 0;
    for (Argument argument : task.spec.arguments()) {
      switch (argument) {
        case Argument.Value value -> arguments.add(new PushedArgument.Value(value.value()));
        case Argument.Reference reference ->
            arguments.add(
                new PushedArgument.Resolved(
                    reference.object(), task.dependencies.get(next++).outcome()));
        case Argument.ReferenceList list -> {
          List<PushedArgument.Resolved> elements = new ArrayList<>();
          for (ObjectId object : list.objects()) {
            elements.add(
                new PushedArgument.Resolved(object, task.dependencies.get(next++).outcome()));
          }
          arguments.add(new PushedArgument.ResolvedList(elements));
        }
      }
    }
    TaskPushed inline =
        new TaskPushed(
            task.spec,
            task.attempt(),
            push.lease(),
            -1,
            arguments,
            List.of(),
            task.spec.timeoutNanos() == 0
                ? 0
                : Math.max(1, task.spec.timeoutNanos() - (System.nanoTime() - task.sinceNanos)));
    TaskContext context = new TaskContext(worker, new Pushed(inline, task), slot, this);
    runsAnother(true);
    boolean interrupted = Thread.interrupted();
    worker.taken(context); // before the owner hears of it, who may want it stopped
    worker.post(new WorkerInput.TaskClaimedInline(task.spec.id(), inline.attempt()));
    try {
      context.run();
    } finally {
      runsAnother(false);
      if (interrupted || isCancelled()) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private synchronized void runsAnother(boolean does) {
    runsAnother = does;
  }

  // ---- running ----

  /** What calls the user's code; an actor's call passes the actor first. */
  interface Body {
    Object call(TaskContext context) throws Throwable;
  }

  private static final Object[] NOTHING = {};
  private static final Body PLAIN = context -> context.call(NOTHING);

  void run() {
    run(PLAIN);
  }

  /** Runs the body, which the worker knows of, and answers the owner. Never throws. */
  void run(Body body) {
    synchronized (this) {
      thread = Thread.currentThread();
      if (cancelled) { // between its being taken and here
        thread.interrupt();
      }
    }
    worker.node().taskBegun();
    List<Outcome> outcomes;
    List<String> thrown = List.of();
    References.Sink references = worker.sink();
    Object value = null;
    try {
      value = ScopedValue.where(CurrentContext.CURRENT, this).call(() -> callBody(body));
      outcomes = outcomes(value, references);
    } catch (Wrapped wrapped) {
      Throwable t = wrapped.getCause();
      thrown = classesOf(t);
      outcomes = failed(failure(t));
    } catch (io.dfut.DFutException e) { // a result that cannot be kept, or an argument that is gone
      outcomes = failed(Failure.of(e));
    } catch (ArgumentLost lost) {
      outcomes =
          failed(new Failure(Failure.Kind.OBJECT_LOST, lost.getMessage(), Optional.empty(), 0, ""));
    } catch (Throwable t) {
      thrown = classesOf(t);
      outcomes = failed(failure(t));
    }
    end(outcomes, thrown);
    Reference.reachabilityFence(value); // the handles inside it are counted by the answer now
  }

  /** Keeps what user code threw apart from what the runtime throws around it. */
  private static final class Wrapped extends Exception {
    private static final long serialVersionUID = 1L;

    Wrapped(Throwable cause) {
      super(null, cause, false, false);
    }
  }

  /** An argument could not be read: a system failure, which is retried. */
  static final class ArgumentLost extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ArgumentLost(String message) {
      super(message, null, false, false);
    }
  }

  private Object callBody(Body body) throws Exception {
    try {
      return body.call(this);
    } catch (ArgumentLost | Wrapped e) {
      throw e;
    } catch (Throwable t) {
      throw new Wrapped(t);
    }
  }

  /** Calls the task's function with some arguments before the task's own. */
  Object call(Object[] first) throws Throwable {
    Object[] arguments = arguments(first);
    FunctionRef function = push.spec().function();
    if (function.local().isPresent()) {
      return Functions.call(function.local().get(), arguments);
    }
    Functions.Invoker invoker;
    Object[] captured;
    try {
      invoker = worker.node().functions().invoker(job(), function);
      List<Argument.Value> values = function.descriptor().captured();
      captured = new Object[values.size()];
      for (int i = 0; i < captured.length; i++) {
        captured[i] = worker.decode(values.get(i).value(), Optional.empty());
      }
    } catch (io.dfut.DFutException e) {
      throw new Refused(e);
    }
    return invoker.invoke(captured, arguments);
  }

  /** Our own refusal to run the body: the failure as it is, not a failure of the body. */
  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    Refused(io.dfut.DFutException cause) {
      super(null, cause, false, false);
    }
  }

  private Object[] arguments(Object[] first) throws Refused {
    int count = push.arguments().size() - (hasSavedState() ? 1 : 0);
    Object[] all = Arrays.copyOf(first, first.length + count);
    try {
      for (int i = 0; i < count; i++) {
        all[first.length + i] = value(push.arguments().get(i));
      }
    } catch (io.dfut.DFutException e) {
      throw new Refused(e);
    }
    return all;
  }

  private boolean hasSavedState() {
    return push.spec().kind() instanceof TaskSpec.Kind.Creation(TaskSpec.ActorOptions options)
        && options.state() == TaskSpec.SavedState.LAST_ARGUMENT;
  }

  /**
   * Of an actor's creation that has one: the state that it is to take.
   *
   * @throws ArgumentLost when it could not be fetched
   * @throws io.dfut.DFutException when it cannot be decoded
   */
  Object savedState() {
    return value(push.arguments().getLast());
  }

  private Object value(PushedArgument argument) {
    return switch (argument) {
      case PushedArgument.Value value -> worker.decode(value.value(), Optional.empty());
      case PushedArgument.Resolved resolved -> value(resolved);
      case PushedArgument.ResolvedList list -> {
        List<Object> values = new ArrayList<>(list.elements().size());
        for (PushedArgument.Resolved element : list.elements()) {
          values.add(value(element));
        }
        yield java.util.Collections.unmodifiableList(values);
      }
    };
  }

  private Object value(PushedArgument.Resolved argument) {
    return switch (argument.outcome()) {
      case Outcome.Inline inline -> worker.decode(inline.value(), Optional.of(argument.object()));
      case Outcome.Stored stored -> {
        ObjectKey key = new ObjectKey(argument.object(), stored.attempt());
        SharedPin pinned;
        try {
          pinned = pushed.pinned(key);
        } catch (java.util.concurrent.CompletionException e) {
          throw new ArgumentLost(
              push.spec().display()
                  + ": argument "
                  + argument.object()
                  + " could not be fetched: "
                  + e.getCause().getMessage());
        }
        yield worker
            .node()
            .values()
            .decode(key, pinned, worker.borrows(Optional.of(argument.object())));
      }
      case Outcome.Actor actor -> null;
      case Outcome.Failed failed ->
          throw new ObjectLostException(
              "a failed argument was pushed: " + failed, ObjectLostException.Reason.UNKNOWN, null);
    };
  }

  private List<Outcome> outcomes(Object value, References.Sink references) {
    if (push.spec().kind() instanceof TaskSpec.Kind.Creation creation) {
      TaskSpec.Restarts restarts = creation.options().restarts();
      return List.of(new Outcome.Actor(worker.id(), value.getClass().getName(), restarts));
    }
    int results = push.spec().results();
    if (results == 1) {
      return List.of(keep(0, value, references));
    }
    List<Object> values = new ArrayList<>(results);
    switch (value) {
      case Returns2<?, ?>(Object a, Object b) when results == 2 ->
          values.addAll(Arrays.asList(a, b));
      case Returns3<?, ?, ?>(Object a, Object b, Object c) when results == 3 ->
          values.addAll(Arrays.asList(a, b, c));
      case Returns4<?, ?, ?, ?>(Object a, Object b, Object c, Object d) when results == 4 ->
          values.addAll(Arrays.asList(a, b, c, d));
      case null, default ->
          throw new io.dfut.SerializationException(
              push.spec().display()
                  + " returned "
                  + (value == null ? "null" : "a " + value.getClass().getName())
                  + " instead of a Returns"
                  + results);
    }
    List<Outcome> outcomes = new ArrayList<>(results);
    for (int i = 0; i < results; i++) {
      outcomes.add(keep(i, values.get(i), references));
    }
    return outcomes;
  }

  private Outcome keep(int index, Object value, References.Sink references) {
    try {
      return worker
          .node()
          .values()
          .keep(
              push.spec().id().result(index),
              push.attempt(),
              value,
              references,
              () -> push.spec().display() + " submitted at " + push.spec().site());
    } catch (io.dfut.SerializationException e) {
      throw new io.dfut.SerializationException(
          "the result of "
              + push.spec().display()
              + ", submitted at "
              + push.spec().site()
              + ", cannot travel: "
              + e.getMessage(),
          e.getCause());
    }
  }

  private Failure failure(Throwable t) {
    if (t instanceof Refused refused) {
      return Failure.of((io.dfut.DFutException) refused.getCause());
    }
    Failure end = actorEnds;
    if (end != null) {
      return end;
    }
    markOrigin(t);
    return Failure.caused(
        Failure.Kind.TASK_FAILED,
        push.spec().display() + " failed on node " + node() + ": " + ThrownError.of(t),
        ThrownError.of(t));
  }

  /** Cuts our own frames off and adds the line that submitted the task. */
  private void markOrigin(Throwable t) {
    StackTraceElement site = push.spec().site().element();
    StackTraceElement[] frames = t.getStackTrace();
    if (frames.length > 0 && frames[frames.length - 1].equals(site)) {
      return; // the same exception object, thrown again
    }
    int end = frames.length;
    for (int i = 0; i < frames.length; i++) {
      if (frames[i].getClassName().startsWith("io.dfut.internal.")) {
        end = i;
        break;
      }
    }
    StackTraceElement[] marked = Arrays.copyOf(frames, end + 2);
    marked[end] = SUBMITTED;
    marked[end + 1] = site;
    t.setStackTrace(marked);
  }

  private static List<String> classesOf(Throwable t) {
    List<String> names = new ArrayList<>();
    for (Class<?> c = t.getClass(); c != Object.class; c = c.getSuperclass()) {
      names.add(c.getName());
    }
    return names;
  }

  private List<Outcome> failed(Failure failure) {
    return java.util.Collections.nCopies(push.spec().results(), new Outcome.Failed(failure));
  }

  /** What the handles of a task are released by: a text only for who asks. */
  private record Ended(String name, TaskId task) {
    @Override
    public String toString() {
      return "when task " + name + " (" + task + ") ended";
    }
  }

  /** Gives back what the body left, and answers. */
  private void end(List<Outcome> outcomes, List<String> thrown) {
    synchronized (this) {
      ended = true;
      thread = null;
      Thread.interrupted(); // a cancellation that came too late is not the next task's
    }
    List<ObjectId> released = new ArrayList<>(0);
    synchronized (counts) {
      Object by = counts.size() == 0 ? null : new Ended(push.spec().name(), push.spec().id());
      for (Handle.Count count : counts) {
        if (count.take(by)) {
          released.add(count.id);
        }
      }
      counts.clear();
      over = true;
    }
    worker.ended(this);
    pushed.unpin();
    if (worker.endsWithNode() || (cancelled && worker.end().isPresent())) {
      return; // the worker's end is what the owner hears of, and no failure of the body's
    }
    boolean plain = released.isEmpty() && push.lent().isEmpty() && noReferences(outcomes);
    if (plain && pushed.claim instanceof LocalTask local) {
      local.completeDirectly(outcomes, push.attempt());
    }
    if (plain && !push.spec().id().owner().equals(worker.id())) {
      worker
          .answers()
          .add(
              new TaskReturned(
                  push.spec().id(),
                  push.attempt(),
                  outcomes,
                  List.of(),
                  List.of(),
                  thrown,
                  worker.id()),
              startedNanos,
              slot.hasMore());
    } else {
      worker.post(new WorkerInput.TaskEnded(push, outcomes, thrown, released));
    }
  }

  private static boolean noReferences(List<Outcome> outcomes) {
    for (int i = 0; i < outcomes.size(); i++) {
      if (!outcomes.get(i).references().isEmpty()) {
        return false;
      }
    }
    return true;
  }

  /** Whether its body has called {@code System.exit}, which does not return. */
  boolean exitsTheJvm() {
    Thread running;
    synchronized (this) {
      running = ended ? null : thread;
    }
    return running != null
        && Arrays.stream(running.getStackTrace())
            .anyMatch(
                frame ->
                    frame.getClassName().equals("java.lang.Runtime")
                        && frame.getMethodName().equals("exit"));
  }

  /** What runs, for people. */
  String display() {
    return push.spec().display();
  }

  /** Whether the body runs on this thread. */
  synchronized boolean isOn(Thread other) {
    return thread == other;
  }
}
