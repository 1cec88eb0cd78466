package io.dfut.internal.sim;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * What {@code ./dfut sim} is asked to do.
 *
 * @param only the one seed to run, with the log of its messages
 * @param hash whether to print a hash of everything that happened, for each seed
 */
record SimOptions(
    Recipe recipe,
    long first,
    long seeds,
    OptionalLong only,
    int threads,
    boolean hash,
    boolean shrinks,
    boolean help) {
  static final String USAGE =
      """
      usage: ./dfut sim [OPTION...]

      Runs random programs on a simulated cluster of the real machines of ownership and leases. One
      seed is one run: the same seed gives the same run. docs/simulation.md tells more.
        --seeds N              how many seeds (default 20000)
        --from-seed S          the first of them (default 1); a range that was stopped goes on
                               from the seed that it named
        --profile P            calm (delays only), crashing (faults too), or all: even seeds calm,
                               odd ones crashing (default)
        --long                 longer programs, deeper and on more nodes, with more faults: some
                               ten thousand steps a seed
        --seed X               this one seed only, with a log of all messages if it fails
        --with NAME=VALUE,...  parts of the profile, instead of what the seed draws
        --threads N            how many seeds at once (default: one for each core)
        --trace-hash           prints, for each seed, a hash of what happened in it
        --no-shrink            does not look for a smaller run when one has failed
        --exhaustive [--depth N]
                               instead: every order of events of a small cluster

      Ends with 0 when every promise was kept, 1 when one was broken, 2 for a wrong command line.
      """;

  private static final List<String> KNOWN =
      List.of(
          "--seeds",
          "--from-seed",
          "--profile",
          "--long",
          "--seed",
          "--with",
          "--threads",
          "--trace-hash",
          "--no-shrink",
          "--exhaustive",
          "--help");

  private static final int THREADS_MAX = 1024;

  /**
   * Reads the arguments.
   *
   * @throws IllegalArgumentException that names the argument, and the way out
   */
  static SimOptions parse(String... arguments) {
    Deque<String> rest = new ArrayDeque<>(Arrays.asList(arguments));
    long first = 1;
    long seeds = 20_000;
    boolean ranged = false;
    OptionalLong only = OptionalLong.empty();
    int threads = Runtime.getRuntime().availableProcessors();
    Recipe.Family family = Recipe.Family.ALL;
    Recipe.Length length = Recipe.Length.SHORT;
    Map<String, String> settings = new LinkedHashMap<>();
    boolean hash = false;
    boolean shrinks = true;
    boolean help = false;
    while (!rest.isEmpty()) {
      String option = rest.pop();
      switch (option) {
        case "--seeds" -> {
          seeds = number(option, rest, 1, Long.MAX_VALUE / 2);
          ranged = true;
        }
        case "--from-seed" -> {
          first = number(option, rest, 0, Long.MAX_VALUE / 2);
          ranged = true;
        }
        case "--seed" -> only = OptionalLong.of(number(option, rest, 0, Long.MAX_VALUE));
        case "--threads" -> threads = (int) number(option, rest, 1, THREADS_MAX);
        case "--profile" -> family = family(option, rest);
        case "--long" -> length = Recipe.Length.LONG;
        case "--with" -> settings.putAll(settings(option, rest));
        case "--trace-hash" -> hash = true;
        case "--no-shrink" -> shrinks = false;
        case "--help", "-h" -> help = true;
        case "--exhaustive" ->
            throw new IllegalArgumentException(
                "--exhaustive goes first, and takes no option but its own: --depth N");
        default -> throw new IllegalArgumentException(unknown(option));
      }
    }
    if (only.isPresent() && ranged) {
      throw new IllegalArgumentException(
          "--seed is one run, --seeds and --from-seed are a range; give one or the other");
    }
    return new SimOptions(
        new Recipe(family, length, settings), first, seeds, only, threads, hash, shrinks, help);
  }

  private static String unknown(String option) {
    String what = option.startsWith("-") ? "unknown option " : "unexpected argument ";
    return what + option + "; there are " + String.join(", ", KNOWN);
  }

  private static String value(String option, Deque<String> rest) {
    if (rest.isEmpty() || rest.peek().startsWith("--")) {
      throw new IllegalArgumentException(option + " needs a value after it");
    }
    return rest.pop();
  }

  private static long number(String option, Deque<String> rest, long least, long most) {
    String text = value(option, rest);
    try {
      long number = Long.parseLong(text.replace("_", ""));
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(
        option + " is \"" + text + "\"; it must be a whole number from " + least + " to " + most);
  }

  private static Recipe.Family family(String option, Deque<String> rest) {
    String text = value(option, rest);
    for (Recipe.Family family : Recipe.Family.values()) {
      if (family.word().equals(text)) {
        return family;
      }
    }
    throw new IllegalArgumentException(
        option + " is \"" + text + "\"; there are calm, crashing and all");
  }

  private static Map<String, String> settings(String option, Deque<String> rest) {
    Map<String, String> settings = new LinkedHashMap<>();
    for (String setting : value(option, rest).split(",", -1)) {
      int equals = setting.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException(
            option + " is \"" + setting + "\"; it must be NAME=VALUE, for example nodes=2");
      }
      String name = setting.substring(0, equals);
      String given = setting.substring(equals + 1);
      Profile.check(option, name, given);
      settings.put(name, given);
    }
    return settings;
  }
}
