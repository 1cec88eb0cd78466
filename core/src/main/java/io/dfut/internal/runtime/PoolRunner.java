package io.dfut.internal.runtime;

import io.dfut.Inspection;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage.ArgumentsArrived;
import io.dfut.internal.protocol.SchedulerMessage.ArgumentsAwaited;
import io.dfut.internal.protocol.SchedulerMessage.TaskBlocked;
import io.dfut.internal.protocol.SchedulerMessage.TaskUnblocked;
import io.dfut.internal.protocol.WorkerMessage.TaskHandedBack;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.Predicate;

/**
 * Runs the tasks that are pushed to a leased worker, one at a time, on one virtual thread that
 * stays warm between them. A task queued behind one that blocks or runs long goes back to its
 * owner: it may be what the blocked one waits for. Thread-safe.
 */
final class PoolRunner implements TaskRunner, TaskContext.Slot {
  /** Spins before the thread parks: a task that comes within some microseconds finds it awake. */
  static final int SPINS = 1000;

  /**
   * So many of them before answers are taken in for their owner, which may be about to do it
   * itself.
   */
  static final int SPINS_BEFORE_HELP = 300;

  private final WorkerActor worker;

  /**
   * Guards every move of a task: from those whose arguments are on their way to the queue, from the
   * queue to those that run, and out. So who looks for one, to stop it, finds it in one place.
   */
  private final Object moves = new Object();

  /** Guarded by {@link #moves}, but for what needs no guard. */
  private final RunQueue<Pushed> queue = new RunQueue<>();

  private final AtomicReference<Thread> thread = new AtomicReference<>();

  /**
   * Tasks whose arguments are on their way. Added by the offer; removed when they are here, or by
   * who cancels the task, under {@link #moves}: only who removes one goes on with it.
   */
  private final Set<Pushed> fetching = ConcurrentHashMap.newKeySet();

  /** Under which lease the last of them came. */
  private volatile LeaseId lastFetching;

  /** The lease whose share is lent out, as all of its tasks wait for arguments; else null. */
  private volatile LeaseId away;

  /** The last lease whose share was given back. */
  private volatile LeaseId resumed;

  private final AtomicBoolean watched = new AtomicBoolean();

  /** The task whose turn it is (the outermost of a nest of inline ones), null between two. */
  private final Padded<TaskContext> current = new Padded<>(null);

  private volatile boolean blocked;
  private volatile boolean parked;
  private volatile boolean ended;

  /** The node drains: tasks of other nodes' owners do not begin here any more. */
  private volatile boolean leaving;

  PoolRunner(WorkerActor worker) {
    this.worker = worker;
  }

  @Override
  public void offer(Pushed pushed) {
    var fetched = pushed.fetch(worker);
    if (fetched.isDone()) {
      queue.add(pushed);
      enqueued(pushed);
      return;
    }
    fetching.add(pushed);
    lastFetching = pushed.push.lease();
    fetched.whenComplete((done, failure) -> fetched(pushed)); // a failure is the task's to report
    wake(); // if there is nothing else to do, the share is for others
  }

  private void fetched(Pushed pushed) {
    synchronized (moves) {
      if (!fetching.remove(pushed)) {
        return; // it was cancelled
      }
      queue.add(pushed);
    }
    enqueued(pushed);
  }

  private void wake() {
    Thread runner = thread.get();
    if (runner == null) {
      start();
    } else if (parked) {
      LockSupport.unpark(runner);
    }
  }

  private void enqueued(Pushed pushed) {
    if (blocked || ended) {
      handBack();
      return;
    }
    if (leaving) {
      handBackForeign();
    }
    wake();
    watch(pushed);
  }

  private void start() {
    Thread made =
        Thread.ofVirtual().name("dfut-worker-" + worker.id().sequence()).unstarted(this::loop);
    if (thread.compareAndSet(null, made)) {
      made.start();
    } else {
      LockSupport.unpark(thread.get());
    }
  }

  private void loop() {
    while (!ended) {
      haveShare();
      TaskContext next = away != null ? null : take();
      if (next == null) {
        next = idle();
        if (next == null) {
          continue;
        }
      }
      run(next);
    }
    handBack();
  }

  /** The next of the queue, which counts as running from here on; null when there is none. */
  private TaskContext take() {
    if (!hasMore()) {
      return null;
    }
    synchronized (moves) {
      Pushed next = ended ? null : queue.poll();
      if (next == null) {
        return null;
      }
      TaskContext context = new TaskContext(worker, next, this, null);
      worker.taken(context);
      return context;
    }
  }

  private TaskContext idle() {
    for (int i = 0; i < SPINS; i++) {
      TaskContext next = away == null ? take() : null;
      if (next != null) {
        return next;
      }
      if (i == SPINS_BEFORE_HELP) {
        worker.answers().settle();
      }
      if (hasMore()) {
        return null; // the share first
      }
      Thread.onSpinWait();
    }
    if (away == null && !fetching.isEmpty() && !hasMore()) {
      away = lastFetching;
      resumed = null;
      worker.node().scheduler().post(new ArgumentsAwaited(away));
    }
    parked = true;
    try {
      if (!hasMore() && !ended && (away != null || fetching.isEmpty())) {
        LockSupport.park(this);
      }
    } finally {
      parked = false;
    }
    Thread.interrupted(); // it only says: look again
    return null;
  }

