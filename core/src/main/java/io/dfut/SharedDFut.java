package io.dfut;

import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import com.fasterxml.jackson.databind.annotation.JsonSerialize;
import io.dfut.internal.runtime.SharedJson;
import java.time.Duration;
import java.util.concurrent.CompletionStage;

/**
 * A first-class reference to an object: it may be a task's parameter (the task then
 * <em>borrows</em> the object), stand anywhere in an argument or a result, in an actor's field, or
 * in a Pekko message that Jackson serialises. Every {@code share()}, {@code borrow()} and decoding
 * gives a handle with a count of its own; {@code equals} and {@code hashCode} go by object id.
 * Thread-safe.
 *
 * <p><b>In a Pekko message.</b> Between JVMs the message counts the reference from the moment Pekko
 * writes it, which is after {@code tell} has returned: close the handle when the receiver has
 * answered, or leave it to the garbage collector. The receiver gets a handle of its own, and should
 * close it. Within one JVM nothing is written: sender and receiver have the same handle, and it is
 * the receiver's to close. Handles that a task made end with the task; so let a driver, an actor or
 * a behaviour send references.
 *
 * @param <T> the type of the value
 */
@JsonSerialize(using = SharedJson.Writer.class)
@JsonDeserialize(using = SharedJson.Reader.class)
public interface SharedDFut<T> extends AutoCloseable {
  /** The object's id; also of a released handle. */
  ObjectId id();

  /**
   * Waits for the value, as {@link DFut#get()} does.
   *
   * @throws OwnerDiedException when the object's owner is gone
   * @throws ReleasedException when this handle was released, also while this waits
   */
  T get();

  /** The same, for at most a time; see {@link DFut#get(Duration)}. */
  T get(Duration timeout);

  /** Whether the value, or its failure, is known here. Asking makes it be looked for. */
  boolean isReady();

  /** The value as a completion stage; see {@link DFut#toCompletionStage()}. */
  CompletionStage<T> toCompletionStage();

  /**
   * A future on the same object, to pass it on by value.
   *
   * @throws ReleasedException when this handle was released
   */
  DFut<T> borrow();

  /** Releases this handle; later calls do nothing. */
  @Override
  void close();
}
