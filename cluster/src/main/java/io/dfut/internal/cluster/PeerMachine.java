package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.machine.Invariant;
import io.dfut.internal.machine.Machine;
import io.dfut.internal.spi.PeerInfo;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.function.Consumer;

/**
 * Who this node's peers are, how far each acquaintance has come, and where the directory is. Not
 * thread-safe: driven by the {@link Gateway}.
 *
 * <p>Two members that see each other greet both ways. A hello carries what the sender is; the
 * receiver announces it to its runtime and answers welcome; only then may the sender of the hello
 * send messages. So whoever gets a message has announced its sender before, whatever was lost or
 * overtaken. A hello is repeated until it is answered. It is answered only when its sender is seen
 * as a member, too: gossip reaches nodes at different times, so an early one is kept until then.
 *
 * <p>An incarnation goes through <em>seen, met, gone</em> in this order, once; there is no way
 * back, since whoever comes again is another incarnation.
 */
final class PeerMachine implements Machine<PeerInput, PeerEffect> {
  /** Hellos kept of nodes that are not seen as members yet, and names of the dead. */
  static final int STRANGERS_MAX = 1024;

  private static final long HELLO_PAUSE_MAX_NANOS = Duration.ofSeconds(10).toNanos();

  /** A member that is seen and not gone. */
  private static final class Peer {
    /** What it said of itself; present once it is met. */
    Optional<PeerInfo> info = Optional.empty();

    /** Whether it welcomed this node. */
    boolean knowsUs;

    /** When the next hello is due, as long as it has not. */
    long helloAtNanos;

    long helloPauseNanos;
  }

  private final NodeId self;
  private final long helloPauseNanos;

  /** Seen members but this one. Added when up; removed when gone. */
  private final Map<NodeId, Peer> peers = new LinkedHashMap<>();

  /** Hellos of nodes not seen yet. Added on Greeted; removed when seen, gone or too many. */
  private final Map<NodeId, PeerInfo> early = new LinkedHashMap<>();

  /**
   * Incarnations that are gone, so that neither a late view of the members nor a late hello brings
   * one back. Added when gone; removed when too many, the oldest first.
   */
  private final SequencedSet<NodeId> gone = new LinkedHashSet<>();

  private List<PeerInput.Member> up = List.of();
  private Optional<PeerInfo> own = Optional.empty();
  private Optional<NodeId> directory = Optional.empty();

  /**
   * @param helloPauseNanos between the first two hellos to a peer that does not answer; doubled
   *     each time up to ten seconds
   */
  PeerMachine(NodeId self, long helloPauseNanos) {
    this.self = self;
    this.helloPauseNanos = helloPauseNanos;
  }

  @Override
  public void step(PeerInput input, long nowNanos, Consumer<? super PeerEffect> effects) {
    switch (input) {
      case PeerInput.Begun(PeerInfo info) -> onBegun(info, nowNanos, effects);
      case PeerInput.MembersChanged(List<PeerInput.Member> members) -> {
        up = members;
        see(nowNanos, effects);
      }
      case PeerInput.MemberGone(NodeId node, String cause) -> onGone(node, cause, effects);
      case PeerInput.Greeted(PeerInfo info) -> onGreeted(info, effects);
      case PeerInput.Welcomed(PeerInfo info) -> onWelcomed(info, effects);
      case PeerInput.SaidGoodbye(NodeId node, String cause) -> onGone(node, cause, effects);
      case PeerInput.WasRefused(NodeId by, String reason) -> onRefused(by, reason, effects);
      case PeerInput.Ticked() -> onTick(nowNanos, effects);
    }
    findDirectory(effects);
  }

  /** Whether messages of this incarnation are to be delivered. */
  boolean isMet(NodeId node) {
    Peer peer = peers.get(node);
    return peer != null && peer.info.isPresent();
  }

  /**
   * Whether this node is seen as a member itself, and every other one that is seen is met and knows
   * this node.
   */
  boolean knowsEverybody() {
    return ageRank(self) >= 0
        && peers.values().stream().allMatch(peer -> peer.info.isPresent() && peer.knowsUs);
  }

  /** How many nodes that offer work are met, this one included. */
  int nodes() {
    return (int) up.stream().filter(member -> isKnown(member.node()) && offersWork(member)).count();
  }

  private boolean isKnown(NodeId node) {
    return node.equals(self) || isMet(node);
  }

  /** What this node says of itself; only after it has begun. */
  PeerInfo own() {
    return own.orElseThrow();
  }

  private void onBegun(PeerInfo info, long nowNanos, Consumer<? super PeerEffect> effects) {
    Invariant.check(own.isEmpty(), "begun twice", self);
    Invariant.check(info.node().equals(self), "begun as another node", info.node());
    own = Optional.of(info);
    see(nowNanos, effects);
  }

