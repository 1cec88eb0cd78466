package io.dfut.internal.explore;

import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Visits every reachable state of a {@link Model} breadth-first, so that the first violation that
 * is found has a shortest path.
 *
 * <p>A state is kept as 128 bits of fingerprint, the number of the state before it, and the choice
 * that led here: some 40 bytes. The state itself is made again by replay from the beginning.
 * Machines take about a microsecond a step, so for the depths in question a replay costs no more
 * than a deep copy of all machines would, and needs none of their secrets. Replays are also a
 * check: one in {@value #COMPARED} is compared with the fingerprint that the state had, and a
 * machine that reads a clock, or the order of an identity hash, is found out.
 */
public final class Explorer {
  private static final int COMPARED = 64;
  private static final int CHUNK = 32;

  /**
   * Where exploration stops.
   *
   * @param depthMax choices from the beginning
   * @param statesMax after the level in which there are as many, or within it
   * @param threads that explore; with one, paths are the same in every run
   */
  public record Limits(int depthMax, long statesMax, int threads) {
    public Limits {
      if (depthMax < 1 || statesMax < 1 || threads < 1) {
        throw new IllegalArgumentException(
            "limits: " + depthMax + ", " + statesMax + ", " + threads);
      }
    }
  }

  /**
   * A broken promise.
   *
   * @param path the choices that lead to it, one a line
   */
  public record Violation(List<String> path, Throwable cause) {
    @Override
    public String toString() {
      StringBuilder text = new StringBuilder("violation after " + path.size() + " steps:\n");
      for (int i = 0; i < path.size(); i++) {
        text.append(String.format(Locale.ROOT, "%4d  %s%n", i + 1, path.get(i)));
      }
      return text.append("  => ").append(cause.getMessage()).append('\n').toString();
    }
  }

  /**
   * What came out.
   *
   * @param states different ones
   * @param transitions choices taken, those that led to a known state included
   * @param depth of the deepest new state
   * @param exhausted whether there is no state that was not expanded
   * @param frontiers new states by depth, from 0 on
   * @param cpuSeconds of the exploring threads: what a busy machine does not stretch
   */
  public record Report(
      String name,
      long states,
      long transitions,
      int depth,
      boolean exhausted,
      List<Long> frontiers,
      double seconds,
      double cpuSeconds,
      Optional<Violation> violation) {
    public String summary() {
      return String.format(
          Locale.ROOT,
          "%-22s %,11d states %,12d transitions  depth %3d  %-11s %7.1f s, %7.1f s CPU  %,8.0f"
              + " states/s",
          name,
          states,
          transitions,
          depth,
          violation.isPresent() ? "VIOLATION" : exhausted ? "exhausted" : "not done",
          seconds,
          cpuSeconds,
          states / Math.max(seconds, 1e-9));
    }
  }

  private final String name;
  private final Supplier<? extends Model> initial;
  private final Limits limits;
  private final Visited visited = new Visited();
  private final AtomicLong transitions = new AtomicLong();
  private final AtomicLong cpuNanos = new AtomicLong();
  private volatile Found found;

  private record Found(int state, int choice, Throwable cause) {}

  private Explorer(String name, Supplier<? extends Model> initial, Limits limits) {
    this.name = name;
    this.initial = initial;
    this.limits = limits;
  }

  /**
   * Explores until a violation, a limit, or the end.
   *
   * @param initial makes the first state, anew for every replay
   * @param progress gets a line for each level that takes longer
   */
  public static Report explore(
      String name, Supplier<? extends Model> initial, Limits limits, PrintStream progress) {
    return new Explorer(name, initial, limits).run(progress);
  }

  private Report run(PrintStream progress) {
    long begun = System.nanoTime();
    Model first = initial.get();
    first.check();
    Fingerprint print = new Fingerprint();
    print.take(first);
    visited.add(print, -1, -1);
    List<Long> frontiers = new ArrayList<>(List.of(1L));
    int from = 0;
    long told = begun;
    while (found == null
        && from < visited.size()
        && frontiers.size() <= limits.depthMax
        && visited.size() < limits.statesMax) {
      int to = visited.size();
      expand(from, to);
      from = to;
      if (visited.size() > to) {
        frontiers.add((long) visited.size() - to);
      }
      if (System.nanoTime() - told > 10_000_000_000L) {
        told = System.nanoTime();
        progress.printf(
            Locale.ROOT,
            "  %s: depth %d, %,d states, %,d on the frontier, %.0f s%n",
            name,
            frontiers.size() - 1,
            visited.size(),
            visited.size() - to,
            (told - begun) / 1e9);
      }
    }
    boolean exhausted = found == null && from == visited.size();
    double seconds = (System.nanoTime() - begun) / 1e9;
    return new Report(
        name,
        visited.size(),
        transitions.get(),
        frontiers.size() - 1,
        exhausted,
        List.copyOf(frontiers),
        seconds,
        cpuNanos.get() / 1e9,
        Optional.ofNullable(found).map(this::violation));
  }

  private void expand(int from, int to) {
    AtomicInteger next = new AtomicInteger(from);
    Runnable work =
        () -> {
          long cpuBefore = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
          Fingerprint print = new Fingerprint();
          int chunk;
          while ((chunk = next.getAndAdd(CHUNK)) < to && found == null) {
            for (int state = chunk; state < Math.min(chunk + CHUNK, to) && found == null; state++) {
              if (visited.size() < limits.statesMax) {
                expand(state, print);
              }
            }
          }
          long cpuAfter = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
          cpuNanos.addAndGet(cpuAfter - cpuBefore);
        };
    if (limits.threads == 1 || to - from <= CHUNK) {
      work.run();
      return;
    }
    List<Thread> threads = new ArrayList<>();
    List<Throwable> broken = new java.util.concurrent.CopyOnWriteArrayList<>();
    for (int i = 0; i < limits.threads; i++) {
      Thread thread = new Thread(work, "explorer-" + i);
      thread.setUncaughtExceptionHandler((t, e) -> broken.add(e));
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      join(thread);
    }
    if (!broken.isEmpty()) {
      throw new IllegalStateException("the explorer itself failed", broken.getFirst());
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted while exploring", e);
    }
  }

  private void expand(int state, Fingerprint print) {
    int[] path = visited.pathTo(state);
    Model model = replay(path);
    if (state % COMPARED == 0) {
      print.take(model);
      if (!visited.is(state, print)) {
        throw new IllegalStateException(
            "a replay led to another state: " + Arrays.toString(path) + " of " + name);
      }
    }
    int[] choices = model.choices();
    for (int choice : choices) {
      if (model == null) {
        model = replay(path);
      }
      try {
        model.choose(choice);
        print.take(model);
        if (visited.add(print, state, choice)) {
          model.check();
        }
      } catch (AssertionError | RuntimeException | StackOverflowError e) {
        report(new Found(state, choice, e));
        return;
      }
      model = null;
    }
    transitions.addAndGet(choices.length);
  }

  private synchronized void report(Found violation) {
    if (found == null || violation.state < found.state) {
      found = violation;
    }
  }

  private Model replay(int[] path) {
    Model model = initial.get();
    for (int choice : path) {
      model.choose(choice);
    }
    return model;
  }

  private Violation violation(Found last) {
    Model model = initial.get();
    List<String> lines = new ArrayList<>();
    for (int choice : visited.pathTo(last.state)) {
      lines.add(model.describe(choice));
      model.choose(choice);
    }
    lines.add(model.describe(last.choice));
    return new Violation(List.copyOf(lines), last.cause);
  }

  /** The states that were seen, by number in the order in which they were. */
  private static final class Visited {
    /** Open addressing: the number of a state plus one; 0 where there is none. */
    private int[] table = new int[1 << 12];

    private long[] highs = new long[1 << 11];
    private long[] lows = new long[1 << 11];
    private int[] parents = new int[1 << 11];
    private short[] choices = new short[1 << 11];
    private volatile int size;

    int size() {
      return size;
    }

    /** True when it was not there before. */
    synchronized boolean add(Fingerprint print, int parent, int choice) {
      long high = print.high();
      long low = print.low();
      int slot = (int) (low ^ low >>> 32) & table.length - 1;
      while (table[slot] != 0) {
        int state = table[slot] - 1;
        if (lows[state] == low && highs[state] == high) {
          return false;
        }
        slot = slot + 1 & table.length - 1;
      }
      int number = size;
      if (number == lows.length) {
        int longer = Math.addExact(number, number / 2);
        highs = Arrays.copyOf(highs, longer);
        lows = Arrays.copyOf(lows, longer);
        parents = Arrays.copyOf(parents, longer);
        choices = Arrays.copyOf(choices, longer);
      }
      highs[number] = high;
      lows[number] = low;
      parents[number] = parent;
      choices[number] = (short) choice;
      table[slot] = number + 1;
      size = number + 1;
      if (size > table.length / 2) {
        grow();
      }
      return true;
    }

    private void grow() {
      table = new int[Math.multiplyExact(table.length, 2)];
      for (int state = 0; state < size; state++) {
        int slot = (int) (lows[state] ^ lows[state] >>> 32) & table.length - 1;
        while (table[slot] != 0) {
          slot = slot + 1 & table.length - 1;
        }
        table[slot] = state + 1;
      }
    }

    synchronized boolean is(int state, Fingerprint print) {
      return highs[state] == print.high() && lows[state] == print.low();
    }

    synchronized int[] pathTo(int state) {
      int length = 0;
      for (int each = state; parents[each] >= 0; each = parents[each]) {
        length++;
      }
      int[] path = new int[length];
      for (int each = state; parents[each] >= 0; each = parents[each]) {
        path[--length] = choices[each];
      }
      return path;
    }
  }
}
