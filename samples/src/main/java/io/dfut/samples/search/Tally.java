package io.dfut.samples.search;

import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Who did what, and how long each phase took. Not thread-safe: the driver's. */
final class Tally {
  private final Map<String, Map<Phase, Integer>> tasksByNode = new TreeMap<>();
  private final Map<Phase, Long> nanos = new EnumMap<>(Phase.class);

  /** A node that may run tasks, so that it is listed also when it ran none. */
  void node(String node) {
    tasksByNode.computeIfAbsent(node, absent -> new EnumMap<>(Phase.class));
  }

  void task(Phase phase, String node) {
    node(node);
    tasksByNode.get(node).merge(phase, 1, Integer::sum);
  }

  void time(Phase phase, long tookNanos) {
    nanos.merge(phase, tookNanos, Long::sum);
  }

  Set<String> nodes() {
    return tasksByNode.keySet();
  }

  int tasks(String node, Phase phase) {
    return tasksByNode.getOrDefault(node, Map.of()).getOrDefault(phase, 0);
  }

  int tasks(String node) {
    return tasksByNode.getOrDefault(node, Map.of()).values().stream()
        .mapToInt(Integer::intValue)
        .sum();
  }

  int tasks() {
    return tasksByNode.keySet().stream().mapToInt(this::tasks).sum();
  }

  long nanos(Phase phase) {
    return nanos.getOrDefault(phase, 0L);
  }
}
