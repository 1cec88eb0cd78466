package io.dfut.internal.explore;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every interleaving of small scenarios on the real machines of three workers, up to a depth;
 * {@link Explore} goes on until nothing is left.
 */
final class ExplorerTest {
  private static final int DEPTH = 14;

  private static Explorer.Report explore(Scenario scenario, int depth) {
    Explorer.Report report =
        Explorer.explore(
            scenario.name(),
            () -> new Cluster(scenario),
            new Explorer.Limits(depth, Integer.MAX_VALUE, 1),
            System.out);
    System.out.printf(
        "ExplorerTest %s %d crash, %d repeats%n",
        report.summary(), scenario.crashes(), scenario.repeats());
    return report;
  }

  /** These have so many interleavings that repeats are left to the long run. */
  private static final List<String> WIDE =
      List.of("cancelled", "lent", "hand-on", "sideways", "pass-on");

  static List<Scenario> scenarios() {
    return Scenarios.all().stream()
        .map(each -> WIDE.contains(each.name()) ? each.withFaults(1, 0) : each)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void nothingBreaksWithinFourteenStepsWhateverFails(Scenario scenario) {
    Explorer.Report report = explore(scenario, DEPTH);
    assertThat(report.violation()).isEmpty();
    assertThat(report.depth()).isEqualTo(DEPTH);
  }

  @ParameterizedTest
  @ValueSource(strings = {"made-there", "way-back", "rebuilt"})
  void nothingBreaksInAnyStateWithACrash(String name) {
    Scenario scenario =
        Scenarios.all().stream().filter(each -> each.name().equals(name)).findFirst().orElseThrow();
    Explorer.Report report = explore(scenario.withFaults(1, 0), Integer.MAX_VALUE);
    assertThat(report.violation()).isEmpty();
    assertThat(report.exhausted()).as("all states were seen").isTrue();
  }

  /** Two counters, one of which may lose an increment: enough to know the right answers. */
  private static final class Counters implements Model {
    private int first;
    private int second;

    @Override
    public int[] choices() {
      return first == 3 ? (second == 3 ? new int[0] : new int[] {1}) : new int[] {0, 1};
    }

    @Override
    public void choose(int choice) {
      if (choice == 0) {
        first++;
      } else {
        second = Math.min(3, second + 1);
      }
    }

    @Override
    public String describe(int choice) {
      return choice == 0 ? "first" : "second";
    }

    @Override
    public void check() {
      if (first == 3 && second == 2) {
        throw new AssertionError("3 and 2");
      }
    }
  }

  @Test
  void aShortestPathToAViolationIsTold() {
    Explorer.Report report =
        Explorer.explore("counters", Counters::new, new Explorer.Limits(100, 1_000, 1), System.out);
    Explorer.Violation violation = report.violation().orElseThrow();
    assertThat(violation.path()).hasSize(5).containsOnly("first", "second");
    assertThat(violation.cause()).hasMessage("3 and 2");
    assertThat(report.exhausted()).isFalse();
    assertThat(report.frontiers()).startsWith(1L, 2L, 3L, 4L);
  }

  @Test
  void aFingerprintTellsEqualFromSame() {
    record Pair(Object one, Object other) {}
    Scenario scenario = Scenarios.all().getFirst();
    Cluster cluster = new Cluster(scenario);
    Fingerprint twice = new Fingerprint();
    Fingerprint equal = new Fingerprint();
    twice.take(new Pair(cluster, cluster));
    equal.take(new Pair(cluster, new Cluster(scenario)));
    assertThat(twice.low()).isNotEqualTo(equal.low());
    equal.take(new Pair(new Cluster(scenario), new Cluster(scenario)));
    Fingerprint again = new Fingerprint();
    again.take(new Pair(new Cluster(scenario), cluster));
    assertThat(again.low()).isEqualTo(equal.low());
    assertThat(again.high()).isEqualTo(equal.high());
  }

  @Test
  void wrongArgumentsAreRefusedAndASmallRunIsClean() {
    for (String[] wrong :
        List.of(
            new String[] {"--depth"},
            new String[] {"--depth", "0"},
            new String[] {"--states-max", "many"},
            new String[] {"--scenario", "none"},
            new String[] {"--what", "1"})) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      assertThat(Explore.run(wrong, new PrintStream(out, true, StandardCharsets.UTF_8)))
          .isEqualTo(2);
      assertThat(out.toString(StandardCharsets.UTF_8)).contains(wrong[0], "usage:");
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    String[] small = {"--scenario", "made-there", "--depth", "8"};
    assertThat(Explore.run(small, new PrintStream(out, true, StandardCharsets.UTF_8))).isZero();
    assertThat(out.toString(StandardCharsets.UTF_8)).contains("not done", "new states by depth");
  }
}
