package io.dfut.internal.spi;

import io.dfut.NodeId;
import io.dfut.internal.codec.Encoded;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;

/**
 * The object store of a node, as the runtime sees it. Thread-safe. Everything is keyed by object
 * and attempt; all calls are idempotent.
 */
public interface ObjectStore extends AutoCloseable {
  /** Why bytes are pulled; a more urgent reason is served first. */
  enum Urgency {
    /** Somebody is blocked in {@code get}. */
    GET,
    /** Somebody waits in {@code await}. */
    AWAIT,
    /** An argument of a task that has not started. */
    ARGUMENT
  }

  /** A sealed value that stays where it is until closed. Thread-safe. */
  interface Pinned extends AutoCloseable {
    /**
     * The whole encoding, read-only. Access after the store closed throws; it never crashes the
     * JVM.
     */
    MemorySegment bytes();

    /**
     * Whether this node has a copy of its own, which others may pull from and which its owner must
     * free; false when the bytes are read in place, in the memory of another node of this host. The
     * owner is told of copies only.
     */
    default boolean isCopy() {
      return true;
    }

    /**
     * The same bytes for somebody who cannot say when he is done: read-only, valid as long as this
     * segment or any slice of it is reachable, whatever becomes of this pin and of the store. Costs
     * a mapping where the store's memory is a file, and a copy elsewhere.
     *
     * @throws IllegalStateException when this was closed
     */
    default MemorySegment own() {
      MemorySegment bytes = bytes();
      return Arena.ofAuto().allocate(bytes.byteSize(), OWN_ALIGNMENT).copyFrom(bytes).asReadOnly();
    }

    /** How {@link #own} is aligned: as what is in the store. */
    int OWN_ALIGNMENT = 64;

    /** Lets the object go; later calls do nothing. */
    @Override
    void close();
  }

  /**
   * Counters of one node's store, from the start of the node unless said otherwise.
   *
   * @param capacityBytes what all objects in memory may take together
   * @param usedBytes what they take now
   * @param pinnedBytes what of it cannot be had at once: it is in use, or nowhere else
   * @param objects in memory now
   * @param primaries that this node keeps now, in memory or on disk
   * @param evictedBytes of secondary copies that made room
   * @param pulledBytes from other nodes
   * @param pulls objects pulled from other nodes
   * @param servedBytes to other nodes
   * @param spilledBytes written to disk
   * @param spilledObjects written to disk
   * @param spillFailures files that no directory took
   * @param restoredBytes read back from disk
   * @param restoredObjects read back from disk
   * @param diskBytes that spill files have now
   * @param diskFiles spill files now
   * @param spillNanos how long writing to disk took, all threads together
   * @param restoreNanos how long reading back took, all threads together
   * @param readInPlace objects in the memory of other nodes of this host that are read there now
   */
  record Stats(
      long capacityBytes,
      long usedBytes,
      long pinnedBytes,
      long objects,
      long primaries,
      long evictedBytes,
      long pulledBytes,
      long pulls,
      long servedBytes,
      long spilledBytes,
      long spilledObjects,
      long spillFailures,
      long restoredBytes,
      long restoredObjects,
      long diskBytes,
      long diskFiles,
      long spillNanos,
      long restoreNanos,
      long readInPlace) {}

  /**
   * Writes a value once and seals it as this node's pinned primary copy. Blocks while the store is
   * full.
   *
   * @param label what made the value, for messages that tell what fills the store
   * @return what must be told to the owner: the size of the encoding in bytes
   * @throws io.dfut.StoreFullException when no room came free within the configured bound
   */
  long putPrimary(ObjectKey key, Encoded value, String label);

  /** The same without a label. */
  default long putPrimary(ObjectKey key, Encoded value) {
    return putPrimary(key, value, "");
  }

  /** Pins a copy that this node has, sealed; empty when it has none. */
  Optional<Pinned> pin(ObjectKey key);

