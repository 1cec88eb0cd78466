package io.dfut.internal.runtime;

import io.dfut.ActorId;
import io.dfut.BackpressureException;
import io.dfut.TaskId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** One worker's calls that have not ended, of those actors that bound them. Thread-safe. */
final class PendingCalls {
  private record Call(ActorId actor, ResultCell result) {}

  /** Added when a call is submitted; removed when it has ended. Guarded by this. */
  private final Map<TaskId, Call> calls = new HashMap<>();

  /** The same by actor, where there is one. Guarded by this. */
  private final Map<ActorId, Set<TaskId>> byActor = new HashMap<>();

  /** Whether there may be one; asked without the lock, as most workers never have any. */
  private volatile boolean areAny;

  /**
   * A call is about to be submitted.
   *
   * @param most how many of this actor's there may be
   * @throws BackpressureException when there are as many
   */
  synchronized void begin(
      TaskId call, ActorId actor, String className, ResultCell result, int most) {
    Set<TaskId> others = byActor.computeIfAbsent(actor, first -> new HashSet<>());
    if (others.size() >= most) { // some may have been answered past the table
      for (TaskId other : Set.copyOf(others)) {
        if (calls.get(other).result().outcome() != null) {
          calls.remove(other);
          others.remove(other);
        }
      }
    }
    if (others.size() >= most) {
      throw new BackpressureException(
          others.size()
              + " calls of "
              + className
              + " ("
              + actor
              + ") from this caller have not ended, its maxPendingCalls: wait for some of them, and"
              + " submit again");
    }
    others.add(call);
    calls.put(call, new Call(actor, result));
    areAny = true;
  }

  /** It has ended, or was not submitted after all; nothing for a call that is not known. */
  void end(TaskId call) {
    if (areAny) {
      forget(call);
    }
  }

  private synchronized void forget(TaskId call) {
    Call ended = calls.remove(call);
    if (ended != null) {
      Set<TaskId> others = byActor.get(ended.actor());
      others.remove(call);
      if (others.isEmpty()) {
        byActor.remove(ended.actor());
      }
      areAny = !calls.isEmpty();
    }
  }
}
