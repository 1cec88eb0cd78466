package io.dfut;

import java.util.Objects;

/**
 * A worker: whatever holds an ownership table. A driver, a leased worker, a {@link DFutActor}
 * instance and a typed behaviour made with {@link DFutBehaviors} are workers. Immutable and
 * thread-safe.
 *
 * @param node the node it lives on
 * @param sequence unique on that node for its incarnation
 */
public record WorkerId(NodeId node, long sequence) implements Comparable<WorkerId> {
  /** Refuses a missing node and a negative sequence. */
  public WorkerId {
    Objects.requireNonNull(node, "node");
    if (sequence < 0) {
      throw new IllegalArgumentException("negative worker sequence: " + sequence);
    }
  }

  @Override
  public int compareTo(WorkerId other) {
    int byNode = node.compareTo(other.node);
    return byNode != 0 ? byNode : Long.compare(sequence, other.sequence);
  }

  // Within a JVM it is mostly the same object.
  @Override
  public boolean equals(Object other) {
    return this == other
        || (other instanceof WorkerId worker
            && sequence == worker.sequence
            && node.equals(worker.node));
  }

  @Override
  public int hashCode() {
    return 31 * node.hashCode() + Long.hashCode(sequence);
  }

  @Override
  public String toString() {
    return "worker-" + sequence + "@" + node;
  }
}
