package io.dfut.internal.runtime;

import io.dfut.WorkerId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Puts the calls of each caller into the order in which it made them: a call that came early waits
 * for those before it, one that came twice is dropped, and one whose arguments are still on their
 * way holds up those of the same caller behind it, nobody else's. Not thread-safe: used under its
 * actor's lock.
 */
final class CallOrder {
  private static final class Caller {
    long next;
    final TreeMap<Long, Pushed> early = new TreeMap<>();
    CompletableFuture<Void> tail = CompletableFuture.completedFuture(null);
  }

  private final Map<WorkerId, Caller> callers = new HashMap<>();

  /**
   * Takes a call in.
   *
   * @param fetch starts to fetch a call's arguments
   * @param ready gets calls whose turn has come, in order; may be run later, by the thread that
   *     completes a fetch
   */
  void offer(
      Pushed call,
      java.util.function.Function<Pushed, CompletableFuture<?>> fetch,
      Consumer<Pushed> ready) {
    Caller caller = callers.computeIfAbsent(call.push.spec().id().owner(), id -> new Caller());
    if (call.push.sequence() < caller.next) {
      return; // repeated
    }
    caller.early.put(call.push.sequence(), call);
    Pushed turn;
    while ((turn = caller.early.remove(caller.next)) != null) {
      caller.next++;
      Pushed mine = turn;
      CompletableFuture<?> fetched =
          fetch.apply(mine).handle((done, failure) -> null); // the call reports it
      caller.tail = caller.tail.thenCombine(fetched, (before, here) -> null);
      caller.tail = caller.tail.thenRun(() -> ready.accept(mine));
      if (caller.tail.isDone()) {
        caller.tail = CompletableFuture.completedFuture(null); // no chain grows while nothing waits
      }
    }
  }

  /**
   * A caller that is dead calls no more.
   *
   * @return its calls whose turn had not come
   */
  List<Pushed> forget(java.util.function.Predicate<WorkerId> dead) {
    List<Pushed> forgotten = new ArrayList<>();
    callers
        .entrySet()
        .removeIf(
            entry -> {
              if (!dead.test(entry.getKey())) {
                return false;
              }
              forgotten.addAll(entry.getValue().early.values());
              return true;
            });
    return forgotten;
  }
}
