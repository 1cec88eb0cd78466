package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.spi.Membership;
import io.dfut.internal.spi.PeerInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentMap;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.NoSerializationVerificationNeeded;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.cluster.ClusterEvent;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.UniqueAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node's door: everything that nodes say to each other comes in here. One per node, at the same
 * path everywhere, so that a peer is found by its address alone and nothing has to be gossiped
 * first. The shell of {@link PeerMachine}.
 */
final class Gateway extends AbstractBehavior<Gateway.Command> {
  /** Below {@code /system}; part of the wire format. */
  static final String NAME = "dfut-gateway";

  static final String NODE_ROLE = "dfut-node";
  static final String DRIVER_ROLE = "dfut-driver";

  private static final Logger LOG = LoggerFactory.getLogger(Gateway.class);

  private static final Duration TICK = Duration.ofMillis(50);

  /** How long a flush may be under way before another is sent after it. */
  private static final long FLUSH_PATIENCE_NANOS = Duration.ofSeconds(1).toNanos();

  private static final long INQUIRY_PAUSE_NANOS = Duration.ofMillis(200).toNanos();

  sealed interface Command permits Wire, Local {}

  /** What this node says to its own gateway. */
  sealed interface Local extends Command, NoSerializationVerificationNeeded {}

  /**
   * The runtime is ready to listen.
   *
   * @param nodesMin how many nodes that offer work there must be, this one included
   * @param settled completed when there are so many, and this node and every other member know each
   *     other
   */
  record Begin(
      PeerInfo own, Membership.Listener listener, int nodesMin, CompletableFuture<Void> settled)
      implements Local {}

  /** The cluster shows something of a member. */
  record Observed(ClusterEvent.MemberEvent event) implements Local {}

  /** Ask all of these who they are until one answers, or the future is done otherwise. */
  record Inquire(List<Address> nodes, CompletableFuture<Wire.Preamble> answer) implements Local {}

  /**
   * Send what waits, say goodbye to everybody, then complete the future.
   *
   * @param cause for the runtime, when it is not the runtime that asks
   */
  record Leave(
      Optional<String> cause, String lastWord, Duration patience, CompletableFuture<Void> done)
      implements Local {}

  private record Tick() implements Local {}

  /** The witness has seen something. */
  private record Witnessed(ProofInput what) implements Local {}

  /** Somebody waits until enough nodes are met. */
  private record Unsettled(int nodesMin, CompletableFuture<Void> settled) {}

  /** An inquiry that nobody has answered yet. */
  private static final class OpenInquiry {
    final Inquire question;
    long nextNanos;

    OpenInquiry(Inquire question, long nowNanos) {
      this.question = question;
      nextNanos = nowNanos;
    }
  }

  /** A node that is about to leave, as soon as its outboxes are empty. */
  private record Leaving(CompletableFuture<Void> done, long deadlineNanos) {}

  private final Wire.Preamble self;

  /**
   * Messages that come in pieces. Added with the first piece; removed with the last, or when the
   * peer is gone.
   */
  private final Map<NodeId, Pieces> pieces = new HashMap<>();

  /** Which envelope of each peer comes next. Added on AnnounceUp; removed on AnnounceDown. */
  private final Map<NodeId, ReceiveWindow> receiving = new HashMap<>();

  private final WireCodec codec;
  private final Outbox.Limits limits;
  private final ConcurrentMap<NodeId, Outbox> outboxes;
  private final ActorRefResolver resolver;
  private final Cluster cluster;
  private final PeerMachine machine;
  private final ProofMachine proofs;

  /** None when deaths are left to the failure detector. */
  private final Optional<Witness> witness;

  /** How this node's own end can be seen. */
  private final Optional<PeerInfo.Life> life;

  /** Why members were downed by proof. Added on Down; removed when they are gone. */
  private final Map<NodeId, String> proven = new HashMap<>();

  /** Gateways of others, by address. Added at first use; removed when the node is gone. */
  private final Map<NodeId, ActorRef<Command>> gateways = new HashMap<>();

  /** Those whose messages are delivered. Added on AnnounceUp; removed on AnnounceDown. */
  private final Map<Long, NodeId> met = new HashMap<>();

