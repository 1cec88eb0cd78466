package io.dfut.internal.runtime;

import java.util.concurrent.atomic.AtomicReference;

/**
 * A queue for many threads that add and one that takes, linked and unbounded. The two ends lie in
 * different cache lines: a thread that adds does not slow the one that takes as long as there is
 * something between them. {@link java.util.concurrent.ConcurrentLinkedQueue} has both in one line,
 * which between cores costs more than all else that it does.
 *
 * <p>{@link #offer} and {@link #isEmpty} are thread-safe; {@link #poll} is for one thread at a
 * time, whose calls happen one after the other.
 */
final class MpscQueue<E> {
  private static final class Node<E> extends AtomicReference<Node<E>> {
    private static final long serialVersionUID = 1L;
    private transient E item;

    Node(E item) {
      this.item = item;
    }
  }

  /** The node before the first item. Set by the thread that takes. */
  private final Padded<Node<E>> head;

  /** The node of the last item. */
  private final Padded<Node<E>> tail;

  MpscQueue() {
    Node<E> before = new Node<>(null);
    head = new Padded<>(before);
    tail = new Padded<>(before);
  }

  /** Adds an item. Never blocks. */
  void offer(E item) {
    Node<E> added = new Node<>(item);
    tail.getAndSet(added).setRelease(added);
  }

  /** Takes the first item; null when there is none. */
  E poll() {
    Node<E> before = head.getPlain();
    Node<E> first = before.getAcquire();
    if (first == null) {
      if (before == tail.get()) {
        return null;
      }
      first = awaitFirst(before);
    }
    E item = first.item;
    first.item = null;
    head.setRelease(first);
    before.setPlain(null); // or nodes of an old generation keep all that came after them
    return item;
  }

  /** Another thread is between its two writes of an offer. */
  private static <E> Node<E> awaitFirst(Node<E> before) {
    while (true) {
      for (int i = 0; i < 100; i++) {
        Node<E> first = before.getAcquire();
        if (first != null) {
          return first;
        }
        Thread.onSpinWait();
      }
      Thread.yield();
    }
  }

  /**
   * Whether there is nothing. Never true for whoever comes after an offer whose item was not taken.
   */
  boolean isEmpty() {
    return head.get() == tail.get();
  }
}
