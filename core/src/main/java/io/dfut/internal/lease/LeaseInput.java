package io.dfut.internal.lease;

import io.dfut.WorkerId;
import io.dfut.internal.protocol.SchedulerMessage;

/** What may happen to a node's scheduler. */
public sealed interface LeaseInput {
  /** A message of a task owner, of a worker of this node, or of another node. */
  record Received(SchedulerMessage message) implements LeaseInput {}

  /** A worker that this machine asked for can take tasks. */
  record WorkerReady(WorkerId worker) implements LeaseInput {}

  /**
   * Time to look after what waits: infeasible requests, overdue reclaims, this node's own load
   * report.
   *
   * @param storeRoomBytes what this node's store could take now, evicting and spilling what may go
   */
  record Tick(long storeRoomBytes) implements LeaseInput {}

  /**
   * The node is to leave: it takes nothing new, and what waits goes elsewhere. What its own tasks
   * need to end is granted here, if no other node can have it.
   */
  record Drain() implements LeaseInput {}

  /** The node stops: no lease is granted any more, and what waits is refused. */
  record Stop(String reason) implements LeaseInput {}
}