  /**
   * Makes sure that this node has a sealed copy, pulling it from one of the sources if need be, and
   * pins it. One transfer runs per key whoever asks. Fails with a {@link SourceLostException} when
   * no source has it any more.
   *
   * @param bytes the size that the owner was told
   * @param sources nodes that have a copy, most preferred first
   */
  CompletionStage<Pinned> fetch(ObjectKey key, long bytes, List<NodeId> sources, Urgency urgency);

  /**
   * One of the objects that are fetched together.
   *
   * @param bytes the size that the owner was told
   * @param sources nodes that have a copy, most preferred first
   */
  record Wanted(ObjectKey key, long bytes, List<NodeId> sources) {
    public Wanted {
      sources = List.copyOf(sources);
    }
  }

  /** Objects that are fetched together, from the call until closed. Thread-safe. */
  interface Bundle extends AutoCloseable {
    /** As {@link ObjectStore#fetch}; all of the bundle complete in one step of the store. */
    CompletionStage<Pinned> pinned(ObjectKey key);

    /**
     * The room of the bundle is free for the next one, apart from pins that are still open. What
     * has not come will not. Later calls do nothing.
     */
    @Override
    void close();
  }

  /**
   * As {@link #fetch} of each, for whom some of them are of no use: arguments of a task that has
   * not started. Nothing is pulled before there is room for all of them; until then the bundle
   * waits, for as long as it takes for others to be closed.
   *
   * @param wanted distinct keys, at least one
   */
  Bundle fetchAll(List<Wanted> wanted);

  /** Turns a secondary copy into the pinned primary; false when this node has none. */
  boolean promote(ObjectKey key);

  /** Deletes every copy of the object that this node has as soon as its readers let go. */
  void free(ObjectKey key);

  /** Whether this node has a sealed copy. */
  boolean contains(ObjectKey key);

  /** What a peer must know to pull from here; empty where there is no network. */
  Optional<DataEndpoint> endpoint();

  /** A node joined: its store can be pulled from. */
  void peerUp(NodeId node, DataEndpoint endpoint);

  /** A node is gone: transfers from it go on from another source. */
  void peerDown(NodeId node);

  /** Runs this when somebody begins to wait for room that only letting go of objects can give. */
  void onRoomWanted(Runnable action);

  /** Whether somebody waits for such room. */
  boolean roomWanted();

  /**
   * What could be taken in now, if all that may be evicted and spilled made room. Zero once the
   * store is closed.
   */
  long roomBytes();

  /** Counters, at the moment of the call. */
  Stats stats();

  /**
   * Keys that are here and why, for inspection: {@code primary}, {@code secondary}, {@code pinned
   * by n}.
   */
  Map<ObjectKey, String> contents();

  /** What this node is to keep until its owner frees it, in memory or on disk. */
  Set<ObjectKey> primaries();

  /** Bytes held by each of these objects here, 0 for one that is not. */
  default long bytesOf(Collection<ObjectKey> keys) {
    return keys.stream()
        .map(this::pin)
        .flatMap(Optional::stream)
        .mapToLong(
            p -> {
              try (p) {
                return p.bytes().byteSize();
              }
            })
        .sum();
  }

  /** Frees all memory, closes all sockets. Views that are still open throw when they are used. */
  @Override
  void close();

  /**
   * Where and with what secret a store's data plane is reached.
   *
   * @param address where it listens
   * @param token what a puller must show; handed out over the control plane to members only
   * @param unixSocket the path of a socket file where it listens for peers on its host, if it does
   */
  record DataEndpoint(InetSocketAddress address, String token, Optional<String> unixSocket) {
    /** One that is reached over TCP only. */
    public DataEndpoint(InetSocketAddress address, String token) {
      this(address, token, Optional.empty());
    }

    @Override
    public String toString() {
      return "DataEndpoint[" + address + "]"; // the token is a secret
    }
  }

  /** No source has the bytes (any more): the owner must be asked again. */
  final class SourceLostException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Names the object and the sources that were tried. */
    public SourceLostException(String message) {
      super(message);
    }
  }
}
