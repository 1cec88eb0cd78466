package io.dfut.internal.sim;

import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.spi.ObjectKey;
import java.util.List;
import java.util.function.Predicate;

/**
 * A simulated node's object store, as its workers use it. By default a map that holds everything;
 * the module of the store plugs its own machine in.
 */
public interface SimStore {
  /** How far a read or a write is. */
  enum State {
    WAITING,
    /** The value may be read; or there is room, and it may be written. */
    READY,
    /** No source has it. */
    LOST,
    /** There was no room for it within the bound. */
    REFUSED
  }

  /** A value on its way into the store. */
  interface Write {
    State state();

    /** Everything is written. */
    void seal();

    /** The writer is no more, or has changed its mind. */
    void abort();
  }

  /** A wish to read, and what holds the value in place meanwhile. */
  interface Read {
    State state();

    Object value();

    /** Whether the value had to be pulled from another node; says so once. */
    boolean takePulled();

    /** The reader lets go, or gives up. */
    void close();
  }

  /** What a store sees of the simulation. */
  interface Host {
    NodeId node();

    long now();

    /** Does it later, when this node goes. */
    void after(long nanos, Runnable action);

    /** A random number below the bound. */
    int draw(int bound);

    void count(String what);

    /** The store of another node; also of one that is no more, whose store is closed. */
    SimStore storeOf(NodeId node);

    boolean isFrozen(NodeId node);

    /** Whether nobody takes it for dead. */
    boolean isMember(NodeId node);

    /** Whether this node takes that one for dead. */
    boolean isKnownDead(NodeId node);
  }

  /** Makes the stores of a run. */
  interface Factory {
    SimStore make(Host host);
  }

  Write write(ObjectKey key, Object value);

  /**
   * @param sources nodes that are said to have a copy
   */
  Read read(ObjectKey key, List<NodeId> sources);

  void free(ObjectKey key);

  void promote(ObjectKey key);

  /** The owners are dead: nobody can ask for their objects any more. */
  void freeOwnedBy(Predicate<WorkerId> owner);

  void peerUp(NodeId node);

  void peerDown(NodeId node);

  /** The node is no more. */
  void close();

  /** Whether a write is over at once. */
  boolean isInstant();

  boolean isEmpty();
}
