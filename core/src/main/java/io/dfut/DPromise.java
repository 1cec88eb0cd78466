package io.dfut;

/**
 * The write end of a future that is completed by hand, once. The future is owned by the context
 * that made the promise; it has no lineage and cannot be rebuilt. Thread-safe.
 *
 * @param <T> the type of the value
 */
public interface DPromise<T> {
  /** The promise's future. Every call gives the same handle. */
  DFut<T> future();

  /**
   * Completes the future with a value, {@code null} included.
   *
   * @return whether this call settled it; false when it was settled before
   * @throws SerializationException when the value cannot be shared; the promise stays open
   */
  boolean complete(T value);

  /**
   * Fails the future: {@code get} throws {@link TaskFailedException} with this cause.
   *
   * @return whether this call settled it
   */
  boolean fail(Throwable cause);
}
