package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** Two JVMs with four slots each, of which half are to be used before the other node is. */
@Timeout(90)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PackingIT {
  private static final Duration SOON = Duration.ofSeconds(15);
  private static final String HALF = "dfut.scheduler.pack-threshold=0.5";

  private DFutSystem dfut;
  private FarNode far;

  @BeforeAll
  void startBoth() {
    dfut =
        DFutSystem.start(
            ConfigFactory.parseString(Habitat.joining("") + HALF).withFallback(Habitat.config(4)));
    far = FarNode.start("far", 4, dfut.node().address(), List.of(HALF)).ready();
    Awaitility.await("work for the other node does not get there")
        .atMost(SOON)
        .until(() -> far.node().equals(hereOf(dfut.task(PackingIT::here).spread().submit())));
  }

  @AfterEach
  void nothingIsLeft() {
    Gate.openAll();
    dfut.inspect().assertNoLeaks(SOON);
    far.inspect().assertNoLeaks(SOON);
    assertThat(far.errors()).isEmpty();
  }

  @AfterAll
  void closeBoth() {
    Gate.openAll();
    if (dfut != null) {
      dfut.close();
    }
    if (far != null) {
      far.close();
    }
    Gate.forgetAll();
  }

  private static NodeId here() {
    return DFutContext.current().node();
  }

  private static NodeId hereAfter(Gate gate) throws InterruptedException {
    gate.pass();
    return here();
  }

  private static NodeId hereOf(DFut<NodeId> task) {
    try (task) {
      return task.get(SOON);
    }
  }

  /** Where so many tasks run, all at the same time. */
  private Map<NodeId, Long> placesOf(int tasks) {
    dfut.inspect().assertNoLeaks(SOON); // no idle lease is used again
    far.inspect().assertNoLeaks(SOON);
    Gate gate = Gate.closed();
    List<DFut<NodeId>> running =
        IntStream.range(0, tasks)
            .mapToObj(i -> dfut.task(PackingIT::hereAfter).submit(gate))
            .toList();
    gate.awaitArrived(tasks);
    gate.open();
    return running.stream()
        .map(PackingIT::hereOf)
        .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
  }

  @Test
  @Tag("C262")
  @DisplayName("262 two tasks fill half of this node, four half of both, eight all of both")
  void nodesAreFilledToTheThreshold() {
    assertThat(placesOf(2)).isEqualTo(Map.of(dfut.node(), 2L));
    assertSoonPlaced(Map.of(dfut.node(), 2L, far.node(), 2L));
    assertSoonPlaced(Map.of(dfut.node(), 4L, far.node(), 4L));
  }

  /** Soon: the other node's report may still tell of what ran there last. */
  private void assertSoonPlaced(Map<NodeId, Long> places) {
    int tasks = places.values().stream().mapToInt(Long::intValue).sum();
    Awaitility.await(tasks + " tasks are not placed as they should be")
        .atMost(SOON)
        .untilAsserted(() -> assertThat(placesOf(tasks)).isEqualTo(places));
  }
}
