package io.dfut.internal.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A range of seeds, each run to its end, on several threads. Every seed is a run of its own, so a
 * range may be cut anywhere and gone on with later. Thread-safe.
 */
final class Campaign {
  /** A seed whose run broke a promise. */
  record Found(long seed, AssertionError violation) {}

  /** How far it is. */
  record Progress(long seeds, long steps, double seconds, long goOnFrom) {
    double seedsPerSecond() {
      return seconds == 0 ? 0 : seeds / seconds;
    }

    long stepsPerSeed() {
      return seeds == 0 ? 0 : steps / seeds;
    }
  }

  private final Recipe recipe;
  private final long end;
  private final int threads;
  private final long begunNanos = System.nanoTime();
  private final Counters seen = new Counters();

  /** Seeds that run now, by thread. Added when a thread takes one; removed when it has ended. */
  private final Map<Integer, Long> running = new TreeMap<>();

  private long next;
  private long seedsDone;
  private long steps;
  private Optional<Found> found = Optional.empty();

  Campaign(Recipe recipe, long first, long seeds, int threads) {
    this.recipe = recipe;
    this.next = first;
    this.end = first + seeds;
    this.threads = threads;
  }

  /** Runs all seeds, or up to the first that breaks a promise. */
  Optional<Found> run() throws InterruptedException {
    AtomicInteger number = new AtomicInteger();
    List<Thread> all = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      int mine = number.incrementAndGet();
      all.add(Thread.ofPlatform().name("sim-" + mine).daemon().start(() -> work(mine)));
    }
    for (Thread thread : all) {
      thread.join();
    }
    return found();
  }

  private void work(int thread) {
    while (true) {
      long seed;
      synchronized (this) {
        if (next >= end || found.isPresent()) {
          return;
        }
        seed = next++;
        running.put(thread, seed);
      }
      Counters mine = new Counters();
      long done = 0;
      Optional<AssertionError> violation = Optional.empty();
      try {
        done = recipe.sim(seed, mine, false).run();
      } catch (AssertionError broken) {
        violation = Optional.of(broken);
      } catch (Throwable broken) { // else a thread would end silently, and its seeds not be run
        violation = Optional.of(new AssertionError("seed " + seed + ": " + broken, broken));
      }
      synchronized (this) {
        running.remove(thread);
        steps += done;
        seen.addAll(mine);
        if (violation.isEmpty()) {
          seedsDone++;
        } else if (found.isEmpty() || seed < found.get().seed) {
          found = Optional.of(new Found(seed, violation.get()));
        }
      }
    }
  }

  synchronized Progress progress() {
    long goOnFrom = running.values().stream().mapToLong(seed -> seed).min().orElse(next);
    return new Progress(seedsDone, steps, (System.nanoTime() - begunNanos) / 1e9, goOnFrom);
  }

  synchronized Optional<Found> found() {
    return found;
  }

  /** What was seen so far. */
  synchronized Counters seen() {
    Counters copy = new Counters();
    copy.addAll(seen);
    return copy;
  }
}
