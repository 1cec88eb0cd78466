package io.dfut.internal.sim;

import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Resources;
import io.dfut.internal.lease.LeaseEffect;
import io.dfut.internal.lease.LeaseInput;
import io.dfut.internal.lease.LeaseLimits;
import io.dfut.internal.lease.LeaseMachine;
import io.dfut.internal.ownership.Claim;
import io.dfut.internal.ownership.Tables;
import io.dfut.internal.ownership.Unclaimed;
import io.dfut.internal.ownership.WorkerInput;
import io.dfut.internal.ownership.WorkerLimits;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.spi.ObjectKey;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;

/**
 * A cluster in one thread, from one seed: the real machines of workers and schedulers, simulated
 * executors and stores, a network that delivers in any order, and a clock that jumps. After each
 * step it is checked that nothing is freed while somebody has an open handle on it; at the end,
 * that every driver read what the direct evaluation gives, and that nothing is left anywhere.
 */
final class Sim {
  /** A run that lasts for so long after its last fault, on its own clock, will not end. */
  private static final long LONGEST_NANOS = 30_000_000_000L;

  /** The same where stores have little room: each of many puts may wait for it. */
  private static final long LONGEST_WITH_STORES_NANOS = 300_000_000_000L;

  /** How often tasks that wait may be asked for what; a cycle needs as many as it is long. */
  private static final int WAIT_ROUNDS_MAX = 40;

  static final JobId JOB = new JobId(new NodeId("sim", 1, 0), 1);

  /** Where messages to a node's scheduler go. */
  record Scheduler(NodeId node) {}

  /** Where messages to a node's store go. */
  record Store(NodeId node) {}

  /** A worker's executing thread, whose messages may overtake those of its table. */
  record Thread(WorkerId worker) {}

  /** Comes after what was sent before it, and perhaps after what is sent later. */
  record Late(WorkerMessage message) {}

  private record Free(ObjectKey key) {}

  private record Promote(ObjectKey key) {}

  /** Who tells the news of a death, from where nothing is lost with the dead. */
  private record Detector(Object dead) {}

  /**
   * @param node whose timer it is; null for what is nobody's
   */
  private record Alarm(long atNanos, long order, SimNode node, Runnable action) {}

  private final SimStore.Factory stores;
  private final long longestNanos;
  private long cycleBrokenNanos;
  private long nextWaitRoundNanos;

  /** Since a call that could never run was found. */
  private int waitRounds;

  final long seed;
  final Profile profile;
  final Random random;
  final Network network;
  final Counters seen;
  private final WorkerLimits limits;

  /** All lives of all nodes. */
  private final Map<NodeId, SimNode> nodes = new LinkedHashMap<>();

  private final Map<WorkerId, SimWorker> workers = new LinkedHashMap<>();
  private final Set<WorkerId> ended = new HashSet<>();
  private final List<SimWorker> drivers = new ArrayList<>();
  private final List<Body> driverBodies = new ArrayList<>();
  private final PriorityQueue<Alarm> alarms =
      new PriorityQueue<>(Comparator.comparingLong(Alarm::atNanos).thenComparingLong(Alarm::order));

  /** Open handles by owner and object, wherever they are: what must not be freed. */
  private final Map<WorkerId, Map<ObjectId, Integer>> openHandles = new HashMap<>();

  private final List<String> log = new ArrayList<>();
  private final boolean logging;
  private boolean hashing;

  /** FNV-1a. */
  private long traceHash = 0xcbf29ce484222325L;

  private long now = 1_000_000_000L;
  private long lastAlarm;
  private long steps;
  private final Faulty faulty;

