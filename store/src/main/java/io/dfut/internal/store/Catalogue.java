package io.dfut.internal.store;

import io.dfut.NodeId;
import io.dfut.internal.spi.ObjectKey;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/**
 * Which objects are in a store's shared memory, and where, in a file that other JVMs of the host
 * read: so they find an object without asking, at the cost of a few reads of memory (ADR 0014). The
 * table's lock guards it, but for {@link #add} and {@link #remove}, which are thread-safe.
 *
 * <p>The protocol is that of hazard pointers. Each slot has a version, which is odd while it shows
 * an object and never comes again. A reader reads the slot, {@linkplain Marks sets a mark} that
 * names slot and version, and reads the version once more: if it is still the same, the mark came
 * before any withdrawal. The store raises the version and then looks for marks of the old one. Both
 * write first and look afterwards, each with a fence between, so at least one of them sees the
 * other: either the reader finds the version gone and does not read, or the store finds the mark
 * and keeps the block.
 *
 * <p>A key's slot is one of the few in its bucket. If none is free the object is not shown, and
 * readers ask for it.
 */
final class Catalogue implements DirectReaders {
  /** In the store's {@link RunDirectory}. */
  static final String FILE = "catalogue";

  /** Says what the file is, and how it is laid out: the number is that of the layout. */
  private static final long MAGIC = 0x6466757463617401L;

  /** More would hardly be used: a store's objects are large. */
  static final int BUCKETS = 1_024;

  static final int WAYS = 8;

  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

  private static final long MAGIC_AT = 0;
  private static final long ID_AT = 8;
  private static final long FIRST_SLOT = 128;

  /** Two cache lines, for neighbours that are fetched together. */
  private static final long SLOT_BYTES = 128;

  private static final long KEY_AT = 8;
  private static final int KEY_LONGS = 6;
  private static final long SLAB_AT = KEY_AT + KEY_LONGS * Long.BYTES;
  private static final long SLAB_BYTES_AT = SLAB_AT + 8;
  private static final long OFFSET_AT = SLAB_AT + 16;
  private static final long BYTES_AT = SLAB_AT + 24;
  private static final long FILE_BYTES = FIRST_SLOT + BUCKETS * WAYS * SLOT_BYTES;

  private static final int VERSION_BITS = 48;

  private final MemorySegment file;
  private final long id;

  /** The slots of what is published. */
  private final Map<ObjectKey, Integer> slots = new HashMap<>();

  /** Marks of what was withdrawn while it was read. Removed when a look does not find them. */
  private final Map<ObjectKey, Long> left = new HashMap<>();

  private final CopyOnWriteArrayList<Marks> readers = new CopyOnWriteArrayList<>();

  private Catalogue(MemorySegment file, long id) {
    this.file = file;
    this.id = id;
  }

  /** Makes the file. */
  static Catalogue create(Path directory) throws IOException {
    MemorySegment file =
        SharedDirectory.createFile(directory.resolve(FILE), FILE_BYTES, Arena.ofAuto());
    long id = new SecureRandom().nextLong();
    LONG.set(file, ID_AT, id);
    LONG.setRelease(file, MAGIC_AT, MAGIC);
    return new Catalogue(file, id);
  }

  /** Names it in marks. */
  long id() {
    return id;
  }

  /** A reader that may set marks from now on. */
  void add(Marks reader) {
    readers.add(reader);
  }

  /** Its process is gone, and with it what it read. */
  void remove(Marks reader) {
    readers.remove(reader);
  }

  /** Tells objects apart. The incarnation of a node is random, so that a hash of its name does. */
  private static long[] words(ObjectKey key) {
    NodeId node = key.id().owner().node();
    return new long[] {
      ((long) node.host().hashCode() << Integer.SIZE) + node.port(),
      node.incarnation(),
      key.id().owner().sequence(),
      key.id().sequence(),
      key.id().index(),
      key.attempt()
    };
  }

  private static int firstSlot(long[] words) {
    int hash = Arrays.hashCode(words) * 0x9E3779B9;
    return (hash >>> Integer.SIZE - Integer.numberOfTrailingZeros(BUCKETS)) * WAYS;
  }

  private static long at(int slot) {
    return FIRST_SLOT + slot * SLOT_BYTES;
  }

  private static boolean isShown(long version) {
    return (version & 1) == 1;
  }

