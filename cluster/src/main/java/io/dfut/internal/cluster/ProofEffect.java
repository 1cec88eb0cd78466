package io.dfut.internal.cluster;

import io.dfut.NodeId;

/** What {@link ProofMachine} wants done. */
sealed interface ProofEffect {
  /** Send a {@link Wire.DeathReport}. */
  record Tell(NodeId to, NodeId of, ProofMachine.Evidence evidence) implements ProofEffect {}

  /** Try to connect to all the ports of that node; answered by {@link ProofInput.Asked}. */
  record Ask(NodeId node) implements ProofEffect {}

  /** Keep a connection to that node again, unless there is one. */
  record OpenLine(NodeId node) implements ProofEffect {}

  /** Have the cluster down that node: it is dead, and the majority knows. */
  record Down(NodeId node, String proof) implements ProofEffect {}
}
