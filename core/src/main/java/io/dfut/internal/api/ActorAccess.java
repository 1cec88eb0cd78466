package io.dfut.internal.api;

import io.dfut.DFutActor;

/** Lets the runtime call the protected methods of {@link DFutActor}, which installs itself here. */
public abstract class ActorAccess {
  private static volatile ActorAccess installed;

  protected ActorAccess() {}

  public static void install(ActorAccess access) {
    installed = access;
  }

  /** Set before any actor exists, since the base class's initialiser sets it. */
  public static ActorAccess get() {
    return installed;
  }

  public abstract void onMessage(DFutActor<?> actor, Object message) throws Exception;

  public abstract void onStart(DFutActor<?> actor) throws Exception;

  public abstract void onStop(DFutActor<?> actor) throws Exception;
}
