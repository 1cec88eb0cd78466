package io.dfut.internal.ownership;

import io.dfut.NodeId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.machine.Invariant;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage.RequestLease;
import io.dfut.internal.protocol.SchedulerMessage.ReturnLease;
import io.dfut.internal.protocol.SchedulerMessage.Use;
import io.dfut.internal.protocol.WorkerMessage.LeaseGranted;
import io.dfut.internal.protocol.WorkerMessage.LeaseQueued;
import io.dfut.internal.protocol.WorkerMessage.LeaseReclaimed;
import io.dfut.internal.protocol.WorkerMessage.LeaseRedirected;
import io.dfut.internal.protocol.WorkerMessage.LeaseRefused;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The owner's side of scheduling (paper section 4.1): tasks that are ready, by the shape of what
 * they need, and the workers leased to run them. A lease is asked for once and used for many tasks,
 * several in flight, until it is idle for too long or is reclaimed because others wait.
 *
 * <p>A second task is pushed behind one that runs only when no request can still be granted at
 * once: otherwise a long task would be waited for while a slot is free. Every request is answered
 * (granted, queued, redirected or refused), so the book knows when that is.
 *
 * <p>Not thread-safe: part of one worker's machine.
 */
final class LeaseBook {
  /**
   * Where a task's arguments are, as far as they are in stores.
   *
   * @param bytesByNode what draws the task to a node
   */
  record Locality(Map<NodeId, Long> bytesByNode, long argumentBytes) {}

  /** What the book asks of the tasks. */
  interface Pusher {
    /** Sends the task to the worker; false when it was taken by somebody else meanwhile. */
    boolean push(TaskRecord task, Lease lease);

    /** The task will never get a worker. */
    void refused(TaskRecord task, Failure why);
  }

  /**
   * Tasks with equal shapes share leases. A creation has one of its own: its worker becomes the
   * actor. Tasks that read much go by where that is: a lease elsewhere, which happens to be idle,
   * is none for them, and a request says for one of them where all want to go.
   */
  private record Shape(
      Resources resources, Placement placement, Optional<TaskId> creation, Optional<NodeId> home) {}

  /** A request under way. */
  private static final class Pending {
    final Pool pool;

    /** The node that was asked last: where the waiting task is, as far as it is anywhere. */
    NodeId node;

    boolean queued;

    Pending(Pool pool, NodeId node) {
      this.pool = pool;
      this.node = node;
    }
  }

  /** A worker that runs this owner's tasks. */
  static final class Lease {
    final LeaseId id;
    final WorkerId worker;
    private final Pool pool;
    private final Pace pace;

    /** Whether it is a worker of this node. */
    private final boolean here;

    private int inFlight;
    private long idleSinceNanos;

    /** Its current task blocks or runs long: nothing is pushed until it returns. */
    private boolean stuck;

    /** Goes back as soon as nothing is in flight. */
    private boolean reclaimed;

    /** Its place in {@link Pool#slots}. */
    private int slot;

    private Lease(LeaseId id, WorkerId worker, Pool pool, Pace pace, boolean here, long nowNanos) {
      this.here = here;
      this.id = id;
      this.worker = worker;
      this.pool = pool;
      this.pace = pace;
      this.idleSinceNanos = nowNanos;
    }

    boolean hasRoom() {
      return !stuck && !reclaimed && inFlight < pace.window();
    }

    /** Whether one more had better go here than to a worker that sleeps or is still to be found. */
    boolean isSoon() {
      return inFlight == 0 || (here && pace.isSoon(inFlight));
    }
  }

  private static final class Pool {
    final Shape shape;
    final ArrayDeque<TaskRecord> ready = new ArrayDeque<>();
    final List<Lease> leases = new ArrayList<>();

    /** The leases in the order of their grants, and nulls for some that are gone. */
    final List<Lease> slots = new ArrayList<>(1);

    /** Which of {@link #slots} can take one more: of hundreds, when all are busy, one or two. */
    final BitSet withRoom = new BitSet();

    int requested;
    int queued;

    Pool(Shape shape) {
      this.shape = shape;
    }

    boolean isEmpty() {
      return ready.isEmpty() && leases.isEmpty() && requested == 0;
    }

