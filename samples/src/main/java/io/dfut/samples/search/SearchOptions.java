package io.dfut.samples.search;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The command line, checked.
 *
 * @param cluster the node to join; empty for a system in this JVM
 * @param input the zip or folder; empty for the JDK's sources
 * @param filesMax how many files to index; empty for all
 * @param groups how many map tasks; empty for a number that fits the cluster
 * @param partitions how many partitions the index has
 * @param hitsMax how many files an answer shows
 * @param queries what to ask; with none, a few about the JDK
 * @param help whether only the usage is wanted
 */
record SearchOptions(
    Optional<String> cluster,
    Optional<Path> input,
    OptionalInt filesMax,
    OptionalInt groups,
    int partitions,
    int hitsMax,
    List<String> queries,
    boolean help) {
  static final String USAGE =
      """
      usage: search [--local | --cluster HOST:PORT] [--input FILE|DIR] [--query "WORDS"]...
        --local              everything in this JVM (the default)
        --cluster HOST:PORT  join a running cluster, and work with its nodes
        --input FILE|DIR     a zip, jar or folder to index (default: the sources of this JDK)
        --query "WORDS"      what to ask; may be repeated (default: a few questions about the JDK)
        --top N              how many files an answer shows (default 3)
        --limit-files N      index only so many files, evenly spaced
        --groups N           how many map tasks (default: 4 for each core of each node, 24 to 96)
        --partitions N       how many partitions the index has, 1 to 3 (default 3)
      """;

  private static final List<String> JDK_QUERIES =
      List.of("carrier thread pinned", "red black tree", "merge sort", "HTTP2 flow control window");

  private static final int GROUPS_MAX = 10_000;

  SearchOptions {
    queries = List.copyOf(queries);
  }

  /**
   * Reads a command line.
   *
   * @throws InputException when it cannot be understood
   */
  static SearchOptions parse(String... arguments) {
    boolean local = false;
    boolean help = false;
    Optional<String> cluster = Optional.empty();
    Optional<Path> input = Optional.empty();
    OptionalInt filesMax = OptionalInt.empty();
    OptionalInt groups = OptionalInt.empty();
    int partitions = IndexTasks.PARTITIONS_MAX;
    int hitsMax = 3;
    List<String> queries = new ArrayList<>();
    for (int i = 0; i < arguments.length; i++) {
      String option = arguments[i];
      switch (option) {
        case "--local" -> local = true;
        case "--help", "-h" -> help = true;
        case "--cluster" -> cluster = Optional.of(value(arguments, ++i));
        case "--input" -> input = Optional.of(path(value(arguments, ++i)));
        case "--limit-files" ->
            filesMax = OptionalInt.of(number(option, value(arguments, ++i), Integer.MAX_VALUE));
        case "--groups" ->
            groups = OptionalInt.of(number(option, value(arguments, ++i), GROUPS_MAX));
        case "--partitions" ->
            partitions = number(option, value(arguments, ++i), IndexTasks.PARTITIONS_MAX);
        case "--top" -> hitsMax = number(option, value(arguments, ++i), 1_000);
        case "--query" -> queries.add(value(arguments, ++i));
        default ->
            throw new InputException(
                "unknown option %s: --help lists those there are".formatted(option));
      }
    }
    if (local && cluster.isPresent()) {
      throw new InputException("--local and --cluster exclude each other: give one of them");
    }
    if (queries.isEmpty() && input.isEmpty()) {
      queries = JDK_QUERIES;
    }
    queries.forEach(SearchIndex::words); // before an index is built for nothing
    return new SearchOptions(cluster, input, filesMax, groups, partitions, hitsMax, queries, help);
  }

  private static String value(String[] arguments, int index) {
    if (index == arguments.length) {
      throw new InputException(
          "%s needs a value after it: --help shows which".formatted(arguments[index - 1]));
    }
    return arguments[index];
  }

  private static Path path(String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new InputException(
          "--input %s is not a path (%s): name a zip or folder".formatted(text, e.getReason()), e);
    }
  }

  private static int number(String option, String text, int max) {
    try {
      int number = Integer.parseInt(text);
      if (number >= 1 && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      // The same answer as for a number out of range.
    }
    throw new InputException(
        "%s %s is not possible: give a whole number from 1 to %d".formatted(option, text, max));
  }
}
