package io.dfut.internal.sim;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * A seed is a run: twice in this JVM, and once in another, where objects have other identity hashes
 * and immutable sets other orders, the same things happen at the same times.
 */
final class DeterminismSimTest {
  private static final int SEEDS = 40;

  /** As many seeds as the build runs have one in a thousand checked, and some more. */
  private static List<String> arguments(String profile) {
    return List.of(
        "--trace-hash", "--profile", profile, "--seeds", "" + SEEDS, "--from-seed", "1000");
  }

  private static String here(List<String> arguments) throws InterruptedException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int code =
        SimMain.run(new PrintStream(out, true), System.err, arguments.toArray(String[]::new));
    assertThat(code).isZero();
    return out.toString();
  }

  private static String elsewhere(List<String> arguments) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                SimMain.class.getName()));
    command.addAll(arguments);
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try {
      String lines = new String(process.getInputStream().readAllBytes());
      assertThat(process.waitFor()).isZero();
      return lines;
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void theSameSeedIsTheSameRunInEveryJvm() throws Exception {
    for (String profile : new String[] {"calm", "crashing"}) {
      String first = here(arguments(profile));
      assertThat(here(arguments(profile))).isEqualTo(first);
      assertThat(elsewhere(arguments(profile))).isEqualTo(first);
      // Or the hash could be of nothing.
      assertThat(first.lines().map(line -> line.substring(line.lastIndexOf(' '))).distinct())
          .hasSize(SEEDS);
    }
  }
}