  Sim(
      long seed,
      Profile profile,
      Random random,
      Counters seen,
      boolean logging,
      SimStore.Factory stores) {
    this.stores = stores;
    this.seed = seed;
    this.profile = profile;
    this.random = random;
    this.seen = seen;
    this.logging = logging;
    this.network = new Network(random);
    int inFlight = 1 + random.nextInt(3);
    this.limits =
        new WorkerLimits(
            profile.leaseIdleNanos(),
            inFlight,
            8 * inFlight,
            1 + random.nextInt(4),
            5_000_000_000L,
            10_000_000_000L,
            random.nextInt(4) == 0 ? random.nextInt(3_000) : Long.MAX_VALUE,
            1);
    this.faulty = new Faulty(this);
    List<SimNode> first = new ArrayList<>();
    for (int i = 0; i < profile.nodes(); i++) {
      first.add(newNode(new NodeId("sim", 1 + i, 0)));
    }
    longestNanos = first.getFirst().store.isInstant() ? LONGEST_NANOS : LONGEST_WITH_STORES_NANOS;
    for (SimNode node : first) {
      for (SimNode other : first) {
        if (node != other) {
          node.leases.step(new LeaseInput.Received(other.leases.load()), now, effect -> {});
          node.store.peerUp(other.id);
        }
      }
    }
    for (int i = 0; i < profile.drivers(); i++) {
      SimWorker driver = newWorker(first.get(i));
      Body body = new Body(random.nextLong(), 0, true);
      driver.drive(body);
      drivers.add(driver);
      driverBodies.add(body);
    }
  }

  // ---- the run ----

  /** Runs to the end; throws when a promise is broken. */
  long run() {
    try {
      int idleTicks = 0;
      while (!faulty.isCutOff(steps)) {
        if (act()) {
          idleTicks = 0;
          expect(steps++ < profile.lengths().stepsMax(), "it does not come to rest");
          continue;
        }
        boolean done = drivers.stream().allMatch(SimWorker::isDone);
        if (done && collectGarbage()) {
          continue;
        }
        long sinceNanos = now - Math.max(faulty.lastNanos(), cycleBrokenNanos);
        if (sinceNanos > longestNanos / 2 && now >= nextWaitRoundNanos) {
          nextWaitRoundNanos = now + 1_000_000_000L; // parked workers may keep alarms going
          if (waitRounds++ < WAIT_ROUNDS_MAX && sayWhoWaits()) {
            continue;
          }
        }
        expect(
            sinceNanos < longestNanos,
            "it does not end within the time it has after the last fault");
        if (!alarms.isEmpty()) {
          Alarm next = alarms.poll();
          now = Math.max(now, next.atNanos);
          ring(next);
          tick();
          continue;
        }
        if (!network.isEmpty()) {
          continue;
        }
        if (idleTicks++ > 60) {
          if (waitRounds++ < WAIT_ROUNDS_MAX && sayWhoWaits()) {
            idleTicks = 50; // tasks that wait for each other hear of it step by step
            continue;
          }
          expect(done, "nothing happens any more, but a driver waits");
          break;
        }
        now += 50_000_000;
        tick();
      }
      count(profile.faults().endless() ? "ran for safety" : "ran to the end");
      if (!faulty.isCutOff(steps)) {
        checkNothingIsLeft();
      }
      checkValues();
      return steps;
    } catch (RuntimeException | AssertionError | StackOverflowError e) {
      throw new AssertionError(
          "seed " + seed + ", " + profile + ", step " + steps + ": " + e + dump(), e);
    }
  }

  /** A call that could never run has failed: from here the run goes on as after a fault. */
  void cycleBroken() {
    count("call that could never run");
    cycleBrokenNanos = now;
    waitRounds = 0;
  }

  /**
   * Only now, when nothing else happens: the runtime says it each second, which would make every
   * run longer and find nothing more.
   */
  private boolean sayWhoWaits() {
    boolean any = false;
    for (SimWorker worker : List.copyOf(workers.values())) {
      any |= !worker.node.frozen && worker.sayWhoWaits();
    }
    return any;
  }

