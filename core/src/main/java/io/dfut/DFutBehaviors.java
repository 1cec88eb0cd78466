package io.dfut;

import io.dfut.internal.runtime.ActorBehaviors;
import java.util.function.BiFunction;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;

/** Makes ordinary typed behaviours workers: callers of tasks that own what they call for. */
public final class DFutBehaviors {
  private DFutBehaviors() {}

  /**
   * As {@code Behaviors.setup}, with a context for distributed futures beside the actor's own. The
   * behaviour's actor becomes a worker with its own ownership table when it starts; when it stops,
   * what it owns is released.
   *
   * @param factory gets both contexts and returns the behaviour
   * @throws IllegalStateException when the behaviour is started in an {@code ActorSystem} in which
   *     {@link DFutSystem#get} was never called
   */
  public static <T> Behavior<T> setup(
      BiFunction<? super ActorContext<T>, ? super DFutBehaviorContext<T>, ? extends Behavior<T>>
          factory) {
    return ActorBehaviors.setup(factory);
  }
}
