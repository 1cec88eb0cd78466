package io.dfut.internal.runtime;

import io.dfut.*;

public interface ActorCell {
  DFutContext context(Class<?> type);

  <A extends DFutActor<?>> ActorHandle<A> self(A actor);

  void stopSelf();
}
