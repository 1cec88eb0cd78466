package io.dfut;

import java.util.Objects;

/**
 * An object: one result of a task, or a value that was put. Its owner can be read off it, so a
 * reference on the wire is this id and nothing more. Immutable and thread-safe.
 *
 * @param owner the worker that owns the object
 * @param sequence the number of the task, or of the put, at that owner
 * @param index which of the task's results, counted from zero; 0 for a put
 */
public record ObjectId(WorkerId owner, long sequence, int index) implements Comparable<ObjectId> {
  /** Refuses a missing owner and a negative index. */
  public ObjectId {
    Objects.requireNonNull(owner, "owner");
    if (index < 0) {
      throw new IllegalArgumentException("negative result index: " + index);
    }
  }

  /** The task that makes this object; for a put, the number is not one of a task. */
  public TaskId task() {
    return new TaskId(owner, sequence);
  }

  @Override
  public int compareTo(ObjectId other) {
    int byOwner = owner.compareTo(other.owner);
    if (byOwner != 0) {
      return byOwner;
    }
    int bySequence = Long.compare(sequence, other.sequence);
    return bySequence != 0 ? bySequence : Integer.compare(index, other.index);
  }

  @Override
  public int hashCode() {
    return 31 * owner.hashCode() + 7 * Long.hashCode(sequence) + index;
  }

  @Override
  public String toString() {
    return "object-" + sequence + "." + index + "/" + owner;
  }
}