  /**
   * Before a task is taken: asks for the share that was lent out while nothing could run, and waits
   * until it is back. The task stays in the queue meanwhile, where it can be cancelled.
   */
  private void haveShare() {
    if (away == null) {
      return;
    }
    Pushed head;
    synchronized (moves) {
      head = queue.poll();
      if (head == null) {
        return;
      }
      queue.putBack(head); // where it can be cancelled
    }
    worker.answers().settle();
    if (head.push.lease().equals(away)) {
      worker.node().scheduler().post(new ArgumentsArrived(away, worker.id()));
      while (!ended && !away.equals(resumed)) {
        LockSupport.park(this);
        Thread.interrupted();
      }
    } // else that lease is over, and this one has its share
    away = null;
  }

  /** The scheduler has given the share of this lease back. */
  void resume(LeaseId lease) {
    resumed = lease;
    LockSupport.unpark(thread.get());
  }

  private void run(TaskContext context) {
    worker.answers().next();
    Pushed pushed = context.pushed;
    if (!pushed.claim.take(pushed.push.attempt())) {
      worker.ended(context);
      worker.drop(pushed);
      return;
    }
    if (worker.refuseWithoutArguments(context)) {
      return;
    }
    if (pushed.push.spec().kind() instanceof TaskSpec.Kind.Creation) {
      worker.answers().settle();
      worker.becomeActor(context);
      return;
    }
    current.setRelease(context);
    try {
      context.run();
    } finally {
      current.setRelease(null);
    }
  }

  @Override
  public boolean hasMore() {
    return queue.hasMore();
  }

  private Pushed poll() {
    synchronized (moves) {
      return queue.poll();
    }
  }

  /** Everything that waits goes back to its owner. */
  private void handBack() {
    Pushed pushed;
    while ((pushed = poll()) != null) {
      handBack(pushed);
    }
  }

  private void handBack(Pushed pushed) {
    boolean mine = pushed.claim.take(pushed.push.attempt());
    worker.drop(pushed);
    if (mine) {
      worker.send(
          pushed.push.spec().id().owner(),
          new TaskHandedBack(pushed.push.spec().id(), pushed.push.attempt(), worker.id()));
    }
  }

  /** The node drains. What its own tasks have submitted here may be what they wait for. */
  void leave() {
    leaving = true;
    handBackForeign();
  }

  private void handBackForeign() {
    List<Pushed> foreign;
    synchronized (moves) {
      foreign =
          queue.takeOut(
              pushed -> !pushed.push.spec().id().owner().node().equals(worker.id().node()));
    }
    foreign.forEach(this::handBack);
  }

  // ---- long and blocked tasks ----

  /**
   * Looks, in a while, whether what is queued has its turn.
   *
   * @param newest the last of the queue
   */
  private void watch(Pushed newest) {
    if (!watched.get() && watched.compareAndSet(false, true)) {
      worker.node().after(worker.node().settings().behindMax(), () -> look(newest));
    }
  }

  /** Gives back what waits behind a task that runs long, or behind many that take long together. */
  private void look(Pushed newestThen) {
    watched.set(false);
    Pushed newest = newest();
    if (newest == null) {
      return;
    }
    TaskContext running = current.get();
    long most = worker.node().settings().behindMax().toNanos();
    if (running != null && (running.runningNanos() >= most || waits(newestThen))) {
      handBack();
    } else {
      watch(newest);
    }
  }

  private Pushed newest() {
    synchronized (moves) {
      return queue.newest();
    }
  }

  private boolean waits(Pushed pushed) {
    synchronized (moves) {
      return queue.contains(pushed);
    }
  }

  private LeaseId lease() {
    return current.get().pushed.push.lease();
  }

  @Override
  public void blocked() {
    blocked = true;
    worker.answers().settle();
    handBack();
    worker.node().scheduler().post(new TaskBlocked(lease()));
  }

  @Override
  public void unblocked() {
    blocked = false;
    worker.node().scheduler().post(new TaskUnblocked(lease()));
  }

  /** Takes out those that have not begun. */
  private List<Pushed> takeOut(Predicate<Pushed> which) {
    List<Pushed> out = new ArrayList<>(0);
    synchronized (moves) {
      fetching.stream().filter(which).forEach(out::add);
      out.forEach(fetching::remove);
      out.addAll(queue.takeOut(which));
    }
    out.forEach(pushed -> pushed.claim.take(pushed.push.attempt()));
    out.forEach(worker::drop);
    return out;
  }

  @Override
  public void cancel(TaskId task, int attempt) {
    List<Pushed> out = takeOut(pushed -> pushed.isTask(task, attempt));
    if (!out.isEmpty()) { // settled at its owner: it only frees its place
      worker.send(task.owner(), new TaskHandedBack(task, attempt, worker.id()));
    }
  }

  @Override
  public void waiting(BiConsumer<Pushed, Inspection.Stage> action) {
    synchronized (moves) {
      fetching.forEach(pushed -> action.accept(pushed, Inspection.Stage.ARGUMENTS));
      queue.forEach(pushed -> action.accept(pushed, Inspection.Stage.QUEUED));
    }
  }

  @Override
  public void fence(Predicate<WorkerId> deadOwner) {
    takeOut(pushed -> deadOwner.test(pushed.push.spec().id().owner()));
  }

  /**
   * Ends because the worker became an actor, whose first calls may run already and are not this
   * runner's to stop.
   */
  void giveWay() {
    ended = true; // called on this runner's own thread, which looks at it next
  }

  @Override
  public void end(String reason) {
    synchronized (moves) {
      ended = true; // none is taken from here on: those that were are found
    }
    worker.runningWhere(context -> true).forEach(context -> context.cancel());
    Thread runner = thread.get();
    if (runner != null) {
      LockSupport.unpark(runner);
    } else {
      handBack();
    }
  }
}
