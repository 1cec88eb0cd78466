package io.dfut.internal.codec;

import io.dfut.ActorHandle;
import io.dfut.ActorId;
import io.dfut.ObjectId;
import io.dfut.SharedDFut;

/** What the codec asks of the worker when it meets a first-class reference in a value. */
public final class References {
  private References() {}

  /**
   * What is written for an actor's handle.
   *
   * @param className the actor's class
   * @param maxPendingCalls how many calls a caller may have under way; 0 for no bound
   */
  public record Actor(ActorId id, String className, int maxPendingCalls) {}

  /** Asked while a value is encoded. Not thread-safe: one encoding at a time. */
  public interface Sink {
    /**
     * A {@code SharedDFut} was found; the answer is what is written for it.
     *
     * @throws io.dfut.ReleasedException when the handle was released
     */
    ObjectId shared(SharedDFut<?> handle);

    /**
     * An actor's handle was found; the answer is what is written for it.
     *
     * @throws io.dfut.ReleasedException when the handle was released
     */
    Actor actor(ActorHandle<?> handle);
  }

  /** Asked while a value is decoded. Not thread-safe: one decoding at a time. */
  public interface Source {
    /** A handle, with a count of its own, on an object that the value refers to. */
    SharedDFut<?> shared(ObjectId id);

    /** A handle, with a count of its own, on an actor that the value refers to. */
    ActorHandle<?> actor(Actor actor);
  }
}
