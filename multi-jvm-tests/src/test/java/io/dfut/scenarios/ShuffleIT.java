package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.DFut;
import io.dfut.DFut4;
import io.dfut.Returns4;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A computation in three stages whose nodes are killed one after the other. */
@Timeout(300)
final class ShuffleIT extends DeathScenarios {
  private static final int PARTITIONS = 200;

  /** Of each partition; each part of it is too large for a message. */
  private static final int NUMBERS = 120_000;

  private static final int PARTS = 4;
  private static final int DEATHS = 5;

  /** Between two deaths, and at least as long as the next node takes to start. */
  private static final int PAUSE_SECONDS = 2;

  private static final Duration PATIENCE = Duration.ofSeconds(120);

  /** Deaths that were begun, and that are over; only the thread that kills changes them. */
  private final AtomicInteger begun = new AtomicInteger();

  private final AtomicInteger killed = new AtomicInteger();

  // ---- the stages ----

  private static int[] numbers(int partition) {
    return new SplittableRandom(partition).ints(NUMBERS, 0, 1_000_000).toArray();
  }

  private static int[] read(Runs runs, int partition) {
    runs.note("partition " + partition);
    return numbers(partition);
  }

  /** By the remainder of each number. */
  private static Returns4<int[], int[], int[], int[]> split(int[] numbers)
      throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(50); // so that deaths come in the middle
    return new Returns4<>(
        remainder(numbers, 0), remainder(numbers, 1), remainder(numbers, 2), remainder(numbers, 3));
  }

  private static int[] remainder(int[] numbers, int which) {
    return IntStream.of(numbers).filter(number -> number % PARTS == which).toArray();
  }

  private static long sum(List<int[]> parts) {
    return parts.stream().flatMapToInt(IntStream::of).asLongStream().sum();
  }

  private static long[] expected() {
    long[] sums = new long[PARTS];
    for (int i = 0; i < PARTITIONS; i++) {
      for (int number : numbers(i)) {
        sums[number % PARTS] += number;
      }
    }
    return sums;
  }

  // ---- the deaths ----

  private void killOneAfterTheOther() {
    try {
      while (killed.get() < DEATHS) {
        TimeUnit.SECONDS.sleep(PAUSE_SECONDS);
        begun.incrementAndGet();
        cluster.kill(cluster.mortal());
        killed.incrementAndGet();
        cluster.addMortals(1);
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts this thread", e);
    }
  }

  @Test
  @Tag("C120")
  @DisplayName("120 a shuffle whose nodes are killed one after the other gives the sequential sums")
  void sumsAreRight() {
    cluster.addMortals(1);
    long[] expected = expected();
    CompletableFuture<Void> killing = CompletableFuture.runAsync(this::killOneAfterTheOther);
    int rounds = 0;
    int repeated = 0;
    do {
      Runs runs = runs("producers-" + rounds++);
      int before = killed.get();
      assertThat(shuffle(runs)).as("the sums of round %d", rounds).isEqualTo(expected);
      int died = begun.get() - before;
      for (int i = 0; i < PARTITIONS; i++) {
        assertThat(runs.count("partition " + i))
            .as("runs of producer %d with %d deaths", i, died)
            .isBetween(1, 1 + died);
      }
      repeated += runs.lines().size() - PARTITIONS;
    } while (!killing.isDone());
    killing.join();
    System.out.printf(
        "%d shuffles, %d deaths: %d producers ran again%n", rounds, killed.get(), repeated);
    assertThat(repeated).isPositive();
  }

  private long[] shuffle(Runs runs) {
    return dfut.scope(
        () -> {
          List<DFut4<int[], int[], int[], int[]>> split = new ArrayList<>();
          for (int i = 0; i < PARTITIONS; i++) {
            DFut<int[]> read = dfut.task(ShuffleIT::read).maxRetries(-1).submit(runs, i);
            split.add(dfut.multi4(ShuffleIT::split).maxRetries(-1).submit(read));
          }
          List<DFut<Long>> sums =
              List.of(
                  sumOf(split.stream().map(DFut4::first).toList()),
                  sumOf(split.stream().map(DFut4::second).toList()),
                  sumOf(split.stream().map(DFut4::third).toList()),
                  sumOf(split.stream().map(DFut4::fourth).toList()));
          return sums.stream().mapToLong(sum -> sum.get(PATIENCE)).toArray();
        });
  }

  private DFut<Long> sumOf(List<DFut<int[]>> parts) {
    return dfut.task(ShuffleIT::sum).maxRetries(-1).submit(DFut.all(parts));
  }
}
