package io.dfut.internal.sim;

/** For who loads a simulator of its own: the machines with a bug in them. */
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
}
