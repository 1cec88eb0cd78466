package io.dfut.internal.runtime;

import io.dfut.ActorHandle;
import io.dfut.DFutActor;
import io.dfut.DFutContext;

/** What the base class of an actor knows of the runtime. */
public interface ActorCell {
  /** Of an object that was made with {@code new} outside the system. */
  ActorCell OUTSIDE =
      new ActorCell() {
        @Override
        public DFutContext context(Class<?> type) {
          throw new IllegalStateException(
              type.getName()
                  + " was made with new, outside the system, so it has no context."
                  + " Create it with dfut.actor("
                  + type.getSimpleName()
                  + "::new, …).create().");
        }

        @Override
        public <A extends DFutActor<?>> ActorHandle<A> self(A actor) {
          throw new IllegalStateException(
              actor.getClass().getName()
                  + " was made with new, outside the system, so it has no handle.");
        }

        @Override
        public boolean isRestarted() {
          return false;
        }

        @Override
        public boolean isRestored() {
          return false;
        }

        @Override
        public void saveCheckpoint() {}

        @Override
        public void stopSelf() {
          throw new IllegalStateException(
              "this actor was made with new, outside the system, so it cannot stop itself");
        }
      };

  DFutContext context(Class<?> type);

  <A extends DFutActor<?>> ActorHandle<A> self(A actor);

  void stopSelf();

  boolean isRestarted();

  boolean isRestored();

  void saveCheckpoint();
}
