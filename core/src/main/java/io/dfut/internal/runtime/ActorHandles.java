package io.dfut.internal.runtime;

import io.dfut.*;
import io.dfut.internal.api.*;

public final class ActorHandles {
  public static ContextBackend backend(ActorHandle<?> h) {
    return null;
  }

  public static TaskTemplate template(ActorHandle<?> h, java.io.Serializable m, int results) {
    return TaskTemplate.ofActor(h, m, results);
  }

  public static <M> org.apache.pekko.actor.typed.ActorRef<M> ref(
      ActorHandle<? extends DFutActor<M>> h) {
    return null;
  }
}
