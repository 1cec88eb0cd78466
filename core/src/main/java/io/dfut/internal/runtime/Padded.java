package io.dfut.internal.runtime;

import java.util.concurrent.atomic.AtomicReference;

/**
 * A reference that one thread changes often, and enough beside it that nothing else lies in its
 * cache line: who reads what does lie there would wait for the line each time. Thread-safe.
 */
final class Padded<T> extends AtomicReference<T> {
  private static final long serialVersionUID = 1L;

  @SuppressWarnings("unused") // only here to take room
  private long p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14, p15;

  Padded(T first) {
    super(first);
  }
}
