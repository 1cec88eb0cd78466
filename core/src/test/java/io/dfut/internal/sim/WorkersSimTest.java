package io.dfut.internal.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
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

  /**
   * How often each fault has to strike at each moment in a full run: what was measured, divided by
   * two or more.
   */
  private static final Map<String, Long> FAULTS_AT_LEAST = faultsAtLeast();

  private static Map<String, Long> faultsAtLeast() {
    Map<String, Long> least = new TreeMap<>();
    for (String fault :
        new String[] {
          "worker crash", "node crash", "freeze", "suspicion", "declared dead", "late life"
        }) {
      for (String moment :
          new String[] {
            "while registering",
            "while passing",
            "while handover",
            "while again",
            "while another is frozen",
            "with an actor",
            "with a blocked task",
            "with an owner",
            "between seal and report"
          }) {
        least.put(fault + " " + moment, 30L);
      }
    }
    least.put("declared dead between seal and report", 10L);
    least.put("late life between seal and report", 10L);
    least.put("node crash while frozen", 80L);
    least.put("worker crash while frozen", 100L);
    least.put("restart while another is frozen", 150L);
    least.put("restart while registering", 30L);
    least.put("restart while again", 50L);
    return least;
  }

  @Test
  @Tag("C301")
  @DisplayName("301 what the machines free and answer is what one who sees all handles expects")
  void everyFutureSettlesWithItsValueAndNothingIsLeft() throws Exception {
    Counters seen = runSeeds(Recipe.of(Recipe.Family.CALM), SEEDS * 2 / 5);
    assertSeen(seen, "inline", "pulled", "flaky", "actor ended", "cancel");
  }

  @Test
  @Tag("C298")
  @DisplayName("298 random programs under crashes, freezes and restarts keep what is promised")
  void crashesOfWorkersAndNodesLeaveNothingBehind() throws Exception {
    Counters seen = runSeeds(Recipe.of(Recipe.Family.CRASHING), SEEDS * 3 / 5);
    assertSeen(seen, "NodeDied", "started on a node that came back", "ran for safety");
    assertSeen(seen, "state given");
    if (GIVEN == null) {
      assertThat(seen.of("state restored")).as("of %s", seen).isPositive();
    }
    assertSeen(
        seen, "refused from the dead", "last words of a dead node", "argument at a frozen node");
    if (GIVEN == null && SEEDS >= 20_000) {
      FAULTS_AT_LEAST.forEach(
          (fault, times) ->
              assertThat(seen.of(fault))
                  .as("times of \"%s\", of %s", fault, seen)
                  .isGreaterThanOrEqualTo(times));
    }
  }

  /** {@link Sim} gives each run 30 simulated seconds from its last fault on. */
  @Test
  @Tag("C300")
  @DisplayName("300 once faults have stopped, every wait ends within 30 simulated seconds")
  void everyWaitEndsOnceFaultsHaveStopped() throws Exception {
    int seeds = Math.min(SEEDS, 1_000);
    Counters seen = runSeeds(Recipe.of(Recipe.Family.CRASHING).with("endless", "no"), seeds);
    assertSeen(seen, "NodeDied", "started on a node that came back");
    if (GIVEN == null) {
      assertThat(seen.of("ran to the end")).isEqualTo(seeds);
    }
  }

  /**
   * Two methods of an actor, each waiting for a task that waits for a call queued behind both: the
   * run once hung, since no single call was waited for by all methods. And a method that waits for
   * a task which is not there yet, since it waits for a call as its argument.
   */
  @Test
  void callsThatWaitForEachOtherThroughTwoMethodsFail() {
    Counters seen = new Counters();
    Recipe recipe = new Recipe(Recipe.Family.ALL, Recipe.Length.LONG, Map.of());
    recipe.sim(16_958, seen, false).run();
    recipe.sim(38_509, seen, false).run();
    recipe.sim(42_726, seen, false).run();
    recipe.sim(62_098, seen, false).run(); // through one that runs inline for another
    recipe.sim(60_850, seen, false).run(); // through the task that runs where its owner is
    recipe.sim(64_840, seen, false).run(); // for one call, each said by a message of its own
    assertThat(seen.of("call that could never run")).isPositive(); // actors come back: fewer do
  }

  /**
   * An answer of a node that was declared dead while it was on its way reaches a borrower that was
   * just pushed a task by the same node: it once filled the borrower's row.
   */
  @Test
  void answerOfTheDeadIsNotBelieved() {
    Counters seen = new Counters();
    new Recipe(Recipe.Family.ALL, Recipe.Length.LONG, Map.of()).sim(131_365, seen, false).run();
    assertThat(seen.of("last words of a dead node")).isPositive();
  }

  private static void assertSeen(Counters seen, String... all) {
    if (GIVEN == null) {
      for (String what : all) {
        assertThat(seen.of(what)).as("%s, of %s", what, seen).isGreaterThanOrEqualTo(50);
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
