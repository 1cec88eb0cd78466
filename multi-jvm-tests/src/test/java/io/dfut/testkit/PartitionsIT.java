package io.dfut.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.GetTimeoutException;
import io.dfut.NodeId;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Cuts of the kit's, and what it undoes of them. */
@EnabledOnOs(OS.LINUX)
@DFutCluster(nodes = 3, cpus = 1, partitions = true)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class PartitionsIT {
  private static final Duration SOON = Duration.ofSeconds(40);

  private static NodeId isolated;

  DFutSystem dfut;
  DFutNodes nodes;

  static byte[] make(int bytes) {
    return new byte[bytes];
  }

  static int length(byte[] bytes) {
    return bytes.length;
  }

  @Test
  @Order(1)
  void whatTwoNodesSendEachOtherWaitsUntilTheCutHeals() {
    DFutNode one = nodes.get(1);
    DFutNode other = nodes.get(2);
    DFut<byte[]> there = dfut.task(PartitionsIT::make).on(one.nodeId()).submit(1 << 20);
    Awaitility.await("it is made").atMost(SOON).until(there::isReady);
    nodes.partition(one, other);
    DFut<Integer> length = dfut.task(PartitionsIT::length).on(other.nodeId()).submit(there);
    assertThatThrownBy(() -> length.get(Duration.ofSeconds(1)))
        .isInstanceOf(GetTimeoutException.class);
    nodes.heal();
    assertThat(length.get(SOON)).isEqualTo(1 << 20);
  }

  @Test
  @Order(2)
  void aNodeThatIsIsolatedIsGivenUp() {
    DFutNode node = nodes.get(2);
    isolated = node.nodeId();
    nodes.isolate(node);
    Awaitility.await("it is given up").atMost(SOON).until(() -> dfut.nodes().size() == 2);
    assertThat(dfut.nodes()).doesNotContain(isolated);
  }

  @Test
  @Order(3)
  void theNextTestHasAllNodesAgain() {
    assertThat(nodes.all()).allMatch(DFutNode::isAlive);
    assertThat(dfut.nodes()).hasSize(3).doesNotContain(isolated);
  }
}
