package io.dfut.internal.lease;

import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.lease.RequestQueue.Waiting;
import io.dfut.internal.machine.Invariant;
import io.dfut.internal.machine.Machine;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.SchedulerMessage.NodeLoad;
import io.dfut.internal.protocol.SchedulerMessage.RequestLease;
import io.dfut.internal.protocol.SchedulerMessage.Use;
import io.dfut.internal.protocol.WorkerMessage.LeaseGranted;
import io.dfut.internal.protocol.WorkerMessage.LeaseQueued;
import io.dfut.internal.protocol.WorkerMessage.LeaseReclaimed;
import io.dfut.internal.protocol.WorkerMessage.LeaseRedirected;
import io.dfut.internal.protocol.WorkerMessage.LeaseRefused;
import io.dfut.internal.task.Failure;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * Grants leases for one node's resources (paper section 4.1; DESIGN sections 4 and 8).
 *
 * <p><b>What is kept.</b> The node's total resources and what is free of them; every lease granted
 * here, with its holder and worker; the requests that wait; idle workers; and the last load report
 * of every other node, which is a hint and may be stale.
 *
 * <p><b>Who changes it.</b> Task owners request and return; workers say when their task blocks and
 * goes on; deaths end leases. A request names its lease, so a repeated one finds the lease granted
 * or waiting and gets the same answer again.
 *
 * <p><b>What is granted.</b> A request goes to another node when the user asks for that, when much
 * more of its arguments lies there, or when it does not fit here now, or its arguments do not fit
 * into the store, and another node has room by its last report; also when as much of this node is
 * in use as the threshold says, and less of another. The redirect goes back to the owner, never on
 * to the other node: the owner must know where its task waits. After {@code hopsMax} redirects a
 * request waits where it is, so two stale views cannot play ping-pong. A request that no known node
 * can ever hold waits for one to join, for a bounded time, and is refused naming the nearest.
 *
 * <p><b>Blocked tasks.</b> A task that blocks gives its share back, so that what it waits for can
 * run; when it goes on it takes its share at once, even if that makes the node's free amount
 * negative for a while: making it wait could deadlock. So granted = total − free always holds, and
 * only a share that came back can make free negative.
 *
 * <p><b>Arguments.</b> A lease whose tasks all wait for arguments that are on their way lends its
 * share out as well ({@code ArgumentsAwaited}), but gets it back only when it fits ({@code
 * ArgumentsArrived}, answered by {@code Resume}): no task has begun that others could wait for in
 * the middle, so making it wait cannot deadlock, and a hundred tasks whose arguments come at once
 * do not run at once. Leases that want their share back go before new ones. At most {@code awayMax}
 * are lent out; others keep theirs, which costs only time. A request to resume is always answered,
 * at the latest when the lease ends.
 *
 * <p><b>Order.</b> Deeper tasks first, since shallower ones wait for them (serving the oldest first
 * does not finish nested work); among equals the oldest first. While requests wait, leases held for
 * longer than {@code tenureNanos} are reclaimed, the longest-held first, as many as requests wait:
 * no owner keeps another from working. Requests of the lease's own owner for the same tasks do not
 * count: it would only have another worker for them, and learn anew how quick that is.
 *
 * <p>Not thread-safe: driven by one actor, or one simulator.
 */
public final class LeaseMachine implements Machine<LeaseInput, LeaseEffect> {
  /** Where a lease's share is, apart from what a blocked task gives back. */
  private enum Share {
    HELD,
    /** Lent out, as the lease's tasks wait for their arguments. */
    AWAY,
    /** Still lent out, and asked for again: the worker waits for it. */
    WANTED
  }

  private static final class Granted {
    final RequestLease request;
    final WorkerId worker;
    final long sinceNanos;
    int blocked;
    boolean reclaimed;
    Share share = Share.HELD;
    long arrivedOrder;

    Granted(RequestLease request, WorkerId worker, long sinceNanos) {
      this.request = request;
      this.worker = worker;
      this.sinceNanos = sinceNanos;
    }

    /** Whether its resources are in use. */
    boolean isCounted() {
      return blocked == 0 && share == Share.HELD;
    }
  }

