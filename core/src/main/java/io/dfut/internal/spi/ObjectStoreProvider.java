package io.dfut.internal.spi;

import com.typesafe.config.Config;
import io.dfut.NodeId;
import org.apache.pekko.actor.typed.ActorSystem;

/**
 * How the runtime finds the object store: a service, since the store's module stands above the
 * core's.
 */
public interface ObjectStoreProvider {
  /**
   * Looks at the configuration before anything is started.
   *
   * @param dfut the configuration below {@code dfut}
   * @param networked whether other nodes may pull from it
   * @throws IllegalArgumentException when a key has a value that it cannot have; names it
   */
  void check(Config dfut, boolean networked);

  /**
   * Opens a node's store.
   *
   * @param system where the store's actor is spawned
   * @param dfut the configuration below {@code dfut}
   * @param self the node whose store it is
   * @param networked whether other nodes may pull from it
   */
  ObjectStore open(ActorSystem<?> system, Config dfut, NodeId self, boolean networked);
}
