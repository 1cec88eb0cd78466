package io.dfut.internal.task;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Lets equal values be one object, up to a number of them: what comes in a thousand messages and is
 * kept in a million rows, such as the id of a worker. Thread-safe.
 *
 * @param <T> immutable values with {@code equals}
 */
public final class Sharing<T> {
  private final int most;
  private final Map<T, T> shared = new ConcurrentHashMap<>();

  /**
   * @param most beyond it, new values are not shared any more
   */
  public Sharing(int most) {
    this.most = most;
  }

  /** An equal value, the same for all who ask. */
  public T of(T value) {
    T known = shared.get(value);
    if (known != null) {
      return known;
    }
    if (shared.size() >= most) {
      return value;
    }
    T before = shared.putIfAbsent(value, value);
    return before == null ? value : before;
  }
}
