package io.dfut.internal.runtime;

import io.dfut.*;
import java.util.function.BiFunction;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;

public final class ActorBehaviors {
  public static <M> Behavior<M> of(java.util.concurrent.Callable<? extends DFutActor<M>> c) {
    return null;
  }

  public static <T> Behavior<T> setup(
      BiFunction<? super ActorContext<T>, ? super DFutBehaviorContext<T>, ? extends Behavior<T>>
          f) {
    return null;
  }
}
