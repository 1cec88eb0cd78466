package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.spi.PeerInfo;

/** What {@link PeerMachine} wants done. */
sealed interface PeerEffect {
  /** Send a {@link Wire.Hello}. */
  record SayHello(NodeId to) implements PeerEffect {}

  /** Send a {@link Wire.Welcome}. */
  record SayWelcome(NodeId to) implements PeerEffect {}

  /** Make an outbox, shut for now, and tell the runtime. Before anything else about this peer. */
  record AnnounceUp(PeerInfo peer) implements PeerEffect {}

  /** The peer knows this node: let go what waits for it. After {@link AnnounceUp}. */
  record OpenOutbox(NodeId to) implements PeerEffect {}

  /** Throw the outbox away and tell the runtime; nothing of that node is delivered any more. */
  record AnnounceDown(NodeId node, String cause) implements PeerEffect {}

  /** Tell the runtime where the directory is now. */
  record AnnounceDirectory(NodeId node) implements PeerEffect {}

  /** This node must stop. */
  record GiveUp(String cause) implements PeerEffect {}
}
