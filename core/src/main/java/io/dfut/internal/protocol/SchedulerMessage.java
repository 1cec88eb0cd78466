package io.dfut.internal.protocol;

import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import java.util.Map;

/** What is said to a node's scheduler. Idempotent by lease id. */
public sealed interface SchedulerMessage {
  /** What a leased worker is for. */
  enum Use {
    /** For the owner's tasks, until it is given back. */
    TASKS,
    /** It becomes an actor, and is never given back; it ends with its owner. */
    ACTOR,
    /** The same, but it outlives its owner. */
    DETACHED_ACTOR
  }

  /**
   * A task owner asks for a worker. Answered by granted, queued, redirected or refused.
   *
   * @param bytesByNode where the arguments of the task that waits first are: locality hints
   * @param argumentBytes of that task's arguments that are in stores
   * @param depth of that task; deeper ones are served first, since shallower ones wait for them
   * @param hops redirections so far
   * @param use what the worker is for
   */
  record RequestLease(
      LeaseId lease,
      JobId job,
      Resources resources,
      Placement placement,
      Map<NodeId, Long> bytesByNode,
      long argumentBytes,
      int depth,
      int hops,
      Use use)
      implements SchedulerMessage {
    /** Argument bytes on another node, beyond those here, that are worth going there. */
    public static final long LOCALITY_BYTES_MIN = 1 << 20;

    public RequestLease {
      bytesByNode = Map.copyOf(bytesByNode);
    }
  }

  /** The owner does not need the worker any more, or withdraws its request. */
  record ReturnLease(LeaseId lease) implements SchedulerMessage {}

  /** From a worker on this node: its task is blocked in {@code get}; its share may be lent out. */
  record TaskBlocked(LeaseId lease) implements SchedulerMessage {}

  /** The task goes on. */
  record TaskUnblocked(LeaseId lease) implements SchedulerMessage {}

  /**
   * A worker to its own node's scheduler: all that it has under this lease waits for arguments that
   * are on their way, so others may have the share.
   */
  record ArgumentsAwaited(LeaseId lease) implements SchedulerMessage {}

  /**
   * A worker to its own node's scheduler, after {@link ArgumentsAwaited}: a task of the lease could
   * run. The worker is told when it may, always; until then it runs nothing under the lease.
   *
   * @param worker who is told, also when the lease is unknown, because its owner has ended it
   */
  record ArgumentsArrived(LeaseId lease, WorkerId worker) implements SchedulerMessage {}

  /** From this node: one of its workers, or a task owner anywhere, is gone. */
  record WorkerGone(WorkerId worker) implements SchedulerMessage {}

  /** From this node's view of the cluster. */
  record NodeGone(NodeId node) implements SchedulerMessage {}

  /**
   * One node's load, told to all others now and then.
   *
   * @param version grows with every report of that node; older ones are ignored
   * @param storeRoomBytes what its store could take at least, evicting and spilling what may go
   */
  record NodeLoad(
      NodeId node, long version, Resources total, Resources free, int queued, long storeRoomBytes)
      implements SchedulerMessage {}
}
