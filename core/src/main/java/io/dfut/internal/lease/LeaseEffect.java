package io.dfut.internal.lease;

import io.dfut.WorkerId;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage.NodeLoad;
import io.dfut.internal.protocol.WorkerMessage;

/** What a node's scheduler wants done, in order. */
public sealed interface LeaseEffect {
  /** Answer a task owner. */
  record Tell(WorkerId owner, WorkerMessage message) implements LeaseEffect {}

  /** Start a worker; {@link LeaseInput.WorkerReady} answers. */
  record StartWorker() implements LeaseEffect {}

  /** The worker is not needed; it ends if its table is empty, and otherwise stays parked. */
  record RetireWorker(WorkerId worker) implements LeaseEffect {}

  /** The owner of the actor that this worker is died: end it. */
  record EndActor(WorkerId worker, String reason) implements LeaseEffect {}

  /** The lease has its share (again): its worker may run what it has. */
  record Resume(WorkerId worker, LeaseId lease) implements LeaseEffect {}

  /** Tell the other nodes. */
  record Publish(NodeLoad load) implements LeaseEffect {}
}