  /**
   * What is thought of another node: its last report, less what was sent there since.
   *
   * @param guessedNanos when something was sent there last; {@link #REPORTED} when that is in the
   *     report
   */
  private record View(NodeLoad report, Map<String, Long> free, int queued, long guessedNanos) {
    static final long REPORTED = Long.MIN_VALUE;

    View(NodeLoad report) {
      this(report, Map.copyOf(report.free().units()), report.queued(), REPORTED);
    }

    long version() {
      return report.version();
    }

    Resources total() {
      return report.total();
    }

    View withSent(Resources amount, long nowNanos) {
      Map<String, Long> guess = new HashMap<>(free);
      amount.units().forEach((name, units) -> guess.merge(name, -units, Long::sum));
      return new View(report, guess, queued + 1, nowNanos);
    }
  }

  /**
   * How long a guess stands without a report. A node reports only what has changed: it says nothing
   * when what was sent there ended between two of its reports, or never came, or when the report
   * was lost.
   */
  static final long GUESS_NANOS = 500_000_000;

  private final NodeId self;
  private final Resources total;
  private final LeaseLimits limits;
  private final RandomGenerator random;

  /** Ten-thousandths by resource; negative only while unblocked tasks hold more than there is. */
  private final SortedMap<String, Long> free = new TreeMap<>();

  private final Map<LeaseId, Granted> granted = new LinkedHashMap<>();

  private final RequestQueue waiting = new RequestQueue();

  /**
   * Requests with resources taken, for which a worker is being started. In the order of the starts.
   */
  private final ArrayDeque<Waiting> starting = new ArrayDeque<>();

  /** Warm workers, the last used first. */
  private final ArrayDeque<WorkerId> idle = new ArrayDeque<>();

  /** Deaths that are remembered: messages of the dead may still arrive, but not for long. */
  private static final int DEATHS_MAX = 4096;

  /** Workers and nodes that are gone. Added by a notice; removed by newer ones beyond the bound. */
  private final Set<Object> gone = new LinkedHashSet<>();

  private final Map<NodeId, View> others = new HashMap<>();
  private Consumer<? super LeaseEffect> effects;
  private long stepNanos;
  private long order;
  private long loadVersion;
  private NodeLoad lastPublished;

  /** What this node's store could take at the last tick. Before the first nobody knows better. */
  private long storeRoomBytes = Long.MAX_VALUE;

  /** Whether this node takes nothing new. */
  private boolean draining;

  /** Why it grants nothing at all any more. */
  private Optional<String> stops = Optional.empty();

  /** Leases whose shares are lent out; bounded. */
  private int away;

  /**
   * @param offersWork whether tasks may run here at all; a pure driver's node only passes requests
   *     on
   */
  public LeaseMachine(NodeId self, Resources total, LeaseLimits limits, RandomGenerator random) {
    this.self = self;
    this.total = total;
    this.limits = limits;
    this.random = random;
    free.putAll(total.units());
  }

  @Override
  public void step(LeaseInput input, long nowNanos, Consumer<? super LeaseEffect> out) {
    effects = out;
    stepNanos = nowNanos;
    switch (input) {
      case LeaseInput.Received(SchedulerMessage message) -> onMessage(message, nowNanos);
      case LeaseInput.WorkerReady(WorkerId worker) -> onWorkerReady(worker, nowNanos);
      case LeaseInput.Tick(long room) -> {
        storeRoomBytes = room;
        onTick(nowNanos);
      }
      case LeaseInput.Drain() -> onDrain(Optional.empty());
      case LeaseInput.Stop(String reason) -> onDrain(Optional.of(reason));
    }
  }

  private void onMessage(SchedulerMessage message, long nowNanos) {
    switch (message) {
      case RequestLease request -> onRequest(request, nowNanos);
      case SchedulerMessage.ReturnLease(LeaseId lease) -> onReturned(lease, nowNanos);
      case SchedulerMessage.TaskBlocked(LeaseId lease) -> onBlocked(lease, nowNanos);
      case SchedulerMessage.TaskUnblocked(LeaseId lease) -> onUnblocked(lease);
      case SchedulerMessage.ArgumentsAwaited(LeaseId lease) -> onAwaited(lease, nowNanos);
      case SchedulerMessage.ArgumentsArrived(LeaseId lease, WorkerId worker) ->
          onArrived(lease, worker, nowNanos);
      case SchedulerMessage.WorkerGone(WorkerId worker) -> {
        idle.remove(worker);
        remember(worker);
        onHoldersGone(worker::equals, worker::equals, worker + " is gone", nowNanos);
      }
      case SchedulerMessage.NodeGone(NodeId node) -> {
        others.remove(node);
        remember(node);
        onHoldersGone(
            owner -> owner.node().equals(node),
            worker -> false,
            "node " + node + " is gone",
            nowNanos);
      }
      case NodeLoad load -> onLoad(load, nowNanos);
    }
  }