  private boolean act() {
    now += random.nextInt(20_000);
    while (!alarms.isEmpty() && alarms.peek().atNanos <= now) {
      if (ring(alarms.poll())) {
        return true;
      }
    }
    if (random.nextInt(400) == 0) {
      tick();
      return true;
    }
    if (faulty.act()) {
      return true;
    }
    if (random.nextInt(3) > 0 && deliverOne()) {
      return true;
    }
    List<SimWorker> all = new ArrayList<>(workers.values());
    int first = all.isEmpty() ? 0 : random.nextInt(all.size());
    for (int i = 0; i < all.size(); i++) {
      SimWorker worker = all.get((first + i) % all.size());
      if (!worker.node.frozen && worker.act()) {
        return true;
      }
    }
    return deliverOne();
  }

  private boolean deliverOne() {
    Network.Envelope next = network.take(this::takesNone);
    if (next == null) {
      return false;
    }
    deliver(next);
    return true;
  }

  /** What is for a frozen node waits; once it is declared dead, senders hear that. */
  private boolean takesNone(Object endPoint) {
    SimNode node = nodeOf(nodeAt(endPoint));
    return node.frozen && !node.declaredDead;
  }

  /** Whether it did something: a frozen node's timers are late. */
  private boolean ring(Alarm alarm) {
    if (alarm.node != null && alarm.node.frozen) {
      alarm.node.overdue.add(alarm.action);
      return false;
    }
    alarm.action.run();
    return true;
  }

  private void tick() {
    for (SimNode node : List.copyOf(nodes.values())) {
      if (!node.dead && !node.frozen) {
        stepLeases(node, new LeaseInput.Tick(Long.MAX_VALUE));
      }
    }
  }

  /** What actors' calls left behind is unreachable at last, as the garbage collector finds. */
  private boolean collectGarbage() {
    boolean any = false;
    for (SimWorker worker : List.copyOf(workers.values())) {
      any |= !worker.node.frozen && worker.collectGarbage();
    }
    return any;
  }

  /**
   * @param node whose timer it is, and which must be going for it; null for what is nobody's
   */
  void after(SimNode node, long nanos, Runnable action) {
    alarms.add(new Alarm(now + nanos, ++lastAlarm, node, action));
  }

  long steps() {
    return steps;
  }

  long now() {
    return now;
  }

  void count(String what) {
    seen.add(what);
  }

  /** Lines are made only when they are kept: writing messages out costs more than handling them. */
  void log(java.util.function.Supplier<String> line) {
    if (logging) {
      log.add(steps + " " + line.get());
    }
  }

  /** Kinds and places only: the text of a message has addresses of lambdas, and orders of sets. */
  private void trace(String where, Object what) {
    String text = now + " " + where + " " + what.getClass().getSimpleName();
    for (int i = 0; i < text.length(); i++) {
      traceHash = (traceHash ^ text.charAt(i)) * 0x100000001b3L;
    }
  }

  /** Hashes what happens, so that two runs can be compared. */
  Sim hashing() {
    hashing = true;
    return this;
  }

  long traceHash() {
    return traceHash;
  }

  // ---- messages ----

  void send(Object from, Object to, Object message, Claim claim) {
    network.send(new Network.Envelope(from, to, message, claim));
  }

