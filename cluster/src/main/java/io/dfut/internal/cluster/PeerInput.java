package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.spi.PeerInfo;
import java.util.List;

/** What happens to {@link PeerMachine}. */
sealed interface PeerInput {
  /** What a member's roles say of it. */
  enum Role {
    /** Offers work, votes when the cluster splits, may keep the directory. */
    NODE,
    /** None of that. */
    DRIVER,
    /** A node of somebody's own application: only its {@link PeerInfo} tells. */
    UNKNOWN
  }

  /** A member as the cluster shows it. */
  record Member(NodeId node, Role role) {}

  /** The runtime of this node is ready to listen. Once. */
  record Begun(PeerInfo own) implements PeerInput {}

  /** The members that are up, this node included, the oldest first; whenever that has changed. */
  record MembersChanged(List<Member> up) implements PeerInput {
    public MembersChanged {
      up = List.copyOf(up);
    }
  }

  /** The cluster has removed a member, or decided to. May be told twice. */
  record MemberGone(NodeId node, String cause) implements PeerInput {}

  /** A peer's {@link Wire.Hello}. */
  record Greeted(PeerInfo info) implements PeerInput {}

  /** A peer's {@link Wire.Welcome}. */
  record Welcomed(PeerInfo info) implements PeerInput {}

  /** A peer's {@link Wire.Goodbye}. */
  record SaidGoodbye(NodeId node, String cause) implements PeerInput {}

  /** A peer's {@link Wire.Refused}. */
  record WasRefused(NodeId by, String reason) implements PeerInput {}

  /** Some time has passed. */
  record Ticked() implements PeerInput {}
}