  // ---- requests ----

  private void onRequest(RequestLease request, long nowNanos) {
    WorkerId owner = request.lease().owner();
    if (gone.contains(owner) || gone.contains(owner.node())) {
      return; // nobody would ever give it back
    }
    Granted before = granted.get(request.lease());
    if (before != null) {
      tell(request, new LeaseGranted(request.lease(), before.worker)); // the answer was lost
      return;
    }
    if (waiting.contains(request.lease())
        || starting.stream().anyMatch(entry -> entry.request().lease().equals(request.lease()))) {
      tell(request, new LeaseQueued(request.lease()));
      return;
    }
    if (draining) {
      if (sendAway(request)) {
        return;
      }
    } else {
      Optional<NodeId> elsewhere = betterNode(request);
      if (elsewhere.isPresent()) {
        redirect(request, elsewhere.get());
        return;
      }
    }
    Waiting entry = new Waiting(request, ++order, nowNanos, runsHere(request));
    if (entry.here() && fits(request.resources(), free)) {
      grant(entry, nowNanos);
    } else {
      waiting.add(entry);
      tell(request, new LeaseQueued(request.lease()));
      reclaim(nowNanos);
    }
  }

  private boolean runsHere(RequestLease request) {
    return couldHold(total, request.resources())
        && (!(request.placement() instanceof Placement.On(NodeId node)) || node.equals(self));
  }

  /** Where the request should go instead of waiting or running here. */
  private Optional<NodeId> betterNode(RequestLease request) {
    Resources need = request.resources();
    if (request.placement() instanceof Placement.On(NodeId node)) {
      return node.equals(self) || !others.containsKey(node) ? Optional.empty() : Optional.of(node);
    }
    if (request.hops() >= limits.hopsMax() && couldHold(total, need)) {
      return Optional.empty(); // a node that can never run it passes it on all the same
    }
    if (request.hops() == 0 && !(request.placement() instanceof Placement.Spread)) {
      Optional<NodeId> holder = holderOfArguments(request);
      if (holder.isPresent()) {
        return holder;
      }
    }
    boolean sharesHere = couldHold(total, need) && fits(need, free);
    boolean roomHere =
        sharesHere && fits(placing(request), free) && argumentsFit(request, self, storeRoomBytes);
    if (request.placement() instanceof Placement.Spread && request.hops() == 0) {
      List<NodeId> withRoom = othersThatTake(request);
      if (withRoom.isEmpty() && !roomHere) { // what fits all the same is spread all the same
        withRoom = othersWithRoom(need);
        roomHere = sharesHere;
      }
      int candidates = withRoom.size() + (roomHere ? 1 : 0);
      if (candidates == 0) {
        return Optional.empty();
      }
      int choice = random.nextInt(candidates);
      return choice < withRoom.size() ? Optional.of(withRoom.get(choice)) : Optional.empty();
    }
    if (roomHere) {
      return request.hops() == 0 && !isTiedHere(request)
          ? lessLoaded(othersUsedLess(request))
          : Optional.empty(); // two nodes with old views would send it to and fro
    }
    Optional<NodeId> other = lessLoaded(othersThatTake(request));
    if (other.isPresent() || sharesHere) {
      return other; // arguments that fit nowhere wait here as well as elsewhere
    }
    other = lessLoaded(othersWithRoom(need));
    return other.isPresent() || couldHold(total, need) ? other : leastQueued(need);
  }

  /** Of the others that may ever hold it. */
  private Optional<NodeId> leastQueued(Resources need) {
    return others.entrySet().stream()
        .filter(entry -> couldHold(entry.getValue().total(), need))
        .map(Map.Entry::getKey)
        .min(
            Comparator.comparingInt((NodeId node) -> others.get(node).queued())
                .thenComparing(node -> node));
  }