  /** Never 0, which is no mark. */
  private static long mark(int slot, long version) {
    return (slot + 1L) << VERSION_BITS | version & (1L << VERSION_BITS) - 1;
  }

  @Override
  public boolean publish(ObjectKey key, Block block, long bytes) {
    long[] words = words(key);
    int first = firstSlot(words);
    for (int slot = first; slot < first + WAYS; slot++) {
      long at = at(slot);
      long version = (long) LONG.get(file, at);
      if (!isShown(version)) {
        for (int i = 0; i < KEY_LONGS; i++) {
          LONG.set(file, at + KEY_AT + (long) i * Long.BYTES, words[i]);
        }
        LONG.set(file, at + SLAB_AT, (long) block.slab());
        LONG.set(file, at + SLAB_BYTES_AT, block.slabBytes());
        LONG.set(file, at + OFFSET_AT, block.offset());
        LONG.set(file, at + BYTES_AT, bytes);
        LONG.setRelease(file, at, version + 1);
        slots.put(key, slot);
        return true;
      }
    }
    return false;
  }

  @Override
  public boolean withdraw(ObjectKey key) {
    Integer slot = slots.remove(key);
    if (slot != null) {
      long version = (long) LONG.get(file, at(slot));
      LONG.setVolatile(file, at(slot), version + 1);
      VarHandle.fullFence(); // before the look for marks, and before the slot is written again
      left.put(key, mark(slot, version));
    }
    Long mark = left.get(key);
    if (mark == null) {
      return true;
    }
    for (Marks reader : readers) {
      if (reader.has(id, mark)) {
        return false;
      }
    }
    left.remove(key);
    return true;
  }

  /** The same for a table of which some blocks only are in files. */
  DirectReaders ofBlocks(Predicate<Block> inFile) {
    return new DirectReaders() {
      @Override
      public boolean publish(ObjectKey key, Block block, long bytes) {
        return inFile.test(block) && Catalogue.this.publish(key, block, bytes);
      }

      @Override
      public boolean withdraw(ObjectKey key) {
        return Catalogue.this.withdraw(key);
      }
    };
  }

  // ---------------------------------------------------------------------------------------------------- the reader

  /**
   * Where an object was when it was found, which means nothing before it is {@linkplain
   * View#isStill still} there under a mark.
   */
  record Place(int slot, long version, long slab, long slabBytes, long offset) {
    long mark() {
      return Catalogue.mark(slot, version);
    }
  }

  /** Another store's catalogue. Thread-safe. */
  static final class View {
    private final MemorySegment file;
    private final long id;

    private View(MemorySegment file) {
      this.file = file;
      this.id = (long) LONG.get(file, ID_AT);
    }

    /** Maps it. @throws IOException when there is none, or one of another layout */
    static View of(Path directory) throws IOException {
      Path path = directory.resolve(FILE);
      MemorySegment file = SharedDirectory.mapShared(path, FILE_BYTES);
      if ((long) LONG.getAcquire(file, MAGIC_AT) != MAGIC) {
        throw new IOException(path + " is no catalogue that this version knows");
      }
      return new View(file);
    }

    long id() {
      return id;
    }

    /** Where it is shown with this size. */
    Optional<Place> find(ObjectKey key, long bytes) {
      long[] words = words(key);
      int first = firstSlot(words);
      for (int slot = first; slot < first + WAYS; slot++) {
        long at = at(slot);
        long version = (long) LONG.getAcquire(file, at);
        if (isShown(version) && isKey(at, words) && bytes == (long) LONG.get(file, at + BYTES_AT)) {
          return Optional.of(
              new Place(
                  slot,
                  version,
                  (long) LONG.get(file, at + SLAB_AT),
                  (long) LONG.get(file, at + SLAB_BYTES_AT),
                  (long) LONG.get(file, at + OFFSET_AT)));
        }
      }
      return Optional.empty();
    }

    private boolean isKey(long at, long[] words) {
      for (int i = 0; i < KEY_LONGS; i++) {
        if ((long) LONG.get(file, at + KEY_AT + (long) i * Long.BYTES) != words[i]) {
          return false;
        }
      }
      return true;
    }

    /**
     * Whether what {@link #find} read belongs together, and the mark of it came in time: to be
     * asked after the mark was set.
     */
    boolean isStill(Place place) {
      VarHandle.fullFence(); // after the mark, and after what was found
      return (long) LONG.getVolatile(file, at(place.slot())) == place.version();
    }
  }
}
