package io.dfut.internal.runtime;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * What waits for its turn: a queue that many threads add to without a lock, and that can be gone
 * through all the same. For that its items are moved to a plain deque first, which comes before
 * what is added later.
 *
 * <p>{@link #add} and {@link #hasMore} are thread-safe. All else is for whoever holds the one lock
 * that the user of this queue guards it with.
 */
final class RunQueue<E> {
  private final MpscQueue<E> added = new MpscQueue<>();
  private final ArrayDeque<E> first = new ArrayDeque<>(0);

  /** Whether something may be in the deque. Written under the lock. */
  private volatile boolean hasFirst;

  void add(E item) {
    added.offer(item);
  }

  /**
   * Whether something waits. Never false for whoever comes after an add whose item was not taken:
   * who goes to sleep on this word is not woken for that item.
   */
  boolean hasMore() {
    // In this order: an item is never between the two, but goes from the one to the other.
    return !added.isEmpty() || hasFirst;
  }

  /** Takes the next; null when there is none. */
  E poll() {
    if (!hasFirst) {
      return added.poll();
    }
    E next = first.poll();
    hasFirst = !first.isEmpty();
    return next;
  }

  /** Puts one back that was taken. */
  void putBack(E item) {
    hasFirst = true;
    first.addFirst(item);
  }

  /** The one that was added last; null when there is none. */
  E newest() {
    gather();
    return first.peekLast();
  }

  boolean contains(E item) {
    gather();
    return first.contains(item);
  }

  void forEach(Consumer<? super E> action) {
    gather();
    first.forEach(action);
  }

  /** Takes out all of which this holds. */
  List<E> takeOut(Predicate<? super E> which) {
    gather();
    List<E> out = new ArrayList<>(0);
    first.removeIf(item -> which.test(item) && out.add(item));
    hasFirst = !first.isEmpty();
    return out;
  }

  private void gather() {
    hasFirst = true; // before the first of them has left the queue
    for (E next = added.poll(); next != null; next = added.poll()) {
      first.addLast(next);
    }
    hasFirst = !first.isEmpty();
  }
}
