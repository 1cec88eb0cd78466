package io.dfut.internal.sim;

import io.dfut.NodeId;
import io.dfut.internal.lease.LeaseMachine;
import io.dfut.internal.spi.ObjectKey;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** One life of one node: its scheduler, its store, and what it knows of the others. */
final class SimNode {
  final NodeId id;
  final LeaseMachine leases;
  final SimStore store;

  /**
   * Workers and nodes that this node has heard are dead, and nodes that were dead before it came:
   * what those say, it does not listen to.
   */
  final Set<Object> knownDead = new HashSet<>();

  /** Nodes whose death its scheduler was told of. */
  final Set<NodeId> goneForScheduler = new HashSet<>();

  /** What was sealed here by tasks whose answer is still under way. */
  final Set<ObjectKey> unreported = new LinkedHashSet<>();

  /** Its timers that were due while it was frozen. */
  final List<Runnable> overdue = new ArrayList<>();

  long lastWorker;

  /** Nothing that it holds acts or receives. */
  boolean frozen;

  /** The others take it for dead, whether or not it is. */
  boolean declaredDead;

  /** It is no more. */
  boolean dead;

  SimNode(NodeId id, LeaseMachine leases, SimStore store) {
    this.id = id;
    this.store = store;
    this.leases = leases;
  }

  /** The incarnation that comes after this one, if any does. */
  NodeId next() {
    return new NodeId(id.host(), id.port(), id.incarnation() + 1);
  }

  boolean isMember() {
    return !dead && !declaredDead;
  }
}