    void add(Lease lease) {
      if (slots.size() >= 2 * leases.size() + Long.SIZE) {
        slots.clear();
        withRoom.clear();
        leases.forEach(this::addSlot);
      }
      leases.add(lease);
      addSlot(lease);
    }

    private void addSlot(Lease lease) {
      lease.slot = slots.size();
      slots.add(lease);
      changed(lease);
    }

    void remove(Lease lease) {
      if (leases.remove(lease)) {
        slots.set(lease.slot, null);
        withRoom.clear(lease.slot);
      }
    }

    /** To be called after whatever may have changed whether it has room. */
    void changed(Lease lease) {
      if (lease.slot < slots.size() && slots.get(lease.slot) == lease) { // else it is gone
        withRoom.set(lease.slot, lease.hasRoom());
      }
    }

    /**
     * The lease that can take one more: one that is awake and has its turn soon, else that with the
     * fewest tasks in flight; null if there is none.
     */
    Lease freest() {
      Lease best = null;
      for (int i = withRoom.nextSetBit(0); i >= 0; i = withRoom.nextSetBit(i + 1)) {
        Lease lease = slots.get(i);
        if (lease.inFlight > 0 && lease.isSoon() && !isSpread()) {
          return lease;
        }
        if (best == null || lease.inFlight < best.inFlight) {
          best = lease;
        }
      }
      return best;
    }

    /** Whether each of its tasks is to run on a node drawn anew. */
    boolean isSpread() {
      return shape.placement instanceof Placement.Spread && shape.creation.isEmpty();
    }

    boolean hasIdleLease() {
      for (Lease lease : leases) {
        if (lease.inFlight == 0) {
          return true;
        }
      }
      return false;
    }

    boolean fits(TaskRecord task) {
      return shape.creation.isEmpty()
          && !(task.spec.kind() instanceof TaskSpec.Kind.Creation)
          && shape.resources.equals(task.spec.resources())
          && shape.placement.equals(task.spec.placement())
          && shape.home.equals(task.home);
    }
  }

  /** As many as hide that answers of workers of this node are taken in together. */
  private static final int HERE_MAX = 64;

  private final WorkerId self;
  private final WorkerLimits limits;
  private final Pusher pusher;
  private final Function<TaskRecord, Locality> locality;
  private final Predicate<NodeId> isDead;
  private final Map<Shape, Pool> pools = new LinkedHashMap<>();
  private final Map<LeaseId, Pending> pending = new HashMap<>();
  private final Map<LeaseId, Lease> leases = new HashMap<>();
  private Consumer<? super WorkerEffect> effects;
  private long lastLease;
  private boolean sweepSet;

  /** The one of {@link #pools} that was used last; null when that is none of them any more. */
  private Pool last;

  LeaseBook(
      WorkerId self,
      WorkerLimits limits,
      Pusher pusher,
      Function<TaskRecord, Locality> locality,
      Predicate<NodeId> isDead) {
    this.isDead = isDead;
    this.self = self;
    this.limits = limits;
    this.pusher = pusher;
    this.locality = locality;
  }

  void effects(Consumer<? super WorkerEffect> current) {
    this.effects = current;
  }

  boolean isEmpty() {
    return leases.isEmpty() && pending.isEmpty();
  }

  private static Shape shapeOf(TaskRecord task) {
    TaskSpec spec = task.spec;
    boolean exclusive = spec.kind() instanceof TaskSpec.Kind.Creation;
    return new Shape(
        spec.resources(),
        spec.placement(),
        exclusive ? Optional.of(spec.id()) : Optional.empty(),
        task.home);
  }

  /** The pool of the task's shape, made if need be. Most tasks have the shape of the one before. */
  private Pool poolFor(TaskRecord task) {
    task.home = homeOf(task);
    if (last == null || !last.fits(task)) {
      last = pools.computeIfAbsent(shapeOf(task), Pool::new);
    }
    return last;
  }

