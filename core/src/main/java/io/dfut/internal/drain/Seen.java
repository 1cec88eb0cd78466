package io.dfut.internal.drain;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.spi.ObjectKey;
import java.util.List;
import java.util.Set;

/**
 * What is still on a node that drains, at one moment. Looked at in this order, so that what a task
 * leaves behind when it ends is seen in one place at least.
 *
 * @param running tasks and actors' methods, for people
 * @param actors that live here
 * @param owned objects of workers of this node which workers of others hold
 * @param primaries of owners on other nodes
 * @param targets nodes that stay and offer work, those with the most room in their stores first
 */
public record Seen(
    List<String> running,
    List<LivingActor> actors,
    List<OwnedObject> owned,
    List<ObjectKey> primaries,
    List<NodeId> targets) {
  public Seen {
    running = List.copyOf(running);
    actors = List.copyOf(actors);
    owned = List.copyOf(owned);
    primaries = List.copyOf(primaries);
    targets = List.copyOf(targets);
  }

  /**
   * An actor.
   *
   * @param whyItStays empty when its owner can make it anew on another node
   */
  public record LivingActor(WorkerId worker, String name, String whyItStays) {}

  /** An object that is held elsewhere. */
  public record OwnedObject(ObjectId object, String madeBy, Set<WorkerId> holders) {
    public OwnedObject {
      holders = Set.copyOf(holders);
    }
  }
}
