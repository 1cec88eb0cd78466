package io.dfut.internal.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The short run of {@code ./dfut chaos}; {@code -Ddfut.chaos.seed} gives another one. */
@Timeout(600)
final class ChaosIT {
  private static final String SEED = System.getProperty("dfut.chaos.seed", "20261129");

  @Test
  @Tag("C302")
  @DisplayName("302 nodes are killed, frozen and cut off: no wrong answer, no hang, nothing left")
  void nothingIsWrongAndNothingIsLeft(@TempDir Path folder) throws Exception {
    Path json = folder.resolve("summary.json");
    ChaosRun run =
        new ChaosRun(
            ChaosOptions.parse(
                0, "--minutes", "1", "--seed", SEED, "--round", "30", "--json", json.toString()),
            System.out);

    assertThat(run.run()).as("every promise was kept").isTrue();

    Summary summary = run.summary();
    System.out.println(summary);
    assertThat(summary.rounds()).isGreaterThanOrEqualTo(2);
    assertThat(summary.faultCount()).isGreaterThanOrEqualTo(3);
    assertThat(summary.inTime()).isPositive();
    assertThat(summary.jobs()).containsKeys("WORDS", "MATRIX", "ACCOUNT");
    assertThat(summary.repeated()).as("bodies that ran again").isPositive();
    assertThat(summary.answers()).isGreaterThan(500);
    Files.writeString(json, summary.json());
    assertThat(json).content().startsWith("{\"seed\": " + SEED).endsWith("\"violation\": null}");
  }
}