  /**
   * What a node should have free for this. An actor that holds no CPU for life still wants one when
   * it is called, so it is put where one is free, if any is, unless the user says what else counts.
   */
  private static Resources placing(RequestLease request) {
    Resources need = request.resources();
    return request.use() == Use.TASKS
            || need.unitsOf(Resources.CPU) > 0
            || request.placement() instanceof Placement.Near
        ? need
        : need.with(Resources.CPU, 1);
  }

  private Optional<NodeId> holderOfArguments(RequestLease request) {
    long here = request.bytesByNode().getOrDefault(self, 0L);
    long least =
        request.placement() instanceof Placement.Near ? 1 : RequestLease.LOCALITY_BYTES_MIN;
    return request.bytesByNode().entrySet().stream()
        .filter(entry -> !entry.getKey().equals(self) && entry.getValue() - here >= least)
        .filter(entry -> takes(entry.getKey(), request, request.resources()))
        .max(Map.Entry.<NodeId, Long>comparingByValue().thenComparing(Map.Entry::getKey))
        .map(Map.Entry::getKey);
  }

  private List<NodeId> othersWithRoom(Resources need) {
    return others.entrySet().stream()
        .filter(entry -> hasRoom(entry.getValue(), need))
        .map(Map.Entry::getKey)
        .sorted()
        .toList();
  }

  /** Those of them that have room for the arguments, too. */
  private List<NodeId> othersThatTake(RequestLease request) {
    Resources need = placing(request);
    return others.keySet().stream().filter(node -> takes(node, request, need)).sorted().toList();
  }

  private boolean takes(NodeId other, RequestLease request, Resources need) {
    View view = others.get(other);
    return view != null
        && hasRoom(view, need)
        && argumentsFit(request, other, view.report().storeRoomBytes());
  }

  /** Whether it is here for a reason that counts more than how much of this node is in use. */
  private boolean isTiedHere(RequestLease request) {
    return request.placement() instanceof Placement.Near
        || request.bytesByNode().getOrDefault(self, 0L) >= RequestLease.LOCALITY_BYTES_MIN;
  }

  /**
   * Those that take it and are used less than this node, if this one is filled to the threshold.
   */
  private List<NodeId> othersUsedLess(RequestLease request) {
    Resources need = placing(request);
    double used = usedBeyondThreshold(need, total, free);
    return used == 0
        ? List.of()
        : othersThatTake(request).stream()
            .filter(
                node -> {
                  View view = others.get(node);
                  return usedBeyondThreshold(need, view.total(), view.free()) < used;
                })
            .toList();
  }

  /**
   * The share in use of the resource that is used most of those asked for; 0 below the threshold,
   * where all nodes are alike.
   */
  private double usedBeyondThreshold(Resources need, Resources total, Map<String, Long> free) {
    double most = 0;
    for (String name : need.units().keySet()) {
      double left = free.getOrDefault(name, 0L);
      most = Math.max(most, 1 - left / total.unitsOf(name));
    }
    return most < limits.packThreshold() ? 0 : most;
  }

  private static boolean hasRoom(View view, Resources need) {
    return couldHold(view.total(), need) && fits(need, view.free());
  }

  /** Whether what is not there of the arguments finds room there. */
  private static boolean argumentsFit(RequestLease request, NodeId node, long roomBytes) {
    long there = request.bytesByNode().getOrDefault(node, 0L);
    return request.argumentBytes() - there <= roomBytes;
  }

  /**
   * The less loaded of two drawn at random: nearly as good as the least loaded, without everyone
   * choosing that one. Empty only if there is none.
   */
  private Optional<NodeId> lessLoaded(List<NodeId> nodes) {
    if (nodes.isEmpty()) {
      return Optional.empty();
    }
    NodeId one = nodes.get(random.nextInt(nodes.size()));
    NodeId two = nodes.get(random.nextInt(nodes.size()));
    return Optional.of(others.get(one).queued() <= others.get(two).queued() ? one : two);
  }

