package io.dfut.internal.protocol;

import io.dfut.ActorId;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.TaskSpec;
import java.util.List;
import java.util.Optional;

/**
 * What travels between two nodes: to a worker, to the scheduler, to the store, or to the directory
 * of named actors.
 */
public sealed interface NodeMessage {
  /** To a worker of the receiving node. */
  record ToWorker(WorkerId to, WorkerId from, WorkerMessage message) implements NodeMessage {}

  /** To the receiving node's scheduler. */
  record ToScheduler(SchedulerMessage message) implements NodeMessage {}

  /**
   * A piece of a message that is larger than an envelope: a task with thousands of arguments, say.
   * Made and put together by the transport, in order; nobody else sees one. (Objects never travel
   * so: they have the data plane.)
   *
   * @param message counts the sender's messages that were cut up, to tell the pieces of one from
   *     those of the next
   */
  record Part(long message, int index, int count, InlineValue bytes) implements NodeMessage {}

  /** To every node: a worker of the sender's is no more. */
  record WorkerEnded(WorkerId worker, String cause) implements NodeMessage {}

  /**
   * To every node: the sender's store needs room, and handles that nobody can reach may keep what
   * is in it. Repeated while it does; may be lost.
   */
  record CollectGarbage() implements NodeMessage {}

  /** To any node: what do you hold? Answered by {@link Inspected}. */
  record Inspect(long question) implements NodeMessage {}

  /** The answer, put together from all of the node's tables. */
  record Inspected(
      long question,
      List<Inspection.Row> rows,
      List<Inspection.Pending> pending,
      List<Inspection.Attempt> attempts,
      List<Inspection.Lease> leases,
      List<Inspection.Actor> actors,
      Inspection.Store store,
      long tasksRun)
      implements NodeMessage {}

  /** Owner to a node with a copy: delete it. Idempotent. */
  record FreeCopy(ObjectKey key) implements NodeMessage {}

  /**
   * Owner to a node with a secondary copy: it is the primary now. Idempotent. Answered, by {@link
   * WorkerMessage.CopyLost}, only when the copy is gone.
   */
  record PromoteCopy(ObjectKey key) implements NodeMessage {}

  // ---- draining ----

  /** To a node, from whoever wants it gone: drain, and leave. Idempotent; not answered. */
  record Drain() implements NodeMessage {}

  /**
   * To every node, and to those that are met later: the sender takes no new work, and will leave.
   * Whatever becomes of it, it was announced.
   */
  record DrainBegun() implements NodeMessage {}

  /**
   * Owner to a node: fetch this copy from a node that drains, and keep it as the primary. Answered
   * by {@link WorkerMessage.CopyMoved}, unless it cannot be had; then whoever drains asks again.
   */
  record TakeCopy(ObjectKey key, long bytes, NodeId from) implements NodeMessage {}

  /** Owner to the node that drains: the primary is elsewhere. Idempotent. */
  record CopyIsSafe(ObjectKey key) implements NodeMessage {}

  /**
   * A named actor as the directory knows it.
   *
   * @param worker the worker that it is, once it exists
   * @param detached whether it outlives its owner
   */
  record NamedActor(
      String namespace,
      String name,
      ActorId actor,
      String className,
      Optional<WorkerId> worker,
      boolean detached,
      TaskSpec.Restarts restarts,
      int maxPendingCalls) {
    /** The same, now that it exists. */
    public NamedActor at(WorkerId where) {
      return new NamedActor(
          namespace,
          name,
          actor,
          className,
          Optional.of(where),
          detached,
          restarts,
          maxPendingCalls);
    }

    /** The same, while it is being made anew. */
    public NamedActor nowhere() {
      return new NamedActor(
          namespace, name, actor, className, Optional.empty(), detached, restarts, maxPendingCalls);
    }
  }

  /**
   * To the directory: reserve this name. Answered by {@link NameAnswer}. Idempotent by actor id.
   */
  record ClaimName(long question, NamedActor actor) implements NodeMessage {}

  /** To the directory: who has this name? Answered by {@link NameAnswer}. */
  record FindName(long question, String namespace, String name) implements NodeMessage {}

  /**
   * From the directory: who holds the name now, after the claim if it was one; empty when nobody
   * does.
   */
  record NameAnswer(long question, Optional<NamedActor> holder) implements NodeMessage {}

  /** To the directory: this actor is dead, its name is free. Idempotent. */
  record ReleaseName(NamedActor actor) implements NodeMessage {}
}
