package io.dfut.internal.spi;

import io.dfut.NodeId;
import io.dfut.internal.protocol.SchedulerMessage.NodeLoad;
import java.util.Objects;
import java.util.Optional;

/**
 * What a node tells every other when they meet.
 *
 * @param node who it is
 * @param offersWork whether tasks can run there; false for a pure driver
 * @param store how its store is reached, if it has a data plane
 * @param load its resources
 */
public record PeerInfo(
    NodeId node, boolean offersWork, Optional<ObjectStore.DataEndpoint> store, NodeLoad load) {
  public PeerInfo {
    Objects.requireNonNull(node, "node");
  }
}
