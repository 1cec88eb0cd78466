package io.dfut.internal.drain;

import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.machine.Machine;
import io.dfut.internal.spi.ObjectKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Decides what a node that is to leave still waits for (DESIGN section 7, ADR 0021).
 *
 * <p>From the announcement on nothing new comes. Then everything happens at the same time, since
 * what ends in one place leaves something in another: tasks run to their end; primaries are moved,
 * by their owners; actors that may be made anew are; objects that workers of this node own are held
 * until the last holder elsewhere has let go. The node is looked at until nothing of that is left,
 * or until the bound. What no other node could take is not waited for.
 *
 * <p>Messages may be lost with a node that dies meanwhile: who has not answered is asked again,
 * with another node to go to.
 *
 * <p>Not thread-safe: driven by one runtime, or one test.
 */
public final class DrainMachine implements Machine<DrainInput, DrainEffect> {
  /** Between two looks. */
  static final long LOOK_NANOS = 50_000_000;

  /** How long an owner is given to have a copy moved before it is asked again. */
  static final long ASK_AGAIN_NANOS = 2_000_000_000;

  /** Primaries on the move at a time: the others can be read meanwhile. */
  static final int MOVING_MAX = 64;

  /** So many of a kind are named at the end. */
  static final int NAMED_MAX = 20;

  private enum Phase {
    WORKING,
    DRAINING,
    LEFT
  }

  private final long boundNanos;
  private Phase phase = Phase.WORKING;
  private long deadlineNanos;

  /** When the owner was asked last. Added by that; removed when the copy is safe or gone. */
  private final Map<ObjectKey, Long> asked = new HashMap<>();

  /** Primaries that are elsewhere. Added when the owner says so. */
  private final Set<ObjectKey> safe = new HashSet<>();

  /** Actors that were told to move. */
  private final Set<WorkerId> moved = new HashSet<>();

  /** How many owners were asked: each is told of the next target. */
  private int turn;

  /**
   * @param boundNanos how long it may take in all
   */
  public DrainMachine(long boundNanos) {
    this.boundNanos = boundNanos;
  }

  @Override
  public void step(DrainInput input, long nowNanos, Consumer<? super DrainEffect> effects) {
    switch (input) {
      case DrainInput.Begun() -> {
        if (phase == Phase.WORKING) {
          phase = Phase.DRAINING;
          deadlineNanos = nowNanos + boundNanos;
          effects.accept(new DrainEffect.Announce());
          effects.accept(new DrainEffect.Look(0));
        }
      }
      case DrainInput.Looked(Seen seen) -> {
        if (phase == Phase.DRAINING) {
          onLooked(seen, nowNanos, effects);
        }
      }
      case DrainInput.CopySafe(ObjectKey key) -> {
        if (phase == Phase.DRAINING) {
          safe.add(key);
          asked.remove(key);
        }
      }
    }
  }

  private void onLooked(Seen seen, long nowNanos, Consumer<? super DrainEffect> effects) {
    boolean somewhere = !seen.targets().isEmpty();
    List<ObjectKey> unsafe =
        seen.primaries().stream().filter(key -> !safe.contains(key)).sorted(OLDEST_FIRST).toList();
    asked.keySet().retainAll(Set.copyOf(unsafe));
    boolean done =
        seen.running().isEmpty()
            && seen.owned().isEmpty()
            && (!somewhere || unsafe.isEmpty() && seen.actors().stream().noneMatch(this::moves));
    if (done || nowNanos - deadlineNanos >= 0) {
      phase = Phase.LEFT;
      effects.accept(new DrainEffect.Leave(left(seen, unsafe)));
      return;
    }
    if (somewhere) {
      moveCopies(unsafe, seen.targets(), nowNanos, effects);
      seen.actors().stream()
          .filter(this::moves)
          .filter(actor -> moved.add(actor.worker()))
          .forEach(actor -> effects.accept(new DrainEffect.MoveActor(actor.worker())));
    }
    effects.accept(new DrainEffect.Look(Math.min(LOOK_NANOS, deadlineNanos - nowNanos)));
  }

  private boolean moves(Seen.LivingActor actor) {
    return actor.whyItStays().isEmpty();
  }

  private static final java.util.Comparator<ObjectKey> OLDEST_FIRST =
      java.util.Comparator.comparing(ObjectKey::toString);

  private void moveCopies(
      List<ObjectKey> unsafe,
      List<NodeId> targets,
      long nowNanos,
      Consumer<? super DrainEffect> effects) {
    for (ObjectKey key : unsafe) {
      Long last = asked.get(key);
      if (last == null ? asked.size() < MOVING_MAX : nowNanos - last >= ASK_AGAIN_NANOS) {
        asked.put(key, nowNanos);
        effects.accept(new DrainEffect.AskOwner(key, targets.get(turn++ % targets.size())));
      }
    }
  }

  private static List<String> left(Seen seen, List<ObjectKey> unsafe) {
    List<String> left = new ArrayList<>();
    name(left, "still runs and is interrupted", seen.running());
    name(
        left,
        "ends here",
        seen.actors().stream()
            .map(
                actor ->
                    actor.name()
                        + (actor.whyItStays().isEmpty() ? "" : " (" + actor.whyItStays() + ")"))
            .toList());
    name(
        left,
        "was moved nowhere and is lost, or made again",
        unsafe.stream().map(ObjectKey::toString).toList());
    name(
        left,
        "is held elsewhere and ends with its owner",
        seen.owned().stream()
            .map(owned -> owned.object() + " (" + owned.madeBy() + "), held by " + owned.holders())
            .toList());
    return left;
  }

  private static void name(List<String> left, String what, List<String> which) {
    which.stream().limit(NAMED_MAX).forEach(one -> left.add(one + " " + what));
    if (which.size() > NAMED_MAX) {
      left.add("and " + (which.size() - NAMED_MAX) + " more of which each " + what);
    }
  }
}
