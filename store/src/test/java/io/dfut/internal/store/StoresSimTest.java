package io.dfut.internal.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.internal.sim.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * The simulated cluster with the real table of a store on every node: random programs whose values
 * are stored, in stores with room for a few of them, while workers and nodes crash, freeze and come
 * back. After each step all parts of the stepped table agree (pins, bytes, waits: I6, I13, I14);
 * bytes are those of the key they are read under; an object has one primary among the living (I5);
 * what is on disk is what the table says (I12); at the end nothing is stored, nobody waits, nothing
 * is under way, and no spill file is left. Half of the runs have disks, which fail now and then.
 */
final class StoresSimTest {
  private static final int SEEDS = Integer.getInteger("dfut.sim.seeds.stores", 2_000);

  @Test
  void storesWithLittleRoomLoseNothingAndKeepNothing() {
    Long given = Long.getLong("dfut.sim.seed");
    long first = given != null ? given : 1;
    System.out.println("StoresSimTest: first seed " + first);
    long begun = System.nanoTime();
    Map<String, Long> seen = new TreeMap<>();
    long steps =
        LongStream.range(first, first + (given != null ? 1 : SEEDS))
            .parallel()
            .map(seed -> run(seed, seen))
            .sum();
    System.out.printf(
        "StoresSimTest: %d seeds, %d steps in %.1f s; seen %s%n",
        SEEDS, steps, (System.nanoTime() - begun) / 1e9, seen);
    if (given == null && SEEDS >= 2_000) {
      for (String what :
          List.of(
              "evicted",
              "spilled",
              "spill failed",
              "restored",
              "pull started",
              "attached",
              "no room to write",
              "half-written when its writer died",
              "write aborted",
              "argument at a frozen node")) {
        assertThat(seen.getOrDefault(what, 0L)).as("%s, of %s", what, seen).isGreaterThan(9);
      }
      for (String rare : List.of("promoted", "pulled in vain", "pull cut", "served from disk")) {
        assertThat(seen.getOrDefault(rare, 0L)).as("%s, of %s", rare, seen).isPositive();
      }
    }
  }

  private static long run(long seed, Map<String, Long> seen) {
    Random random = new Random(~seed);
    List<TableStore> stores = new ArrayList<>();
    Map<String, Long> mine = new TreeMap<>();
    long steps =
        Seeds.run(
            seed,
            host ->
                new TableStore(host, TableStore.OBJECT_BYTES * (3 + random.nextInt(12)), stores),
            mine);
    synchronized (seen) {
      mine.forEach((what, count) -> seen.merge(what, count, Long::sum));
    }
    return steps;
  }
}
