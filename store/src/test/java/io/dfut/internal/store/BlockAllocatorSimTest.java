package io.dfut.internal.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The allocator against a naive twin that marks every grain of every slab. */
final class BlockAllocatorSimTest {
  private static final int SEEDS = 2_000;
  private static final int STEPS = 300;

  @Test
  void blocksNeverOverlapAndNoRoomIsLost() {
    Long given = Long.getLong("dfut.sim.seed");
    long first = given != null ? given : System.nanoTime();
    System.out.println(
        "BlockAllocatorSimTest: seed " + first + (given != null ? "" : " and following"));
    for (long seed = first; seed < first + (given != null ? 1 : SEEDS); seed++) {
      try {
        run(seed);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ": replay with -Ddfut.sim.seed=" + seed, e);
      }
    }
  }

  private static void run(long seed) {
    Random random = new Random(seed);
    long grain = BlockAllocator.GRAIN_BYTES;
    long capacity = grain * (1 + random.nextInt(200)) + random.nextInt(64);
    long slabBytes = grain * (1 + random.nextInt(20));
    BlockAllocator allocator = new BlockAllocator(capacity, slabBytes);
    Map<Integer, boolean[]> twin = new HashMap<>();
    List<Block> taken = new ArrayList<>();
    for (int i = 0; i < STEPS; i++) {
      if (!taken.isEmpty() && random.nextInt(100) < 48) {
        Block block = taken.remove(random.nextInt(taken.size()));
        allocator.free(block);
        mark(twin, block, false);
      } else {
        long bytes =
            random.nextInt(4) == 0 ? random.nextLong(capacity + 10) : random.nextLong(4 * grain);
        Optional<Block> block =
            allocator.allocate(
                bytes,
                closed -> {
                  boolean[] grains = twin.remove(closed);
                  assertThat(grains).as("closed slab is open").isNotNull();
                  for (boolean used : grains) {
                    assertThat(used).as("closed slab is empty").isFalse();
                  }
                });
        block.ifPresent(
            b -> {
              assertThat(b.bytes()).isGreaterThanOrEqualTo(bytes).isLessThan(bytes + 2 * grain);
              twin.computeIfAbsent(b.slab(), s -> new boolean[(int) (b.slabBytes() / grain)]);
              mark(twin, b, true);
              taken.add(b);
            });
        if (block.isEmpty()) {
          assertThat(couldFit(twin, capacity, BlockAllocator.roomFor(bytes)))
              .as("room for %s", bytes)
              .isFalse();
        }
      }
      allocator.checkInvariants();
      assertThat(allocator.committedBytes())
          .isLessThanOrEqualTo(capacity)
          .isGreaterThanOrEqualTo(twin.values().stream().mapToLong(g -> g.length * grain).sum());
    }
    taken.forEach(allocator::free);
    allocator.checkInvariants();
    assertThat(allocator.usedBytes()).isZero();
    // Everything can be had in one piece again, whatever happened before.
    assertThat(allocator.allocate(capacity / grain * grain, closed -> {})).isPresent();
  }

  private static void mark(Map<Integer, boolean[]> twin, Block block, boolean used) {
    boolean[] grains = twin.get(block.slab());
    for (long g = block.offset() / 64; g < (block.offset() + block.bytes()) / 64; g++) {
      assertThat(grains[(int) g]).as("grain %s of %s", g, block).isNotEqualTo(used);
      grains[(int) g] = used;
    }
  }

  /** Whether some slab has the room in one piece, or closing empty slabs would leave it. */
  private static boolean couldFit(Map<Integer, boolean[]> twin, long capacity, long room) {
    long inUse = 0;
    for (boolean[] grains : twin.values()) {
      long run = 0;
      boolean empty = true;
      for (boolean used : grains) {
        run = used ? 0 : run + 64;
        empty &= !used;
        if (run >= room) {
          return true;
        }
      }
      inUse += empty ? 0 : grains.length * 64L;
    }
    return inUse + room <= capacity;
  }

  @Test
  void freedBlockIsUsedAgainWarm() {
    BlockAllocator allocator = new BlockAllocator(1 << 20, 1 << 14);
    Block large = allocator.allocate(100_000, slab -> {}).orElseThrow();
    allocator.free(large);
    assertThat(allocator.allocate(99_999, slab -> {}).orElseThrow().slab()).isEqualTo(large.slab());
  }

  @Test
  void smallObjectLeavesTheSlabOfALargeOneAlone() {
    BlockAllocator allocator = new BlockAllocator(1 << 20, 1 << 14);
    Block large = allocator.allocate(100_000, slab -> {}).orElseThrow();
    allocator.free(large);
    assertThat(allocator.allocate(100, slab -> {}).orElseThrow().slab()).isNotEqualTo(large.slab());
    assertThat(allocator.allocate(100_000, slab -> {}).orElseThrow().slab())
        .isEqualTo(large.slab());
  }

  @Test
  void freeingTwiceIsOurBug() {
    BlockAllocator allocator = new BlockAllocator(1 << 20, 1 << 14);
    Block block = allocator.allocate(100, slab -> {}).orElseThrow();
    allocator.free(block);
    assertThatThrownBy(() -> allocator.free(block)).isInstanceOf(IllegalStateException.class);
  }
}
