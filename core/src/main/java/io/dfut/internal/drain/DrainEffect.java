package io.dfut.internal.drain;

import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.spi.ObjectKey;
import java.util.List;

/** What {@link DrainMachine} wants done. */
public sealed interface DrainEffect {
  /** Grant nothing new, and tell everybody. First of all, once. */
  record Announce() implements DrainEffect {}

  /** Look at what is still here, after this time. */
  record Look(long delayNanos) implements DrainEffect {}

  /** Ask the owner to have its primary there. */
  record AskOwner(ObjectKey key, NodeId to) implements DrainEffect {}

  /** Let the actor's methods that run end, and have it made anew elsewhere. */
  record MoveActor(WorkerId worker) implements DrainEffect {}

  /**
   * Leave. Last of all, once.
   *
   * @param left what ends with the node, for people; empty when nothing does
   */
  record Leave(List<String> left) implements DrainEffect {
    public Leave {
      left = List.copyOf(left);
    }
  }
}
