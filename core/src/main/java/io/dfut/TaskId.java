package io.dfut;

import java.util.Objects;

/**
 * A task, named by its owner (the worker that submitted it) and a number of that owner's. Attempts
 * of one task share the id and differ in the attempt number beside it. Immutable and thread-safe.
 *
 * @param owner the worker that submitted the task and owns its results
 * @param sequence unique for that owner
 */
public record TaskId(WorkerId owner, long sequence) {
  /** Refuses a missing owner. */
  public TaskId {
    Objects.requireNonNull(owner, "owner");
  }

  /** The id of the task's result number {@code index}, counted from zero. */
  public ObjectId result(int index) {
    return new ObjectId(owner, sequence, index);
  }

  @Override
  public int hashCode() {
    return 31 * owner.hashCode() + Long.hashCode(sequence);
  }

  @Override
  public String toString() {
    return "task-" + sequence + "/" + owner;
  }
}
