package io.dfut.samples.bench;

import java.util.List;
import java.util.Optional;

/**
 * The command line of {@code bench refs}, checked.
 *
 * @param cluster the node to join; empty for a system in this JVM
 * @param tasks how many tasks are submitted in one run, by all borrowers together
 * @param runs how often each number of borrowers is measured; the median counts
 * @param references how many references are held at the same time
 * @param help whether only the usage is wanted
 */
record RefsOptions(Optional<String> cluster, int tasks, int runs, int references, boolean help) {
  static final String USAGE =
      """
      usage: bench refs [--local | --cluster HOST:PORT] [--tasks N] [--runs N] [--references N]
        --local              everything in this JVM (the default)
        --cluster HOST:PORT  join a running cluster, and spread the borrowers over its nodes, which
                             must have been started with --allow io.dfut.samples.
        --tasks N            tasks in one run, by all borrowers together (default 100000)
        --runs N             how often each number of borrowers is measured (default 3)
        --references N       references that are held at the same time (default 1000000)
      """;

  /** More than fit any heap: what is meant is another number. */
  private static final int NUMBER_MAX = 100_000_000;

  /**
   * Reads a command line.
   *
   * @throws OptionException when it cannot be understood
   */
  static RefsOptions parse(List<String> arguments) {
    boolean local = false;
    boolean help = false;
    Optional<String> cluster = Optional.empty();
    int tasks = 100_000;
    int runs = 3;
    int references = 1_000_000;
    Arguments rest = new Arguments(arguments);
    while (rest.hasNext()) {
      switch (rest.next()) {
        case "--local" -> local = true;
        case "--help", "-h" -> help = true;
        case "--cluster" -> cluster = Optional.of(rest.value());
        case "--tasks" -> tasks = rest.number(NUMBER_MAX);
        case "--runs" -> runs = rest.number(NUMBER_MAX);
        case "--references" -> references = rest.number(NUMBER_MAX);
        default -> throw rest.unknown();
      }
    }
    if (local && cluster.isPresent()) {
      throw new OptionException("--local and --cluster exclude each other: give one of them");
    }
    return new RefsOptions(cluster, tasks, runs, references, help);
  }
}