  private void redirect(RequestLease request, NodeId to) {
    others.computeIfPresent(to, (node, view) -> view.withSent(request.resources(), stepNanos));
    tell(request, new LeaseRedirected(request.lease(), to, request.hops() + 1));
  }

  /**
   * This node takes nothing new: the request goes to who may ever hold it; else to its owner's
   * node, which waits for a node to join. False for one of this node's own when no other may hold
   * it: what runs here and is to end may wait for that.
   */
  private boolean sendAway(RequestLease request) {
    NodeId owner = request.lease().owner().node();
    Optional<NodeId> other =
        request.placement() instanceof Placement.On(NodeId node)
            ? Optional.of(node).filter(others::containsKey)
            : lessLoaded(othersWithRoom(request.resources()))
                .or(() -> leastQueued(request.resources()));
    if (other.isPresent() && (stops.isEmpty() || request.hops() < limits.hopsMax())) {
      redirect(request, other.get());
    } else if (stops.isPresent()) {
      refuse(request, Failure.Kind.CLOSED, "node " + self + " stops: " + stops.get());
    } else if (owner.equals(self)) {
      return false;
    } else if (request.placement() instanceof Placement.On) {
      refuse(
          request,
          Failure.Kind.INFEASIBLE,
          "node " + self + " drains and leaves the cluster, so nothing can run on(…) it any more");
    } else {
      redirect(request, owner);
    }
    return true;
  }

  private void refuse(RequestLease request, Failure.Kind kind, String why) {
    tell(request, new LeaseRefused(request.lease(), Failure.of(kind, why)));
  }

  private void grant(Waiting entry, long nowNanos) {
    take(entry.request().resources());
    // An actor's worker ends with it: one that ran tasks may own what others hold.
    WorkerId worker = entry.request().use() == Use.TASKS ? idle.pollFirst() : null;
    if (worker == null) {
      starting.addLast(entry);
      effects.accept(new LeaseEffect.StartWorker());
    } else {
      bind(entry, worker, nowNanos);
    }
  }

  private void bind(Waiting entry, WorkerId worker, long nowNanos) {
    granted.put(entry.request().lease(), new Granted(entry.request(), worker, nowNanos));
    tell(entry.request(), new LeaseGranted(entry.request().lease(), worker));
  }

  private void onWorkerReady(WorkerId worker, long nowNanos) {
    if (gone.contains(worker)) { // it was parked, or had just been started, and died before this
      if (!starting.isEmpty()) {
        effects.accept(new LeaseEffect.StartWorker());
      }
      return;
    }
    Waiting entry = starting.pollFirst();
    if (entry != null) {
      bind(entry, worker, nowNanos);
    } else {
      park(worker);
    }
  }

  // ---- returns ----

  private void onReturned(LeaseId lease, long nowNanos) {
    if (waiting.remove(lease)) {
      return;
    }
    Waiting started =
        starting.stream()
            .filter(entry -> entry.request().lease().equals(lease))
            .findFirst()
            .orElse(null);
    if (started != null) {
      starting.remove(started); // its worker will be parked when it comes
      give(started.request().resources());
      serve(nowNanos);
      return;
    }
    Granted ended = granted.remove(lease);
    if (ended != null) {
      release(ended);
      park(ended.worker);
      serve(nowNanos);
    }
  }

  private void release(Granted ended) {
    if (ended.share == Share.WANTED) {
      resume(ended.request.lease(), ended.worker); // nobody else will; its tasks find they are over
    }
    if (ended.isCounted()) {
      give(ended.request.resources());
    }
    if (ended.share != Share.HELD) {
      ended.share = Share.HELD;
      away--;
    }
  }

  private void park(WorkerId worker) {
    if (idle.contains(worker)) {
      return;
    }
    idle.addFirst(worker);
    if (idle.size() > limits.idleWorkersMax()) {
      effects.accept(new LeaseEffect.RetireWorker(idle.removeLast()));
    }
  }

  /** Grants what can be granted now, the deepest and oldest first. */
  private void serve(long nowNanos) {
    resumeSome();
    Optional<Waiting> next;
    while ((next = waiting.next(need -> fits(need, free))).isPresent()) {
      Waiting entry = next.get();
      waiting.remove(entry.request().lease());
      grant(entry, nowNanos);
    }
  }