  /** Where much of what the task reads is; the same rule as that of the schedulers. */
  private Optional<NodeId> homeOf(TaskRecord task) {
    if (!(task.spec.placement() instanceof Placement.Anywhere)
        || task.spec.dependencies().isEmpty()) {
      return Optional.empty();
    }
    Map<NodeId, Long> bytes = locality.apply(task).bytesByNode();
    long here = bytes.getOrDefault(self.node(), 0L);
    Optional<Map.Entry<NodeId, Long>> there =
        bytes.entrySet().stream()
            .filter(entry -> !entry.getKey().equals(self.node()))
            .max(Map.Entry.<NodeId, Long>comparingByValue().thenComparing(Map.Entry::getKey));
    if (there.isPresent() && there.get().getValue() - here >= RequestLease.LOCALITY_BYTES_MIN) {
      return Optional.of(there.get().getKey());
    }
    return here >= RequestLease.LOCALITY_BYTES_MIN ? Optional.of(self.node()) : Optional.empty();
  }

  private void removeIfEmpty(Pool pool) {
    if (pool.isEmpty()) {
      pools.remove(pool.shape, pool);
      if (last == pool) {
        last = null;
      }
    }
  }

  /** A task is ready to be pushed. */
  void ready(TaskRecord task, long nowNanos) {
    Pool pool = poolFor(task);
    pool.ready.addLast(task);
    dispatch(pool, nowNanos);
  }

  /** A task came back unstarted: it is the next to be pushed, but not to that worker. */
  void handedBack(TaskRecord task, Lease from, long nowNanos) {
    Pool pool = poolFor(task);
    pool.ready.addFirst(task);
    if (from != null) {
      from.stuck = true;
      from.pace.handedBack();
      from.pool.changed(from);
      ended(from, nowNanos);
      if (from.inFlight == 0 && leases.get(from.id) == from) {
        giveBack(from); // the task that blocked it returned before this message: none will free it
      }
    }
    dispatch(pool, nowNanos);
  }

  /** A task that waited for a worker has ended: requests that no other waits for are withdrawn. */
  void gone(TaskRecord task) {
    Pool pool = pools.get(shapeOf(task));
    if (pool == null) {
      return;
    }
    while (!pool.ready.isEmpty() && pool.ready.peekFirst().isSettled()) {
      pool.ready.removeFirst(); // one in the middle goes when its turn comes
    }
    if (pool.ready.isEmpty()) {
      withdraw(pool);
      removeIfEmpty(pool);
    }
  }

  /** A task that was in flight on this lease is not any more. */
  void returned(Lease lease, long nowNanos) {
    lease.stuck = false;
    lease.pace.returned(nowNanos);
    ended(lease, nowNanos);
    if (leases.get(lease.id) == lease) {
      dispatch(lease.pool, nowNanos);
    }
  }

  private void ended(Lease lease, long nowNanos) {
    Invariant.check(lease.inFlight > 0, "a task returned on a lease with none in flight", lease.id);
    lease.inFlight--;
    lease.pool.changed(lease);
    if (lease.inFlight == 0) {
      lease.idleSinceNanos = nowNanos;
      if (lease.reclaimed && leases.containsKey(lease.id)) {
        giveBack(lease);
      }
    }
  }

  private void dispatch(Pool pool, long nowNanos) {
    while (true) {
      TaskRecord head = pool.ready.peekFirst();
      if (head == null) {
        break;
      }
      if (head.state != TaskRecord.State.READY || head.claim.isTaken()) {
        pool.ready.removeFirst(); // cancelled, or being run inline
        continue;
      }
      Lease lease = pool.freest();
      if (lease != null && (lease.inFlight == 0 || (lease.isSoon() && !pool.isSpread()))) {
        pool.ready.removeFirst();
        push(head, lease, nowNanos);
        continue;
      }
      request(pool, head);
      if (lease == null || pool.requested > pool.queued) {
        break; // some answer is still to come
      }
      pool.ready.removeFirst();
      push(head, lease, nowNanos);
    }
    if (pool.ready.isEmpty()) {
      withdraw(pool);
      if (pool.isSpread()) {
        giveBackIdle(pool); // tasks that come one by one would all follow the first
      } else {
        armSweep(pool);
      }
    }
    removeIfEmpty(pool);
  }

  private void push(TaskRecord task, Lease lease, long nowNanos) {
    if (pusher.push(task, lease)) {
      lease.pace.sent(lease.inFlight, nowNanos);
      lease.inFlight++;
      lease.pool.changed(lease);
    }
  }

