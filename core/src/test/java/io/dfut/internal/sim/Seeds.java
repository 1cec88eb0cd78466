package io.dfut.internal.sim;

import java.util.Map;

/** For who loads a simulator of its own: the machines with a bug in them, or other stores. */
public final class Seeds {
  private Seeds() {}

  /** How many seeds, calm and crashing in turn, pass before one shows a violation. */
  public static long toViolation(long most) {
    Recipe recipe = Recipe.of(Recipe.Family.ALL);
    for (long seed = 1; seed <= most; seed++) {
      try {
        recipe.sim(seed, new Counters(), false).run();
      } catch (AssertionError violation) {
        return seed - 1;
      }
    }
    return most;
  }

  /**
   * A run whose values are stored, for the most part.
   *
   * @param stores makes the store of each node
   * @param seen what was seen, by name; added to
   * @return its steps
   */
  public static long run(long seed, SimStore.Factory stores, Map<String, Long> seen) {
    Recipe recipe = Recipe.of(Recipe.Family.ALL).with("stored", "0.8");
    Counters counters = new Counters();
    long steps = recipe.sim(seed, counters, Long.getLong("dfut.sim.seed") != null, stores).run();
    counters.sorted().forEach((what, count) -> seen.merge(what, count, Long::sum));
    return steps;
  }
}