  private final SortedSet<Member> up =
      new TreeSet<>((a, b) -> a.equals(b) ? 0 : a.isOlderThan(b) ? -1 : 1);

  /** Members that are about to leave, and still have a vote. */
  private final List<Member> leavers = new ArrayList<>();

  private Optional<Membership.Listener> listener = Optional.empty();
  private Optional<Unsettled> unsettled = Optional.empty();
  private Optional<OpenInquiry> inquiry = Optional.empty();
  private Optional<Leaving> leaving = Optional.empty();

  /** What peers are told when it is over. */
  private String lastWord = Wire.Goodbye.IN_ORDER;

  private boolean said = false;

  /** Why this node must stop, when the cluster decided so. */
  private Optional<String> removedBecause = Optional.empty();

  private Gateway(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      Wire.Preamble self,
      ClusterSettings settings,
      Optional<PeerInfo.Life> life,
      ConcurrentMap<NodeId, Outbox> outboxes) {
    super(context);
    this.self = self;
    this.limits = settings.limits();
    this.life = life;
    this.outboxes = outboxes;
    codec = WireSerializer.codec(context.getSystem().settings().config());
    resolver = ActorRefResolver.get(context.getSystem());
    cluster = Cluster.get(Adapter.toClassic(context.getSystem()));
    machine = new PeerMachine(self.node(), settings.helloPause().toNanos());
    proofs = new ProofMachine(self.node(), settings.proof().timing());
    ActorRef<Command> gateway = context.getSelf();
    witness =
        settings.proof().enabled()
            ? Optional.of(new Witness(settings.proof(), what -> gateway.tell(new Witnessed(what))))
            : Optional.empty();
    timers.startTimerWithFixedDelay(new Tick(), TICK);
    ActorRef<ClusterEvent.MemberEvent> observer =
        context.messageAdapter(ClusterEvent.MemberEvent.class, Observed::new);
    cluster.subscribe(
        Adapter.toClassic(observer),
        ClusterEvent.initialStateAsEvents(),
        ClusterEvent.MemberEvent.class);
  }

  /**
   * @param life what peers are told, so that they can see this node's end
   * @param outboxes shared with whoever sends; only the gateway adds and removes
   */
  static Behavior<Command> create(
      Wire.Preamble self,
      ClusterSettings settings,
      Optional<PeerInfo.Life> life,
      ConcurrentMap<NodeId, Outbox> outboxes) {
    return Behaviors.setup(
        context ->
            Behaviors.withTimers(
                timers -> new Gateway(context, timers, self, settings, life, outboxes)));
  }

