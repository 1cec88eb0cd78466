package io.dfut.internal.runtime;

import io.dfut.Inspection;
import io.dfut.WorkerId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Puts the calls of each caller into the order in which it made them: a call that came early waits
 * for those before it, one that came twice is dropped, and one whose arguments are still on their
 * way holds up those of the same caller behind it, nobody else's. Not thread-safe: used under its
 * actor's lock.
 */
final class CallOrder {
  private static final class Caller {
    long next;

    /** By their numbers; null for one that was taken out, so that those behind it have a turn. */
    final TreeMap<Long, Pushed> early = new TreeMap<>();

    /** Calls that wait for arguments, or behind one that does, in their order. */
    final ArrayDeque<Turn> line = new ArrayDeque<>(0);
  }

  private static final class Turn {
    final Pushed call;
    boolean fetched;

    Turn(Pushed call) {
      this.call = call;
    }
  }

  private final Map<WorkerId, Caller> callers = new HashMap<>();
  private final Function<Pushed, CompletableFuture<?>> fetch;
  private final Consumer<Pushed> arrived;
  private final Consumer<Pushed> ready;

  /**
   * @param fetch starts to fetch a call's arguments
   * @param arrived runs on any thread when such a fetch has ended, well or not; must come back to
   *     {@link #fetched} under the lock
   * @param ready gets the calls whose turn has come, in order and under the lock
   */
  CallOrder(
      Function<Pushed, CompletableFuture<?>> fetch,
      Consumer<Pushed> arrived,
      Consumer<Pushed> ready) {
    this.fetch = fetch;
    this.arrived = arrived;
    this.ready = ready;
  }

  /** Takes a call in. */
  void offer(Pushed call) {
    Caller caller = callers.computeIfAbsent(ownerOf(call), id -> new Caller());
    if (call.push.sequence() < caller.next) {
      return; // repeated
    }
    if (call.push.sequence() > caller.next) {
      caller.early.putIfAbsent(call.push.sequence(), call);
      return;
    }
    turn(caller, call);
    while (caller.early.containsKey(caller.next)) {
      turn(caller, caller.early.remove(caller.next));
    }
  }

  private void turn(Caller caller, Pushed call) {
    caller.next++;
    if (call == null) {
      return; // taken out
    }
    CompletableFuture<?> fetched = fetch.apply(call);
    if (fetched.isDone() && caller.line.isEmpty()) {
      ready.accept(call); // a failure is the call's to report
      return;
    }
    caller.line.addLast(new Turn(call));
    fetched.whenComplete((done, failure) -> arrived.accept(call));
  }

  /** The arguments of a call are here, or will not come. */
  void fetched(Pushed call) {
    Caller caller = callers.get(ownerOf(call));
    if (caller == null) {
      return; // forgotten meanwhile
    }
    for (Turn turn : caller.line) {
      turn.fetched |= turn.call == call;
    }
    advance(caller);
  }

  private void advance(Caller caller) {
    while (!caller.line.isEmpty() && caller.line.peekFirst().fetched) {
      ready.accept(caller.line.removeFirst().call);
    }
  }

  /** Takes a call out whose turn has not come; those behind it go on without it. */
  Optional<Pushed> takeOut(Predicate<Pushed> which) {
    for (Caller caller : callers.values()) {
      for (Turn turn : caller.line) {
        if (which.test(turn.call)) {
          caller.line.remove(turn);
          advance(caller);
          return Optional.of(turn.call);
        }
      }
      for (Map.Entry<Long, Pushed> entry : caller.early.entrySet()) {
        Pushed call = entry.getValue();
        if (call != null && which.test(call)) {
          entry.setValue(null);
          return Optional.of(call);
        }
      }
    }
    return Optional.empty();
  }

  /** Goes through the calls whose turn has not come. */
  void waiting(BiConsumer<Pushed, Inspection.Stage> action) {
    for (Caller caller : callers.values()) {
      caller.line.forEach(turn -> action.accept(turn.call, Inspection.Stage.ARGUMENTS));
      caller.early.values().stream()
          .filter(Objects::nonNull)
          .forEach(call -> action.accept(call, Inspection.Stage.QUEUED));
    }
  }

  /**
   * A caller that is dead calls no more.
   *
   * @return its calls whose turn had not come
   */
  List<Pushed> forget(Predicate<WorkerId> dead) {
    List<Pushed> forgotten = new ArrayList<>();
    callers
        .entrySet()
        .removeIf(
            entry -> {
              if (!dead.test(entry.getKey())) {
                return false;
              }
              entry.getValue().line.forEach(turn -> forgotten.add(turn.call));
              entry.getValue().early.values().stream()
                  .filter(Objects::nonNull)
                  .forEach(forgotten::add);
              return true;
            });
    return forgotten;
  }

  private static WorkerId ownerOf(Pushed call) {
    return call.push.spec().id().owner();
  }
}
