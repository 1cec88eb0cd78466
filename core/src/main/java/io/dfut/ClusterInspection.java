package io.dfut;

import io.dfut.internal.inspect.ReferenceGraph;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * Snapshots of all nodes of a cluster, drivers' included, taken at about the same time. Immutable
 * and thread-safe.
 */
public final class ClusterInspection {
  private static final long LOOK_AGAIN_NANOS = 20_000_000;

  private final SortedMap<NodeId, Inspection> nodes;
  private final SortedSet<NodeId> silent;
  private final Supplier<ClusterInspection> again;

  /** Made by the runtime. */
  public ClusterInspection(
      SortedMap<NodeId, Inspection> nodes,
      SortedSet<NodeId> silent,
      Supplier<ClusterInspection> again) {
    this.nodes = Collections.unmodifiableSortedMap(new TreeMap<>(nodes));
    this.silent = Collections.unmodifiableSortedSet(new TreeSet<>(silent));
    this.again = again;
  }

  /** The snapshots, by node. */
  public SortedMap<NodeId, Inspection> nodes() {
    return nodes;
  }

  /** Members that did not answer in time. */
  public SortedSet<NodeId> silent() {
    return silent;
  }

  /** The rows of all workers on all nodes. */
  public List<Inspection.Row> rows() {
    List<Inspection.Row> rows = new ArrayList<>();
    nodes.values().forEach(node -> rows.addAll(node.rows()));
    return rows;
  }

  /** The futures without a value of all workers on all nodes. */
  public List<Inspection.Pending> pending() {
    List<Inspection.Pending> pending = new ArrayList<>();
    nodes.values().forEach(node -> pending.addAll(node.pending()));
    return pending;
  }

  /**
   * The reference cycles in the cluster, those that lead through several nodes included; see {@link
   * Inspection#cycles()}. What a silent node may hold is taken to be in use.
   *
   * <p>The nodes are looked at one beside the other, not at one instant. While references are being
   * passed on, ask twice: what is reported again is a cycle.
   */
  public List<Inspection.Cycle> cycles() {
    return ReferenceGraph.cycles(rows());
  }

  /**
   * Waits until the tables, leases and stores of all nodes are empty, those of other drivers' jobs,
   * too. Makes this JVM collect garbage meanwhile, as {@link Inspection#assertNoLeaks} does; views
   * in other JVMs wait for theirs.
   *
   * @throws AssertionError when something is left after the time, or a member does not answer;
   *     lists what, with holders, reasons and cycles
   */
  public void assertNoLeaks(Duration within) {
    long deadline = System.nanoTime() + within.toNanos();
    Inspection.Collecting collecting = new Inspection.Collecting();
    ClusterInspection now = again.get();
    while (!now.isEmpty()) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError("left after " + within + ":\n" + now);
      }
      now.nodes.values().forEach(collecting::look);
      LockSupport.parkNanos(LOOK_AGAIN_NANOS);
      now = again.get();
    }
  }

  private boolean isEmpty() {
    return silent.isEmpty() && nodes.values().stream().allMatch(Inspection::isEmpty);
  }

  /** A paragraph for each node, then what did not answer, then the cycles. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    nodes.values().forEach(node -> text.append(node.withoutCycles()).append('\n'));
    silent.forEach(node -> text.append("node ").append(node).append(" did not answer\n"));
    cycles().forEach(cycle -> text.append(cycle).append('\n'));
    return text.toString();
  }
}