  /** The nodes that were asked for a worker for this task or others like it. */
  List<NodeId> asked(TaskRecord task) {
    Pool pool = pools.get(shapeOf(task));
    return pending.values().stream()
        .filter(request -> request.pool == pool)
        .map(request -> request.node)
        .distinct()
        .sorted()
        .toList();
  }

  private void request(Pool pool, TaskRecord head) {
    int wanted = Math.min(pool.ready.size(), limits.leaseRequestsMax());
    while (pool.requested < wanted) {
      LeaseId id = new LeaseId(self, ++lastLease);
      Pending request = new Pending(pool, self.node());
      pending.put(id, request);
      pool.requested++;
      ask(id, request, head, 0);
    }
  }

  private void ask(LeaseId id, Pending request, TaskRecord head, int hops) {
    TaskSpec spec = head.spec;
    Locality arguments = locality.apply(head);
    effects.accept(
        new WorkerEffect.AskScheduler(
            request.node,
            new RequestLease(
                id,
                spec.job(),
                spec.resources(),
                spec.placement(),
                arguments.bytesByNode(),
                arguments.argumentBytes(),
                spec.depth(),
                hops,
                use(spec))));
  }

  private static Use use(TaskSpec spec) {
    return switch (spec.kind()) {
      case TaskSpec.Kind.Creation(TaskSpec.ActorOptions options) ->
          options.detached() ? Use.DETACHED_ACTOR : Use.ACTOR;
      default -> Use.TASKS;
    };
  }

  /**
   * Requests that nothing waits for any more are taken back; a grant that is under way is returned
   * unused.
   */
  private void withdraw(Pool pool) {
    if (pool.requested == 0) {
      return;
    }
    pending
        .entrySet()
        .removeIf(
            entry -> {
              if (entry.getValue().pool != pool) {
                return false;
              }
              tellReturned(entry.getKey(), entry.getValue().node);
              return true;
            });
    pool.requested = 0;
    pool.queued = 0;
  }

  private void tellReturned(LeaseId id, NodeId node) {
    effects.accept(new WorkerEffect.AskScheduler(node, new ReturnLease(id)));
  }

  private void forget(LeaseId id, Pending request) {
    pending.remove(id);
    request.pool.requested--;
    if (request.queued) {
      request.pool.queued--;
    }
  }

  void onGranted(LeaseGranted granted, long nowNanos) {
    Pending request = pending.get(granted.lease());
    if (request == null) {
      if (!leases.containsKey(granted.lease())) {
        tellReturned(granted.lease(), granted.worker().node()); // withdrawn meanwhile
      }
      return;
    }
    forget(granted.lease(), request);
    boolean here = granted.worker().node().equals(self.node());
    Lease lease =
        new Lease(granted.lease(), granted.worker(), request.pool, pace(here), here, nowNanos);
    leases.put(lease.id, lease);
    request.pool.add(lease);
    dispatch(request.pool, nowNanos);
  }

  private Pace pace(boolean here) {
    int least = limits.tasksInFlightMax();
    int most = limits.tasksInFlightRemoteMax();
    return here
        ? new Pace(least, Math.min(most, HERE_MAX), Pace.LATER_HERE_MAX_NANOS)
        : new Pace(least, most, Pace.LATER_MAX_NANOS);
  }

  void onQueued(LeaseQueued message, long nowNanos) {
    Pending request = pending.get(message.lease());
    if (request != null && !request.queued) {
      request.queued = true;
      request.pool.queued++;
      dispatch(request.pool, nowNanos);
    }
  }

  void onRedirected(LeaseRedirected message, long nowNanos) {
    Pending request = pending.get(message.lease());
    if (request == null) {
      return;
    }
    if (isDead.test(message.to())) {
      // The scheduler did not know it yet; nobody would ever answer there.
      forget(message.lease(), request);
      dispatch(request.pool, nowNanos);
      return;
    }
    request.node =
        message
            .to(); // before it is asked: where a task waits is worth as much as where an object is
    TaskRecord head = request.pool.ready.peekFirst();
    if (head == null) {
      forget(message.lease(), request);
    } else {
      ask(message.lease(), request, head, message.hops());
    }
    dispatch(request.pool, nowNanos);
  }

