package io.dfut.internal.runtime;

import io.dfut.ActorId;
import io.dfut.Inspection;
import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.codec.ClassFilter;
import io.dfut.internal.codec.Encoded;
import io.dfut.internal.codec.ValueCodecs;
import io.dfut.internal.drain.Seen;
import io.dfut.internal.lease.LeaseInput;
import io.dfut.internal.lease.LeaseMachine;
import io.dfut.internal.ownership.Claim;
import io.dfut.internal.ownership.Unclaimed;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.protocol.NodeMessage.NamedActor;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.spi.DrainReason;
import io.dfut.internal.spi.Membership;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore;
import io.dfut.internal.spi.ObjectStoreProvider;
import io.dfut.internal.spi.PeerInfo;
import io.dfut.internal.task.ClassSource;
import io.dfut.internal.task.Functions;
import io.dfut.internal.task.TaskSpec;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.random.RandomGeneratorFactory;
import org.apache.pekko.Done;
import org.apache.pekko.actor.Cancellable;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One node: its scheduler, its store, its workers, and the way to those of other nodes. The only
 * class that maps ids to actors. Thread-safe.
 */
final class NodeRuntime implements Membership.Listener {
  private static final Logger LOG = LoggerFactory.getLogger(NodeRuntime.class);

  /** How long messages for a node that is heard of but not met wait for it to be met. */
  private static final Duration STRANGER_MAX = Duration.ofSeconds(5);

  /** How long calls of a dead worker are collected that one notice is the answer to. */
  private static final Duration OBITUARY_PAUSE = Duration.ofMillis(5);

  /** The answer to whoever called a dead worker. */
  private record Obituary(WorkerId asker, WorkerMessage.WorkerDied answer) {}

  /** Messages that wait for one such node; more are dropped, as messages may be. */
  private static final int STRANGER_MESSAGES_MAX = 10_000;

  /** Messages of the dead come for seconds at most. */
  private static final int DEAD_WORKERS_MAX = 4096;

  private final ActorSystem<?> system;
  private final NodeId self;
  private final Settings settings;
  private final Optional<Membership> membership;
  private final boolean offersWork;
  private final ObjectStore store;
  private final Values values;
  private final Functions functions;
  private final ClassFilter errorClasses;
  private final ClassLoader loader;
  private final SchedulerActor scheduler;
  private final ActorDirectory directory;
  private final GarbageRequests garbage;
  private final Inspectors inspectors = new Inspectors(this);

  private final Map<Long, WorkerActor> workers = new ConcurrentHashMap<>();
  private final Map<NodeId, PeerInfo> peers = new ConcurrentHashMap<>();
  private final Set<NodeId> dead = ConcurrentHashMap.newKeySet();

  private final Burials burials = new Burials(DEAD_WORKERS_MAX);

  /**
   * Messages for nodes that are not met yet. Added by send; taken when the node is met, or after a
   * while.
   */
  private final Map<NodeId, ConcurrentLinkedQueue<NodeMessage>> strangers =
      new ConcurrentHashMap<>();

  /** Added when a dead worker is called from another node; removed just before the answer. */
  private final Set<Obituary> obituaries = ConcurrentHashMap.newKeySet();

  private final AtomicLong lastWorker = new AtomicLong();
  private final AtomicLong lastJob = new AtomicLong();
  private final LongAdder tasksRun = new LongAdder();
  private WorkerActor messageWorker;

  /** Nodes that have said that they will leave, perhaps this one. Removed when they are gone. */
  private final Set<NodeId> draining = ConcurrentHashMap.newKeySet();

  /** Who waits for a node to be gone. */
  private final Map<NodeId, CompletableFuture<Void>> awaitedEnds = new ConcurrentHashMap<>();

  private final Departure departure;
  private volatile boolean stopping;

  /** Whether the membership was told of the end. Guarded by this. */
  private boolean left;

  private volatile Runnable onRemoved = () -> {};

