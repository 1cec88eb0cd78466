package io.dfut;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.internal.runtime.Systems;
import java.time.Duration;
import java.util.Collection;
import org.apache.pekko.actor.typed.ActorSystem;

/**
 * A running system, seen by a driver: a whole system in one JVM, a node of a cluster, or a client
 * of one. Closing it ends the driver's job: its tasks are cancelled, its objects and actors go,
 * except detached actors on other nodes. Thread-safe.
 */
public abstract class DFutSystem extends DFutContext implements AutoCloseable {
  /** For the runtime's own subclass. */
  protected DFutSystem() {}

  /** A system in this JVM, with a worker slot for each core and no network. */
  public static DFutSystem local() {
    return local(ConfigFactory.empty());
  }

  /**
   * The same with another number of worker slots.
   *
   * @throws IllegalArgumentException when cpus is not positive
   */
  public static DFutSystem local(int cpus) {
    if (cpus < 1) {
      throw new IllegalArgumentException("cpus is " + cpus + "; it must be at least 1");
    }
    return local(ConfigFactory.parseString("dfut.cpus = " + cpus));
  }

  /**
   * The same with a configuration, laid over {@code application.conf} and {@code reference.conf}.
   *
   * @throws IllegalArgumentException when a key below {@code dfut} has a value it cannot have;
   *     names key, value and what is allowed
   */
  public static DFutSystem local(Config config) {
    return Systems.local(config);
  }

  /**
   * A node of a Pekko cluster, with a driver on it. It joins {@code dfut.cluster.join} or, when
   * that is empty, forms a cluster of its own. Returns when it is a member.
   *
   * @throws IllegalArgumentException when a key below {@code dfut} has a value it cannot have
   * @throws IllegalStateException when the node could not start or join; the message says why, and
   *     nothing is left running
   */
  public static DFutSystem start(Config config) {
    return Systems.start(config);
  }

  /**
   * A driver that joins a running cluster and brings no worker slots.
   *
   * @param address {@code host:port} of any node
   * @throws IllegalArgumentException when the address cannot be read
   * @throws IllegalStateException when nobody answers there, or the cluster refuses; nothing is
   *     left running
   */
  public static DFutSystem connect(String address) {
    return connect(address, ConfigFactory.empty());
  }

  /**
   * The same with a configuration, laid over {@code application.conf} and {@code reference.conf}.
   */
  public static DFutSystem connect(String address, Config config) {
    return Systems.connect(address, config);
  }

  /**
   * The system embedded in an application's own {@code ActorSystem}: started at the first call, the
   * same at every later one, closed with the {@code ActorSystem}. A cluster node if that is one,
   * else a system in this JVM. The {@code ActorSystem} is not altered.
   *
   * @throws IllegalStateException when the {@code ActorSystem} lacks a setting that the library
   *     needs; names it
   */
  public static DFutSystem get(ActorSystem<?> system) {
    return Systems.embedded(system);
  }

  /** The Pekko system beneath. */
  public abstract ActorSystem<?> actorSystem();

  /** The nodes that tasks can run on, this one first if it is among them. */
  public abstract Collection<NodeId> nodes();

  /** A snapshot of this node's tables, store, leases and actors. */
  public abstract Inspection inspect();

  /**
   * Snapshots of all nodes, drivers' included. Costs each node about as much as {@link #inspect()}
   * and a message of the size of its tables; meant for people and tests.
   *
   * @param patience how long to wait for nodes that do not answer; they are {@linkplain
   *     ClusterInspection#silent() named}
   */
  public abstract ClusterInspection inspectCluster(Duration patience);

  /**
   * Ends the job and, unless the system is embedded in an application's own {@code ActorSystem},
   * stops the node. Waits for the orderly end; calls that are still blocked get {@link
   * SystemClosedException}. Later calls do nothing.
   */
  @Override
  public abstract void close();
}
