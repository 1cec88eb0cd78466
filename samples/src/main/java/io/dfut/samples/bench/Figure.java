package io.dfut.samples.bench;

import java.util.Arrays;
import java.util.Locale;

/**
 * What was measured, beside what the machine itself can do, in rounds that took turns.
 *
 * @param name by which it is followed over time
 * @param value the median
 * @param limit the median of the limit
 * @param limitName what the limit is
 * @param budget what must be reached, in words; empty for no aim
 * @param ok whether it was reached
 */
record Figure(
    String name,
    String unit,
    double value,
    double min,
    double max,
    double limit,
    String limitName,
    double ratio,
    String budget,
    boolean ok) {

  /** One round of something; its time counts. */
  interface Round {
    void run() throws Exception;
  }

  /** Seconds that each of two took, round by round. */
  record Times(double[] ours, double[] limit) {
    /**
     * Measures both in turns, after two rounds that do not count.
     *
     * @param before what is done before each round of ours, untimed
     * @param after what is done after it, untimed
     */
    static Times of(int runs, Round before, Round ours, Round after, Round limit) throws Exception {
      double[] a = new double[runs];
      double[] b = new double[runs];
      for (int i = -2; i < runs; i++) {
        before.run();
        long start = System.nanoTime();
        ours.run();
        long end = System.nanoTime();
        after.run();
        long limitStart = System.nanoTime();
        limit.run();
        long limitEnd = System.nanoTime();
        if (i >= 0) {
          a[i] = (end - start) / 1e9;
          b[i] = (limitEnd - limitStart) / 1e9;
        }
      }
      Arrays.sort(a);
      Arrays.sort(b);
      return new Times(a, b);
    }
  }

  private static double median(double[] sorted) {
    return sorted[sorted.length / 2];
  }

  /** Bytes a second; more is better. The budget is a share of the limit, 0 for none. */
  static Figure throughput(String name, double bytes, Times times, String limitName, double share) {
    double value = bytes / median(times.ours()) / 1e9;
    double limit = bytes / median(times.limit()) / 1e9;
    double[] all = times.ours();
    return new Figure(
        name,
        "GB/s",
        value,
        bytes / all[all.length - 1] / 1e9,
        bytes / all[0] / 1e9,
        limit,
        limitName,
        value / limit,
        share == 0 ? "" : String.format(Locale.ROOT, ">= %.1fx", share),
        value / limit >= share);
  }

  /** Milliseconds for each of {@code count} things; less is better. 0 for no budget. */
  static Figure latency(
      String name, int count, Times times, String limitName, double budgetMillis) {
    double scale = 1e3 / count;
    double value = median(times.ours()) * scale;
    double limit = median(times.limit()) * scale;
    double[] all = times.ours();
    return new Figure(
        name,
        "ms",
        value,
        all[0] * scale,
        all[all.length - 1] * scale,
        limit,
        limitName,
        value / limit,
        budgetMillis == 0 ? "" : String.format(Locale.ROOT, "<= %.1f ms", budgetMillis),
        budgetMillis == 0 || value <= budgetMillis);
  }

  /** For people. */
  String line() {
    return String.format(
        Locale.ROOT,
        "%-28s %9.4f %-4s (%.4f … %.4f)  %s %.4f  ratio %.2f  %s",
        name,
        value,
        unit,
        min,
        max,
        limitName,
        limit,
        ratio,
        budget.isEmpty() ? "" : budget + (ok ? " ok" : " MISSED"));
  }

  /** For programs. */
  String json() {
    return String.format(
        Locale.ROOT,
        "{\"name\":\"%s\",\"value\":%.6f,\"unit\":\"%s\",\"min\":%.6f,\"max\":%.6f,"
            + "\"limit\":%.6f,\"limitName\":\"%s\",\"ratio\":%.4f,\"budget\":%s,\"ok\":%s}",
        name,
        value,
        unit,
        min,
        max,
        limit,
        limitName,
        ratio,
        budget.isEmpty() ? "null" : '"' + budget + '"',
        budget.isEmpty() ? "null" : ok);
  }
}
