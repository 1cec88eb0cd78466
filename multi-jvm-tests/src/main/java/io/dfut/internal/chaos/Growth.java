package io.dfut.internal.chaos;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Whether what one process took of something went on growing. Immutable.
 *
 * <p>The slope is the median of the slopes between all pairs of samples (Theil and Sen): some that
 * lie far off, such as one taken in the middle of a compilation, do not move it. It is taken times
 * the time between the first sample and the last, and must stay below a slack, for what varies
 * anyhow, and a little for each hour: so a short run finds what grows fast, and a long one also
 * what grows slowly.
 *
 * @param samples how many counted
 * @param hours between the first and the last of them
 * @param last the last amount
 * @param perHour the slope
 */
record Growth(
    String process,
    Footprint.Measure measure,
    int samples,
    double hours,
    double last,
    double perHour) {
  /** With fewer nothing is said. */
  static final int SAMPLES_MIN = 6;

  /** The first of these parts of a process's samples is its warm-up. */
  private static final int WARM_UP_PART = 4;

  /** All that can be judged: processes that lived for long enough. */
  static List<Growth> of(List<Footprint> footprints) {
    Map<String, List<Footprint>> byProcess = new LinkedHashMap<>();
    for (Footprint footprint : footprints) {
      byProcess.computeIfAbsent(footprint.process(), key -> new ArrayList<>()).add(footprint);
    }
    List<Growth> all = new ArrayList<>();
    byProcess.forEach(
        (process, samples) -> {
          int warmUp = Math.ceilDiv(samples.size(), WARM_UP_PART);
          List<Footprint> counted = samples.subList(warmUp, samples.size());
          for (Footprint.Measure measure : Footprint.Measure.values()) {
            List<Footprint> known =
                counted.stream().filter(one -> one.amounts().containsKey(measure)).toList();
            if (known.size() >= SAMPLES_MIN) {
              all.add(of(process, measure, known));
            }
          }
        });
    return List.copyOf(all);
  }

  private static Growth of(String process, Footprint.Measure measure, List<Footprint> samples) {
    double[] hours = samples.stream().mapToDouble(one -> one.seconds() / 3600).toArray();
    double[] amounts = samples.stream().mapToDouble(one -> one.amounts().get(measure)).toArray();
    int last = samples.size() - 1;
    return new Growth(
        process,
        measure,
        samples.size(),
        hours[last] - hours[0],
        amounts[last],
        slope(hours, amounts));
  }

  private static double slope(double[] hours, double[] amounts) {
    double[] slopes = new double[hours.length * (hours.length - 1) / 2];
    int next = 0;
    for (int i = 0; i < hours.length; i++) {
      for (int j = i + 1; j < hours.length; j++) {
        slopes[next++] = (amounts[j] - amounts[i]) / (hours[j] - hours[i]);
      }
    }
    Arrays.sort(slopes);
    int middle = slopes.length / 2;
    return slopes.length % 2 == 1 ? slopes[middle] : (slopes[middle - 1] + slopes[middle]) / 2;
  }

  /** By how much it grew, but for what lies far off. */
  double grown() {
    return perHour * hours;
  }

  double allowed() {
    return measure.slack + measure.perHour * hours;
  }

  boolean isTooMuch() {
    return grown() > allowed();
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s: %s %s, slope %s an hour over %d samples in %.1f minutes: %s, of %s allowed",
        process,
        measure,
        measure.shown(last),
        measure.shown(perHour),
        samples,
        hours * 60,
        measure.shown(grown()),
        measure.shown(allowed()));
  }
}
