package io.dfut.internal.explore;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.testing.Mutation;
import java.util.stream.Stream;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Shows that the explorer bites: deliberate bugs in the machines of ownership are found, each by a
 * shortest path. They are those of the simulator's {@code MutationsSimTest}.
 */
@Execution(ExecutionMode.SAME_THREAD)
final class MutantsExplorerTest {
  private static final int STATES_MAX = 30_000;

  /** A bug, and the scenario and number of faults in which it shows. */
  private record Sought(Mutation mutation, String scenario, int crashes, int repeats) {
    @Override
    public String toString() {
      return mutation.name();
    }
  }

  private static Sought in(String scenario, int crashes, int repeats, String mutation) {
    return new Sought(Mutation.named(mutation), scenario, crashes, repeats);
  }

  static Stream<Sought> mutants() {
    return Stream.of(
        in("lent", 0, 0, "the submitted count is dropped before the borrowers are added"),
        in("again", 0, 1, "a release has no epoch"),
        in("unwrap", 0, 0, "containment is not counted"),
        in("rebuilt", 1, 0, "lineage is freed too early"),
        in("made-there", 1, 0, "a stale attempt is accepted"),
        in("made-there", 0, 0, "a passed reference is not counted in transit"),
        in("hand-on", 1, 0, "nothing is kept for those that a dead worker handed references to"),
        in("unwrap", 0, 0, "a release is sent before the registration is acknowledged"),
        in("hand-on", 1, 0, "transits to the dead are not dropped"),
        in("hand-on", 1, 0, "a dead borrower's last words are heard"),
        in("sideways", 0, 0, "an inner reference is not covered by the value that held it"),
        in("unwrap", 0, 0, "a value's end does not release what it contains"));
  }

  @ParameterizedTest
  @MethodSource("mutants")
  void mutantIsFound(Sought sought) throws Exception {
    // With an explorer of its own: walkers of a fingerprint refer to both sides.
    String violation =
        (String)
            sought
                .mutation
                .load(name -> name.startsWith("io.dfut."))
                .loadClass(Explore.class.getName())
                .getMethod("violation", String.class, int.class, int.class, int.class)
                .invoke(null, sought.scenario, sought.crashes, sought.repeats, STATES_MAX);
    System.out.printf(
        "MutantsExplorerTest \"%s\" in %s, %d crashes, %d repeats: %s%n",
        sought, sought.scenario, sought.crashes, sought.repeats, violation);
    assertThat(violation).startsWith("violation after").doesNotContain("this waits");
  }
}
