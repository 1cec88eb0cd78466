package io.dfut.internal.runtime;

import io.dfut.ActorId;
import io.dfut.Inspection;
import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Resources;
import io.dfut.internal.codec.ClassFilter;
import io.dfut.internal.codec.ValueCodecs;
import io.dfut.internal.lease.LeaseInput;
import io.dfut.internal.lease.LeaseMachine;
import io.dfut.internal.ownership.Claim;
import io.dfut.internal.ownership.Unclaimed;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.protocol.NodeMessage.NamedActor;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.spi.Membership;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore;
import io.dfut.internal.spi.ObjectStoreProvider;
import io.dfut.internal.spi.PeerInfo;
import io.dfut.internal.task.ClassSource;
import io.dfut.internal.task.Functions;
import io.dfut.internal.task.TaskSpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.random.RandomGeneratorFactory;
import org.apache.pekko.actor.Cancellable;
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
  private volatile boolean stopping;
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
    ValueCodecs codecs =
        new ValueCodecs(
            errorClasses,
            loader,
            handle -> ActorHandles.reference(handle).className,
            ValueCodecs.Limits.DEFAULT);
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
                    options.restarts()));
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
    tellAll(new WorkerMessage.NodeDied(node, cause));
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
    if (!stopping) {
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

  // ---- the end ----

  /**
   * Ends everything on this node in an orderly way; the {@code ActorSystem} is the caller's to
   * stop.
   */
  void stop(String reason) {
    synchronized (this) {
      if (stopping) {
        return;
      }
      scheduler.post(new LeaseInput.Drain(reason));
      stopping = true;
    }
    for (WorkerActor worker : workers.values()) {
      worker.stop(reason);
    }
    for (WorkerActor worker : workers.values()) {
      worker.close(reason);
    }
    membership.ifPresent(Membership::leave);
    scheduler.stop();
    store.close();
  }

  // ---- looking in ----

  Inspection inspect() {
    List<Inspection.Row> rows = new ArrayList<>();
    List<Inspection.Actor> actors = new ArrayList<>();
    for (WorkerActor worker : workers.values()) {
      rows.addAll(join(worker.describe()));
      worker
          .actorRunner()
          .filter(runner -> runner.id().isPresent())
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
