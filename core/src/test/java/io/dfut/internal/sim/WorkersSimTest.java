package io.dfut.internal.sim;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/**
 * Random task graphs on a simulated cluster of real worker and scheduler machines. One seed is one
 * run; {@code -Ddfut.sim.seed}, or {@code ./dfut sim --seed}, repeats it with a log of all messages
 * on failure.
 */
final class WorkersSimTest {
  /** The same in every build, so that a build of unchanged code has the same result. */
  private static final long FIRST_SEED = 1;

  private static final int SEEDS = Integer.getInteger("dfut.sim.seeds", 20_000);

  /** The seed to repeat; null for all. */
  private static final Long GIVEN = Long.getLong("dfut.sim.seed");

  @Test
  void everyFutureSettlesWithItsValueAndNothingIsLeft() throws Exception {
    Counters seen = runSeeds(Recipe.of(Recipe.Family.CALM), SEEDS * 2 / 5);
    assertSeen(seen, "inline", "pulled", "flaky", "actor ended", "cancel");
  }

  @Test
  void crashesOfWorkersAndNodesLeaveNothingBehind() throws Exception {
    Counters seen = runSeeds(Recipe.of(Recipe.Family.CRASHING), SEEDS * 3 / 5);
    assertSeen(seen, "worker crashed", "node crashed", "NodeDied");
  }

  private static void assertSeen(Counters seen, String... all) {
    if (GIVEN == null) {
      for (String what : all) {
        assertThat(seen.of(what)).as("%s, of %s", what, seen).isGreaterThanOrEqualTo(100);
      }
    }
  }

  private static Counters runSeeds(Recipe recipe, int most) throws InterruptedException {
    System.out.println(
        "WorkersSimTest " + recipe.options() + ": first seed " + (GIVEN == null ? 1 : GIVEN));
    Counters seen = new Counters();
    if (GIVEN != null) {
      recipe.sim(GIVEN, seen, true).run();
      return seen;
    }
    Campaign campaign =
        new Campaign(recipe, FIRST_SEED, most, Runtime.getRuntime().availableProcessors());
    campaign
        .run()
        .ifPresent(
            found -> {
              throw found.violation();
            });
    Campaign.Progress so = campaign.progress();
    System.out.printf(
        "WorkersSimTest %s: %d seeds, %d steps in %.1f s (%.0f seeds/s); seen %s%n",
        recipe.options(),
        so.seeds(),
        so.steps(),
        so.seconds(),
        so.seedsPerSecond(),
        campaign.seen());
    return campaign.seen();
  }
}
