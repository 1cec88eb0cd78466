package io.dfut.testkit;

import io.dfut.NodeId;
import java.util.Iterator;
import java.util.List;

/** The nodes of the cluster of a test, in JVMs of their own. Thread-safe. */
public final class DFutNodes implements Iterable<DFutNode> {
  private final ClusterPlace place;
  private final List<DFutNode> nodes;

  DFutNodes(ClusterPlace place, List<DFutNode> nodes) {
    this.place = place;
    this.nodes = List.copyOf(nodes);
  }

  /** All of them, those that have ended included. */
  public List<DFutNode> all() {
    return nodes;
  }

  /**
   * One of them.
   *
   * @param index from 0
   */
  public DFutNode get(int index) {
    return nodes.get(index);
  }

  /**
   * The one with this id.
   *
   * @throws IllegalArgumentException when none has it, or the one that had was started again
   */
  public DFutNode get(NodeId id) {
    return nodes.stream()
        .filter(node -> node.nodeId().equals(id))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no node is " + id + " now: " + nodes));
  }

  /**
   * What each of two nodes sends to the other is held back until {@link #heal}. Both still reach
   * the others.
   *
   * @throws IllegalStateException when the annotation does not say {@code partitions = true}
   */
  public void partition(DFutNode a, DFutNode b) {
    place.cut(a.slot().name, b.slot().name);
  }

  /**
   * What a node and all others, the driver too, send to each other is held back until {@link
   * #heal}.
   *
   * @throws IllegalStateException as above
   */
  public void isolate(DFutNode node) {
    place.isolate(node.slot());
  }

  /** Everybody reaches everybody again, and what was held back arrives. */
  public void heal() {
    place.heal();
  }

  @Override
  public Iterator<DFutNode> iterator() {
    return nodes.iterator();
  }

  @Override
  public String toString() {
    return nodes.toString();
  }
}
