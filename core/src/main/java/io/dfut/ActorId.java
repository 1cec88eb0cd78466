package io.dfut;

import java.util.Objects;

/**
 * An actor, named by the task that creates it. The actor's handle is a reference to that task's
 * result: its life is counted as an object's is. Immutable and thread-safe.
 *
 * @param owner the worker that created the actor and owns it
 * @param sequence the number of the creation at that owner
 */
public record ActorId(WorkerId owner, long sequence) {
  /** Refuses a missing owner. */
  public ActorId {
    Objects.requireNonNull(owner, "owner");
  }

  /** The object that stands for the actor's life in its owner's table. */
  public ObjectId object() {
    return new ObjectId(owner, sequence, 0);
  }

  @Override
  public String toString() {
    return "actor-" + sequence + "/" + owner;
  }
}
