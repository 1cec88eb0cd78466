package io.dfut.samples.bench;

import com.sun.management.ThreadMXBean;
import io.dfut.DFut;
import io.dfut.Task1;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Measures in this JVM: ours and the substrate in turns, round by round. Every round adds up what
 * it was given, so that it cannot have done nothing.
 */
final class Turns {
  static final String RESULT = "measured ";
  static final String OURS = "ours";
  static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final int CALLS = 200;
  private static final int ROUNDS_MIN = 3;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final long nanos;
  private final List<String> names;

  /**
   * @param args seconds for each figure, then the names of the figures
   */
  Turns(String[] args) {
    this.nanos = TimeUnit.SECONDS.toNanos(Long.parseLong(args[0]));
    this.names = List.of(args).subList(1, args.length);
  }

  /** Whether a figure that begins so is to be measured. */
  boolean wants(String prefix) {
    return names.stream().anyMatch(name -> name.startsWith(prefix));
  }

  /** Tells what was measured, if it was asked for. */
  void found(String name, double value, String who) {
    if (names.contains(name)) {
      System.out.println(
          RESULT + name + " " + String.format(Locale.ROOT, "%.9f", value) + " " + who);
    }
  }

  // ---- taking turns ----

  /** Does something and gives the sum of what came of it. */
  interface Round {
    long run() throws Exception;
  }

  /** What one of those that took turns needed. */
  static final class Taken {
    final List<Double> seconds = new ArrayList<>();
    final List<Double> bytes = new ArrayList<>();
  }

  /** Runs all in turns until the time is over; the times of each by name. */
  Map<String, Taken> inTurns(Map<String, Round> rounds, long expected) throws Exception {
    turns(rounds, expected);
    return turns(rounds, expected);
  }

  private Map<String, Taken> turns(Map<String, Round> rounds, long expected) throws Exception {
    Map<String, Taken> taken = new LinkedHashMap<>();
    rounds.keySet().forEach(who -> taken.put(who, new Taken()));
    long end = System.nanoTime() + nanos;
    for (int i = 0; i < ROUNDS_MIN || System.nanoTime() < end; i++) {
      for (Map.Entry<String, Round> round : rounds.entrySet()) {
        long bytes = THREADS.getTotalThreadAllocatedBytes();
        long start = System.nanoTime();
        long sum = round.getValue().run();
        Taken times = taken.get(round.getKey());
        times.seconds.add((System.nanoTime() - start) / 1e9);
        times.bytes.add((double) THREADS.getTotalThreadAllocatedBytes() - bytes);
        check(round.getKey(), sum, expected);
      }
    }
    return taken;
  }

  private static void check(String who, long sum, long expected) {
    if (sum != expected) {
      throw new IllegalStateException(who + " gave " + sum + " instead of " + expected);
    }
  }

  static double median(List<Double> values) {
    return Figure.median(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** Millions a second. */
  void rates(String name, int count, Map<String, Round> rounds, long expected) throws Exception {
    inTurns(rounds, expected)
        .forEach((who, taken) -> found(name, count / median(taken.seconds) / 1e6, who));
  }

  // ---- one call at a time ----

  /** Asks for a number and waits for the next one. */
  interface Call {
    int next(int number) throws Exception;
  }

  private static final class Samples {
    long[] nanos = new long[1 << 16];
    int count;

    void add(long sample) {
      if (count == nanos.length) {
        nanos = Arrays.copyOf(nanos, 2 * count);
      }
      nanos[count++] = sample;
    }

    /** Microseconds. */
    double percentile(int percent) {
      long[] sorted = Arrays.copyOf(nanos, count);
      Arrays.sort(sorted);
      return sorted[(int) ((count - 1L) * percent / 100)] / 1e3;
    }
  }

  /** Microseconds for each call, as percentiles. */
  void latencies(String prefix, Map<String, Call> calls) throws Exception {
    Map<String, Samples> samples = new LinkedHashMap<>();
    Map<String, Round> rounds = new LinkedHashMap<>();
    calls.forEach(
        (who, call) -> {
          Samples mine = new Samples();
          samples.put(who, mine);
          rounds.put(
              who,
              () -> {
                long sum = 0;
                for (int i = 0; i < CALLS; i++) {
                  long start = System.nanoTime();
                  sum += call.next(i);
                  mine.add(System.nanoTime() - start);
                }
                return sum;
              });
        });
    long expected = CALLS * (CALLS + 1L) / 2;
    turns(rounds, expected);
    samples.values().forEach(warmUp -> warmUp.count = 0);
    turns(rounds, expected);
    samples.forEach(
        (who, mine) -> {
          found(prefix + ".p50", mine.percentile(50), who);
          found(prefix + ".p99", mine.percentile(99), who);
        });
  }

  // ---- what is measured ----

  /** The body of all empty tasks. */
  static int next(int number) {
    return number + 1;
  }

  /** The value, and closes. */
  static <T> T take(DFut<T> future) {
    try (future) {
      return future.get(PATIENCE);
    }
  }

  /** Submits so many, then reads all; their sum. */
  static long submitAll(Task1<Integer, Integer> task, int count) {
    List<DFut<Integer>> submitted = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      submitted.add(task.submit(i));
    }
    long sum = 0;
    for (DFut<Integer> result : submitted) {
      sum += take(result);
    }
    return sum;
  }
}