  private void deliver(Network.Envelope e) {
    log(() -> e.from() + " -> " + e.to() + ": " + e.message());
    if (hashing) {
      trace(e.from() + " " + e.to(), e.message());
    }
    SimNode there = nodeOf(nodeAt(e.to()));
    if (isRefused(e, there)) {
      count("refused from the dead");
      return;
    }
    boolean isInside = isAt(e.from(), there.id);
    if (there.declaredDead && !isInside) {
      answerForTheDead(e, there.id);
    }
    if (there.dead) {
      if (nodes.containsKey(there.next())) {
        count("for an old incarnation");
      }
      return;
    }
    if (there.frozen) { // and declared dead
      faulty.keepForThaw(there, e);
      return;
    }
    if (there.declaredDead && !isInside && oneIn(2)) {
      return; // of what was sent before some is in its sockets
    }
    switch (e.to()) {
      case WorkerId to when e.message() instanceof Late(WorkerMessage message) ->
          send(new Thread((WorkerId) e.from()), to, message, null);
      case WorkerId to -> {
        WorkerMessage message = (WorkerMessage) e.message();
        count(message.getClass().getSimpleName());
        if (message instanceof WorkerMessage.TaskReturned answer) {
          nodeOf(answer.executor().node())
              .unreported
              .removeIf(key -> key.id().task().equals(answer.task()));
        }
        SimWorker worker = workers.get(to);
        if (worker != null) {
          worker.receive(workerOf(e.from()), message, (Claim) e.claim());
        } else if (isAnswered(message) && workerOf(e.from()) != null) {
          send(
              new Scheduler(to.node()),
              workerOf(e.from()),
              new WorkerMessage.WorkerDied(to, "it has ended"),
              null);
        } else {
          freeUnclaimed(to, message);
        }
      }
      case Scheduler scheduler -> {
        switch (e.message()) { // its node hears of a death before its scheduler does
          case SchedulerMessage.WorkerGone(WorkerId worker) -> {
            there.knownDead.add(worker);
            there.store.freeOwnedBy(worker::equals);
          }
          case SchedulerMessage.NodeGone(NodeId gone) -> {
            there.knownDead.add(gone);
            there.goneForScheduler.add(gone);
            there.store.peerDown(gone);
            there.store.freeOwnedBy(owner -> owner.node().equals(gone));
          }
          default -> {}
        }
        stepLeases(
            there,
            e.message() instanceof LeaseInput input
                ? input
                : new LeaseInput.Received((SchedulerMessage) e.message()));
      }
      case Store store -> {
        switch (e.message()) {
          case Free(ObjectKey key) -> there.store.free(key);
          case Promote(ObjectKey key) -> there.store.promote(key);
          default -> throw new IllegalStateException("not for a store: " + e);
        }
      }
      default -> throw new IllegalStateException("to nobody: " + e);
    }
  }

  /** Whether the receiver's node does not listen to the sender's. */
  private boolean isRefused(Network.Envelope e, SimNode receiver) {
    if (e.from() instanceof Detector) {
      return false;
    }
    NodeId from = nodeAt(e.from());
    if (from.equals(receiver.id) || !receiver.knownDead.contains(from)) {
      return false;
    }
    // To a worker that was not told, since it came later, the node's refusal is the only
    // protection.
    return profile.faults().refusal()
        || e.to() instanceof WorkerId to
            && workers.get(to) != null
            && !workers.get(to).hasHeardOf(from);
  }

  /** As the runtime does: who waits for an answer hears that nobody will give it. */
  private void answerForTheDead(Network.Envelope e, NodeId dead) {
    WorkerId asker =
        switch (e.message()) {
          case SchedulerMessage.RequestLease request -> request.lease().owner();
          case WorkerMessage message when isAnswered(message) -> workerOf(e.from());
          default -> null;
        };
    if (asker != null) {
      send(new Detector(dead), asker, new WorkerMessage.NodeDied(dead, "it is dead"), null);
    } else if (e.message() instanceof WorkerMessage message && workerOf(e.from()) != null) {
      freeUnclaimed(workerOf(e.from()), message); // by the sender's node
    }
  }

  /** Whether the end point is on the node. */
  boolean isAt(Object endPoint, NodeId node) {
    return !(endPoint instanceof Detector) && nodeAt(endPoint).equals(node);
  }

  /** A node tells another that it is there. */
  void greet(SimNode from, SimNode to) {
    to.store.peerUp(from.id);
    send(new Scheduler(from.id), new Scheduler(to.id), from.leases.load(), null);
  }

  /** The node that an end point is on. */
  static NodeId nodeAt(Object endPoint) {
    return switch (endPoint) {
      case WorkerId worker -> worker.node();
      case Thread(WorkerId worker) -> worker.node();
      case Scheduler(NodeId node) -> node;
      case Store(NodeId node) -> node;
      default -> throw new IllegalStateException("nowhere: " + endPoint);
    };
  }

  static WorkerId workerOf(Object endPoint) {
    return switch (endPoint) {
      case WorkerId worker -> worker;
      case Thread(WorkerId worker) -> worker;
      default -> null;
    };
  }

