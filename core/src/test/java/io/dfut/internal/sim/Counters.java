package io.dfut.internal.sim;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/** How often each thing was seen. Not thread-safe: one for each run, added up under a lock. */
final class Counters {
  private static final class Count {
    long value;
  }

  private final Map<String, Count> counts = new HashMap<>();

  void add(String what) {
    add(what, 1);
  }

  void add(String what, long times) {
    counts.computeIfAbsent(what, unseen -> new Count()).value += times;
  }

  void addAll(Counters others) {
    others.counts.forEach((what, count) -> add(what, count.value));
  }

  long of(String what) {
    Count count = counts.get(what);
    return count == null ? 0 : count.value;
  }

  /** All of them, by name. */
  Map<String, Long> sorted() {
    Map<String, Long> sorted = new TreeMap<>();
    counts.forEach((what, count) -> sorted.put(what, count.value));
    return sorted;
  }

  @Override
  public String toString() {
    return sorted().toString();
  }
}
