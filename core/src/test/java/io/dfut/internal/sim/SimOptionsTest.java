package io.dfut.internal.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SimOptionsTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String line) throws InterruptedException {
    return SimMain.run(new PrintStream(out, true), new PrintStream(err, true), line.split(" "));
  }

  @Test
  void everythingHasADefault() {
    SimOptions options = SimOptions.parse();

    assertThat(options.recipe()).isEqualTo(Recipe.of(Recipe.Family.ALL));
    assertThat(options.first()).isEqualTo(1);
    assertThat(options.seeds()).isEqualTo(20_000);
    assertThat(options.only()).isEmpty();
  }

  @Test
  void optionsOfARecipeAreReadAsTheyArePrinted() {
    Recipe recipe =
        SimOptions.parse("--seed", "7", "--profile", "calm", "--with", "nodes=2,actors=no")
            .recipe();

    assertThat(recipe.settings()).isEqualTo(Map.of("nodes", "2", "actors", "no"));
    assertThat(SimOptions.parse(recipe.options().split(" ")).recipe()).isEqualTo(recipe);
    assertThat(recipe.profile(7).nodes()).isEqualTo(2);
    assertThat(recipe.profile(7).actors()).isFalse();
  }

  @Test
  void oneSeedIsOneRun() {
    assertThat(SimOptions.parse("--seed", "42").only()).isEqualTo(OptionalLong.of(42));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--seeds                    | --seeds needs a value after it",
        "--seeds --seed             | --seeds needs a value after it",
        "--seeds none               | --seeds is \"none\"; it must be a whole number from 1",
        "--seeds 0                  | --seeds is \"0\"; it must be a whole number from 1",
        "--from-seed -1             | --from-seed is \"-1\"; it must be a whole number from 0",
        "--profile stormy           | --profile is \"stormy\"; there are calm, crashing and all",
        "--threads 0                | --threads is \"0\"; it must be a whole number from 1",
        "--sede 1                   | unknown option --sede; there are --seeds",
        "now                        | unexpected argument now; there are --seeds",
        "--seed 1 --seeds 5         | --seed is one run, --seeds and --from-seed are a range",
        "--with nodes               | --with is \"nodes\"; it must be NAME=VALUE",
        "--with nods=2              | --with nods is no part of a profile; there are nodes, cpus",
        "--with nodes=two           | --with nodes is \"two\"; it must be a number",
        "--with nodes=-2            | --with nodes is \"-2\"; it must be a number of 0 or more",
        "--with actors=maybe        | --with actors is \"maybe\"; it must be yes or no",
        "--seeds 5 --exhaustive     | --exhaustive goes first",
      })
  void whatCannotBeUnderstoodIsSaidInOneLine(String line, String message) throws Exception {
    assertThatThrownBy(() -> SimOptions.parse(line.split(" ")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
    assertThat(run(line)).isEqualTo(2);
    assertThat(err.toString()).startsWith("dfut: " + message).endsWith("--help tells more\n");
    assertThat(err.toString().lines()).hasSize(1);
  }

  @Test
  void aRangeIsRunAndSummedUp() throws Exception {
    assertThat(run("--seeds 30 --from-seed 5")).isZero();

    assertThat(out.toString())
        .contains("seeds 5 to 34: 30 seeds")
        .contains("every promise was kept")
        .contains("TaskPushed");
  }

  @Test
  void aRunIsRepeatedExactly() throws Exception {
    assertThat(run("--seeds 20 --trace-hash")).isZero();
    String first = out.toString();
    out.reset();
    assertThat(run("--seeds 20 --trace-hash")).isZero();

    assertThat(out.toString()).isEqualTo(first);
    assertThat(first.lines().map(line -> line.substring(line.lastIndexOf(' '))).distinct())
        .hasSize(20);
  }

  @Test
  void aBrokenPromiseIsNamedWithTheCommandThatRepeatsIt() throws Exception {
    // No program ends within one step: the bound is a promise, too.
    assertThat(run("--seeds 20 --with stepsMax=1 --no-shrink")).isEqualTo(1);

    assertThat(out.toString())
        .contains("it does not come to rest")
        .contains("./dfut sim --seed ")
        .contains("--profile all --with stepsMax=1");
  }

  @Test
  void aRunThatFailsIsMadeSmaller() throws Exception {
    // Runs of more than a few steps fail, so the smallest profile does as well as any.
    assertThat(run("--seeds 20 --profile crashing --with stepsMax=10")).isEqualTo(1);

    String last = out.toString().lines().reduce((first, second) -> second).orElseThrow();
    assertThat(last)
        .startsWith("  ./dfut sim --seed ")
        .contains("nodes=1", "workerCrashes=0", "suspicions=0", "actors=no", "cpus=1");
    out.reset();
    assertThat(run(last.substring("  ./dfut sim ".length()))).isEqualTo(1);
    assertThat(out.toString()).contains("it does not come to rest");
  }
}
