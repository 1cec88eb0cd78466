package io.dfut.internal.sim;

import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/**
 * Random task graphs on a simulated cluster of real worker and scheduler machines. One seed is one
 * run; {@code -Ddfut.sim.seed} replays it, with a log of all messages on failure.
 */
public final class WorkersSimTest {
  /** The same in every build, so that a build of unchanged code has the same result. */
  private static final long FIRST_SEED = 1;

  private static final int SEEDS = Integer.getInteger("dfut.sim.seeds", 20_000);

  @Test
  void everyFutureSettlesWithItsValueAndNothingIsLeft() {
    Map<String, Integer> seen = runSeeds("calm", Profile::calm, SEEDS * 2 / 5);
    if (Long.getLong("dfut.sim.seed") == null) {
      for (String what : new String[] {"inline", "pulled", "flaky", "actor ended", "cancel"}) {
        Assertions.assertTrue(seen.getOrDefault(what, 0) >= 100, what + " too rarely: " + seen);
      }
    }
  }

  @Test
  void crashesOfWorkersAndNodesLeaveNothingBehind() {
    Map<String, Integer> seen = runSeeds("crashing", Profile::crashing, SEEDS * 3 / 5);
    if (Long.getLong("dfut.sim.seed") == null) {
      for (String what : new String[] {"worker crashed", "node crashed", "NodeDied"}) {
        Assertions.assertTrue(seen.getOrDefault(what, 0) >= 100, what + " too rarely: " + seen);
      }
    }
  }

  private static Map<String, Integer> runSeeds(
      String name, Function<Random, Profile> profile, int most) {
    Long given = Long.getLong("dfut.sim.seed");
    long first = given != null ? given : FIRST_SEED;
    System.out.println("WorkersSimTest " + name + ": first seed " + first);
    long begun = System.nanoTime();
    LongAdder steps = new LongAdder();
    int seeds = given != null ? 1 : most;
    Map<String, Integer> seen = new ConcurrentSkipListMap<>();
    LongStream.range(first, first + seeds)
        .parallel()
        .forEach(
            seed -> {
              Map<String, Integer> mine = new TreeMap<>();
              steps.add(run(seed, profile, mine, given != null));
              mine.forEach((what, count) -> seen.merge(what, count, Integer::sum));
            });
    double seconds = (System.nanoTime() - begun) / 1e9;
    System.out.printf(
        "WorkersSimTest %s: %d seeds, %d steps in %.1f s (%.0f seeds/s); seen %s%n",
        name, seeds, steps.sum(), seconds, seeds / seconds, seen);
    return seen;
  }

  /** How many seeds, calm and crashing in turn, pass before one shows a violation. */
  public static long seedsToViolation(long most) {
    for (long seed = FIRST_SEED; seed < FIRST_SEED + most; seed++) {
      try {
        run(seed, seed % 2 == 0 ? Profile::calm : Profile::crashing, new TreeMap<>(), false);
      } catch (AssertionError violation) {
        return seed - FIRST_SEED;
      }
    }
    return most;
  }

  private static long run(
      long seed, Function<Random, Profile> profile, Map<String, Integer> seen, boolean logging) {
    Random random = new Random(seed);
    return new Sim(seed, profile.apply(random), random, seen, logging).run();
  }

  /** For a long run by hand: first seed, number of seeds, profile. */
  public static void main(String[] arguments) {
    long first = Long.parseLong(arguments[0]);
    long seeds = Long.parseLong(arguments[1]);
    Function<Random, Profile> profile =
        arguments[2].equals("calm") ? Profile::calm : Profile::crashing;
    Map<String, Integer> seen = new TreeMap<>();
    long begun = System.nanoTime();
    long steps = 0;
    for (long seed = first; seed < first + seeds; seed++) {
      steps += run(seed, profile, seen, seeds == 1);
    }
    double seconds = (System.nanoTime() - begun) / 1e9;
    System.out.printf("%d seeds, %d steps, %.1f s; %s%n", seeds, steps, seconds, seen);
  }
}
