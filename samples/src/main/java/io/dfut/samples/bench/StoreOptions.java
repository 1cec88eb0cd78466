package io.dfut.samples.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The command line of {@code bench store}, checked.
 *
 * @param runs rounds of each measurement; the median counts
 * @param largeMib size of the large object
 * @param workingSetMib what is put through a small store
 * @param only the beginning of the names that are measured
 * @param json where the figures are written, a line each
 * @param help whether only the usage is wanted
 */
record StoreOptions(
    int runs, int largeMib, int workingSetMib, String only, Optional<Path> json, boolean help) {
  static final String USAGE =
      """
      usage: bench store [--runs N] [--only NAME] [--json FILE] [--large MIB] [--working-set MIB]
        --runs N      rounds of each measurement, the median counts (default 15)
        --only NAME   what begins with it: store.put, store.get, store.pull.tcp, store.fanout, ...
        --json FILE   writes the figures there too, a JSON object a line
        --large MIB   size of the large object (default 100, which the names say)
        --working-set MIB  of values put through a store of 1 GiB, or a tenth of that
                      if less, in a JVM with a heap of 256 MiB (default 10240)
      """;

  /**
   * Reads a command line.
   *
   * @throws OptionException when it cannot be understood
   */
  static StoreOptions parse(List<String> arguments) {
    int runs = 15;
    int large = 100;
    int workingSet = 10 * 1024;
    String only = "store.";
    Optional<Path> json = Optional.empty();
    boolean help = false;
    Arguments rest = new Arguments(arguments);
    while (rest.hasNext()) {
      switch (rest.next()) {
        case "--help", "-h" -> help = true;
        case "--runs" -> runs = rest.number(1000);
        case "--large" -> large = rest.number(1024);
        case "--working-set" -> workingSet = rest.number(1024 * 1024);
        case "--only" -> only = rest.value();
        case "--json" -> json = Optional.of(Path.of(rest.value()));
        default -> throw rest.unknown();
      }
    }
    return new StoreOptions(runs, large, workingSet, only, json, help);
  }

  /** Whether a figure, or one of those whose names begin so, is wanted. */
  boolean wants(String name) {
    return name.startsWith(only) || only.startsWith(name);
  }
}
