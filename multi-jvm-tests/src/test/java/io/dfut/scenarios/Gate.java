package io.dfut.scenarios;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;

/**
 * Something that a task waits at until the test opens it. The value is only a name, so that it
 * travels to any node of this JVM, or of one that the test has started, and means the same gate
 * there. Thread-safe.
 */
record Gate(String name) {
  /** A task that waits longer than this was forgotten: it fails instead of staying for ever. */
  private static final long WAIT_MAX_SECONDS = 45;

  private static final Map<String, State> GATES = new ConcurrentHashMap<>();
  private static final AtomicLong LAST = new AtomicLong();

  private static final class State {
    final CountDownLatch open = new CountDownLatch(1);
    final AtomicInteger arrived = new AtomicInteger();
    final AtomicInteger interrupted = new AtomicInteger();
  }

  /** A new gate. */
  static Gate closed() {
    Gate gate = new Gate("gate-" + LAST.incrementAndGet());
    GATES.put(gate.name, new State());
    return gate;
  }

  static void openAll() {
    GATES.values().forEach(state -> state.open.countDown());
  }

  static void forgetAll() {
    GATES.clear();
  }

  private State state() {
    State state = GATES.get(name);
    if (state == null) {
      throw new IllegalStateException("the scenario of " + name + " is over");
    }
    return state;
  }

  void open() {
    state().open.countDown();
  }

  boolean isOpen() {
    return state().open.getCount() == 0;
  }

  /** Waits until the gate is open. */
  void pass() throws InterruptedException {
    if (Signals.areElsewhere()) {
      Signals.ask("pass " + name);
      return;
    }
    State state = state();
    state.arrived.incrementAndGet();
    try {
      if (!state.open.await(WAIT_MAX_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException(name + " was never opened");
      }
    } catch (InterruptedException e) {
      state.interrupted.incrementAndGet();
      throw e;
    }
  }

  /** How often somebody came to the gate. */
  int arrived() {
    return state().arrived.get();
  }

  /** How often somebody was interrupted while waiting at it. */
  int interrupted() {
    return state().interrupted.get();
  }

  /** Waits until somebody came so often. */
  void awaitArrived(int times) {
    Awaitility.await(times + " times at " + name)
        .atMost(Scenarios.SOON)
        .until(() -> arrived() >= times);
  }
}
