package io.dfut.samples.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The command line of {@code bench recovery}, checked.
 *
 * @param runs deaths of each kind; the median counts
 * @param only the beginning of the names that are measured
 * @param json where the figures are written, a line each
 * @param help whether only the usage is wanted
 */
record RecoveryOptions(int runs, String only, Optional<Path> json, boolean help) {
  static final String USAGE =
      """
      usage: bench recovery [--runs N] [--only NAME] [--json FILE]
        --runs N      deaths of each kind, each of a JVM of its own (default 5); of those
                      that take long one or two
        --only NAME   what begins with it: recovery.kill, .freeze, .owner.worker, .owner.node,
                      .owner.frozen, .lineage.LENGTH, .lost.COUNT, .paper
        --json FILE   writes the figures there too, a JSON object a line
      """;

  /**
   * Reads a command line.
   *
   * @throws OptionException when it cannot be understood
   */
  static RecoveryOptions parse(List<String> arguments) {
    int runs = 5;
    String only = "recovery.";
    Optional<Path> json = Optional.empty();
    boolean help = false;
    Arguments rest = new Arguments(arguments);
    while (rest.hasNext()) {
      switch (rest.next()) {
        case "--help", "-h" -> help = true;
        case "--runs" -> runs = rest.number(1000);
        case "--only" -> only = rest.value();
        case "--json" -> json = Optional.of(Path.of(rest.value()));
        default -> throw rest.unknown();
      }
    }
    return new RecoveryOptions(runs, only, json, help);
  }

  /** Whether a figure, or one of those whose names begin so, is wanted. */
  boolean wants(String name) {
    return name.startsWith(only) || only.startsWith(name);
  }
}
