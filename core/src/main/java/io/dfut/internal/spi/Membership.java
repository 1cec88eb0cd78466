package io.dfut.internal.spi;

import io.dfut.NodeId;
import io.dfut.internal.protocol.NodeMessage;
import java.util.Optional;
import org.apache.pekko.actor.typed.ActorSystem;

/**
 * This node's place in a cluster: how it talks to other nodes and hears of their coming and going.
 * Thread-safe.
 */
public interface Membership {
  /**
   * Told by the membership; calls come from one thread at a time per peer, in order. Must not
   * block.
   */
  interface Listener {
    /**
     * A message of another node. Messages of one peer come in the order in which it sent them; some
     * may be lost.
     */
    void receive(NodeId from, NodeMessage message);

    /** A node can be talked to. Told before any message of that node is delivered. */
    void peerUp(PeerInfo peer);

    /** A node is gone for good: this incarnation is never heard of again. */
    void peerDown(NodeId node, String cause);

    /**
     * Which node keeps the directory of named actors from now on (the oldest that offers work). May
     * be this one.
     */
    void directoryAt(NodeId node);

    /**
     * This node was removed from the cluster, or leaves it without having been asked to: it must
     * stop.
     */
    void removed(String cause);

    /** What of the tasks here has ended this JVM, and how; empty when none has. */
    default Optional<String> exit() {
      return Optional.empty();
    }
  }

  ActorSystem<?> system();

  NodeId self();

  /** Starts to deliver, and tells every peer about this node. Called once. */
  void begin(PeerInfo own, Listener listener);

  /**
   * Sends to another node, in order, best effort; never blocks, never throws. Unknown or dead nodes
   * are ignored.
   */
  void send(NodeId to, NodeMessage message);

  /** Sends the same to every peer. */
  void broadcast(NodeMessage message);

  /**
   * Leaves the cluster in an orderly way and, if the membership started the {@code ActorSystem},
   * stops that too. Waits for the end within a bound. Idempotent.
   */
  void leave();
}
