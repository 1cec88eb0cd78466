package io.dfut.internal.runtime;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;

/**
 * Counts that are given back at the end of a task or scope, in the order in which they came. Those
 * that were given back before are forgotten, with the values that they keep: a long task may open
 * and close any number of handles. Not thread-safe.
 */
final class OpenCounts implements Iterable<Handle.Count> {
  /** Fewer are not looked through. */
  private static final int SWEPT_FROM = 64;

  /** Most tasks have none. */
  private List<Handle.Count> counts = Collections.emptyList();

  private int sweptAt = SWEPT_FROM;

  void add(Handle.Count count) {
    if (counts.isEmpty()) {
      counts = new ArrayList<>(4);
    } else if (counts.size() >= sweptAt) {
      counts.removeIf(held -> !held.isOpen());
      sweptAt = Math.max(SWEPT_FROM, 2 * counts.size()); // so each is looked at some two times
    }
    counts.add(count);
  }

  void clear() {
    counts = Collections.emptyList();
  }

  /** How many it keeps, some of which may have been given back. */
  int size() {
    return counts.size();
  }

  @Override
  public Iterator<Handle.Count> iterator() {
    return counts.iterator();
  }
}
