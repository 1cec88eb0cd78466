package io.dfut.testkit;

import io.dfut.NodeId;
import java.util.List;

/**
 * A node of the cluster of a test, in a JVM of its own: a place that a test may empty and fill
 * again. Its calls return when what they say has happened in that JVM; what the others come to know
 * of it takes as long as it takes. Thread-safe.
 */
public final class DFutNode {
  private final ClusterPlace place;
  private final ClusterPlace.Slot slot;

  DFutNode(ClusterPlace place, ClusterPlace.Slot slot) {
    this.place = place;
    this.slot = slot;
  }

  ClusterPlace.Slot slot() {
    return slot;
  }

  /** Its name in what is printed, {@code node-1} for the first. */
  public String name() {
    return slot.name;
  }

  /** Under which id it was started last, for {@code on(NodeId)} for example. */
  public NodeId nodeId() {
    return slot.node();
  }

  /** The system's number for its JVM. */
  public long pid() {
    return slot.process().pid();
  }

  /** Whether its JVM runs, be it frozen or cut off. */
  public boolean isAlive() {
    return slot.process().isAlive();
  }

  /** Ends its JVM at once, as a crash or the kernel would (SIGKILL). */
  public void kill() {
    slot.process().kill();
  }

  /** Its JVM stays where it is and does nothing (SIGSTOP) until {@link #thaw}. */
  public void freeze() {
    slot.process().freeze();
  }

  /** Its JVM goes on, if it was frozen. */
  public void thaw() {
    slot.process().thaw();
  }

  /**
   * Has it drain and leave (SIGTERM): its tasks end, what it has goes elsewhere, its JVM ends.
   *
   * @throws IllegalStateException when it does not end within the patience of the test; it is
   *     killed then
   */
  public void stop() {
    place.stop(slot);
  }

  /**
   * Starts it again, with another id; kills it first if it is alive. Returns when the driver knows
   * it.
   *
   * @throws IllegalStateException when that takes longer than the start timeout; with what it said
   */
  public void restart() {
    place.restart(slot);
  }

  /** What it has written to its output and error output since it was started last. */
  public List<String> logs() {
    return slot.process().lines();
  }

  @Override
  public String toString() {
    return slot.toString();
  }
}
