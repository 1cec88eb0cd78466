package io.dfut.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** What the kit does with tests on a cluster that fail. */
final class KitIT {
  @Test
  void aFailureIsPrintedWithWhatWaitsAndWhatNodesSaid() {
    Runs runs = Runs.of(KitCases.FailingOnACluster.class);
    assertThat(runs.failure()).hasMessageContaining("a failure on purpose");
    assertThat(runs.printed())
        .contains("FailingOnACluster: fails(DFutSystem, DFutNodes) failed")
        .contains("waits until its promise is completed")
        .contains("---- node-1 (127.0.0.1:")
        .contains("  words of a node\n");
    assertThat(runs.succeeded()).as("the test after it").isEqualTo(1);
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void whatACutHoldsBackIsNoHang() {
    assertThat(Runs.of(KitCases.CutForLong.class).failures()).isEmpty();
  }

  @Test
  void aNodeThatDoesNotStartSaysWhy() {
    assertThat(Runs.of(KitCases.NotStarting.class).failure())
        .hasMessageContaining("node-1/1 ended")
        .hasMessageContaining("dfut.lease.idle-timeout");
  }
}
