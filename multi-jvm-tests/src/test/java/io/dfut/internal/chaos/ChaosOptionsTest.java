package io.dfut.internal.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.EnumSet;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ChaosOptionsTest {
  @Test
  void commandSaysTheSameAgain() {
    ChaosOptions options =
        ChaosOptions.parse(
            1,
            "--minutes 1.5 --nodes 5 --seed 7 --faults kill,cut --work tree --jobs 2 --round 60"
                .split(" "));
    assertThat(options.time()).isEqualTo(Duration.ofSeconds(90));
    assertThat(options.faults()).containsExactly(Fault.Kind.KILL, Fault.Kind.CUT);
    assertThat(options.mix()).containsExactly(Job.Kind.TREE);
    String[] again = options.command().substring("./dfut chaos ".length()).split(" ");
    assertThat(ChaosOptions.parse(2, again)).isEqualTo(options);
  }

  @Test
  void newSeedIsTakenWhereNoneIsGiven() {
    assertThat(ChaosOptions.parse(42).seed()).isEqualTo(42);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--minutes 0 | --minutes is \"0\"; it must be a number from 0.1 to 1440",
        "--minutes NaN | --minutes is \"NaN\"",
        "--nodes 2 | --nodes is \"2\"; it must be a whole number from 3 to 16",
        "--seed x | --seed is \"x\"; it must be a whole number",
        "--faults earthquake | --faults has \"earthquake\"; there are [kill, two, stop",
        "--work rest | --work has \"rest\"; there are [graph",
        "--jobs | --jobs needs a value after it",
        "--what | unknown option --what",
      })
  void wrongOptionIsNamed(String arguments, String message) {
    assertThatThrownBy(() -> ChaosOptions.parse(1, arguments.split(" ")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void scheduleFollowsFromTheSeed() {
    assertThat(faults(3)).isEqualTo(faults(3)).isNotEqualTo(faults(4));
    assertThat(faults(3)).extracting(Fault::kind).contains(Fault.Kind.values());
    assertThat(faults(3)).allMatch(fault -> fault.slot() != fault.other());
  }

  private static java.util.List<Fault> faults(long seed) {
    Fault.Schedule schedule =
        new Fault.Schedule(new SplittableRandom(seed), EnumSet.allOf(Fault.Kind.class), 4);
    return Stream.generate(schedule::next).limit(300).toList();
  }
}