  NodeRuntime(
      ActorSystem<?> system,
      NodeId self,
      Settings settings,
      Optional<Membership> membership,
      boolean offersWork) {
    this.system = system;
    this.self = self;
    this.settings = settings;
    this.membership = membership;
    this.offersWork = offersWork;
    boolean networked = membership.isPresent();
    this.loader = applicationLoader();
    this.store = openStore(networked);
    this.errorClasses =
        networked
            ? new Prefixes(settings.valuesAllow(), "dfut.values.allow", self)
            : ClassFilter.everything();
    ValueCodecs codecs = new ValueCodecs(errorClasses, loader, ValueCodecs.Limits.DEFAULT);
    this.values =
        new Values(codecs, store, self, settings.inlineLimit(), settings.viewsShare(), networked);
    this.functions =
        new Functions(
            ClassSource.classPath(loader),
            networked
                ? new Prefixes(settings.tasksAllow(), "dfut.tasks.allow", self)
                : ClassFilter.everything(),
            networked,
            self.toString());
    this.directory = new ActorDirectory(this, settings.directoryTimeout());
    this.departure = new Departure(this, settings.drainTimeout());
    this.garbage = new GarbageRequests(this, settings.collectsGarbage());
    Resources offered =
        offersWork
            ? settings.resources().withRoles(Systems.roles(system.settings().config()))
            : Resources.NONE;
    LeaseMachine leases =
        new LeaseMachine(
            self,
            offered,
            settings.leaseLimits(),
            RandomGeneratorFactory.of("L64X128MixRandom").create(self.incarnation()));
    this.scheduler = new SchedulerActor(this, leases);
    scheduler.start(
        system.systemActorOf(
            scheduler.behavior(settings.schedulerTick()), "dfut-scheduler", Props.empty()));
    this.nodeWorker = new WorkerId(self, lastWorker.getAndIncrement());
  }

  private final WorkerId nodeWorker;

  private static ClassLoader applicationLoader() {
    ClassLoader context = Thread.currentThread().getContextClassLoader();
    return context != null ? context : NodeRuntime.class.getClassLoader();
  }

  private ObjectStore openStore(boolean networked) {
    return storeProvider().open(system, settings.config().getConfig("dfut"), self, networked);
  }