  // ---- blocking ----

  private void onBlocked(LeaseId lease, long nowNanos) {
    Granted holder = granted.get(lease);
    if (holder != null) {
      boolean counted = holder.isCounted();
      holder.blocked++;
      if (counted) {
        give(holder.request.resources());
        serve(nowNanos);
      }
    }
  }

  private void onUnblocked(LeaseId lease) {
    Granted holder = granted.get(lease);
    if (holder != null && holder.blocked > 0) {
      holder.blocked--;
      if (holder.isCounted()) {
        take(holder.request.resources());
      }
    }
  }

  // ---- arguments ----

  private void onAwaited(LeaseId lease, long nowNanos) {
    Granted holder = granted.get(lease);
    if (holder != null && holder.isCounted() && away < limits.awayMax()) {
      holder.share = Share.AWAY;
      away++;
      give(holder.request.resources());
      serve(nowNanos);
    }
  }

  private void onArrived(LeaseId lease, WorkerId worker, long nowNanos) {
    Granted holder = granted.get(lease);
    if (holder == null || holder.share == Share.HELD) {
      resume(lease, worker); // it was not lent out, or there is nothing to wait for
    } else if (holder.share == Share.AWAY) {
      holder.share = Share.WANTED;
      holder.arrivedOrder = ++order;
      resumeSome();
      reclaim(nowNanos);
    }
  }

  /**
   * Gives shares back to leases whose tasks have their arguments, the deepest and oldest first.
   * Before any new grant: what they hold in the store is given back when they have run.
   */
  private void resumeSome() {
    if (away == 0) {
      return;
    }
    granted.values().stream()
        .filter(lease -> lease.share == Share.WANTED)
        .sorted(
            Comparator.<Granted>comparingInt(lease -> -lease.request.depth())
                .thenComparingLong(lease -> lease.arrivedOrder))
        .toList()
        .forEach(
            lease -> {
              if (fits(lease.request.resources(), free)) {
                lease.share = Share.HELD;
                away--;
                if (lease.isCounted()) { // one that is blocked takes it when it goes on
                  take(lease.request.resources());
                }
                resume(lease.request.lease(), lease.worker);
              }
            });
  }

  private void resume(LeaseId lease, WorkerId worker) {
    effects.accept(new LeaseEffect.Resume(worker, lease));
  }

  // ---- sharing ----

  private void reclaim(long nowNanos) {
    long wanted = waiting.servableCount();
    if (away > 0) {
      wanted += granted.values().stream().filter(lease -> lease.share == Share.WANTED).count();
    }
    long reclaimed = 0;
    for (Granted lease : granted.values()) { // in the order of the grants: the longest-held first
      if (reclaimed >= wanted) {
        return;
      }
      if (lease.share != Share.HELD) {
        continue; // it has nothing that others could have
      }
      if (lease.reclaimed) {
        reclaimed++;
      } else if (lease.request.use() == Use.TASKS
          && nowNanos - lease.sinceNanos >= limits.tenureNanos()
          && reclaimed < wanted - waiting.servableKinOf(lease.request)) {
        lease.reclaimed = true;
        reclaimed++;
        tell(lease.request, new LeaseReclaimed(lease.request.lease()));
      }
    }
  }

  private void onTick(long nowNanos) {
    others.replaceAll(
        (node, view) ->
            view.guessedNanos() != View.REPORTED && nowNanos - view.guessedNanos() >= GUESS_NANOS
                ? new View(view.report())
                : view);
    reclaim(nowNanos);
    Set<Resources> fullElsewhere = new HashSet<>();
    for (Waiting entry : waiting.all()) {
      RequestLease request = entry.request();
      if (!isFeasible(request)) {
        if (nowNanos - entry.sinceNanos() >= limits.infeasibleNanos()) {
          waiting.remove(request.lease());
          tell(request, new LeaseRefused(request.lease(), infeasible(request)));
        }
      } else if (!entry.here() || !fullElsewhere.contains(request.resources())) {
        Optional<NodeId> better = betterNode(request);
        if (better.isPresent()) {
          waiting.remove(request.lease());
          redirect(request, better.get());
        } else if (othersWithRoom(request.resources()).isEmpty()) {
          fullElsewhere.add(request.resources());
        }
      }
    }
    publish();
  }

