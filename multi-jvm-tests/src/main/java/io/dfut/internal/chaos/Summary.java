package io.dfut.internal.chaos;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What happened in a run.
 *
 * @param inTime faults that came while a task, a transfer and a hand-over were under way
 * @param tasks tasks and calls that the driver submitted
 * @param bodies bodies that began on the nodes, those of nested tasks included
 * @param repeated those of them that were begun before
 * @param handOvers references that were handed to a task or an actor and counted on their way
 * @param errorsAllowed definite errors that were right where they came, by name
 * @param slowest the longest wait for an answer
 * @param violation what was not kept, if anything
 */
record Summary(
    long seed,
    int nodes,
    Duration time,
    int rounds,
    Map<Fault.Kind, Integer> faults,
    int inTime,
    Map<String, Long> jobs,
    long tasks,
    long bodies,
    long repeated,
    long handOvers,
    long answers,
    Map<String, Long> errorsAllowed,
    Duration slowest,
    Optional<String> violation) {

  int faultCount() {
    return faults.values().stream().mapToInt(Integer::intValue).sum();
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        """
        seed %d, %d nodes, %.1f minutes, %d times without leaks
        %d faults: %s; %d of them while a task, a transfer and a hand-over were under way
        %d jobs: %s
        %d tasks and calls submitted; %d bodies ran, %d of them again; %d references handed over
        %d answers checked, the slowest after %.1f s; errors that were right: %s
        %s\
        """,
        seed,
        nodes,
        time.toMillis() / 60_000.0,
        violation.isPresent() ? rounds - 1 : rounds,
        faultCount(),
        words(faults),
        inTime,
        jobs.values().stream().mapToLong(Long::longValue).sum(),
        words(jobs),
        tasks,
        bodies,
        repeated,
        handOvers,
        answers,
        slowest.toMillis() / 1000.0,
        errorsAllowed.isEmpty() ? "none" : words(errorsAllowed),
        violation.isPresent()
            ? "a promise was broken"
            : "no wrong answer, nothing that did not end, nothing left");
  }

  private static String words(Map<?, ? extends Number> counts) {
    return new TreeMap<>(counts)
        .entrySet().stream()
            .map(
                entry ->
                    entry.getKey().toString().toLowerCase(Locale.ROOT) + " " + entry.getValue())
            .collect(Collectors.joining(", "));
  }

  /** One JSON object. */
  String json() {
    return String.format(
        Locale.ROOT,
        "{\"seed\": %d, \"nodes\": %d, \"seconds\": %.1f, \"rounds\": %d, \"faults\": %s,"
            + " \"inTime\": %d, \"jobs\": %s, \"tasks\": %d, \"bodies\": %d, \"repeated\": %d,"
            + " \"handOvers\": %d, \"answers\": %d, \"errorsAllowed\": %s, \"slowestSeconds\":"
            + " %.3f, \"violation\": %s}",
        seed,
        nodes,
        time.toMillis() / 1000.0,
        rounds,
        json(faults),
        inTime,
        json(jobs),
        tasks,
        bodies,
        repeated,
        handOvers,
        answers,
        json(errorsAllowed),
        slowest.toMillis() / 1000.0,
        violation.map(Summary::quoted).orElse("null"));
  }

  private static String json(Map<?, ? extends Number> counts) {
    return new TreeMap<>(counts)
        .entrySet().stream()
            .map(entry -> quoted(entry.getKey().toString()) + ": " + entry.getValue())
            .collect(Collectors.joining(", ", "{", "}"));
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
