package io.dfut.internal.codec.bench;

import io.dfut.internal.codec.bench.Candidates.Candidate;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Map;

/**
 * The parts of ADR 0002's comparison that JMH does not measure. {@code cold NAME}: what the first
 * values cost in a fresh JVM. {@code kinds NAME}: what arrives. {@code sizes NAME}: how many bytes.
 * {@code hot NAME}: CPU time once warm, which does not suffer from other work on the machine as
 * JMH's wall time does.
 */
final class CodecComparison {
  private CodecComparison() {}

  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "cold" -> cold(args[1]);
      case "kinds" -> kinds(Candidates.of(args[1]));
      case "sizes" -> {
        for (String name : new String[] {"point", "order", "orders100", "map100", "doubles10k"}) {
          System.out.println(name + " " + Candidates.of(args[1]).encode(Samples.hot(name)).length);
        }
      }
      case "hot" -> {
        for (String name : new String[] {"point", "order", "orders100", "map100", "doubles10k"}) {
          hot(args[1], name);
        }
      }
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private interface Work {
    Object run() throws Exception;
  }

  private static void hot(String codec, String sample) throws Exception {
    Candidate candidate = Candidates.of(codec);
    Object value = Samples.hot(sample);
    byte[] bytes = candidate.encode(value);
    double encode = cpuNanos(() -> candidate.encode(value));
    double decode = cpuNanos(() -> candidate.decode(bytes));
    System.out.printf("%s %s: encode %.0f ns, decode %.0f ns%n", codec, sample, encode, decode);
  }

  /**
   * This thread's CPU time of one run, the best of twenty batches: what a busy machine disturbs
   * least.
   */
  private static double cpuNanos(Work work) throws Exception {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long batch = 1;
    long warm = threads.getCurrentThreadCpuTime() + 3_000_000_000L;
    while (threads.getCurrentThreadCpuTime() < warm) {
      long start = threads.getCurrentThreadCpuTime();
      for (long i = 0; i < batch; i++) {
        sink = work.run();
      }
      if (threads.getCurrentThreadCpuTime() - start < 20_000_000) {
        batch *= 2;
      }
    }
    double best = Double.MAX_VALUE;
    for (int i = 0; i < 20; i++) {
      long start = threads.getCurrentThreadCpuTime();
      for (long j = 0; j < batch; j++) {
        sink = work.run();
      }
      best = Math.min(best, (double) (threads.getCurrentThreadCpuTime() - start) / batch);
    }
    return best;
  }

  private static volatile Object sink;

  private static void cold(String name) throws Exception {
    // Both touched before the clock starts: their cost is the program's, not the codec's.
    Object value = Samples.hot("order");
    Object other = Samples.kinds();
    long start = System.nanoTime();
    Candidate candidate = Candidates.of(name);
    byte[] bytes = candidate.encode(value);
    Object copy = candidate.decode(bytes);
    long first = System.nanoTime();
    System.out.printf(
        "%s: first record there and back %.0f ms%s%n",
        name, (first - start) / 1e6, copy.equals(value) ? "" : " (NOT EQUAL)");
    candidate.decode(candidate.encode(Samples.hot("map100")));
    candidate.decode(candidate.encode(((Map<?, ?>) other).get("sealed hierarchy")));
    System.out.printf(
        "%s: a map and a sealed hierarchy %.0f ms more%n", name, (System.nanoTime() - first) / 1e6);
  }

  private static void kinds(Candidate candidate) {
    for (Map.Entry<String, Object> kind : Samples.kinds().entrySet()) {
      String result;
      try {
        byte[] bytes = candidate.encode(kind.getValue());
        Object copy = candidate.decode(bytes);
        result = arrived(kind.getValue(), copy);
      } catch (Exception | StackOverflowError e) {
        String text = String.valueOf(e).replace('\n', ' ');
        result = "refused: " + text.substring(0, Math.min(150, text.length()));
      }
      System.out.printf("%-20s %s%n", kind.getKey(), result);
    }
  }

  private static String arrived(Object value, Object copy) {
    if (value instanceof Object[] array) {
      return copy instanceof Object[] other && Arrays.deepEquals(array, other) ? "same" : "DIFFERS";
    }
    if (value instanceof int[] ints) {
      return copy instanceof int[] other && Arrays.equals(ints, other) ? "same" : "DIFFERS";
    }
    if (value instanceof java.util.List<?> list && !list.isEmpty() && list.get(0) == list) {
      return copy instanceof java.util.List<?> other && other.get(0) == other ? "same" : "DIFFERS";
    }
    if (value instanceof Record || value instanceof java.util.Collection || value instanceof Map) {
      return value.equals(copy) && value.getClass() == copy.getClass()
          ? "same"
          : "DIFFERS: " + copy;
    }
    return copy.getClass() == value.getClass() ? "arrived" : "DIFFERS: " + copy;
  }
}
