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
 * @param life how its end can be seen from the same host; the membership adds it
 */
public record PeerInfo(
    NodeId node,
    boolean offersWork,
    Optional<ObjectStore.DataEndpoint> store,
    NodeLoad load,
    Optional<Life> life) {
  /** Where its life lock is, and what must be found there. */
  public record Life(String path, String proof) {
    @Override
    public String toString() {
      return "Life[" + path + "]"; // who knows the proof could pretend to be of this host
    }
  }

  public PeerInfo {
    Objects.requireNonNull(node, "node");
  }

  /** What the runtime knows. */
  public PeerInfo(
      NodeId node, boolean offersWork, Optional<ObjectStore.DataEndpoint> store, NodeLoad load) {
    this(node, offersWork, store, load, Optional.empty());
  }

  /** The same, and how its end can be seen. */
  public PeerInfo with(Optional<Life> seen) {
    return new PeerInfo(node, offersWork, store, load, seen);
  }
}
