package io.dfut.internal.store;

import io.dfut.internal.machine.Invariant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntConsumer;

/**
 * Says which bytes of which slab an object gets: best fit, with neighbours joined again when they
 * are freed. Pure and deterministic: it touches no memory. Not thread-safe; part of {@link
 * StoreTable}.
 *
 * <p>Slabs are opened when they are first needed and stay open when they become empty, because
 * memory that has been touched before is many times faster to write to than fresh memory (ADR
 * 0003). Small objects share slabs of the standard size; one that is larger than that gets a slab
 * of exactly its size, which the next one of about that size finds warm. All open slabs together
 * never exceed the capacity: room for a new one is made by closing empty ones. So the bound holds
 * for the memory of the process, not only for the sum of the objects.
 */
final class BlockAllocator {
  /** Sizes are rounded up to this: a cache line, so that no two objects share one. */
  static final long GRAIN_BYTES = 64;

  private record Free(long bytes, int slab, long offset) {}

  private static final class Slab {
    final int number;
    final long bytes;

    /** Free ranges by their offset. Two that touch are one. */
    final TreeMap<Long, Long> free = new TreeMap<>();

    Slab(int number, long bytes) {
      this.number = number;
      this.bytes = bytes;
      free.put(0L, bytes);
    }

    boolean isEmpty() {
      Long first = free.get(0L);
      return first != null && first == bytes;
    }
  }

  private final long capacityBytes;
  private final long slabBytes;

  /** Open slabs. Added when no range fits; removed when an empty one must make room for another. */
  private final TreeMap<Integer, Slab> slabs = new TreeMap<>();

  /** All free ranges, the smallest first. Mirrors the ranges in {@link #slabs}. */
  private final TreeSet<Free> ranges =
      new TreeSet<>(
          Comparator.comparingLong(Free::bytes)
              .thenComparingInt(Free::slab)
              .thenComparingLong(Free::offset));

  /** Blocks that are handed out, by slab and offset, to catch a block that is freed twice. */
  private final Map<Long, Block> taken = new HashMap<>();

  private int nextSlab;
  private long committedBytes;
  private long usedBytes;

  BlockAllocator(long capacityBytes, long slabBytes) {
    if (capacityBytes < GRAIN_BYTES || slabBytes < GRAIN_BYTES || slabBytes % GRAIN_BYTES != 0) {
      throw new IllegalArgumentException("capacity " + capacityBytes + ", slab " + slabBytes);
    }
    this.capacityBytes = capacityBytes;
    this.slabBytes = slabBytes;
  }

  /** The room that an object of that size takes. */
  static long roomFor(long bytes) {
    return Math.max(GRAIN_BYTES, Math.addExact(bytes, GRAIN_BYTES - 1) / GRAIN_BYTES * GRAIN_BYTES);
  }

  /**
   * Takes room for an object; empty when there is none in one piece.
   *
   * @param closed told of each slab that was closed to make room; nothing of it is in use
   */
  Optional<Block> allocate(long bytes, IntConsumer closed) {
    long room = roomFor(bytes);
    Free fit = bestFit(room);
    if (fit == null && !openSlab(room, closed)) {
      return Optional.empty();
    }
    if (fit == null) {
      fit = bestFit(room);
    }
    Slab slab = slabs.get(fit.slab());
    slab.free.remove(fit.offset());
    ranges.remove(fit);
    if (fit.bytes() > room) {
      addRange(slab, fit.offset() + room, fit.bytes() - room);
    }
    Block block = new Block(slab.number, slab.bytes, fit.offset(), room);
    taken.put(place(block), block);
    usedBytes += room;
    return Optional.of(block);
  }

  /** Gives a block back. Its slab stays open, warm for the next one. */
  void free(Block block) {
    Invariant.check(taken.remove(place(block), block), "a block is freed that is not taken", block);
    usedBytes -= block.bytes();
    Slab slab = slabs.get(block.slab());
    long offset = block.offset();
    long bytes = block.bytes();
    Map.Entry<Long, Long> before = slab.free.lowerEntry(offset);
    if (before != null && before.getKey() + before.getValue() == offset) {
      removeRange(slab, before.getKey(), before.getValue());
      offset = before.getKey();
      bytes += before.getValue();
    }
    Long after = slab.free.get(offset + bytes);
    if (after != null) {
      removeRange(slab, offset + bytes, after);
      bytes += after;
    }
    addRange(slab, offset, bytes);
  }

