package io.dfut;

import java.util.Objects;

/**
 * One driver and everything it started, directly or through its tasks and actors. Immutable and
 * thread-safe.
 *
 * @param node the driver's node
 * @param sequence unique on that node for its incarnation
 */
public record JobId(NodeId node, long sequence) {
  /** Refuses a missing node. */
  public JobId {
    Objects.requireNonNull(node, "node");
  }

  @Override
  public String toString() {
    return "job-" + sequence + "@" + node;
  }
}