  /** As the runtime does: who waits for an answer hears that nobody will give it. */
  private static boolean isAnswered(WorkerMessage message) {
    return message instanceof WorkerMessage.TaskPushed
        || message instanceof WorkerMessage.Resolve
        || message instanceof WorkerMessage.Borrowed
        || message instanceof WorkerMessage.CopyLost
        || message instanceof WorkerMessage.ActorLost
        || message instanceof WorkerMessage.CheckpointDue
        || message instanceof WorkerMessage.CancelTask
        || message instanceof WorkerMessage.CancelRequested;
  }

  private void freeUnclaimed(WorkerId receiver, WorkerMessage message) {
    for (Unclaimed copies : Unclaimed.in(message)) {
      count("unclaimed copy");
      copies.nodes().forEach(node -> free(receiver, copies.key(), node));
    }
  }

  void free(WorkerId from, ObjectKey key, NodeId node) {
    send(from, new Store(node), new Free(key), null);
  }

  void promote(WorkerId from, ObjectKey key, NodeId node) {
    send(from, new Store(node), new Promote(key), null);
  }

  // ---- nodes ----

  SimNode nodeOf(NodeId id) {
    return nodes.get(id);
  }

  Iterable<SimNode> nodes() {
    return List.copyOf(nodes.values());
  }

  List<SimWorker> workersOf(SimNode node) {
    return workers.values().stream().filter(worker -> worker.node == node).toList();
  }

  List<SimWorker> workers() {
    return List.copyOf(workers.values());
  }

  boolean isThere(SimWorker worker) {
    return workers.get(worker.id) == worker;
  }

  List<SimWorker> drivers() {
    return drivers;
  }

  /** What the store of a node sees of this. */
  private SimStore.Host hostOf(NodeId node) {
    return new SimStore.Host() {
      @Override
      public NodeId node() {
        return node;
      }

      @Override
      public long now() {
        return now;
      }

      @Override
      public void after(long nanos, Runnable action) {
        Sim.this.after(nodeOf(node), nanos, action);
      }

      @Override
      public int draw(int bound) {
        return random.nextInt(bound);
      }

      @Override
      public void count(String what) {
        Sim.this.count(what);
      }

      @Override
      public SimStore storeOf(NodeId other) {
        return nodeOf(other).store;
      }

      @Override
      public boolean isFrozen(NodeId other) {
        return nodeOf(other).frozen;
      }

      @Override
      public boolean isMember(NodeId other) {
        return nodeOf(other).isMember();
      }

      @Override
      public boolean isKnownDead(NodeId other) {
        return nodeOf(node).knownDead.contains(other);
      }
    };
  }

  SimNode newNode(NodeId id) {
    SimNode node =
        new SimNode(
            id,
            new LeaseMachine(
                id,
                Resources.NONE.with(Resources.CPU, profile.cpus()),
                new LeaseLimits(
                    random.nextInt(4),
                    1_000_000_000L,
                    10_000_000,
                    profile.idleWorkers(),
                    (int) Math.floorMod(seed + id.port(), 4L), // not drawn: seeds are named
                    Math.floorMod(seed + id.port(), 3L) / 2.0),
                new Random(seed + id.port() + 31 * id.incarnation())),
            stores.make(hostOf(id)));
    nodes.put(id, node);
    return node;
  }

  private SimWorker newWorker(SimNode node) {
    SimWorker worker = new SimWorker(this, node, new WorkerId(node.id, ++node.lastWorker), limits);
    workers.put(worker.id, worker);
    if (node.declaredDead) {
      ended.add(worker.id);
      worker.forgetHandles();
    }
    return worker;
  }

