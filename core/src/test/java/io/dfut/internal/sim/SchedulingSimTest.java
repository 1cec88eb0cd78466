package io.dfut.internal.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.internal.sim.SchedulingSim.Result;
import io.dfut.internal.sim.SchedulingSim.Work;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A hundred nodes and a million tasks: how well they are spread, and what that costs. */
final class SchedulingSimTest {
  private static final int NODES = 100;
  private static final int CPUS = 4;

  /** Lengths from 1 ms to 100 ms, as many short as long ones by their logarithm. */
  private static long[] lengths(int tasks, Random random) {
    return random.doubles(tasks).mapToLong(drawn -> (long) (1e6 * Math.pow(100, drawn))).toArray();
  }

  private static Result run(String what, int nodes, List<Work> work) {
    long start = System.nanoTime();
    Result result = new SchedulingSim(nodes, CPUS, 1).run(work);
    System.out.printf("%s: %s (%.1f s)%n", what, result, (System.nanoTime() - start) / 1e9);
    return result;
  }

  private static void isNearGreedy(Result result) {
    assertThat(result.toGreedy()).isLessThanOrEqualTo(1.2);
    assertThat(result.medianMessages()).isLessThanOrEqualTo(3);
  }

  @Test
  void oneOwnerFillsAHundredNodes() {
    Random random = new Random(1);
    isNearGreedy(run("one owner", NODES, List.of(new Work(0, lengths(1_000_000, random)))));
  }

  @Test
  void manyOwnersOfUnevenWorkFillAHundredNodes() {
    Random random = new Random(2);
    List<Work> work = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      work.add(new Work(i, lengths(2_000 + i * 4_000, random)));
    }
    isNearGreedy(run("ten owners", NODES, work));
  }

  @Test
  void oneOwnerOfShortTasksFillsAHundredNodes() {
    long[] taskNanos = new Random(4).longs(1_000_000, 500_000, 1_500_000).toArray();
    isNearGreedy(run("one owner of short tasks", NODES, List.of(new Work(0, taskNanos))));
  }

  @Test
  void twoOwnersOfOneNodeShareIt() {
    Random random = new Random(3);
    Result result =
        run(
            "two owners of one node",
            1,
            List.of(new Work(0, lengths(100_000, random)), new Work(0, lengths(100_000, random))));
    int second = result.doneAtFirstEnd().stream().mapToInt(done -> done).min().orElseThrow();
    assertThat(second / (100_000.0 + second)).isGreaterThanOrEqualTo(0.4);
  }
}
