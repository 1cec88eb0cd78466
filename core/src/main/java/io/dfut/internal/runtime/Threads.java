package io.dfut.internal.runtime;

import org.apache.pekko.actor.typed.ActorSystem;

/** Tells threads that may wait from those that may not. */
final class Threads {
  private Threads() {}

  /** Whether the current thread belongs to a dispatcher of this or any other Pekko system. */
  static boolean isDispatcher(ActorSystem<?> system) {
    Thread thread = Thread.currentThread();
    if (thread.isVirtual()) {
      return false;
    }
    if (thread.getClass().getName().startsWith("org.apache.pekko.")) {
      return true;
    }
    String name = thread.getName();
    return name.contains("pekko.") && name.contains("dispatcher")
        || name.startsWith(system.name() + "-");
  }

  static void refuseToBlock(ActorSystem<?> system, String what) {
    if (isDispatcher(system)) {
      throw new IllegalStateException(
          what
              + " would block a Pekko dispatcher thread ("
              + Thread.currentThread().getName()
              + "). In an actor use DFutBehaviors.setup and pipeToSelf; elsewhere"
              + " toCompletionStage().");
    }
  }
}
