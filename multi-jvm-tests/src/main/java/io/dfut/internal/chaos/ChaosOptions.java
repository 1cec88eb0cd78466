package io.dfut.internal.chaos;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * The command line of {@code chaos}, checked.
 *
 * @param time how long there are faults
 * @param round after how much of it the work is let run out and leaks are looked for
 * @param nodes JVMs that offer work
 * @param jobs programs that run at a time
 * @param faults kinds of faults that happen
 * @param mix kinds of programs that run
 * @param json where the summary is written, too
 * @param help whether only the usage is wanted
 */
record ChaosOptions(
    Duration time,
    Duration round,
    int nodes,
    int jobs,
    long seed,
    Set<Fault.Kind> faults,
    Set<Job.Kind> mix,
    Optional<Path> json,
    boolean help) {
  private static final int NODES_MIN = 3;
  private static final int NODES_MAX = 16;
  private static final int JOBS_MAX = 256;

  static final String USAGE =
      """
      usage: ./dfut chaos [--minutes N] [--nodes N] [--seed S] [OPTION...]
        --minutes N     how long there are faults, 0.1 to 1440 (default 3)
        --nodes N       JVMs that offer work, 3 to 16 (default 4); one more is the driver
        --seed S        draws the programs and the faults (default: a new one)
        --faults LIST   kinds of faults, of kill, two, stop, pause, freeze, slow, stall, cut
                        (default: all)
        --work LIST     kinds of programs, of graph, words, matrix, tree, relay, foreign, account,
                        clerk, vault, keeper, big (default: all)
        --jobs N        programs that run at a time, 1 to 256 (default 6)
        --round S       seconds until all work runs out and leaks are looked for (default 120)
        --json FILE     writes the summary there as well, as one JSON object
      What each process takes is written down whenever all work has run out; of those that are
      there at the end of 8 rounds and more, such as all with --faults pause,slow,stall, it must
      not go on growing.
      Exit code: 0 when every answer was right, everything ended, nothing was left behind, and
      nothing grew.
      """;

  /**
   * Reads a command line.
   *
   * @throws IllegalArgumentException when it cannot be understood
   */
  static ChaosOptions parse(long newSeed, String... arguments) {
    Deque<String> rest = new ArrayDeque<>(List.of(arguments));
    double minutes = 3;
    int nodes = 4;
    int jobs = 6;
    int round = 120;
    long seed = newSeed;
    Set<Fault.Kind> faults = EnumSet.allOf(Fault.Kind.class);
    Set<Job.Kind> mix = EnumSet.allOf(Job.Kind.class);
    Optional<Path> json = Optional.empty();
    boolean help = false;
    while (!rest.isEmpty()) {
      String option = rest.pop();
      switch (option) {
        case "--help", "-h" -> help = true;
        case "--minutes" -> minutes = minutes(value(option, rest));
        case "--nodes" -> nodes = number(option, value(option, rest), NODES_MIN, NODES_MAX);
        case "--jobs" -> jobs = number(option, value(option, rest), 1, JOBS_MAX);
        case "--round" -> round = number(option, value(option, rest), 1, 86_400);
        case "--seed" -> seed = seed(value(option, rest));
        case "--faults" -> faults = kinds(option, Fault.Kind.class, value(option, rest));
        case "--work" -> mix = kinds(option, Job.Kind.class, value(option, rest));
        case "--json" -> json = Optional.of(Path.of(value(option, rest)));
        default -> throw new IllegalArgumentException("unknown option " + option);
      }
    }
    return new ChaosOptions(
        Duration.ofMillis(Math.round(minutes * 60_000)),
        Duration.ofSeconds(round),
        nodes,
        jobs,
        seed,
        faults,
        mix,
        json,
        help);
  }

  private static String value(String option, Deque<String> rest) {
    if (rest.isEmpty()) {
      throw new IllegalArgumentException(option + " needs a value after it");
    }
    return rest.pop();
  }

  private static double minutes(String text) {
    try {
      double minutes = Double.parseDouble(text);
      if (minutes >= 0.1 && minutes <= 1440) {
        return minutes;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(
        "--minutes is \"" + text + "\"; it must be a number from 0.1 to 1440");
  }

  private static int number(String option, String text, int min, int max) {
    try {
      int number = Integer.parseInt(text);
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(
        option + " is \"" + text + "\"; it must be a whole number from " + min + " to " + max);
  }

  private static long seed(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "--seed is \"" + text + "\"; it must be a whole number", e);
    }
  }

  private static <E extends Enum<E>> Set<E> kinds(String option, Class<E> type, String text) {
    Set<E> kinds = EnumSet.noneOf(type);
    for (String name : text.split(",")) {
      try {
        kinds.add(Enum.valueOf(type, name.strip().toUpperCase(Locale.ROOT)));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            option
                + " has \""
                + name
                + "\"; there are "
                + EnumSet.allOf(type).toString().toLowerCase(Locale.ROOT),
            e);
      }
    }
    return kinds;
  }

  /** The command that does the same again. */
  String command() {
    StringBuilder text = new StringBuilder("./dfut chaos");
    text.append(" --minutes ").append(time.toMillis() / 60_000.0);
    text.append(" --nodes ").append(nodes).append(" --seed ").append(seed);
    text.append(" --jobs ").append(jobs).append(" --round ").append(round.toSeconds());
    if (!faults.equals(EnumSet.allOf(Fault.Kind.class))) {
      text.append(" --faults ").append(list(faults));
    }
    if (!mix.equals(EnumSet.allOf(Job.Kind.class))) {
      text.append(" --work ").append(list(mix));
    }
    return text.toString();
  }

  private static String list(Set<?> kinds) {
    return String.join(",", kinds.stream().map(Object::toString).toList()).toLowerCase(Locale.ROOT);
  }
}