  private boolean isFeasible(RequestLease request) {
    if (request.placement() instanceof Placement.On(NodeId node)) {
      return node.equals(self)
          ? couldHold(total, request.resources())
          : others.containsKey(node) && couldHold(others.get(node).total(), request.resources());
    }
    return couldHold(total, request.resources())
        || others.values().stream().anyMatch(view -> couldHold(view.total(), request.resources()));
  }

  private Failure infeasible(RequestLease request) {
    StringBuilder nodes = new StringBuilder();
    if (request.placement() instanceof Placement.On(NodeId node)) {
      Optional<Resources> there =
          node.equals(self)
              ? Optional.of(total)
              : Optional.ofNullable(others.get(node)).map(View::total);
      return Failure.of(
          Failure.Kind.INFEASIBLE,
          there
              .map(
                  has ->
                      "node " + node + " can never hold " + request.resources() + ": it has " + has)
              .orElse(
                  "node " + node + " is not a member of the cluster, so nothing can run on(…) it"));
    }
    nearest(request.resources())
        .ifPresent(
            near ->
                nodes
                    .append("; the nearest is ")
                    .append(near.getKey())
                    .append(" with ")
                    .append(near.getValue()));
    return Failure.of(
        Failure.Kind.INFEASIBLE,
        "no node can ever hold "
            + request.resources()
            + nodes
            + ". Ask for less, or start a node with more (dfut.cpus, dfut.resources).");
  }

  /** The node that lacks the least, in units over all resources. */
  private Optional<Map.Entry<NodeId, Resources>> nearest(Resources need) {
    Map<NodeId, Resources> totals = new TreeMap<>();
    totals.put(self, total);
    others.forEach((node, view) -> totals.put(node, view.total()));
    return totals.entrySet().stream()
        .filter(entry -> !entry.getValue().isNothing())
        .min(
            Comparator.comparingLong(
                entry ->
                    need.units().entrySet().stream()
                        .mapToLong(
                            n -> Math.max(0, n.getValue() - entry.getValue().unitsOf(n.getKey())))
                        .sum()));
  }

  // ---- other nodes ----

  private void onLoad(NodeLoad load, long nowNanos) {
    if (load.node().equals(self) || gone.contains(load.node())) {
      return; // the second is late: requests would be sent there for ever
    }
    View before = others.get(load.node());
    if (before == null || before.version() < load.version()) {
      others.put(load.node(), new View(load));
    }
  }

  private void publish() {
    SortedMap<String, Long> positive = new TreeMap<>();
    free.forEach((name, amount) -> positive.put(name, Math.max(0, amount)));
    Resources now = new Resources(positive);
    long room = Long.highestOneBit(storeRoomBytes); // not exactly: it changes with every object
    Resources offered = draining ? Resources.NONE : total;
    boolean changed =
        lastPublished == null
            || !lastPublished.total().equals(offered)
            || !lastPublished.free().equals(now)
            || lastPublished.queued() != waiting.size()
            || lastPublished.storeRoomBytes() != room;
    if (changed) {
      lastPublished = new NodeLoad(self, ++loadVersion, offered, now, waiting.size(), room);
      effects.accept(new LeaseEffect.Publish(lastPublished));
    }
  }

  /** The last report, for a node that joins; a first one if there was none. */
  public NodeLoad load() {
    if (lastPublished == null) {
      lastPublished = new NodeLoad(self, ++loadVersion, total, total, 0, Long.MAX_VALUE);
    }
    return lastPublished;
  }

  // ---- deaths and the end ----

  private void remember(Object workerOrNode) {
    gone.add(workerOrNode);
    if (gone.size() > DEATHS_MAX) {
      gone.remove(gone.iterator().next());
    }
  }

