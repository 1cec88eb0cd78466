package io.dfut;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * A distributed future: a handle on an object that may not exist yet and may live on another node.
 * As long as the handle is open, the object stays (or can be rebuilt). Thread-safe.
 *
 * <p>A {@code DFut} as an argument passes the object <em>by value</em>: the task starts once the
 * value exists and receives it. To pass the reference itself, {@link #share()} it. A {@code DFut}
 * cannot be serialised.
 *
 * <p>Handles made inside a task are released when the task ends; elsewhere by {@link #close()}, by
 * {@link DFutContext#scope(java.util.function.Supplier)}, or when they become unreachable.
 *
 * @param <T> the type of the value
 */
public non-sealed interface DFut<T> extends Arg<T>, AutoCloseable {
  /**
   * The futures' values as one argument of type {@code List<T>}, in the order given.
   *
   * @throws NullPointerException when the list or an element is {@code null}
   */
  static <T> Arg<List<T>> all(List<DFut<T>> futures) {
    return new All<>(futures);
  }

  /** The object's id; also of a released handle. */
  ObjectId id();

  /**
   * Waits for the value. In a task or a {@link DFutActor} method this parks a virtual thread, and
   * the task's CPU share is lent out meanwhile. Every call may give another copy of the value.
   * Asking again is safe.
   *
   * <p>A {@link java.nio.ByteBuffer} or {@link org.agrona.DirectBuffer} shows the store's memory,
   * read-only, and keeps it from being given to others for as long as it, or a buffer made of it,
   * is reachable, also when this handle is closed; after the system was closed it throws {@link
   * IllegalStateException}. A {@link java.lang.foreign.MemorySegment} is read-only and has memory
   * of its own, valid as long as it or a slice of it is reachable.
   *
   * @throws TaskFailedException when the task's code threw
   * @throws DFutException one of its other kinds when the value will never come
   * @throws ReleasedException when this handle was released, also while this waits
   * @throws StoreFullException also when a memory segment that has to be copied finds no memory
   * @throws IllegalStateException on a Pekko dispatcher thread while the value is not ready: use
   *     {@code pipeToSelf}
   */
  T get();

  /**
   * The same, for at most a time. Zero asks without waiting.
   *
   * @throws GetTimeoutException when the value was not there in time; the task goes on
   * @throws IllegalArgumentException when the timeout is negative
   */
  T get(Duration timeout);

  /**
   * Whether {@link #get()} would return, or throw the object's failure, without waiting for the
   * object.
   */
  boolean isReady();

  /**
   * A first-class reference to the object, with a count of its own.
   *
   * @throws ReleasedException when this handle was released
   */
  SharedDFut<T> share();

  /**
   * A window on a stored value's bytes, pinned until it is closed, by whoever called this. Waits as
   * {@link #get()} does. For values whose type has bytes of its own: {@code byte[]}, {@code
   * ByteBuffer}, memory segments and primitive arrays.
   *
   * @throws SerializationException when the value has no bytes of its own
   */
  ObjectView view();

  /**
   * The value as a completion stage, which fails with the exception that {@link #get()} would
   * throw. Callbacks run on a virtual thread. Closing this handle does not complete the stage; the
   * stage keeps the object alive until then.
   */
  CompletionStage<T> toCompletionStage();

  /**
   * Cancels the task that makes the object, as {@link DFutContext#cancel(DFut)} does.
   *
   * @return false when the object's fate was settled already
   */
  boolean cancel();

  /**
   * Releases the handle (the paper's {@code del}): the object goes when nobody else holds it. Later
   * calls do nothing.
   */
  @Override
  void close();
}
