package io.dfut.internal.inspect;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * The strongly connected parts of a directed graph, by Tarjan's algorithm (SIAM J. Comput. 1, 1972)
 * with a stack of its own, since chains of references are longer than a thread's. Not thread-safe:
 * one use.
 *
 * @param <N> the nodes
 */
final class Components<N> {
  /** A node that was met. */
  private static final class Visit<N> {
    final N node;
    final int index;
    final Iterator<N> successors;

    /** The lowest index that it, or what it leads to, reaches among the nodes still open. */
    int low;

    /** Its part is not known yet. */
    boolean open = true;

    Visit(N node, int index, Iterator<N> successors) {
      this.node = node;
      this.index = index;
      this.low = index;
      this.successors = successors;
    }
  }

  private final Map<N, ? extends Collection<N>> successors;
  private final Map<N, Visit<N>> visits = new HashMap<>();

  /** Nodes whose part is not known yet, in the order in which they were met. */
  private final Deque<Visit<N>> open = new ArrayDeque<>();

  /** The way from the start to the node that is being looked at. */
  private final Deque<Visit<N>> path = new ArrayDeque<>();

  private final List<List<N>> found = new ArrayList<>();

  private Components(Map<N, ? extends Collection<N>> successors) {
    this.successors = successors;
  }

  /**
   * All parts, those of a single node included; none before one that it leads to.
   *
   * @param successors every node, with those it leads to
   */
  static <N> List<List<N>> of(Map<N, ? extends Collection<N>> successors) {
    Components<N> components = new Components<>(successors);
    successors.keySet().forEach(components::search);
    return components.found;
  }

  private void search(N start) {
    if (visits.containsKey(start)) {
      return;
    }
    enter(start);
    while (!path.isEmpty()) {
      Visit<N> visit = path.peek();
      if (visit.successors.hasNext()) {
        N next = visit.successors.next();
        Visit<N> known = visits.get(next);
        if (known == null) {
          enter(next);
        } else if (known.open) {
          visit.low = Math.min(visit.low, known.index);
        }
      } else {
        path.pop();
        if (!path.isEmpty()) {
          path.peek().low = Math.min(path.peek().low, visit.low);
        }
        if (visit.low == visit.index) {
          close(visit);
        }
      }
    }
  }

  private void enter(N node) {
    Visit<N> visit = new Visit<>(node, visits.size(), successors.get(node).iterator());
    visits.put(node, visit);
    open.push(visit);
    path.push(visit);
  }

  /** It reaches nothing that was met before it: what was met since is its part. */
  private void close(Visit<N> first) {
    List<N> part = new ArrayList<>();
    Visit<N> member;
    do {
      member = open.pop();
      member.open = false;
      part.add(member.node);
    } while (member != first);
    found.add(part);
  }
}
