package io.dfut.internal.chaos;

import io.dfut.DFut;
import io.dfut.DFutException;
import io.dfut.GetTimeoutException;
import io.dfut.OwnerDiedException;
import io.dfut.ReleasedException;
import io.dfut.SharedDFut;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Waits for answers, compares them, and counts. Thread-safe. */
final class Tally {
  /**
   * Within this a future must be settled, whatever happens. Longer than the longest fault, the time
   * in which a node is started again, and what a chain of tasks has to be made again after both.
   */
  static final Duration BOUND = Duration.ofSeconds(150);

  /** How many of those submitted last are looked at for one that is under way. */
  private static final int RECENT_MAX = 256;

  private final AtomicLong submitted = new AtomicLong();
  private final AtomicLong checked = new AtomicLong();

  /** What was submitted last. */
  private final Queue<DFut<?>> recent = new LinkedBlockingQueue<>();

  private final AtomicLong slowestNanos = new AtomicLong();
  private final Map<String, AtomicLong> allowed = new ConcurrentHashMap<>();
  private final Map<String, AtomicLong> ended = new ConcurrentHashMap<>();

  /** Numbers under which references are handed over. Added and removed by the jobs. */
  private final Set<Integer> handOvers = ConcurrentHashMap.newKeySet();

  private final AtomicInteger lastHandOver = new AtomicInteger();

  /** What a future comes to: its value, or that it may have none, since this died. */
  interface Reading<T> {
    T get(Duration patience);
  }

  /** The driver has submitted a task or a call. */
  <T> DFut<T> submitted(DFut<T> future) {
    submitted.incrementAndGet();
    recent.add(future);
    if (recent.size() > RECENT_MAX) {
      recent.poll();
    }
    return future;
  }

  /** The value. No error is right. */
  <T> T value(String what, DFut<T> future) {
    return value(what + " (" + future.id() + ")", future::get, Set.of()).orElseThrow();
  }

  /** The value of a reference, unless its owner has died. */
  <T> Optional<T> foreign(String what, SharedDFut<T> reference) {
    return value(
        what + " (" + reference.id() + ")", reference::get, Set.of(OwnerDiedException.class));
  }

  /** The value, unless one of these errors is at the bottom of it. */
  <T> Optional<T> value(
      String what, Reading<T> reading, Set<Class<? extends DFutException>> errors) {
    long startNanos = System.nanoTime();
    try {
      T value = reading.get(BOUND);
      slowestNanos.accumulateAndGet(System.nanoTime() - startNanos, Math::max);
      return Optional.of(value);
    } catch (GetTimeoutException e) {
      throw new Violation("nothing came of " + what + " within " + BOUND + ": " + e, e);
    } catch (DFutException e) {
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        if (errors.contains(cause.getClass())) {
          count(allowed, cause.getClass().getSimpleName());
          return Optional.empty();
        }
      }
      throw new Violation(what + " ended with an error that it must not end with: " + e, e);
    }
  }

  /** Compares. */
  void expect(String what, Object expected, Object found) {
    checked.incrementAndGet();
    if (!Objects.equals(expected, found)) {
      throw new Violation("wrong answer of " + what + ": " + found + " instead of " + expected);
    }
  }

  /** So many answers were compared with each other. */
  void checkedAll(int answers) {
    checked.addAndGet(answers);
  }

  /** Waits and compares. */
  <T> void expect(String what, T expected, DFut<T> future) {
    expect(what, expected, value(what, future));
  }

  /** An error that is right here came instead of an answer. */
  void allowed(String name) {
    count(allowed, name);
  }

  /** A job is done. */
  void done(Job.Kind kind) {
    count(ended, kind.toString());
  }

  private static void count(Map<String, AtomicLong> counters, String name) {
    counters.computeIfAbsent(name, any -> new AtomicLong()).incrementAndGet();
  }

  // ---- what is under way ----

  /** So many numbers for references on their way, the first of them. */
  int handOvers(int count) {
    int first = lastHandOver.getAndAdd(count);
    for (int i = 0; i < count; i++) {
      handOvers.add(first + i);
    }
    return first;
  }

  void handOversEnded(int first, int count) {
    for (int i = 0; i < count; i++) {
      handOvers.remove(first + i);
      Ledger.open().received(first + i);
    }
  }

  boolean isHandingOver() {
    Ledger ledger = Ledger.open();
    return handOvers.stream().anyMatch(ledger::isUnderWay);
  }

  boolean isTaskUnderWay() {
    return recent.stream().anyMatch(Tally::isUnderWay);
  }

  private static boolean isUnderWay(DFut<?> future) {
    try {
      return !future.isReady();
    } catch (ReleasedException e) {
      return false; // nobody is interested any more
    }
  }

  // ---- what was ----

  long submitted() {
    return submitted.get();
  }

  long checked() {
    return checked.get();
  }

  Duration slowest() {
    return Duration.ofNanos(slowestNanos.get());
  }

  Map<String, Long> errorsAllowed() {
    return numbers(allowed);
  }

  Map<String, Long> jobs() {
    return numbers(ended);
  }

  private static Map<String, Long> numbers(Map<String, AtomicLong> counters) {
    Map<String, Long> numbers = new TreeMap<>();
    counters.forEach((name, count) -> numbers.put(name, count.get()));
    return numbers;
  }
}
