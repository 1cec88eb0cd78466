package io.dfut.internal.lease;

import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage.RequestLease;
import io.dfut.internal.protocol.SchedulerMessage.Use;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * The requests that wait at one node, deepest first, among equals the oldest. Those that ask for
 * the same stand in one line, so that finding the next that can be served looks at as many requests
 * as there are shapes, however many wait. Not thread-safe: part of one machine.
 */
final class RequestQueue {
  /**
   * @param order grows with every request of this node
   * @param here whether it could ever be served here; else it waits for another node
   */
  record Waiting(RequestLease request, long order, long sinceNanos, boolean here) {}

  private static final Comparator<Waiting> DEEPEST_OLDEST_FIRST =
      Comparator.<Waiting>comparingInt(waiting -> -waiting.request.depth())
          .thenComparingLong(Waiting::order);

  private final Map<LeaseId, Waiting> byLease = new LinkedHashMap<>();

  /** Those that could be served here, by what they need. No line is empty. */
  private final Map<Resources, TreeSet<Waiting>> lines = new HashMap<>();

  private int servableCount;

  /** Requests with the same of all this are for tasks of one line at their owner. */
  private record Kin(WorkerId owner, Resources resources, Placement placement, Use use) {
    static Kin of(RequestLease request) {
      return new Kin(
          request.lease().owner(), request.resources(), request.placement(), request.use());
    }
  }

  /** How many could be served here, of each kin that has one. */
  private final Map<Kin, Integer> servableKin = new HashMap<>();

  void add(Waiting waiting) {
    byLease.put(waiting.request.lease(), waiting);
    if (waiting.here) {
      servableCount++;
      servableKin.merge(Kin.of(waiting.request), 1, Integer::sum);
      lines
          .computeIfAbsent(waiting.request.resources(), need -> new TreeSet<>(DEEPEST_OLDEST_FIRST))
          .add(waiting);
    }
  }

  /** False when it does not wait. */
  boolean remove(LeaseId lease) {
    Waiting waiting = byLease.remove(lease);
    if (waiting == null) {
      return false;
    }
    if (waiting.here) {
      servableCount--;
      servableKin.computeIfPresent(
          Kin.of(waiting.request), (kin, count) -> count == 1 ? null : count - 1);
      Resources need = waiting.request.resources();
      TreeSet<Waiting> line = lines.get(need);
      line.remove(waiting);
      if (line.isEmpty()) {
        lines.remove(need);
      }
    }
    return true;
  }

  /** The next of those that could be served here and need no more than that. */
  Optional<Waiting> next(Predicate<Resources> fits) {
    Waiting next = null;
    for (Map.Entry<Resources, TreeSet<Waiting>> line : lines.entrySet()) {
      Waiting first = line.getValue().first();
      if ((next == null || DEEPEST_OLDEST_FIRST.compare(first, next) < 0)
          && fits.test(line.getKey())) {
        next = first;
      }
    }
    return Optional.ofNullable(next);
  }

  boolean contains(LeaseId lease) {
    return byLease.containsKey(lease);
  }

  int size() {
    return byLease.size();
  }

  /** How many could be served here. */
  int servableCount() {
    return servableCount;
  }

  /** How many of them are of the same owner as this one, for the same tasks. */
  int servableKinOf(RequestLease request) {
    return servableKin.getOrDefault(Kin.of(request), 0);
  }

  /** All, in the order in which they came. */
  List<Waiting> all() {
    return List.copyOf(byLease.values());
  }
}