  private void stepLeases(SimNode node, LeaseInput input) {
    List<LeaseEffect> effects = new ArrayList<>();
    node.leases.step(input, now, effects::add);
    Scheduler self = new Scheduler(node.id);
    for (LeaseEffect effect : effects) {
      switch (effect) {
        case LeaseEffect.Tell(WorkerId owner, WorkerMessage message) ->
            send(self, owner, message, null);
        case LeaseEffect.StartWorker start ->
            send(self, self, new LeaseInput.WorkerReady(newWorker(node).id), null);
        case LeaseEffect.Resume(WorkerId worker, LeaseId lease) ->
            after(
                node,
                random.nextInt(1_000),
                () -> {
                  SimWorker resumed = workers.get(worker);
                  if (resumed != null) {
                    resumed.resumed(lease);
                  }
                });
        case LeaseEffect.RetireWorker(WorkerId worker) -> retire(node, worker);
        case LeaseEffect.EndActor(WorkerId worker, String reason) ->
            send(self, worker, new WorkerMessage.EndActor(reason, false), null);
        case LeaseEffect.Publish(SchedulerMessage.NodeLoad load) -> {
          for (SimNode other : nodes.values()) {
            if (other != node && other.isMember() && !node.knownDead.contains(other.id)) {
              send(self, new Scheduler(other.id), load, null);
            }
          }
        }
      }
    }
    if (input instanceof LeaseInput.Received(SchedulerMessage.NodeLoad load)
        && node.leases.knownNodes().contains(load.node())) {
      expect(
          !node.goneForScheduler.contains(load.node()),
          node.id + " believes the report of a node that is known to be dead: " + load);
    }
    long used = node.leases.held().getOrDefault(Resources.CPU, 0L);
    long free = node.leases.free().getOrDefault(Resources.CPU, 0L);
    if (used + free != profile.cpus() * Resources.UNITS) {
      throw new AssertionError("granted " + used + " + free " + free + " on " + node.id);
    }
  }

  private void retire(SimNode node, WorkerId id) {
    SimWorker worker = workers.get(id);
    if (worker == null) {
      return;
    }
    if (worker.machine.isEmpty()) {
      workers.remove(id);
      worker.forgetHandles(); // of a body whose owner died, on what is gone already
      worker.letGoOfStore(); // the same body may be about to write
      count("retired");
    } else {
      count("parked");
      after(
          node,
          1_000_000_000L,
          () -> {
            if (workers.containsKey(id)) {
              send(
                  new Scheduler(node.id),
                  new Scheduler(node.id),
                  new LeaseInput.WorkerReady(id),
                  null);
            }
          });
    }
  }

  /** A worker is no more, and everyone is told. */
  void workerEnded(SimWorker worker, String cause) {
    remove(worker);
    for (SimNode node : nodes.values()) {
      if (!node.dead) {
        send(
            new Store(worker.id.node()),
            new Scheduler(node.id),
            new SchedulerMessage.WorkerGone(worker.id),
            null);
      }
    }
    for (SimWorker other : workers.values()) {
      // As another message of the dead worker's own node: after what that worker sent, if lucky.
      send(
          random.nextBoolean() ? worker.id : new Store(worker.id.node()),
          other.id,
          new WorkerMessage.WorkerDied(worker.id, cause),
          null);
    }
  }

  /** A worker is no more. */
  void remove(SimWorker worker) {
    workers.remove(worker.id);
    ended.add(worker.id);
    worker.forgetHandles();
    worker.letGoOfStore();
  }

  /** The others take all of its workers for dead. */
  void tellOfDeath(SimNode dead, String cause) {
    for (SimWorker worker : workersOf(dead)) {
      ended.add(worker.id);
      worker.forgetHandles();
    }
    for (SimNode node : nodes.values()) {
      if (!node.dead && node != dead) {
        send(
            new Detector(dead.id),
            new Scheduler(node.id),
            new SchedulerMessage.NodeGone(dead.id),
            null);
      }
    }
    for (SimWorker worker : workers.values()) {
      if (worker.node != dead) {
        send(new Detector(dead.id), worker.id, new WorkerMessage.NodeDied(dead.id, cause), null);
      }
    }
  }

  // ---- oracles ----

  void opened(ObjectId id) {
    openHandles.computeIfAbsent(id.owner(), owner -> new HashMap<>()).merge(id, 1, Integer::sum);
  }

