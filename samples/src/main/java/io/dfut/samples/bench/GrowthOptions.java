package io.dfut.samples.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The command line of {@code bench growth}, checked.
 *
 * @param seconds for each point of a curve
 * @param only the beginnings of the names of the curves that are measured
 * @param svg the folder that the pictures are written to
 * @param help whether only the usage is wanted
 */
record GrowthOptions(int seconds, List<String> only, Optional<Path> svg, boolean help) {
  static final String USAGE =
      """
      usage: bench growth [--only NAME,...] [--seconds N] [--svg DIR]
        --only NAME,...  the curves that are measured: workers, jvms, in-flight, length, owners, pending
        --seconds N      for each point, after as many that warm up (default 2)
        --svg DIR        draws each curve into a file there
      """;

  /**
   * Reads a command line.
   *
   * @throws OptionException when it cannot be understood
   */
  static GrowthOptions parse(List<String> arguments) {
    int seconds = 2;
    List<String> only = List.of("");
    Optional<Path> svg = Optional.empty();
    boolean help = false;
    Arguments rest = new Arguments(arguments);
    while (rest.hasNext()) {
      switch (rest.next()) {
        case "--help", "-h" -> help = true;
        case "--seconds" -> seconds = rest.number(3600);
        case "--only" -> only = List.of(rest.value().split(","));
        case "--svg" -> svg = Optional.of(Path.of(rest.value()));
        default -> throw rest.unknown();
      }
    }
    return new GrowthOptions(seconds, only, svg, help);
  }

  /** Whether a curve is wanted. */
  boolean wants(String name) {
    return only.stream().anyMatch(name::startsWith);
  }
}
