package io.dfut.internal.spi;

import com.typesafe.config.Config;
import java.util.Optional;
import org.apache.pekko.actor.typed.ActorSystem;

/**
 * How the runtime finds the cluster: a service, since the cluster's module stands above the core's.
 * Thread-safe.
 */
public interface ClusterProvider {
  /**
   * Starts an {@code ActorSystem}, joins the cluster or forms one, and returns once this node is a
   * member.
   *
   * @param config complete: the user's over {@code application.conf} over {@code reference.conf}
   * @param offersWork whether this node has the role of one that runs tasks; a pure driver has
   *     another role
   * @throws IllegalStateException when that fails; says why and what to do; nothing is left running
   */
  Membership start(Config config, boolean offersWork);

  /**
   * Uses the application's own {@code ActorSystem}, which is not altered; empty when it is no
   * cluster node.
   *
   * @throws IllegalStateException when it is a cluster node but lacks a setting that is needed;
   *     names it
   */
  Optional<Membership> embedded(ActorSystem<?> system);
}
