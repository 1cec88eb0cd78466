package io.dfut.internal.store;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The bytes behind {@linkplain Block blocks}: off-heap, one shared arena for each slab, opened by
 * whoever touches it first. Thread-safe. After {@link #close()}, or when a slab was closed under a
 * view by a bug of ours, an access throws {@link IllegalStateException}; memory that is gone is
 * never reached, since every access goes through its arena.
 */
final class StoreMemory implements AutoCloseable {
  /**
   * How long closing waits for I/O that holds a slab; sockets are closed before, so it lets go at
   * once.
   */
  private static final long CLOSE_WAIT_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final class Slab {
    final long bytes;
    private Arena arena;
    private volatile MemorySegment segment;
    private boolean closed;

    Slab(long bytes) {
      this.bytes = bytes;
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
          segment = fresh.allocate(bytes, BlockAllocator.GRAIN_BYTES);
          arena = fresh;
        } finally {
          if (arena == null) {
            fresh.close(); // out of memory
          }
        }
      }
      return segment;
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
  }

  private final ConcurrentHashMap<Integer, Slab> slabs = new ConcurrentHashMap<>();
  private volatile boolean closed;

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
      slab = slabs.computeIfAbsent(block.slab(), number -> new Slab(block.slabBytes()));
      if (closed) {
        slab.close(); // closing may have missed it
      }
    }
    return slab.segment().asSlice(block.offset(), block.bytes());
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
