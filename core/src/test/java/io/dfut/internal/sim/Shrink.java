package io.dfut.internal.sim;

import java.util.List;
import java.util.Map;

/**
 * Looks for a smaller run that fails, too: less of everything that may happen, one part at a time.
 * A smaller profile draws other numbers from its seed, so a few seeds are tried with each.
 */
final class Shrink {
  /** A run that fails. */
  record Failing(Recipe recipe, long seed, long steps, AssertionError violation) {}

  private record Less(String part, List<String> values) {}

  /** Parts in the order in which they are tried, each from the least on. */
  private static final List<Less> LESS =
      List.of(
          new Less("suspicions", List.of("0", "1")),
          new Less("nodeCrashes", List.of("0", "1")),
          new Less("freezes", List.of("0", "1")),
          new Less("workerCrashes", List.of("0", "1")),
          new Less("endless", List.of("no")),
          new Less("restarts", List.of("no")),
          new Less("driversToo", List.of("no")),
          new Less("refusal", List.of("yes")),
          new Less("drivers", List.of("1", "2")),
          new Less("nodes", List.of("1", "2")),
          new Less("actors", List.of("no")),
          new Less("cancels", List.of("no")),
          new Less("inline", List.of("no")),
          new Less("handBacks", List.of("no")),
          new Less("stored", List.of("0")),
          new Less("idleWorkers", List.of("0")),
          new Less("cpus", List.of("1", "2")),
          new Less("depth", List.of("1", "2")),
          new Less("driverOps", List.of("1", "3", "6", "12", "25")),
          new Less("bodyOps", List.of("1", "2", "4", "7")));

  private static final int SEEDS_EACH = 150;

  private final long endNanos;

  Shrink(long mostNanos) {
    this.endNanos = System.nanoTime() + mostNanos;
  }

  /** The smallest run found within the time; at worst the one given. */
  Failing smallest(Recipe recipe, long seed, AssertionError violation) {
    Recipe exact = recipe;
    for (Map.Entry<String, String> part : recipe.profile(seed).parts().entrySet()) {
      exact = exact.with(part.getKey(), part.getValue());
    }
    Failing found = new Failing(recipe, seed, Long.MAX_VALUE, violation);
    Failing again = fails(exact, seed);
    if (again == null) {
      return found; // should not be: the same parts, set by hand
    }
    found = again;
    boolean smaller = true;
    while (smaller && !isOver()) {
      smaller = false;
      for (Less less : LESS) {
        for (String value : less.values) {
          if (isOver() || !isLess(found, less.part, value)) {
            break; // the values after it are greater
          }
          Failing candidate = any(found.recipe.with(less.part, value), found.seed);
          if (candidate != null) {
            found = candidate;
            smaller = true;
            break;
          }
        }
      }
    }
    return shortest(found);
  }

  private boolean isOver() {
    return System.nanoTime() - endNanos > 0;
  }

  private static boolean isLess(Failing than, String part, String value) {
    String has = than.recipe.profile(than.seed).parts().get(part);
    return switch (value) {
      case "yes", "no" -> !has.equals(value);
      default -> Double.parseDouble(value) < Double.parseDouble(has);
    };
  }

  /** A seed from this one on that fails; null when there is none nearby. */
  private Failing any(Recipe recipe, long from) {
    for (long seed = from; seed < from + SEEDS_EACH && !isOver(); seed++) {
      Failing failing = fails(recipe, seed);
      if (failing != null) {
        return failing;
      }
    }
    return null;
  }

  private Failing shortest(Failing first) {
    Failing best = first;
    for (long seed = 1; seed <= 4 * SEEDS_EACH && !isOver(); seed++) {
      Failing failing = fails(first.recipe, seed);
      if (failing != null && failing.steps < best.steps) {
        best = failing;
      }
    }
    return best;
  }

  /** The run, if it fails; null if every promise is kept. */
  private static Failing fails(Recipe recipe, long seed) {
    Sim sim = recipe.sim(seed, new Counters(), false);
    try {
      sim.run();
      return null;
    } catch (AssertionError violation) {
      return new Failing(recipe, seed, sim.steps(), violation);
    }
  }
}
