package io.dfut.samples.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The command line of {@code bench tasks} and {@code bench remote}, checked.
 *
 * @param runs how many JVMs measure, one after the other; the medians of what they found count
 * @param seconds for which each JVM measures each figure, after as many that do not count
 * @param only the beginnings of the names that are measured
 * @param json where the figures are written, a line each
 * @param help whether only the usage is wanted
 */
record TasksOptions(int runs, int seconds, List<String> only, Optional<Path> json, boolean help) {
  static final String USAGE =
      """
      usage: bench tasks|remote [--runs N] [--only NAME,...] [--json FILE] [--seconds N]
        --runs N         fresh JVMs that measure, one after the other; medians count (default 5)
        --only NAME,...  what begins with one of them: task, task.fib20, actor.remote.p50, ...
        --json FILE      writes the figures there too, a JSON object a line
        --seconds N      for each figure in each JVM, after as many that warm up (default 4)
      """;

  /**
   * Reads a command line.
   *
   * @throws OptionException when it cannot be understood
   */
  static TasksOptions parse(List<String> arguments) {
    int runs = 5;
    int seconds = 4;
    List<String> only = List.of("");
    Optional<Path> json = Optional.empty();
    boolean help = false;
    Arguments rest = new Arguments(arguments);
    while (rest.hasNext()) {
      switch (rest.next()) {
        case "--help", "-h" -> help = true;
        case "--runs" -> runs = rest.number(1000);
        case "--seconds" -> seconds = rest.number(3600);
        case "--only" -> only = List.of(rest.value().split(","));
        case "--json" -> json = Optional.of(Path.of(rest.value()));
        default -> throw rest.unknown();
      }
    }
    return new TasksOptions(runs, seconds, only, json, help);
  }

  /** Whether a figure is wanted. */
  boolean wants(String name) {
    return only.stream().anyMatch(name::startsWith);
  }
}