  /** The sum of the blocks that are taken. */
  long usedBytes() {
    return usedBytes;
  }

  /** The sum of the open slabs: what the process holds. */
  long committedBytes() {
    return committedBytes;
  }

  /** How many slabs are open. */
  int slabCount() {
    return slabs.size();
  }

  private Free bestFit(long room) {
    for (Free range : ranges.tailSet(new Free(room, 0, 0), true)) {
      if (!isReserved(slabs.get(range.slab()), room)) {
        return range;
      }
    }
    return null;
  }

  /**
   * Whether an empty slab of a large object is better left for the next large one: a small object
   * in it would keep the whole from being used again, and there is still room to open a slab of the
   * standard size.
   */
  private boolean isReserved(Slab slab, long room) {
    return slab.bytes > slabBytes
        && room < slab.bytes / 2
        && slab.isEmpty()
        && committedBytes + Math.max(slabBytes, room) <= capacityBytes;
  }

  private boolean openSlab(long room, IntConsumer closed) {
    if (committedBytes + room > capacityBytes) {
      long empty = 0;
      for (Slab slab : slabs.values()) {
        empty += slab.isEmpty() ? slab.bytes : 0;
      }
      if (committedBytes - empty + room > capacityBytes) {
        return false;
      }
      for (Iterator<Slab> i = slabs.values().iterator();
          i.hasNext() && committedBytes + room > capacityBytes; ) {
        Slab slab = i.next();
        if (slab.isEmpty()) {
          i.remove();
          ranges.remove(new Free(slab.bytes, slab.number, 0));
          committedBytes -= slab.bytes;
          closed.accept(slab.number);
        }
      }
    }
    // The last slab may be smaller than the standard, so that the capacity can be used to its end.
    long left = (capacityBytes - committedBytes) / GRAIN_BYTES * GRAIN_BYTES;
    long bytes = room > slabBytes ? room : Math.max(room, Math.min(slabBytes, left));
    Slab slab = new Slab(nextSlab++, bytes);
    slabs.put(slab.number, slab);
    ranges.add(new Free(bytes, slab.number, 0));
    committedBytes += bytes;
    Invariant.check(committedBytes <= capacityBytes, "slabs exceed the capacity", committedBytes);
    return true;
  }

  private void addRange(Slab slab, long offset, long bytes) {
    slab.free.put(offset, bytes);
    ranges.add(new Free(bytes, slab.number, offset));
  }

  private void removeRange(Slab slab, long offset, long bytes) {
    slab.free.remove(offset);
    ranges.remove(new Free(bytes, slab.number, offset));
  }

  private static long place(Block block) {
    // A slab has at most 2^32 grains (256 GiB); settings refuse a larger store.
    return ((long) block.slab() << 32) | (block.offset() / GRAIN_BYTES);
  }

  /**
   * Checks everything that must hold between the parts; for tests, since it looks at all of them.
   */
  void checkInvariants() {
    long free = 0;
    int count = 0;
    long committed = 0;
    for (Slab slab : slabs.values()) {
      committed += slab.bytes;
      long end = -1;
      for (Map.Entry<Long, Long> range : slab.free.entrySet()) {
        Invariant.check(range.getKey() > end, "free ranges overlap or touch in slab", slab.number);
        Invariant.check(
            ranges.contains(new Free(range.getValue(), slab.number, range.getKey())),
            "range not listed",
            range);
        end = range.getKey() + range.getValue();
        free += range.getValue();
        count++;
      }
      Invariant.check(end <= slab.bytes, "a free range is beyond slab", slab.number);
    }
    Invariant.check(count == ranges.size(), "ranges listed that are not free", ranges.size());
    Invariant.check(committed == committedBytes, "committed bytes", committedBytes);
    Invariant.check(committed <= capacityBytes, "slabs exceed the capacity", committed);
    Invariant.check(committed - free == usedBytes, "used bytes", usedBytes);
    long blocks = 0;
    for (Block block : taken.values()) {
      blocks += block.bytes();
    }
    Invariant.check(blocks == usedBytes, "blocks", blocks);
  }
}
