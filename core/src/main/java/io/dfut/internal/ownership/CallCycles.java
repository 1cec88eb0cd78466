package io.dfut.internal.ownership;

import io.dfut.TaskId;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds calls of one actor that can never run: every method that runs waits, through whatever tasks
 * and nodes, for a call that is queued behind them. Not thread-safe: guarded by its actor's lock,
 * or driven by a simulator.
 *
 * <p>What it knows comes from {@link io.dfut.internal.protocol.WorkerMessage.Waited}, which is said
 * again each second as long as somebody waits without a bound. One method may wait for one queued
 * call, and another method for another: no single call is waited for by all of them, and yet none
 * can run; or several wait for one call, and each is said by another message. News is forgotten
 * after {@link #NEWS_NANOS}, since a wait can also end because what was waited for was cancelled.
 */
public final class CallCycles {
  /** Three times as long as a wait takes to be said again. */
  static final long NEWS_NANOS = 3_000_000_000L;

  /**
   * By queued call, who waits for it, and when that was said last. Added when it is said; removed
   * when the call left the queue, or by time.
   */
  private final Map<TaskId, Map<TaskId, Long>> news = new HashMap<>();

  /**
   * A queued call is waited for.
   *
   * @param waiters tasks that wait for it
   * @param queued all calls that wait for their turn, this one among them
   * @param methods the calls that run and wait for something, if no further one may run; else empty
   * @return whether the call can never run, and must fail so that the others can
   */
  public boolean canNeverRun(
      TaskId call,
      List<TaskId> waiters,
      Set<TaskId> queued,
      Collection<TaskId> methods,
      long nowNanos) {
    Map<TaskId, Long> said = news.computeIfAbsent(call, same -> new HashMap<>());
    waiters.forEach(waiter -> said.put(waiter, nowNanos));
    news.keySet().retainAll(queued);
    news.values().forEach(all -> all.values().removeIf(at -> nowNanos - at > NEWS_NANOS));
    news.values().removeIf(Map::isEmpty);
    boolean stuck =
        !methods.isEmpty()
            && methods.stream().anyMatch(waiters::contains)
            && methods.stream()
                .allMatch(
                    method -> news.values().stream().anyMatch(all -> all.containsKey(method)));
    if (stuck) {
      news.remove(call);
    }
    return stuck;
  }
}
