package io.dfut.internal.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.testing.Mutation;
import java.util.List;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Shows that the simulator bites: each deliberate bug in the machines of ownership and of leases is
 * found.
 */
@Execution(ExecutionMode.SAME_THREAD)
final class MutationsSimTest {
  /** Within so many seeds each must be found. */
  private static final int SEEDS_MAX = 20_000;

  /** Each has machines and simulator of its own; all else is shared. */
  private static final List<String> OWN =
      List.of("io.dfut.internal.ownership.", "io.dfut.internal.lease.", "io.dfut.internal.sim.");

  static List<Mutation> mutations() {
    return Mutation.all();
  }

  @ParameterizedTest
  @MethodSource("mutations")
  void mutationIsFound(Mutation mutation) throws Exception {
    long seeds =
        (long)
            mutation
                .load(name -> OWN.stream().anyMatch(name::startsWith))
                .loadClass(Seeds.class.getName())
                .getMethod("toViolation", long.class)
                .invoke(null, SEEDS_MAX);
    System.out.printf("mutation \"%s\": found by seed %d%n", mutation, seeds);
    assertThat(seeds).as("seeds until \"%s\" is found", mutation).isLessThan(SEEDS_MAX);
  }
}
