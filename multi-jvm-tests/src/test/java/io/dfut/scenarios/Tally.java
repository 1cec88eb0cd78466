package io.dfut.scenarios;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts how often something ran, and how often at the same time. As with {@link Gate}, the value
 * is only a name. Thread-safe.
 */
record Tally(String name) {
  private static final Map<String, State> TALLIES = new ConcurrentHashMap<>();
  private static final AtomicLong LAST = new AtomicLong();

  private static final class State {
    final AtomicInteger count = new AtomicInteger();
    final AtomicInteger inside = new AtomicInteger();
    final AtomicInteger insideMax = new AtomicInteger();
  }

  /** A new tally. */
  static Tally zero() {
    Tally tally = new Tally("tally-" + LAST.incrementAndGet());
    TALLIES.put(tally.name, new State());
    return tally;
  }

  static void forgetAll() {
    TALLIES.clear();
  }

  private State state() {
    State state = TALLIES.get(name);
    if (state == null) {
      throw new IllegalStateException("the scenario of " + name + " is over");
    }
    return state;
  }

  /** Counts one more; returns how many that makes. */
  int add() {
    if (Signals.areElsewhere()) {
      try {
        return Signals.ask("add " + name);
      } catch (InterruptedException e) {
        throw new IllegalStateException("interrupted while counting", e);
      }
    }
    return state().count.incrementAndGet();
  }

  int count() {
    return state().count.get();
  }

  /** Counts one more, who is inside until {@link #leave()}. */
  void enter() {
    State state = state();
    state.count.incrementAndGet();
    int inside = state.inside.incrementAndGet();
    state.insideMax.accumulateAndGet(inside, Math::max);
  }

  void leave() {
    state().inside.decrementAndGet();
  }

  /** How many were inside at the same time. */
  int insideMax() {
    return state().insideMax.get();
  }
}
