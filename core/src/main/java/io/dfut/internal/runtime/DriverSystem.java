package io.dfut.internal.runtime;

import io.dfut.ClusterInspection;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.spi.PeerInfo;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;

/** A node with a driver on it: what the user holds. Thread-safe. */
final class DriverSystem extends DFutSystem {
  /**
   * So that behaviours find the system that runs in their ActorSystem. By the classic system, which
   * is equal to itself only: typed ones are equal when they have the same name. Added when one
   * opens; removed when it closes.
   */
  private static final Map<org.apache.pekko.actor.ActorSystem, DriverSystem> OPEN =
      new ConcurrentHashMap<>();

  private final NodeRuntime node;
  private final WorkerActor driver;
  private final boolean ownsSystem;
  private boolean closed;

  DriverSystem(NodeRuntime node, boolean ownsSystem) {
    this.node = node;
    this.ownsSystem = ownsSystem;
    this.driver = node.startWorker(node.nextJob());
    OPEN.put(Adapter.toClassic(node.system()), this);
    node.onRemoved(this::close);
  }

  static Optional<DriverSystem> of(ActorSystem<?> system) {
    return Optional.ofNullable(OPEN.get(Adapter.toClassic(system)));
  }

  NodeRuntime runtime() {
    return node;
  }

  @Override
  protected ContextBackend backend() {
    return driver.context();
  }

  @Override
  public ActorSystem<?> actorSystem() {
    return node.system();
  }

  @Override
  public Collection<NodeId> nodes() {
    List<NodeId> nodes = new ArrayList<>();
    if (node.offersWork()) {
      nodes.add(node.self());
    }
    node.peers().stream()
        .filter(PeerInfo::offersWork)
        .map(PeerInfo::node)
        .sorted()
        .forEach(nodes::add);
    return List.copyOf(nodes);
  }

  @Override
  public Inspection inspect() {
    return node.inspect();
  }

  @Override
  public ClusterInspection inspectCluster(Duration patience) {
    return node.inspectors().cluster(patience);
  }

  /** Who comes second waits until all is closed. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    driver.close("the DFutSystem on node " + node.self() + " was closed");
    node.stop("the DFutSystem was closed");
    OPEN.remove(Adapter.toClassic(node.system()), this);
    if (ownsSystem) {
      Systems.terminate(node.system(), node.settings());
    }
  }
}
