package io.dfut.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.DPromise;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.SharedDFut;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** Tests on a cluster of the kit's, as users write them. */
@DFutCluster(nodes = 3, cpus = 2, settings = "dfut.resources.token = 1")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class DFutClusterIT {
  private static final Duration SOON = Duration.ofSeconds(40);

  private static final Set<NodeId> gone = new HashSet<>();
  private static NodeId frozen;

  DFutSystem dfut;
  DFutNodes nodes;

  static long pid() {
    return ProcessHandle.current().pid();
  }

  static long pidAfter(SharedDFut<Boolean> go) {
    go.get();
    return pid();
  }

  static byte[] make(int bytes) {
    return new byte[bytes];
  }

  static int say(String words) {
    System.out.println(words);
    return words.length();
  }

  private static ConditionFactory eventually(String reason) {
    return Awaitility.await(reason).atMost(SOON);
  }

  private DFutNode whereSomethingRuns() {
    Inspection.Attempt runs =
        eventually("a task runs")
            .until(
                () ->
                    dfut.inspectCluster(SOON).nodes().values().stream()
                        .flatMap(node -> node.attempts().stream())
                        .filter(attempt -> attempt.stage() == Inspection.Stage.RUNNING)
                        .findFirst()
                        .orElse(null),
                found -> found != null);
    return nodes.get(runs.worker().node());
  }

  @Test
  @Order(1)
  void tasksOfTheTestRunInJvmsOfTheirOwn() {
    assertThat(nodes.all()).hasSize(3);
    for (DFutNode node : nodes) {
      assertThat(
              dfut.task(DFutClusterIT::pid).on(node.nodeId()).resource("token", 1).submit().get())
          .isEqualTo(node.pid())
          .isNotEqualTo(pid());
      assertThat(node.isAlive()).isTrue();
    }
  }

  @Test
  @Order(2)
  void whatRanOnAKilledNodeRunsElsewhere() {
    DPromise<Boolean> go = dfut.promise();
    List<DFut<Long>> pids = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      pids.add(dfut.task(DFutClusterIT::pidAfter).submit(go.future().share()));
    }
    DFutNode victim = whereSomethingRuns();
    victim.kill();
    assertThat(victim.isAlive()).isFalse();
    go.complete(true);
    assertThat(pids).allSatisfy(pid -> assertThat(pid.get(SOON)).isNotEqualTo(victim.pid()));
    gone.add(victim.nodeId());
  }

  @Test
  @Order(3)
  void nodesThatHaveEndedAreThereAgain() {
    assertThat(gone).hasSize(1);
    assertThat(nodes.all())
        .allMatch(DFutNode::isAlive)
        .extracting(DFutNode::nodeId)
        .doesNotContainAnyElementsOf(gone)
        .containsExactlyInAnyOrderElementsOf(dfut.nodes());
  }

  @Test
  @Order(4)
  void aFrozenNodeIsSilentUntilItIsThawed() {
    DFutNode node = nodes.get(2);
    node.freeze();
    assertThat(dfut.inspectCluster(Duration.ofSeconds(1)).silent()).contains(node.nodeId());
    assertThat(node.isAlive()).isTrue();
    node.thaw();
    assertThat(dfut.inspectCluster(SOON).silent()).doesNotContain(node.nodeId());
  }

  @Test
  @Order(5)
  void aNodeThatIsLeftFrozenDoesNotFailTheTest() {
    frozen = nodes.get(0).nodeId();
    nodes.get(0).freeze();
  }

  @Test
  @Order(6)
  void andGoesOnBeforeTheNext() {
    assertThat(nodes.get(0).nodeId()).isEqualTo(frozen);
    assertThat(dfut.inspectCluster(SOON).nodes()).containsKey(frozen);
  }

  @Test
  @Order(7)
  void aNodeDrainsAndComesBackWithAnotherId() {
    DFutNode node = nodes.get(1);
    NodeId before = node.nodeId();
    DFut<byte[]> there = dfut.task(DFutClusterIT::make).on(before).maxRetries(0).submit(1 << 20);
    eventually("it is made").until(there::isReady);
    node.stop();
    assertThat(node.isAlive()).isFalse();
    assertThat(there.get(SOON)).as("it has moved").hasSize(1 << 20);
    eventually("it is gone").until(() -> !dfut.nodes().contains(before));
    node.restart();
    assertThat(node.isAlive()).isTrue();
    assertThat(node.nodeId()).isNotEqualTo(before);
    assertThat(dfut.nodes()).contains(node.nodeId());
    assertThatThrownBy(() -> nodes.get(before)).hasMessageContaining("no node is " + before);
  }

  @Test
  @Order(8)
  void whatANodeWritesIsKept() {
    DFutNode node = nodes.get(0);
    dfut.task(DFutClusterIT::say).on(node.nodeId()).submit("hello from a node").get();
    eventually("it has said so").until(() -> node.logs().contains("hello from a node"));
    assertThat(nodes.get(1).logs()).doesNotContain("hello from a node");
  }

  @Test
  @Order(9)
  void whatWaitsOnOtherNodesHasAReason() {
    DPromise<Boolean> go = dfut.promise();
    List<DFut<Long>> pids = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      pids.add(dfut.task(DFutClusterIT::pidAfter).resource("token", 1).submit(go.future().share()));
    }
    whereSomethingRuns();
    HangWatch.assertNoHang(dfut, SOON);
    go.complete(true);
    assertThat(pids).allSatisfy(pid -> assertThat(pid.get(SOON)).isPositive());
  }

  @Test
  @Order(10)
  void cutsNeedProxies() {
    assertThatThrownBy(() -> nodes.partition(nodes.get(0), nodes.get(1)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("@DFutCluster(partitions = true)");
  }
}
