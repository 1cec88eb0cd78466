package io.dfut;

import java.util.function.BiFunction;

/**
 * The context of a typed behaviour: a worker of its own, which ends with the behaviour's actor.
 * {@code get()} is refused here while a value is not ready, since it would block the dispatcher:
 * use {@link #pipeToSelf}.
 *
 * @param <T> the type of the behaviour's messages
 */
public abstract class DFutBehaviorContext<T> extends DFutContext {
  /** For the runtime's own subclass. */
  protected DFutBehaviorContext() {}

  /**
   * Sends the behaviour a message when the future settles. The future's handle may be closed at
   * once; the object lives until then. The function runs on a virtual thread and gets the value and
   * {@code null}, or {@code null} and the exception that {@code get} would throw; it must not touch
   * the behaviour's state.
   *
   * @throws ReleasedException when the handle was released
   */
  public abstract <V> void pipeToSelf(
      DFut<V> future, BiFunction<? super V, ? super DFutException, ? extends T> message);

  /** The same for a borrowed reference. */
  public abstract <V> void pipeToSelf(
      SharedDFut<V> future, BiFunction<? super V, ? super DFutException, ? extends T> message);
}
