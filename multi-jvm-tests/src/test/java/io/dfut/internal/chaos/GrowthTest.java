package io.dfut.internal.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.internal.chaos.Footprint.Measure;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Series of what a process takes, made up, a sample every half minute. */
final class GrowthTest {
  private static final long MIB = 1 << 20;
  private static final int HOUR = 120;

  private static List<Footprint> series(Measure measure, int samples, IntToLongFunction amount) {
    return IntStream.range(0, samples)
        .mapToObj(i -> new Footprint("node-1/1", 30.0 * i, Map.of(measure, amount.applyAsLong(i))))
        .toList();
  }

  private static Growth only(List<Footprint> footprints) {
    List<Growth> all = Growth.of(footprints);
    assertThat(all).hasSize(1);
    return all.getFirst();
  }

  @Test
  void whatStaysAfterItsWarmUpIsNoGrowth() {
    SplittableRandom random = new SplittableRandom(1);
    Growth growth =
        only(
            series(
                Measure.RESIDENT,
                HOUR,
                i -> Math.min(i, 25) * 8 * MIB + random.nextLong(30 * MIB)));
    assertThat(growth.isTooMuch()).as(growth.toString()).isFalse();
    assertThat(growth.samples()).isEqualTo(90);
  }

  @Test
  void aSlowLeakIsGrowth() {
    SplittableRandom random = new SplittableRandom(2);
    Growth hour =
        only(series(Measure.LIVE_HEAP, HOUR, i -> i * 20 * MIB / HOUR + random.nextLong(6 * MIB)));
    assertThat(hour.isTooMuch()).as(hour.toString()).isTrue();
    Growth day =
        only(
            series(
                Measure.LIVE_HEAP, 24 * HOUR, i -> i * 2 * MIB / HOUR + random.nextLong(6 * MIB)));
    assertThat(day.isTooMuch()).as(day.toString()).isTrue();
  }

  @Test
  void fewOutliersAreNoGrowth() {
    Growth growth = only(series(Measure.DESCRIPTORS, HOUR, i -> i > HOUR - 10 ? 500 : 40));
    assertThat(growth.perHour()).isZero();
    assertThat(growth.isTooMuch()).isFalse();
    assertThat(growth.last()).isEqualTo(500);
  }

  @Test
  void aThreadMoreInEachRoundIsGrowthAfterTheSlack() {
    assertThat(only(series(Measure.THREADS, 12, i -> i)).isTooMuch()).isFalse();
    assertThat(only(series(Measure.THREADS, 14, i -> i)).isTooMuch()).isTrue();
  }

  @Test
  void whatShrinksIsNoGrowth() {
    assertThat(only(series(Measure.DIRECT, HOUR, i -> (HOUR - i) * MIB)).isTooMuch()).isFalse();
  }

  @Test
  void ofAFewSamplesNothingIsSaid() {
    assertThat(Growth.of(series(Measure.THREADS, 7, i -> 100L * i))).isEmpty();
    assertThat(Growth.of(series(Measure.THREADS, 8, i -> 100L * i))).hasSize(1);
  }

  @Test
  void aProcessThatLivesCanBeMeasured() {
    Footprint own = Footprint.of("own", 0, ProcessHandle.current().pid(), Footprint.inside());
    assertThat(own.amounts().get(Measure.LIVE_HEAP)).isPositive();
    assertThat(own.amounts().get(Measure.DIRECT)).isNotNegative();
    if (java.nio.file.Files.exists(java.nio.file.Path.of("/proc/self/status"))) {
      assertThat(own.amounts()).containsOnlyKeys(Measure.values());
      assertThat(own.amounts().get(Measure.RESIDENT)).isGreaterThan(10 * MIB);
      assertThat(own.amounts().get(Measure.THREADS)).isGreaterThan(5);
      assertThat(own.amounts().get(Measure.DESCRIPTORS)).isGreaterThan(3);
    }
  }
}
