package io.dfut.internal.store;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bytes behind {@linkplain Block blocks}: off-heap, one shared arena for each slab, opened by
 * whoever touches it first; a file that other JVMs can map where there is shared memory (ADR 0010).
 * Thread-safe. After {@link #close()}, or when a slab was closed under a view by a bug of ours, an
 * access throws {@link IllegalStateException}; memory that is gone is never reached, since every
 * access goes through its arena.
 */
final class StoreMemory implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(StoreMemory.class);

  /**
   * How long closing waits for I/O that holds a slab; sockets are closed before, so it lets go at
   * once.
   */
  private static final long CLOSE_WAIT_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final class Slab {
    final int number;
    final long bytes;
    final Optional<SharedDirectory> shared;
    private Arena arena;
    private volatile MemorySegment segment;

    /** Whether it is a file that others can map. Set before the segment. */
    private boolean isFile;

    private boolean closed;

    Slab(int number, long bytes, Optional<SharedDirectory> shared) {
      this.number = number;
      this.bytes = bytes;
      this.shared = shared;
    }

    MemorySegment segment() {
      MemorySegment opened = segment;
      return opened != null ? opened : open();
    }

    /**
     * Costs the first touch of the whole slab, as the JDK clears it; done by the thread that needs
     * it, outside of the table's lock.
     */
    private synchronized MemorySegment open() {
      if (closed) {
        throw new IllegalStateException("the object store is closed");
      }
      if (segment == null) {
        Arena fresh = Arena.ofShared();
        try {
          MemorySegment made = shared.map(directory -> inFile(directory, fresh)).orElse(null);
          isFile = made != null;
          segment = made != null ? made : fresh.allocate(bytes, BlockAllocator.GRAIN_BYTES);
          arena = fresh;
        } finally {
          if (arena == null) {
            fresh.close(); // out of memory
          }
        }
      }
      return segment;
    }

    /** Null when the file system has no room: then this slab is ordinary memory. */
    private MemorySegment inFile(SharedDirectory directory, Arena fresh) {
      try {
        return directory.create(number, bytes, fresh);
      } catch (IOException e) {
        log.warn(
            "slab {} of {} bytes is in ordinary memory, so that nodes of this host pull what is in"
                + " it instead of reading it in place: {}",
            number,
            bytes,
            e.toString());
        return null;
      }
    }

    /** Whether its bytes are in a file. */
    boolean isFile() {
      return segment != null && isFile;
    }

    /**
     * A socket that reads into or writes from the slab at this very moment keeps it open; its end
     * is waited for.
     */
    synchronized void close() {
      closed = true;
      if (arena == null) {
        return;
      }
      try {
        StoreMemory.close(arena);
      } finally {
        if (isFile) {
          shared.ifPresent(directory -> directory.delete(number));
        }
      }
    }
  }

  /** Closes, waiting for I/O that is under way. @throws IllegalStateException when it goes on */
  static void close(Arena arena) {
    long deadline = System.nanoTime() + CLOSE_WAIT_NANOS;
    while (arena.scope().isAlive()) {
      try {
        arena.close();
      } catch (IllegalStateException inUse) {
        if (System.nanoTime() - deadline > 0) {
          throw inUse;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
      }
    }
  }

  private final ConcurrentHashMap<Integer, Slab> slabs = new ConcurrentHashMap<>();
  private final Optional<SharedDirectory> shared;
  private volatile boolean closed;

  /**
   * @param shared where slabs are made so that others can map them; empty for ordinary memory
   */
  StoreMemory(Optional<SharedDirectory> shared) {
    this.shared = shared;
  }

  /**
   * The block's memory, writable.
   *
   * @throws IllegalStateException when the store is closed
   * @throws OutOfMemoryError when the system has no memory for a slab that is touched for the first
   *     time
   */
  MemorySegment segment(Block block) {
    if (closed) {
      throw new IllegalStateException("the object store is closed");
    }
    Slab slab = slabs.get(block.slab());
    if (slab == null) {
      slab =
          slabs.computeIfAbsent(
              block.slab(), number -> new Slab(number, block.slabBytes(), shared));
      if (closed) {
        slab.close(); // closing may have missed it
      }
    }
    return slab.segment().asSlice(block.offset(), block.bytes());
  }

  /** Whether the block is in a file. */
  boolean isInFile(Block block) {
    Slab slab = slabs.get(block.slab());
    return slab != null && slab.isFile();
  }

  /** The file that the block is in; empty when it is in ordinary memory. */
  Optional<Path> file(Block block) {
    return isInFile(block)
        ? shared.map(directory -> directory.file(block.slab()))
        : Optional.empty();
  }

  /** Gives a slab's memory back to the system. One that was never touched has none. */
  void closeSlab(int number) {
    Slab slab = slabs.remove(number);
    if (slab != null) {
      slab.close();
    }
  }

  /** Gives everything back. Views that are still open throw from now on. */
  @Override
  public void close() {
    closed = true;
    slabs.values().forEach(Slab::close);
    slabs.clear();
  }
}