  void closed(ObjectId id) {
    openHandles.computeIfPresent(
        id.owner(),
        (owner, open) -> {
          open.computeIfPresent(id, (same, count) -> count == 1 ? null : count - 1);
          return open.isEmpty() ? null : open;
        });
  }

  /** After a step of this worker: what it owns and somebody has a handle on is still there. */
  void checkNothingFreedEarly(SimWorker owner) {
    if (owner.node.declaredDead) {
      return; // nobody asks it any more
    }
    for (ObjectId id : openHandles.getOrDefault(owner.id, Map.of()).keySet()) {
      if (!Tables.keeps(owner.machine, id)) {
        throw new AssertionError(id + " was freed while a handle on it was open");
      }
    }
  }

  /**
   * Whether nothing has died yet. After a death a reference that the dead one was handing on may be
   * freed too early as long as owners do not wait for a while (the handover grace of DESIGN section
   * 5), and references inside a dead owner's values are covered by nobody.
   */
  boolean isStrict() {
    return ended.isEmpty();
  }

  private void checkNothingIsLeft() {
    expect(openHandles.isEmpty(), "handles are open: " + openHandles);
    for (SimWorker worker : workers.values()) {
      expect(
          worker.machine.isEmpty(),
          "the table of " + worker.id + " is not empty: " + worker.machine.describe());
      expect(worker.isIdle(), worker.id + " is not idle");
    }
    for (SimNode node : nodes.values()) {
      if (node.dead) {
        continue;
      }
      expect(
          node.leases.free().getOrDefault(Resources.CPU, 0L) == profile.cpus() * Resources.UNITS,
          "leases of " + node.id + " did not come back: " + node.leases.describe());
      expect(node.leases.describe().isEmpty(), "leases: " + node.leases.describe());
      // A dead owner's copies are the store's to sweep: no machine knows them any more.
      node.store.freeOwnedBy(ended::contains);
      // So are those of an executor that crashed before it could say where it had put them.
      expect(
          profile.faults().workerCrashes() > 0 || node.store.isEmpty(),
          "copies are left at " + node.id + ": " + node.store);
    }
  }

  private void checkValues() {
    Evaluation evaluation = new Evaluation(profile);
    for (int i = 0; i < drivers.size(); i++) {
      if (ended.contains(drivers.get(i).id)) {
        continue; // nobody sees what it read
      }
      List<Long> expected = evaluation.trace(driverBodies.get(i));
      List<Long> actual = drivers.get(i).trace();
      boolean tainted = drivers.get(i).isTainted() || !drivers.get(i).isDone();
      expect(
          tainted
              ? expected.subList(0, Math.min(expected.size(), actual.size())).equals(actual)
              : expected.equals(actual),
          "a driver read " + actual + " instead of " + expected);
      count(
          !drivers.get(i).isDone()
              ? "driver cut off"
              : tainted ? "driver tainted" : "driver exact");
      if (tainted && !profile.cancels() && !profile.actors()) {
        boolean noRoom = seen.of("no room to write") + seen.of("no room to read") > 0;
        expect(!profile.isCalm() || noRoom, "a failure without a fault");
      }
    }
  }

  boolean boundsLineage() {
    return limits.lineageBytesMax() < Long.MAX_VALUE;
  }

  static void expect(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }

  private String dump() {
    StringBuilder text = new StringBuilder("\n");
    if (logging) {
      log.forEach(line -> text.append(line).append('\n'));
    }
    text.append("under way:\n").append(network);
    for (SimWorker worker : workers.values()) {
      text.append(worker.describe());
    }
    for (SimNode node : nodes.values()) {
      text.append(node.id)
          .append(": ")
          .append(node.leases.describe())
          .append(" store ")
          .append(node.store)
          .append('\n');
    }
    return text.toString();
  }

  /** For the worker's own use: a random choice. */
  boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }

  void input(SimWorker worker, WorkerInput input) {
    log(() -> worker.id + " does " + input);
    if (hashing) {
      trace(worker.id.toString(), input);
    }
  }
}
