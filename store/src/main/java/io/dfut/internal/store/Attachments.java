package io.dfut.internal.store;

import io.dfut.NodeId;
import io.dfut.internal.spi.ObjectKey;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Objects that this node reads in the memory of other nodes of its host: mappings of their slabs,
 * and which holds have to be released. Thread-safe.
 *
 * <p>A slab is mapped once, with the first object of it that is read here, and stays mapped for the
 * next ones: a mapping whose pages were touched is what makes a second read cheap. One that nobody
 * reads is unmapped when its file is gone, for it keeps the memory of a slab that was closed there;
 * and the least recently used ones go beyond {@link #IDLE_MAX}. That the source dies does not
 * matter to who reads: its files are unlinked, never truncated.
 */
final class Attachments implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Attachments.class);

  /** Slabs that are kept mapped while nobody reads in them. */
  static final int IDLE_MAX = 256;

  /** No mark stands for it. */
  private static final int ASKED = -1;

  /** A slab of another node. Guarded by the attachments' lock, but for what never changes. */
  private static final class Mapping {
    final Path file;
    final Arena arena;
    final MemorySegment segment;
    int users;

    Mapping(Path file, Arena arena, MemorySegment segment) {
      this.file = file;
      this.arena = arena;
      this.segment = segment;
    }
  }

  /** An object of another node, readable until it is detached. Immutable. */
  static final class Attached {
    private final NodeId source;
    private final Mapping mapping;
    private final long offset;
    private final long bytes;

    /** The cell of its mark; {@link #ASKED} when the source holds it because it was asked. */
    private final int cell;

    private Attached(NodeId source, Mapping mapping, long offset, long bytes, int cell) {
      this.source = source;
      this.mapping = mapping;
      this.offset = offset;
      this.bytes = bytes;
      this.cell = cell;
    }

    /** Its bytes; read-only. */
    MemorySegment segment() {
      return mapping.segment.asSlice(offset, bytes);
    }

    /**
     * A mapping of them that nobody closes.
     *
     * @throws IOException when the source's file is not there any more
     */
    MemorySegment mapOwn() throws IOException {
      return SharedDirectory.mapOwn(mapping.file, offset, bytes);
    }
  }

  /** By file, the least recently used first. Added with the first object; see above for the end. */
  private final LinkedHashMap<Path, Mapping> mappings = new LinkedHashMap<>(16, 0.75f, true);

  /** By their number. Added when the hold was granted; removed by {@link #detach}. */
  private final Map<Long, Attached> attached = new HashMap<>();

  /**
   * Holds that their source must be told to end. Added by {@link #detach} and {@link #doubtful};
   * removed when the source has answered, or is gone.
   */
  private final Map<NodeId, List<Long>> toRelease = new HashMap<>();

  /**
   * A node whose memory is seen here, and which has admitted us.
   *
   * @param catalogue empty when it has none that we know
   */
  private record Source(Share share, Optional<Catalogue.View> catalogue) {}

  /** Shares that were looked at and found to be what they say, by their node. */
  private final Map<NodeId, Source> proven = new HashMap<>();

  /** Where our marks are; empty where no memory is shared. */
  private final Optional<Marks> marks;

  private int idle;
  private boolean closed;

  Attachments(Optional<Marks> marks) {
    this.marks = marks;
  }

  /**
   * Whether this node's memory can be mapped here. Reads files when it is asked first. The node has
   * granted a hold, and so knows where our marks are.
   */
  boolean isProven(NodeId source, Share share) {
    synchronized (this) {
      Source known = proven.get(source);
      if (known != null && share.equals(known.share)) {
        return true;
      }
    }
    if (!share.isProven()) {
      return false;
    }
    Optional<Catalogue.View> catalogue = Optional.empty();
    try {
      catalogue = Optional.of(Catalogue.View.of(Path.of(share.directory())));
    } catch (IOException e) {
      log.debug("{} is asked for each object", source, e);
    }
    synchronized (this) {
      proven.put(source, new Source(share, catalogue));
    }
    return true;
  }

  /**
   * Maps an object without asking its source, if it is in the catalogue of one that has granted
   * something before. False when the source has to be asked; then nothing is held.
   *
   * @param number the hold's
   */
  synchronized boolean attachUnasked(long number, NodeId source, ObjectKey key, long bytes) {
    Source known = proven.get(source);
    if (closed || known == null || known.catalogue.isEmpty() || marks.isEmpty()) {
      return false;
    }
    Catalogue.View catalogue = known.catalogue.get();
    Optional<Catalogue.Place> found = catalogue.find(key, bytes);
    if (found.isEmpty()) {
      return false;
    }
    Catalogue.Place place = found.get();
    int cell = marks.get().set(catalogue.id(), place.mark());
    if (cell < 0) {
      return false;
    }
    boolean mapped = false;
    try {
      if (catalogue.isStill(place)) {
        HoldFrames.Held held =
            new HoldFrames.Held(
                place.offset(),
                place.slabBytes(),
                SharedDirectory.slabName(place.slab()),
                known.share);
        attach(number, source, held, bytes, cell);
        mapped = true;
      }
    } catch (IOException e) {
      log.debug("{} of {} cannot be mapped", key, source, e);
    } finally {
      if (!mapped) {
        marks.get().clear(cell);
      }
    }
    return mapped;
  }

  /**
   * Maps what was granted.
   *
   * @param number the hold's
   * @throws IOException when it cannot be mapped; the hold has to be released all the same
   */
  synchronized void attach(long number, NodeId source, HoldFrames.Held held, long bytes)
      throws IOException {
    attach(number, source, held, bytes, ASKED);
  }

  private void attach(long number, NodeId source, HoldFrames.Held held, long bytes, int cell)
      throws IOException {
    if (closed) {
      throw new IOException("the store is closed");
    }
    if (held.offset() < 0 || held.offset() > held.slabBytes() - bytes) {
      throw new IOException(source + " names a place beyond its slab: " + held);
    }
    Path file = Path.of(held.source().directory()).resolve(held.file());
    Mapping mapping = mappings.get(file);
    if (mapping == null) {
      mapping = map(file, held.slabBytes());
      mappings.put(file, mapping);
      idle++;
    } else if (mapping.segment.byteSize() != held.slabBytes()) {
      throw new IOException(file + " has another size than before");
    }
    if (mapping.users++ == 0) {
      idle--;
    }
    attached.put(number, new Attached(source, mapping, held.offset(), bytes, cell));
  }

  private static Mapping map(Path file, long bytes) throws IOException {
    Arena arena = Arena.ofShared();
    Mapping mapping = null;
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      // Reading beyond the end of a file would kill the JVM. It never becomes shorter: our nodes
      // do not truncate.
      if (channel.size() != bytes) {
        throw new IOException(file + " has " + channel.size() + " bytes, not " + bytes);
      }
      mapping =
          new Mapping(file, arena, channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes, arena));
      return mapping;
    } finally {
      if (mapping == null) {
        arena.close();
      }
    }
  }

  /**
   * The object.
   *
   * @throws IllegalStateException when the store is closed
   */
  synchronized Attached get(long number) {
    Attached there = attached.get(number);
    if (there == null) {
      throw new IllegalStateException(
          closed ? "the object store is closed" : "not attached: " + number);
    }
    return there;
  }

  /** Nobody reads it any more: it is to be released, and may be unmapped. */
  void detach(long number) {
    List<Mapping> ended = new ArrayList<>();
    synchronized (this) {
      Attached gone = attached.remove(number);
      if (gone == null) {
        return; // closed
      }
      if (gone.cell == ASKED) {
        toRelease.computeIfAbsent(gone.source, node -> new ArrayList<>()).add(number);
      } else {
        marks.orElseThrow().clear(gone.cell);
      }
      if (--gone.mapping.users == 0) {
        idle++;
      }
      for (Iterator<Mapping> i = mappings.values().iterator(); i.hasNext() && idle > IDLE_MAX; ) {
        Mapping oldest = i.next();
        if (oldest.users == 0) {
          i.remove();
          idle--;
          ended.add(oldest);
        }
      }
    }
    ended.forEach(Attachments::unmap);
  }

  /** It is not known whether this hold was granted: it is to be released. */
  synchronized void doubtful(NodeId source, long number) {
    if (!closed) {
      toRelease.computeIfAbsent(source, node -> new ArrayList<>()).add(number);
    }
  }

  /** Takes some holds that this node is to be told of; empty when there are none. */
  synchronized List<Long> takeReleases(NodeId source) {
    List<Long> waiting = toRelease.get(source);
    if (waiting == null) {
      return List.of();
    }
    List<Long> some = waiting.subList(0, Math.min(HoldFrames.RELEASES_MAX, waiting.size()));
    List<Long> taken = List.copyOf(some);
    some.clear();
    if (waiting.isEmpty()) {
      toRelease.remove(source);
    }
    return taken;
  }

  /** Whether there are such holds. */
  synchronized boolean hasReleases(NodeId source) {
    return toRelease.containsKey(source);
  }

  /** They could not be told. */
  synchronized void putBack(NodeId source, List<Long> numbers) {
    if (!closed) {
      toRelease.computeIfAbsent(source, node -> new ArrayList<>()).addAll(numbers);
    }
  }

  /** Nodes with holds that are to be released. */
  synchronized List<NodeId> sourcesToTell() {
    return List.copyOf(toRelease.keySet());
  }

  /** The node is gone, and with it whatever was held there. What is read here stays readable. */
  synchronized void forget(NodeId source) {
    toRelease.remove(source);
    proven.remove(source);
  }

  /** Unmaps idle slabs that were closed where they are. To be called now and then. */
  void reap() {
    List<Mapping> ended = new ArrayList<>();
    synchronized (this) {
      for (Iterator<Mapping> i = mappings.values().iterator(); i.hasNext(); ) {
        Mapping mapping = i.next();
        if (mapping.users == 0 && !Files.exists(mapping.file)) {
          i.remove();
          idle--;
          ended.add(mapping);
        }
      }
    }
    ended.forEach(Attachments::unmap);
  }

  private static void unmap(Mapping mapping) {
    log.debug("unmapping {}", mapping.file);
    StoreMemory.close(mapping.arena);
  }

  /** How many slabs are mapped; for tests. */
  synchronized int mappingCount() {
    return mappings.size();
  }

  /** Unmaps everything. Views that are still open throw from now on. */
  @Override
  public void close() {
    List<Mapping> ended;
    synchronized (this) {
      closed = true;
      ended = List.copyOf(mappings.values());
      mappings.clear();
      attached.clear();
      toRelease.clear();
    }
    RuntimeException failure = null;
    for (Mapping mapping : ended) {
      try {
        unmap(mapping);
      } catch (IllegalStateException stillRead) { // the others must be unmapped all the same
        failure = stillRead;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