  /** Who an address of the cluster is. */
  static NodeId nodeId(UniqueAddress address) {
    return WireReader.intern(
        new NodeId(
            address.address().host().getOrElse(() -> "local"),
            address.address().port().getOrElse(() -> 0),
            address.longUid()));
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Command.class, this::on)
        .onSignal(
            PostStop.class,
            stopped -> {
              witness.ifPresent(Witness::close);
              return this;
            })
        .build();
  }

  private Behavior<Command> on(Command command) {
    switch (command) {
      case Wire.Batch batch -> onBatch(batch);
      case Wire.Acknowledgement it -> {
        NodeId from = met.get(it.from());
        if (from != null && it.to() == self.node().incarnation()) {
          outbox(from).acknowledged(it.received(), it.missing(), System.nanoTime());
          if (leaving.isPresent() && areOutboxesEmpty()) {
            sayGoodbye();
          }
        }
      }
      case Wire.Hello(Wire.Preamble from, PeerInfo info) -> {
        if (from.agreesWith(self)) {
          step(new PeerInput.Greeted(info));
        } else {
          refuse(from);
        }
      }
      case Wire.Welcome(Wire.Preamble from, PeerInfo info) -> {
        if (from.agreesWith(self)) {
          step(new PeerInput.Welcomed(info));
        } else {
          refuse(from);
        }
      }
      case Wire.Foreign(Wire.Preamble from) -> refuse(from);
      case Wire.Refused(Wire.Preamble from, String reason) ->
          step(new PeerInput.WasRefused(from.node(), Shapes.printable(reason)));
      case Wire.Goodbye(Wire.Preamble from, String cause) -> {
        step(new PeerInput.SaidGoodbye(from.node(), cause));
        forget(from.node());
      }
      case Wire.DeathReport(Wire.Preamble from, NodeId of, ProofMachine.Evidence evidence) ->
          prove(new ProofInput.Reported(from.node(), of, evidence));
      case Witnessed(ProofInput what) -> prove(what);
      case Wire.Inquiry(Wire.Preamble from) -> gateway(from.node()).tell(new Wire.Answer(self));
      case Wire.Answer(Wire.Preamble from) -> {
        inquiry.ifPresent(open -> open.question.answer().complete(from));
        inquiry = Optional.empty();
      }
      case Wire.Flush flush -> throw new IllegalStateException("a flush was sent to this node");
      case Begin(
              PeerInfo own,
              Membership.Listener runtime,
              int nodesMin,
              CompletableFuture<Void> settled) -> {
        listener = Optional.of(runtime);
        unsettled = Optional.of(new Unsettled(nodesMin, settled));
        step(new PeerInput.Begun(own.with(life)));
        removedBecause.ifPresent(runtime::removed);
      }
      case Observed(ClusterEvent.MemberEvent event) -> onMember(event);
      case Inquire question -> {
        inquiry = Optional.of(new OpenInquiry(question, System.nanoTime()));
        inquire();
      }
      case Leave leave -> onLeave(leave);
      case Tick tick -> onTick();
    }
    return this;
  }

  private void onBatch(Wire.Batch batch) {
    NodeId from = met.get(batch.from());
    if (from == null || batch.to() != self.node().incarnation()) {
      return; // of, or for, an incarnation that is no more
    }
    Outbox outbox = outbox(from);
    outbox.acknowledged(batch.acknowledged(), false, System.nanoTime());
    if (batch.number() == 0) {
      return; // nothing in it
    }
    ReceiveWindow window = receiving.get(from);
    boolean isNext = window.accept(batch.number());
    outbox.acknowledging(window.received());
    if (window.isUrgent()) {
      acknowledge(from, window);
    }
    if (isNext) {
      handle(batch, from);
    }
  }

  private Outbox outbox(NodeId peer) {
    return Objects.requireNonNull(outboxes.get(peer), "outbox");
  }

  private void acknowledge(NodeId peer, ReceiveWindow window) {
    gateway(peer)
        .tell(
            new Wire.Acknowledgement(
                self.node().incarnation(),
                peer.incarnation(),
                window.received(),
                window.isMissing()));
    window.told();
  }

  private void handle(Wire.Batch batch, NodeId from) {
    Membership.Listener runtime = listener.orElseThrow();
    for (NodeMessage message : batch.messages()) {
      try {
        if (message instanceof NodeMessage.Part part) {
          receivePart(from, part, runtime);
        } else {
          runtime.receive(from, message);
        }
      } catch (RuntimeException e) {
        // The one message is at fault, or its handler; the others are not to be lost for it.
        LOG.error("a message of {} could not be handled: {}", from, message, e);
      }
    }
  }

  private void receivePart(NodeId from, NodeMessage.Part part, Membership.Listener runtime) {
    Optional<byte[]> whole = pieces.computeIfAbsent(from, peer -> new Pieces()).add(part);
    if (whole.isPresent()) {
      pieces.remove(from);
      try {
        runtime.receive(from, codec.decodeWhole(whole.get()));
      } catch (java.io.NotSerializableException e) {
        LOG.error("a message of {} could not be read: {}", from, e.getMessage());
      }
    }
  }

  private void onMember(ClusterEvent.MemberEvent event) {
    Member member = event.member();
    NodeId node = nodeId(member.uniqueAddress());
    up.removeIf(known -> known.uniqueAddress().equals(member.uniqueAddress()));
    leavers.removeIf(known -> known.uniqueAddress().equals(member.uniqueAddress()));
    if (member.status().equals(MemberStatus.up())) {
      up.add(member);
    } else if (member.status().equals(MemberStatus.leaving())) {
      leavers.add(member);
    }
    switch (event) {
      case ClusterEvent.MemberDowned downed -> onGone(node, unreachable());
      case ClusterEvent.MemberRemoved removed ->
          onGone(
              node,
              removed.previousStatus().equals(MemberStatus.exiting())
                  ? Wire.Goodbye.IN_ORDER
                  : unreachable());
      default -> {
        // shown by its status above
      }
    }
    step(
        new PeerInput.MembersChanged(
            up.stream()
                .map(each -> new PeerInput.Member(nodeId(each.uniqueAddress()), role(each)))
                .toList()));
    prove(
        new ProofInput.MembersChanged(
            Stream.concat(up.stream(), leavers.stream())
                .map(
                    each ->
                        new ProofInput.Member(
                            nodeId(each.uniqueAddress()), each.hasRole(NODE_ROLE)))
                .toList()));
  }

  private static String unreachable() {
    return "it did not answer any more, or was cut off, and the cluster removed it";
  }

  private static PeerInput.Role role(Member member) {
    if (member.hasRole(NODE_ROLE)) {
      return PeerInput.Role.NODE;
    }
    return member.hasRole(DRIVER_ROLE) ? PeerInput.Role.DRIVER : PeerInput.Role.UNKNOWN;
  }

  private void onGone(NodeId node, String cause) {
    if (node.equals(self.node())) {
      if (leaving.isEmpty() && !said) {
        throwOut("the cluster removed it: " + cause);
      }
      return;
    }
    String proof = proven.remove(node);
    step(new PeerInput.MemberGone(node, proof == null ? cause : proof));
    forget(node);
    gateways.remove(node);
  }

  private void forget(NodeId node) {
    witness.ifPresent(
        eyes -> {
          eyes.forget(node);
          prove(new ProofInput.Gone(node));
        });
  }

  private void prove(ProofInput input) {
    witness.ifPresent(
        eyes -> proofs.step(input, System.nanoTime(), effect -> carryOut(effect, eyes)));
  }

  private void carryOut(ProofEffect effect, Witness eyes) {
    switch (effect) {
      case ProofEffect.Tell(NodeId to, NodeId of, ProofMachine.Evidence evidence) ->
          gateway(to).tell(new Wire.DeathReport(self, of, evidence));
      case ProofEffect.Ask(NodeId node) -> eyes.ask(node);
      case ProofEffect.OpenLine(NodeId node) -> eyes.openLine(node);
      case ProofEffect.Down(NodeId node, String proof) -> {
        LOG.warn("{} is dead: {}", node, proof);
        proven.put(node, proof);
        // The cluster downs an address, whoever has it: it must be that of this incarnation.
        Stream.concat(up.stream(), leavers.stream())
            .map(Member::uniqueAddress)
            .filter(member -> nodeId(member).equals(node))
            .forEach(member -> cluster.down(member.address()));
      }
    }
  }

  private void throwOut(String cause) {
    if (removedBecause.isEmpty()) {
      LOG.warn("this node, {}, has to stop: {}", self.node(), cause);
    }
    giveUp(cause);
  }

  private void giveUp(String cause) {
    if (removedBecause.isEmpty()) {
      removedBecause = Optional.of(cause);
      listener.ifPresent(runtime -> runtime.removed(cause));
    }
  }

  private void refuse(Wire.Preamble other) {
    LOG.error(
        "{} has {}, this node has {}; the two do not work together",
        other.node(),
        other.terms(),
        self.terms());
    gateway(other.node())
        .tell(
            new Wire.Refused(self, "it has " + self.terms() + ", this node has " + other.terms()));
  }

  private void step(PeerInput input) {
    machine.step(input, System.nanoTime(), this::carryOut);
    unsettled
        .filter(waiting -> machine.knowsEverybody() && machine.nodes() >= waiting.nodesMin())
        .ifPresent(
            waiting -> {
              waiting.settled().complete(null);
              unsettled = Optional.empty();
            });
  }

  private void carryOut(PeerEffect effect) {
    switch (effect) {
      case PeerEffect.SayHello(NodeId to) -> greet(to, Wire.Hello::new);
      case PeerEffect.SayWelcome(NodeId to) -> greet(to, Wire.Welcome::new);
      case PeerEffect.AnnounceUp(PeerInfo peer) -> {
        met.put(peer.node().incarnation(), peer.node());
        outboxes.put(peer.node(), new Outbox(self.node(), peer.node(), limits));
        receiving.put(peer.node(), new ReceiveWindow());
        witness.ifPresent(eyes -> eyes.watch(peer));
        tell(runtime -> runtime.peerUp(peer));
      }
      case PeerEffect.OpenOutbox(NodeId to) -> {
        ActorRef<Command> gateway = gateway(to);
        Objects.requireNonNull(outboxes.get(to), "outbox").open(gateway::tell);
      }
      case PeerEffect.AnnounceDown(NodeId node, String cause) -> {
        met.remove(node.incarnation());
        pieces.remove(node);
        receiving.remove(node);
        Outbox outbox = outboxes.remove(node);
        if (outbox != null) {
          outbox.close();
        }
        tell(runtime -> runtime.peerDown(node, cause));
      }
      case PeerEffect.AnnounceDirectory(NodeId node) -> tell(runtime -> runtime.directoryAt(node));
      case PeerEffect.GiveUp(String cause) -> throwOut(cause);
    }
  }

  private void tell(Consumer<Membership.Listener> what) {
    try {
      what.accept(listener.orElseThrow());
    } catch (RuntimeException e) {
      LOG.error("the runtime could not handle a change of the cluster", e);
    }
  }

  private void greet(NodeId to, BiFunction<Wire.Preamble, PeerInfo, Wire> greeting) {
    gateway(to).tell(greeting.apply(self, machine.own()));
  }

  private ActorRef<Command> gateway(NodeId node) {
    return gateways.computeIfAbsent(
        node,
        key ->
            resolve(
                new Address(
                    cluster.selfAddress().protocol(),
                    cluster.selfAddress().system(),
                    key.host(),
                    key.port())));
  }

  private ActorRef<Command> resolve(Address address) {
    return resolver.resolveActorRef(address + "/system/" + NAME);
  }

  private void onTick() {
    long nowNanos = System.nanoTime();
    step(new PeerInput.Ticked());
    prove(new ProofInput.Ticked());
    outboxes.values().forEach(outbox -> outbox.tick(nowNanos, FLUSH_PATIENCE_NANOS));
    receiving.forEach(
        (peer, window) -> {
          if (window.owes()) {
            acknowledge(peer, window);
          }
        });
    inquire();
    leaving.ifPresent(
        leave -> {
          if (nowNanos - leave.deadlineNanos() >= 0 || areOutboxesEmpty()) {
            sayGoodbye();
          }
        });
  }

  private void inquire() {
    inquiry.ifPresent(
        open -> {
          long nowNanos = System.nanoTime();
          if (open.question.answer().isDone()) {
            inquiry = Optional.empty();
          } else if (nowNanos - open.nextNanos >= 0) {
            open.nextNanos = nowNanos + INQUIRY_PAUSE_NANOS;
            open.question.nodes().forEach(address -> resolve(address).tell(new Wire.Inquiry(self)));
          }
        });
  }

  private void onLeave(Leave leave) {
    if (said) {
      leave.done().complete(null);
      return;
    }
    if (leaving.isPresent()) {
      leaving.get().done().thenRun(() -> leave.done().complete(null));
      return;
    }
    lastWord = leave.lastWord();
    leave.cause().ifPresent(this::giveUp);
    leaving =
        Optional.of(new Leaving(leave.done(), System.nanoTime() + leave.patience().toNanos()));
    if (areOutboxesEmpty()) {
      sayGoodbye();
    }
  }

  private boolean areOutboxesEmpty() {
    return outboxes.values().stream().allMatch(Outbox::isEmpty);
  }

  private void sayGoodbye() {
    outboxes
        .values()
        .forEach(
            outbox -> {
              gateway(outbox.to()).tell(new Wire.Goodbye(self, lastWord));
              outbox.close();
            });
    said = true;
    leaving.ifPresent(leave -> leave.done().complete(null));
    leaving = Optional.empty();
  }
}