  private void onHoldersGone(
      Predicate<WorkerId> ownerGone, Predicate<WorkerId> workerGone, String reason, long nowNanos) {
    for (Waiting entry : waiting.all()) {
      if (ownerGone.test(entry.request().lease().owner())) {
        waiting.remove(entry.request().lease());
      }
    }
    starting.removeIf(
        entry -> {
          boolean gone = ownerGone.test(entry.request().lease().owner());
          if (gone) {
            give(entry.request().resources());
          }
          return gone;
        });
    for (Granted lease : List.copyOf(granted.values())) {
      boolean workerIsGone = workerGone.test(lease.worker);
      if (!workerIsGone && !ownerGone.test(lease.request.lease().owner())) {
        continue;
      }
      if (!workerIsGone && lease.request.use() == Use.DETACHED_ACTOR) {
        continue; // it needs no owner
      }
      if (!workerIsGone && lease.request.use() == Use.ACTOR) {
        effects.accept(new LeaseEffect.EndActor(lease.worker, reason)); // its end frees the lease
        continue;
      }
      granted.remove(lease.request.lease());
      release(lease);
      if (!workerIsGone) {
        park(lease.worker);
      }
    }
    serve(nowNanos);
  }

  private void onDrain(Optional<String> end) {
    draining = true;
    stops = stops.or(() -> end);
    for (Waiting entry : waiting.all()) {
      if (sendAway(entry.request())) {
        waiting.remove(entry.request().lease());
      }
    }
    publish();
  }

  // ---- amounts ----

  /**
   * Whether a node with this total may ever hold that much. One that offers nothing, a driver's,
   * holds nothing, not even what needs nothing.
   */
  private static boolean couldHold(Resources total, Resources need) {
    return !total.isNothing() && need.fitsIn(total);
  }

  private static boolean fits(Resources need, Map<String, Long> amounts) {
    for (Map.Entry<String, Long> entry : need.units().entrySet()) {
      if (entry.getValue() > amounts.getOrDefault(entry.getKey(), 0L)) {
        return false;
      }
    }
    return true;
  }

  private void take(Resources amount) {
    amount.units().forEach((name, units) -> free.merge(name, -units, Long::sum));
  }

  private void give(Resources amount) {
    amount.units().forEach((name, units) -> free.merge(name, units, Long::sum));
    amount
        .units()
        .forEach(
            (name, units) ->
                Invariant.check(
                    free.get(name) <= total.unitsOf(name),
                    "more of a resource is free than there is",
                    name));
  }

  private void tell(RequestLease request, io.dfut.internal.protocol.WorkerMessage message) {
    effects.accept(new LeaseEffect.Tell(request.lease().owner(), message));
  }

  // ---- for people and tests ----

  /** What is free now, in units. */
  public Map<String, Long> free() {
    return Map.copyOf(free);
  }

  /** What leases hold now, in units: with {@link #free}, always the total. */
  public Map<String, Long> held() {
    Map<String, Long> held = new HashMap<>();
    for (Waiting entry : starting) {
      entry.request().resources().units().forEach((name, n) -> held.merge(name, n, Long::sum));
    }
    for (Granted lease : granted.values()) {
      if (lease.isCounted()) {
        lease.request.resources().units().forEach((name, n) -> held.merge(name, n, Long::sum));
      }
    }
    return held;
  }

  /** The other nodes that are known. */
  public List<NodeId> knownNodes() {
    return others.entrySet().stream()
        .filter(entry -> !entry.getValue().total().isNothing())
        .map(Map.Entry::getKey)
        .sorted()
        .toList();
  }

  /** Those of them that offer work, the one with the most room in its store first. */
  public List<NodeId> nodesByRoom() {
    return knownNodes().stream()
        .sorted(
            Comparator.comparingLong((NodeId node) -> -others.get(node).report().storeRoomBytes()))
        .toList();
  }

  /** The leases, for people. */
  public List<Inspection.Lease> describe() {
    List<Inspection.Lease> described = new ArrayList<>();
    for (Granted lease : granted.values()) {
      described.add(
          new Inspection.Lease(
              lease.request.lease().owner(),
              Optional.of(lease.worker),
              lease.request.resources().toString(),
              lease.request.use() != Use.TASKS
                  ? "held by an actor"
                  : lease.blocked > 0
                      ? "granted, blocked"
                      : lease.share != Share.HELD ? "granted, waits for arguments" : "granted"));
    }
    for (Waiting entry : waiting.all()) {
      described.add(
          new Inspection.Lease(
              entry.request().lease().owner(),
              Optional.empty(),
              entry.request().resources().toString(),
              "queued"));
    }
    return described;
  }
}