  /** No node will ever have what this shape needs: its tasks fail. */
  void onRefused(LeaseRefused message, long nowNanos) {
    Pending request = pending.get(message.lease());
    if (request == null) {
      return;
    }
    forget(message.lease(), request);
    if (message.failure().kind() == Failure.Kind.CLOSED
        && !request.node.equals(self.node())
        && !(request.pool.shape.placement instanceof Placement.On)) {
      dispatch(request.pool, nowNanos); // that node leaves, and ours knows of others
      return;
    }
    List<TaskRecord> waiting = new ArrayList<>(request.pool.ready);
    request.pool.ready.clear();
    waiting.stream()
        .filter(task -> task.state == TaskRecord.State.READY)
        .forEach(task -> pusher.refused(task, message.failure()));
    dispatch(request.pool, nowNanos);
  }

  void onReclaimed(LeaseReclaimed message) {
    Lease lease = leases.get(message.lease());
    if (lease == null) {
      return; // given back already
    }
    lease.reclaimed = true;
    lease.pool.changed(lease);
    if (lease.inFlight == 0) {
      giveBack(lease);
    }
  }

  /** Nothing more is pushed to that node; each lease there goes back with the last that runs. */
  void onNodeDrains(NodeId node) {
    for (Lease lease : List.copyOf(leases.values())) {
      if (lease.worker.node().equals(node)) {
        onReclaimed(new LeaseReclaimed(lease.id));
      }
    }
  }

  private void giveBack(Lease lease) {
    drop(lease);
    tellReturned(lease.id, lease.worker.node());
  }

  private void giveBackIdle(Pool pool) {
    for (Lease lease : List.copyOf(pool.leases)) {
      if (lease.inFlight == 0) {
        giveBack(lease);
      }
    }
  }

  private void drop(Lease lease) {
    leases.remove(lease.id);
    lease.pool.remove(lease);
    removeIfEmpty(lease.pool);
  }

  /**
   * A creation ended: its worker is the actor now, or is worth nothing; the lease is not for other
   * tasks.
   */
  void creationEnded(Lease lease, boolean succeeded) {
    if (leases.get(lease.id) == lease) {
      lease.inFlight = 0;
      if (succeeded) {
        drop(lease); // the scheduler counts it until the actor ends
      } else {
        giveBack(lease);
      }
    }
  }

  // ---- idle leases ----

  private void armSweep(Pool pool) {
    if (!sweepSet && pool.hasIdleLease()) {
      sweepSet = true;
      effects.accept(
          new WorkerEffect.SetTimer(new WorkerTimer.LeaseSweep(), limits.leaseIdleNanos()));
    }
  }

  void onSweep(long nowNanos) {
    sweepSet = false;
    long soonest = Long.MAX_VALUE;
    for (Lease lease : List.copyOf(leases.values())) {
      if (lease.inFlight > 0) {
        continue;
      }
      long left = limits.leaseIdleNanos() - (nowNanos - lease.idleSinceNanos);
      if (left <= 0) {
        giveBack(lease);
      } else {
        soonest = Math.min(soonest, left);
      }
    }
    if (soonest != Long.MAX_VALUE) {
      sweepSet = true;
      effects.accept(new WorkerEffect.SetTimer(new WorkerTimer.LeaseSweep(), soonest));
    }
  }

  // ---- deaths and the end ----

  /** Forgets the leases on dead workers. The tasks in flight there are the caller's to retry. */
  void dropLeases(Predicate<WorkerId> isDead) {
    for (Lease lease : List.copyOf(leases.values())) {
      if (isDead.test(lease.worker)) {
        drop(lease);
      }
    }
  }

  /** Requests that waited at a dead node start again at the local one. */
  void onNodeDied(NodeId dead, long nowNanos) {
    for (Map.Entry<LeaseId, Pending> entry : List.copyOf(pending.entrySet())) {
      if (entry.getValue().node.equals(dead)) {
        forget(entry.getKey(), entry.getValue());
      }
    }
    for (Pool pool : List.copyOf(pools.values())) {
      dispatch(pool, nowNanos);
    }
  }

  /** Gives everything back. */
  void close() {
    for (Lease lease : List.copyOf(leases.values())) {
      giveBack(lease);
    }
    for (Pool pool : List.copyOf(pools.values())) {
      pool.ready.clear();
      withdraw(pool);
    }
    pools.clear();
    last = null;
  }
}
