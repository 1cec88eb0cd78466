package io.dfut.testkit.guide;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.testkit.DFutCluster;
import io.dfut.testkit.DFutNodes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

// region partitions
@EnabledOnOs(OS.LINUX)
@DFutCluster(
    nodes = 3,
    partitions = true,
    settings = {
      "dfut.store.memory = 100 MiB",
      "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause = 10 s"
    },
    patience = "60 s")
class CutIT {
  static byte[] make(int bytes) {
    return new byte[bytes];
  }

  static int length(byte[] bytes) {
    return bytes.length;
  }

  @Test
  void aShortCutIsOutlived(DFutSystem dfut, DFutNodes nodes) {
    DFut<byte[]> there = dfut.task(CutIT::make).on(nodes.get(1).nodeId()).submit(1 << 20);
    nodes.partition(nodes.get(1), nodes.get(2)); // both still reach node 0 and the driver
    DFut<Integer> length = dfut.task(CutIT::length).on(nodes.get(2).nodeId()).submit(there);
    nodes.heal();
    assertEquals(1 << 20, length.get());
  }
}
// endregion