  static ObjectStoreProvider storeProvider() {
    return ServiceLoader.load(ObjectStoreProvider.class, NodeRuntime.class.getClassLoader())
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "no object store is on the class path; add io.dfut:dfut-store, or"
                        + " io.dfut:dfut-cluster, which brings it"));
  }

  /** Starts to hear and to be heard. */
  void begin() {
    store.onRoomWanted(garbage::roomWanted);
    try {
      PeerInfo own =
          new PeerInfo(self, offersWork, store.endpoint(), scheduler.ask(LeaseMachine::load).get());
      membership.ifPresent(m -> m.begin(own, this));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while the node started", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  void onRemoved(Runnable action) {
    onRemoved = action;
  }

  // ---- parts ----

  ActorSystem<?> system() {
    return system;
  }

  NodeId self() {
    return self;
  }

  Settings settings() {
    return settings;
  }

  ObjectStore store() {
    return store;
  }

  Values values() {
    return values;
  }

  Functions functions() {
    return functions;
  }

  SchedulerActor scheduler() {
    return scheduler;
  }

  ActorDirectory directory() {
    return directory;
  }

  Inspectors inspectors() {
    return inspectors;
  }

  /** Stands for the node itself where a sender is needed; owns nothing. */
  WorkerId nodeWorker() {
    return nodeWorker;
  }

  Optional<Class<?>> classOfError(String className) {
    boolean ours = className.startsWith("io.dfut.") && className.indexOf('.', 8) < 0;
    if (!className.startsWith("java.") && !ours && !errorClasses.admits(className)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Class.forName(className, false, loader));
    } catch (ClassNotFoundException | LinkageError e) {
      return Optional.empty();
    }
  }

  /** Runs it after a while; never, once the {@code ActorSystem} stops. */
  Cancellable after(Duration delay, Runnable action) {
    try {
      return system.scheduler().scheduleOnce(delay, action, system.executionContext());
    } catch (IllegalStateException e) {
      LOG.debug("nothing is due any more, as the ActorSystem stops", e);
      return Cancellable.alreadyCancelled();
    }
  }

  // ---- workers ----

  /** A worker that runs nothing itself: a driver's, a behaviour's, or an actor's to be. */
  WorkerActor startWorker(JobId job) {
    WorkerActor worker =
        new WorkerActor(this, new WorkerId(self, lastWorker.getAndIncrement()), job);
    workers.put(worker.id().sequence(), worker);
    draining.forEach(node -> worker.receive(new WorkerMessage.NodeDrains(node), null));
    worker.ref(
        system.systemActorOf(
            worker.behavior(), "dfut-worker-" + worker.id().sequence(), Props.empty()));
    return worker;
  }

  /** The worker that counts references which came in Pekko messages, for the whole JVM. */
  synchronized WorkerContext messageContext() {
    if (messageWorker == null) {
      messageWorker = startWorker(nextJob());
    }
    return messageWorker.context();
  }

  JobId nextJob() {
    return new JobId(self, lastJob.incrementAndGet());
  }

  WorkerId startPoolWorker() {
    WorkerActor worker = startWorker(new JobId(self, 0));
    worker.runTasks();
    return worker.id();
  }

  void retire(WorkerId id) {
    WorkerActor worker = workers.get(id.sequence());
    if (worker != null) {
      worker.retireIfEmpty(
          () -> after(Duration.ofSeconds(1), () -> scheduler.post(new LeaseInput.WorkerReady(id))));
    }
  }

  /** A worker of this node may run what it has under this lease. */
  void resume(WorkerId id, io.dfut.internal.protocol.LeaseId lease) {
    WorkerActor worker = workers.get(id.sequence());
    if (worker != null) {
      worker.resume(lease);
    }
  }

  void taskBegun() {
    tasksRun.increment();
  }

  /** A worker is no more. Unless its table was empty, everyone who may know it is told. */
  void workerEnded(WorkerActor worker, String cause) {
    workers.remove(worker.id().sequence());
    if (stopping || cause.equals(WorkerActor.IDLE)) {
      return;
    }
    buried(worker.id(), cause);
    broadcast(new NodeMessage.WorkerEnded(worker.id(), cause));
  }

  /** It is noted before anybody is told, so that nothing of it is begun after that. */
  private void buried(WorkerId worker, String cause) {
    if (burials.bury(worker, cause)) {
      scheduler.post(new SchedulerMessage.WorkerGone(worker));
      freeObjectsOf(worker::equals);
      tellAll(new WorkerMessage.WorkerDied(worker, cause));
    }
  }

  /** Whether nobody waits for what this worker ordered. */
  boolean isDead(WorkerId worker) {
    return (!dead.isEmpty() && dead.contains(worker.node())) || burials.isDead(worker);
  }

  private void tellAll(WorkerMessage message) {
    for (WorkerActor worker : workers.values()) {
      worker.receive(message, null);
    }
  }

  // ---- actors ----

  /** An actor as the directory knows it before it is anywhere; empty when it has no name. */
  Optional<NamedActor> named(ActorId actor, TaskSpec.ActorOptions options) {
    return options
        .name()
        .map(
            name ->
                new NamedActor(
                    settings.namespace(),
                    name,
                    actor,
                    options.className(),
                    Optional.empty(),
                    options.detached(),
                    options.restarts(),
                    options.maxPendingCalls()));
  }

  void actorHere(WorkerActor worker, ActorId actor, TaskSpec.ActorOptions options) {
    named(actor, options).map(named -> named.at(worker.id())).ifPresent(directory::host);
  }

  /** An actor whose owner is here is gone for good: its name is free. */
  void actorGone(ActorId actor, TaskSpec.ActorOptions options) {
    named(actor, options).ifPresent(directory::release);
  }

  /** An actor ends here and may be made anew elsewhere: nobody else is to take its name. */
  void actorMoves(WorkerActor worker) {
    directory.moves(worker.id());
  }

  void nameFree(WorkerActor worker) {
    directory.unhost(worker.id());
  }

  /** Where an actor's typed messages go. */
  <M> ActorRef<M> messagesOf(WorkerId worker) {
    if (worker.node().equals(self)) {
      WorkerActor here = workers.get(worker.sequence());
      if (here == null) {
        throw new io.dfut.ActorDiedException("the actor at " + worker + " is gone");
      }
      return here.ref().unsafeUpcast();
    }
    String path =
        "pekko://"
            + system.name()
            + "@"
            + worker.node().address()
            + "/system/dfut-worker-"
            + worker.sequence();
    return ActorRefResolver.get(system).resolveActorRef(path);
  }

  // ---- sending ----

  void send(WorkerId from, WorkerId to, WorkerMessage message) {
    send(from, to, message, null);
  }

  /** The worker of this JVM; null when it is none, or has ended. */
  WorkerActor here(WorkerId id) {
    return id.node().equals(self) ? workers.get(id.sequence()) : null;
  }

  /** As send; within the JVM the claim goes along. */
  void push(WorkerId from, WorkerId to, WorkerMessage.TaskPushed message, Claim claim) {
    send(from, to, message, claim);
  }

  private void send(WorkerId from, WorkerId to, WorkerMessage message, Claim claim) {
    if (!to.node().equals(self)) {
      sendTo(to.node(), new NodeMessage.ToWorker(to, from, message));
      return;
    }
    WorkerActor worker = workers.get(to.sequence());
    if (worker != null) {
      worker.receive(message, claim);
    } else if (isAnswered(message)) {
      WorkerMessage.WorkerDied answer = new WorkerMessage.WorkerDied(to, "it has ended");
      if (from.node().equals(self)) {
        send(nodeWorker, from, answer);
      } else {
        answerTogether(new Obituary(from, answer));
      }
    } else {
      Unclaimed.in(message).forEach(copies -> free(copies.key(), copies.nodes()));
    }
  }

  /**
   * Who calls an actor in a loop has thousands of calls on the way when it dies, and each notice
   * makes its receiver look through all of its tables. One notice is enough for all calls that came
   * before it was sent.
   */
  private void answerTogether(Obituary obituary) {
    if (obituaries.add(obituary)) {
      after(
          OBITUARY_PAUSE,
          () -> {
            obituaries.remove(obituary); // first: what comes now is answered by another one
            send(nodeWorker, obituary.asker(), obituary.answer());
          });
    }
  }

  /** Whether somebody waits for what follows from the message, and must hear if nothing will. */
  private static boolean isAnswered(WorkerMessage message) {
    return switch (message) {
      case WorkerMessage.TaskPushed m -> true;
      case WorkerMessage.Resolve m -> true;
      case WorkerMessage.Borrowed m -> true;
      case WorkerMessage.CopyLost m -> true;
      case WorkerMessage.ActorLost m -> true;
      case WorkerMessage.CheckpointDue m -> true;
      case WorkerMessage.CancelTask m -> true;
      case WorkerMessage.CancelRequested m -> true;
      default -> false;
    };
  }

  void askScheduler(NodeId node, SchedulerMessage message) {
    if (node.equals(self)) {
      scheduler.post(message);
    } else {
      sendTo(node, new NodeMessage.ToScheduler(message));
    }
  }

  void free(ObjectKey key, List<NodeId> nodes) {
    for (NodeId node : nodes) {
      if (node.equals(self)) {
        store.free(key);
      } else {
        sendTo(node, new NodeMessage.FreeCopy(key));
      }
    }
  }

  void promote(ObjectKey key, NodeId node) {
    if (node.equals(self)) {
      promoteHere(key);
    } else {
      sendTo(node, new NodeMessage.PromoteCopy(key));
    }
  }

  /** Makes this node's copy the primary; if it was thrown out meanwhile, its owner hears so. */
  private void promoteHere(ObjectKey key) {
    if (!store.promote(key)) {
      send(
          nodeWorker,
          key.id().owner(),
          new WorkerMessage.CopyLost(key.id(), key.attempt(), List.of(self), nodeWorker));
    }
  }

  void broadcast(NodeMessage message) {
    membership.ifPresent(m -> m.broadcast(message));
  }

  void sendTo(NodeId node, NodeMessage message) {
    if (membership.isEmpty() || dead.contains(node)) {
      undeliverable(
          node, message, membership.isEmpty() ? "this system has no network" : "it is dead");
    } else if (peers.containsKey(node)) {
      membership.get().send(node, message);
    } else {
      keepForStranger(node, message);
    }
  }

  /** Somebody told us of a node before we met it. */
  private void keepForStranger(NodeId node, NodeMessage message) {
    ConcurrentLinkedQueue<NodeMessage> waiting =
        strangers.computeIfAbsent(
            node,
            stranger -> {
              after(STRANGER_MAX, () -> giveUpOn(stranger));
              return new ConcurrentLinkedQueue<>();
            });
    if (waiting.size() < STRANGER_MESSAGES_MAX) {
      waiting.add(message);
    }
    if (peers.containsKey(node)) { // met in between
      flush(node);
    }
  }

  private void flush(NodeId node) {
    ConcurrentLinkedQueue<NodeMessage> waiting = strangers.remove(node);
    if (waiting != null) {
      waiting.forEach(message -> membership.orElseThrow().send(node, message));
    }
  }

  private void giveUpOn(NodeId node) {
    ConcurrentLinkedQueue<NodeMessage> waiting = strangers.remove(node);
    if (waiting != null && !peers.containsKey(node)) {
      waiting.forEach(message -> undeliverable(node, message, "it is not a member of the cluster"));
    }
  }

  private void undeliverable(NodeId node, NodeMessage message, String why) {
    if (message instanceof NodeMessage.ToWorker(WorkerId to, WorkerId from, WorkerMessage inner)) {
      if (isAnswered(inner)) {
        send(nodeWorker, from, new WorkerMessage.NodeDied(node, why));
      }
      Unclaimed.in(inner).forEach(copies -> free(copies.key(), copies.nodes()));
    } else if (message instanceof NodeMessage.ToScheduler(SchedulerMessage.RequestLease request)) {
      // Of a worker that came to be after the death was told; a scheduler still sent it there.
      send(nodeWorker, request.lease().owner(), new WorkerMessage.NodeDied(node, why));
    }
  }

  // ---- hearing ----

  @Override
  public void receive(NodeId from, NodeMessage message) {
    switch (message) {
      case NodeMessage.ToWorker(WorkerId to, WorkerId sender, WorkerMessage inner) -> {
        if (to.node().equals(self)) {
          send(sender, to, inner, new Claim());
        } else {
          LOG.warn("{} sent a message for {}, which is not here", from, to);
        }
      }
      case NodeMessage.ToScheduler(SchedulerMessage inner) -> scheduler.post(inner);
      case NodeMessage.FreeCopy(ObjectKey key) -> store.free(key);
      case NodeMessage.PromoteCopy(ObjectKey key) -> promoteHere(key);
      case NodeMessage.WorkerEnded(WorkerId worker, String cause) -> buried(worker, cause);
      case NodeMessage.Drain drain -> leaveOnRequest(from);
      case NodeMessage.DrainBegun begun -> drains(from);
      case NodeMessage.TakeCopy take -> takeCopy(take);
      case NodeMessage.CopyIsSafe(ObjectKey key) -> departure.safe(key);
      case NodeMessage.CollectGarbage m -> garbage.collect();
      case NodeMessage.Inspect m -> inspectors.answer(from, m);
      case NodeMessage.Inspected m -> inspectors.answered(from, m);
      case NodeMessage.Part part ->
          throw new IllegalStateException("a piece of a message was not put together: " + part);
      case NodeMessage.ClaimName m -> directory.receive(from, m);
      case NodeMessage.FindName m -> directory.receive(from, m);
      case NodeMessage.NameAnswer m -> directory.receive(from, m);
      case NodeMessage.ReleaseName m -> directory.receive(from, m);
    }
  }

  @Override
  public void peerUp(PeerInfo peer) {
    peers.put(peer.node(), peer);
    peer.store().ifPresent(endpoint -> store.peerUp(peer.node(), endpoint));
    scheduler.post(peer.load());
    flush(peer.node());
    burials.noticesOf(self).forEach(notice -> sendTo(peer.node(), notice));
    if (departure.hasBegun()) {
      sendTo(peer.node(), new NodeMessage.DrainBegun());
      scheduler
          .ask(LeaseMachine::load) // what the greeting said is of the start
          .thenAccept(load -> sendTo(peer.node(), new NodeMessage.ToScheduler(load)));
    }
  }

  @Override
  public void peerDown(NodeId node, String cause) {
    dead.add(node);
    peers.remove(node);
    strangers.remove(node);
    if (stopping) {
      return;
    }
    store.peerDown(node);
    scheduler.post(new SchedulerMessage.NodeGone(node));
    directory.nodeDied(node);
    freeObjectsOf(owner -> owner.node().equals(node));
    tellAll(
        new WorkerMessage.NodeDied(
            node, draining.contains(node) ? "it was drained: " + cause : cause));
    draining.remove(node);
    CompletableFuture<Void> awaited = awaitedEnds.remove(node);
    if (awaited != null) {
      awaited.complete(null);
    }
  }

  /** Nobody can ask for what a dead worker owned. */
  private void freeObjectsOf(java.util.function.Predicate<WorkerId> deadOwner) {
    for (ObjectKey key : store.contents().keySet()) {
      if (deadOwner.test(key.id().owner())) {
        store.free(key);
      }
    }
  }

  @Override
  public void directoryAt(NodeId node) {
    directory.keptAt(node);
  }

  @Override
  public void removed(String cause) {
    boolean asked;
    synchronized (this) {
      asked = left;
    }
    if (!asked) {
      LOG.info("node {} is not a member of the cluster any more ({}): it stops", self, cause);
      broken("it is not a member of the cluster any more: " + cause);
    }
  }

  /** The node cannot go on. */
  void broken(String cause) {
    Thread.ofVirtual()
        .start(
            () -> {
              stop(cause);
              onRemoved.run();
            });
  }

  Collection<PeerInfo> peers() {
    return List.copyOf(peers.values());
  }

  boolean offersWork() {
    return offersWork;
  }

  // ---- leaving on purpose ----

  /** The part of the coordinated shutdown that comes before all others. */
  CompletionStage<Done> drainBeforeShutdown() {
    Optional<CoordinatedShutdown.Reason> reason =
        CoordinatedShutdown.get(system).getShutdownReason();
    boolean tooLate =
        reason.equals(Optional.of(CoordinatedShutdown.clusterDowningReason()))
            || reason.equals(Optional.of(CoordinatedShutdown.clusterLeavingReason()));
    return stopping || tooLate || !offersWork || isEndedByABody()
        ? CompletableFuture.completedFuture(Done.getInstance())
        : departure
            .begin()
            .thenApplyAsync(
                over -> {
                  endWorkers("node " + self + " was drained");
                  return Done.getInstance();
                },
                Thread::startVirtualThread);
  }

  /**
   * A body that exits the JVM waits for the end of all, and would be waited for. Nor is that a
   * departure on purpose: to run it again elsewhere costs a retry, or it would end one node after
   * the other.
   */
  private boolean isEndedByABody() {
    Optional<String> exit = exit();
    exit.ifPresent(how -> LOG.error("{}: this node ends", how));
    return exit.isPresent();
  }

  @Override
  public Optional<String> exit() {
    return workers.values().stream()
        .flatMap(worker -> worker.runningWhere(TaskContext::exitsTheJvm).stream())
        .findFirst()
        .map(body -> "the body of " + body.display() + " called System.exit");
  }

  /** Whoever wants this node gone need not be on it. */
  private void leaveOnRequest(NodeId from) {
    if (!offersWork) {
      LOG.warn(
          "{} wants this node to leave, which is a driver's and is closed by its program", from);
      return;
    }
    LOG.info("{} wants this node to leave", from);
    Thread.ofVirtual()
        .name("dfut-drain")
        .start(
            () -> {
              drainBeforeShutdown().toCompletableFuture().join(); // where there is no such phase
              CoordinatedShutdown.get(system)
                  .runAll(DrainReason.INSTANCE)
                  .whenComplete((end, failure) -> Thread.startVirtualThread(onRemoved));
            });
  }

  /** Has another node leave; completed when it is gone. */
  CompletableFuture<Void> drain(NodeId node) {
    CompletableFuture<Void> gone =
        awaitedEnds.computeIfAbsent(node, one -> new CompletableFuture<>());
    sendTo(node, new NodeMessage.Drain());
    if (dead.contains(node)) {
      gone.complete(null);
    }
    return gone;
  }

  /** First that it is announced: whatever comes of the rest comes to the others after that. */
  void announceDrain() {
    broadcast(new NodeMessage.DrainBegun());
    drains(self);
    scheduler.post(new LeaseInput.Drain());
    workers.values().forEach(WorkerActor::leave);
  }

  private void drains(NodeId node) {
    if (draining.add(node)) {
      tellAll(new WorkerMessage.NodeDrains(node));
    }
  }

  void askToMove(ObjectKey key, NodeId to) {
    send(
        nodeWorker,
        key.id().owner(),
        new WorkerMessage.CopyLeaves(key.id(), key.attempt(), self, to));
  }

  void moveActor(WorkerId id) {
    WorkerActor worker = workers.get(id.sequence());
    if (worker != null) {
      worker.actorRunner().ifPresent(actor -> actor.move("node " + self + " is drained"));
    }
  }

  /** What is still here, in the order that {@link Seen} wants. */
  Seen seen() {
    List<String> running = new ArrayList<>();
    List<Seen.LivingActor> actors = new ArrayList<>();
    List<Seen.OwnedObject> owned = new ArrayList<>();
    for (WorkerActor worker : workers.values()) {
      worker.runningWhere(task -> true).forEach(task -> running.add(task.display()));
    }
    for (WorkerActor worker : workers.values()) {
      worker
          .actorRunner()
          .filter(actor -> actor.exists() && !actor.hasMoved())
          .ifPresent(
              actor ->
                  actor
                      .creation()
                      .ifPresent(
                          spec ->
                              actors.add(
                                  new Seen.LivingActor(
                                      worker.id(),
                                      "actor " + actor.className() + " at " + worker.id(),
                                      whyItStays(spec)))));
    }
    for (WorkerActor worker : workers.values()) {
      for (Inspection.Row row : join(worker.describe())) {
        Set<WorkerId> holders = new HashSet<>(row.borrowers());
        holders.removeIf(holder -> holder.node().equals(self) || isDead(holder));
        if (row.role() == Inspection.Role.OWNER && !holders.isEmpty()) {
          owned.add(new Seen.OwnedObject(row.object(), row.madeBy(), holders));
        }
      }
    }
    List<ObjectKey> primaries =
        store.primaries().stream()
            .filter(key -> !key.id().owner().node().equals(self) && !isDead(key.id().owner()))
            .toList();
    List<NodeId> targets =
        join(scheduler.ask(LeaseMachine::nodesByRoom)).stream()
            .filter(node -> peers.containsKey(node) && !draining.contains(node))
            .toList();
    return new Seen(running, actors, owned, primaries, targets);
  }

  /** Empty when its owner can make it anew elsewhere. */
  private String whyItStays(TaskSpec creation) {
    WorkerId owner = creation.id().owner();
    if (!(creation.kind() instanceof TaskSpec.Kind.Creation(TaskSpec.ActorOptions options))
        || !options.restarts().any()) {
      return "its maxRestarts is 0, so nobody makes it anew";
    }
    if (isDead(owner)) {
      return "its owner " + owner + " is gone, so nobody makes it anew";
    }
    if (owner.node().equals(self) && !options.detached()) {
      return "it ends with its owner " + owner;
    }
    return creation.placement() instanceof Placement.On ? "it was created on(…) this node" : "";
  }

  /**
   * Fetches what is to be the primary here from now on, and tells its owner. One that was read in
   * place, in the memory of the node that leaves, is copied.
   */
  private void takeCopy(NodeMessage.TakeCopy take) {
    if (departure.hasBegun() || stopping) {
      return; // somebody else is asked in a while
    }
    ObjectKey key = take.key();
    store
        .fetch(key, take.bytes(), List.of(take.from()), ObjectStore.Urgency.ARGUMENT)
        .whenComplete(
            (pinned, failure) -> {
              if (failure != null) {
                LOG.debug("{} cannot be taken from {}", key, take.from(), failure);
              } else {
                Thread.ofVirtual().name("dfut-take").start(() -> keep(pinned, take));
              }
            });
  }

  private void keep(ObjectStore.Pinned pinned, NodeMessage.TakeCopy take) {
    ObjectKey key = take.key();
    try (pinned) {
      if (!store.promote(key)) {
        store.putPrimary(key, new Copied(pinned.bytes()), "moved from " + take.from());
      }
    } catch (RuntimeException e) {
      LOG.info("{} of node {} finds no place here: {}", key, take.from(), e.getMessage());
      return;
    }
    WorkerId owner = key.id().owner();
    if (isDead(owner)) { // its objects were freed, perhaps before this one came
      store.free(key);
      return;
    }
    send(
        nodeWorker, owner, new WorkerMessage.CopyMoved(key.id(), key.attempt(), take.from(), self));
  }

  /** What is encoded already. */
  private record Copied(MemorySegment segment) implements Encoded {
    @Override
    public long bytes() {
      return segment.byteSize();
    }

    @Override
    public void writeTo(MemorySegment target) {
      MemorySegment.copy(segment, 0, target, 0, segment.byteSize());
    }

    @Override
    public List<io.dfut.ObjectId> references() {
      return List.of(); // the owner knows them
    }
  }

  void moveCopy(ObjectKey key, long bytes, NodeId from, NodeId to) {
    NodeMessage.TakeCopy take = new NodeMessage.TakeCopy(key, bytes, from);
    if (to.equals(self)) {
      takeCopy(take);
    } else {
      sendTo(to, take);
    }
  }

  void copyIsSafe(ObjectKey key, NodeId node) {
    if (node.equals(self)) {
      departure.safe(key);
    } else {
      sendTo(node, new NodeMessage.CopyIsSafe(key));
    }
  }

  // ---- the end ----

  /** Nothing runs here any more, and nothing is answered. */
  private void endWorkers(String reason) {
    synchronized (this) {
      if (stopping) {
        return;
      }
      scheduler.post(new LeaseInput.Stop(reason));
      stopping = true;
    }
    for (WorkerActor worker : workers.values()) {
      worker.stop(reason);
    }
    for (WorkerActor worker : workers.values()) {
      worker.close(reason);
    }
  }

  boolean isStopping() {
    return stopping;
  }

  /**
   * Ends everything on this node in an orderly way; the {@code ActorSystem} is the caller's to
   * stop.
   */
  void stop(String reason) {
    endWorkers(reason);
    synchronized (this) {
      if (left) {
        return;
      }
      left = true;
    }
    membership.ifPresent(Membership::leave);
    scheduler.stop();
    store.close();
  }

  // ---- looking in ----

  Inspection inspect() {
    List<Inspection.Row> rows = new ArrayList<>();
    List<Inspection.Pending> pending = new ArrayList<>();
    List<Inspection.Attempt> attempts = new ArrayList<>();
    List<Inspection.Actor> actors = new ArrayList<>();
    for (WorkerActor worker : workers.values()) {
      rows.addAll(join(worker.describe()));
      pending.addAll(join(worker.pendingFutures()));
      attempts.addAll(worker.attempts());
      worker
          .actorRunner()
          .filter(runner -> runner.id().isPresent() && !runner.hasMoved())
          .ifPresent(
              runner ->
                  actors.add(
                      new Inspection.Actor(
                          runner.id().get(),
                          worker.id(),
                          runner.className(),
                          directory.nameOf(worker.id()),
                          runner.queued())));
    }
    ObjectStore.Stats stats = store.stats();
    return new Inspection(
        self,
        rows,
        pending,
        attempts,
        join(scheduler.ask(LeaseMachine::describe)),
        actors,
        new Inspection.Store(
            stats.capacityBytes(),
            stats.usedBytes(),
            stats.pinnedBytes(),
            stats.objects(),
            stats.readInPlace(),
            stats.pulls(),
            stats.pulledBytes(),
            stats.servedBytes(),
            stats.evictedBytes(),
            stats.spilledObjects(),
            stats.spilledBytes(),
            stats.spillFailures(),
            stats.spillNanos(),
            stats.restoredObjects(),
            stats.restoredBytes(),
            stats.restoreNanos(),
            stats.diskFiles(),
            stats.diskBytes()),
        tasksRun.sum(),
        this::inspect);
  }

  private static <R> R join(java.util.concurrent.CompletableFuture<R> answer) {
    try {
      return answer.get(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while looking in", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("a table did not answer", e);
    }
  }

  /**
   * Admits classes by the prefixes of their names, and ids of our own, which are harmless values.
   */
  private record Prefixes(List<String> prefixes, String key, NodeId node) implements ClassFilter {
    private static final Set<String> OWN =
        Set.of(
            "io.dfut.NodeId",
            "io.dfut.WorkerId",
            "io.dfut.JobId",
            "io.dfut.TaskId",
            "io.dfut.ObjectId",
            "io.dfut.ActorId");

    @Override
    public boolean admits(String className) {
      for (String prefix : prefixes) {
        if (className.startsWith(prefix)) {
          return true;
        }
      }
      return OWN.contains(className);
    }

    @Override
    public String refusal(String className) {
      int dot = className.lastIndexOf('.');
      return "class "
          + className
          + " is not admitted on node "
          + node
          + "; add \""
          + (dot < 0 ? className : className.substring(0, dot + 1))
          + "\" to "
          + key
          + " there";
    }

    @Override
    public String place() {
      return "node " + node;
    }
  }
}