  private void see(long nowNanos, Consumer<? super PeerEffect> effects) {
    if (own.isEmpty()) {
      return; // nobody could be told about; all are seen when it begins
    }
    for (PeerInput.Member member : up) {
      NodeId node = member.node();
      if (node.equals(self) || peers.containsKey(node) || gone.contains(node)) {
        continue;
      }
      Peer peer = new Peer();
      peers.put(node, peer);
      peer.helloPauseNanos = helloPauseNanos;
      sayHello(node, peer, nowNanos, effects);
      PeerInfo info = early.remove(node);
      if (info != null) {
        onGreeted(info, effects);
      }
    }
  }

  private static void sayHello(
      NodeId node, Peer peer, long nowNanos, Consumer<? super PeerEffect> effects) {
    effects.accept(new PeerEffect.SayHello(node));
    peer.helloAtNanos = nowNanos + peer.helloPauseNanos;
    peer.helloPauseNanos = Math.min(2 * peer.helloPauseNanos, HELLO_PAUSE_MAX_NANOS);
  }

  private void onGreeted(PeerInfo info, Consumer<? super PeerEffect> effects) {
    NodeId node = info.node();
    if (gone.contains(node) || node.equals(self)) {
      return;
    }
    Peer peer = peers.get(node);
    if (peer == null) {
      early.put(node, info);
      if (early.size() > STRANGERS_MAX) {
        early.remove(early.keySet().iterator().next());
      }
      return;
    }
    meet(peer, info, effects);
    effects.accept(new PeerEffect.SayWelcome(node));
  }

  private void onWelcomed(PeerInfo info, Consumer<? super PeerEffect> effects) {
    Peer peer = peers.get(info.node());
    if (peer == null) {
      return;
    }
    meet(peer, info, effects);
    if (!peer.knowsUs) {
      peer.knowsUs = true;
      effects.accept(new PeerEffect.OpenOutbox(info.node()));
    }
  }

  private static void meet(Peer peer, PeerInfo info, Consumer<? super PeerEffect> effects) {
    if (peer.info.isEmpty()) {
      peer.info = Optional.of(info);
      effects.accept(new PeerEffect.AnnounceUp(info));
    }
  }

  private void onGone(NodeId node, String cause, Consumer<? super PeerEffect> effects) {
    if (node.equals(self) || !gone.add(node)) {
      return;
    }
    if (gone.size() > STRANGERS_MAX) {
      gone.removeFirst();
    }
    early.remove(node);
    Peer peer = peers.remove(node);
    if (peer != null && peer.info.isPresent()) {
      effects.accept(new PeerEffect.AnnounceDown(node, cause));
    }
  }

  /** The older node of two stays: it is what the younger one joined. */
  private void onRefused(NodeId by, String reason, Consumer<? super PeerEffect> effects) {
    int other = ageRank(by);
    if (other >= 0 && other < ageRank(self)) {
      effects.accept(new PeerEffect.GiveUp(by + " refuses to work with this node: " + reason));
    }
  }

  private int ageRank(NodeId node) {
    for (int i = 0; i < up.size(); i++) {
      if (up.get(i).node().equals(node)) {
        return i;
      }
    }
    return -1;
  }

  private void onTick(long nowNanos, Consumer<? super PeerEffect> effects) {
    peers.forEach(
        (node, peer) -> {
          if (!peer.knowsUs && nowNanos - peer.helloAtNanos >= 0) {
            sayHello(node, peer, nowNanos, effects);
          }
        });
  }

  /**
   * The oldest that offers work, once it is met: before that, nothing could be sent to it. One that
   * is not met, and whose roles do not tell, is passed over.
   */
  private void findDirectory(Consumer<? super PeerEffect> effects) {
    if (own.isEmpty()) {
      return;
    }
    for (PeerInput.Member member : up) {
      NodeId node = member.node();
      if (gone.contains(node) || !offersWork(member)) {
        continue;
      }
      if (isKnown(node) && !directory.equals(Optional.of(node))) {
        directory = Optional.of(node);
        effects.accept(new PeerEffect.AnnounceDirectory(node));
      }
      return;
    }
  }

  private boolean offersWork(PeerInput.Member member) {
    return switch (member.role()) {
      case NODE -> true;
      case DRIVER -> false;
      case UNKNOWN ->
          member.node().equals(self)
              ? own.orElseThrow().offersWork()
              : Optional.ofNullable(peers.get(member.node()))
                  .flatMap(peer -> peer.info)
                  .filter(PeerInfo::offersWork)
                  .isPresent();
    };
  }
}
