package io.dfut.internal.cluster;

import io.dfut.NodeId;
import java.util.List;

/** What happens to {@link ProofMachine}. */
sealed interface ProofInput {
  /** A member; the nodes that offer work vote. */
  record Member(NodeId node, boolean votes) {}

  /** The members that are up or about to leave, this node included; whenever that has changed. */
  record MembersChanged(List<Member> members) implements ProofInput {
    public MembersChanged {
      members = List.copyOf(members);
    }
  }

  /** A member is gone for everybody: it said goodbye, or the cluster has downed it. */
  record Gone(NodeId node) implements ProofInput {}

  /** The witness watches the lock of a peer on this host, which is held. */
  record LockWatched(NodeId node) implements ProofInput {}

  /** A lock that was watched is free, and its process had not given it back. */
  record LockFree(NodeId node) implements ProofInput {}

  /** A connection to a peer broke, or could not be made: a reason to ask, and no more. */
  record LineBroke(NodeId node) implements ProofInput {}

  /**
   * The answer to {@link ProofEffect.Ask}.
   *
   * @param refused whether all its ports have refused; false for silence as well
   */
  record Asked(NodeId node, boolean refused) implements ProofInput {}

  /** What another member says of a third, in a {@link Wire.DeathReport}. */
  record Reported(NodeId by, NodeId of, ProofMachine.Evidence evidence) implements ProofInput {}

  /** Some time has passed. */
  record Ticked() implements ProofInput {}
}
