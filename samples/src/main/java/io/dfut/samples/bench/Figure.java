package io.dfut.samples.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.function.DoubleUnaryOperator;

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
      return new Times(a, b);
    }
  }

  /**
   * What must be reached: an absolute bound, a ratio to the limit, or both; {@code NaN} for none.
   */
  record Budget(boolean moreIsBetter, double bound, double share) {
    static final Budget NONE = atLeast(Double.NaN, Double.NaN);

    static Budget atMost(double bound, double share) {
      return new Budget(false, bound, share);
    }

    static Budget atLeast(double bound, double share) {
      return new Budget(true, bound, share);
    }

    private boolean isMet(double value, double ratio) {
      return moreIsBetter
          ? !(value < bound) && !(ratio < share) // no bound is met by all
          : !(value > bound) && !(ratio > share);
    }

    private String text(String unit) {
      String text =
          Double.isNaN(bound) ? "" : String.format(Locale.ROOT, "%.1f %s", bound, unit).strip();
      if (!Double.isNaN(share)) {
        text += (text.isEmpty() ? "" : " and ") + String.format(Locale.ROOT, "%.1fx", share);
      }
      return text.isEmpty() ? "" : (moreIsBetter ? ">= " : "<= ") + text;
    }
  }

  /** The median, beside that of the limit. Neither has to be sorted. */
  static Figure of(
      String name, String unit, double[] ours, double[] limit, String limitName, Budget budget) {
    double[] all = ours.clone();
    Arrays.sort(all);
    double value = median(all);
    double ratio = value / median(limit);
    return new Figure(
        name,
        unit,
        value,
        all[0],
        all[all.length - 1],
        median(limit),
        limitName,
        ratio,
        budget.text(unit),
        budget.isMet(value, ratio));
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static double[] each(double[] values, DoubleUnaryOperator change) {
    return Arrays.stream(values).map(change).toArray();
  }

  /** Bytes a second; more is better. The budget is a share of the limit, 0 for none. */
  static Figure throughput(String name, double bytes, Times times, String limitName, double share) {
    DoubleUnaryOperator rate = seconds -> bytes / seconds / 1e9;
    return of(
        name,
        "GB/s",
        each(times.ours(), rate),
        each(times.limit(), rate),
        limitName,
        Budget.atLeast(Double.NaN, share == 0 ? Double.NaN : share));
  }

  /** Milliseconds for each of {@code count} things; less is better. 0 for no budget. */
  static Figure latency(
      String name, int count, Times times, String limitName, double budgetMillis) {
    DoubleUnaryOperator millis = seconds -> seconds * 1e3 / count;
    return of(
        name,
        "ms",
        each(times.ours(), millis),
        each(times.limit(), millis),
        limitName,
        Budget.atMost(budgetMillis == 0 ? Double.NaN : budgetMillis, Double.NaN));
  }

  /** For people. */
  String line() {
    return String.format(
        Locale.ROOT,
        "%-28s %9.4f %-3s (%.4f … %.4f)  %s %.4f  ratio %.2f  %s",
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
