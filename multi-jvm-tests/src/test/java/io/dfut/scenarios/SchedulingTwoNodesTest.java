package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** {@link SchedulingScenarios} on a cluster of two nodes, and what needs a third. */
@RunsOn(Place.TWO_NODES)
final class SchedulingTwoNodesTest extends SchedulingScenarios {
  @Test
  @Tag("C255")
  @DisplayName("255 what no node can hold runs on a node that joins in time")
  void whatNoNodeCanHoldRunsOnANodeThatJoins() {
    int before = dfut.nodes().size();
    DFut<?> waiting = dfut.task(SchedulingScenarios::here).cpus(20).submit();
    assertThat(waiting.isReady()).isFalse();
    try (DFutSystem large =
        DFutSystem.start(
            ConfigFactory.parseString(Habitat.joining(dfut.node().address()))
                .withFallback(Habitat.config(20)))) {
      assertThat(waiting.get(Duration.ofSeconds(15))).isEqualTo(large.node());
      waiting.close();
      large.inspect().assertNoLeaks(SOON);
    }
    eventually("the node has left, and is counted still")
        .until(() -> dfut.nodes().size() == before);
  }

  @Test
  @DisplayName("tasks that ask for a role run on nodes that have it, as many as there are")
  void tasksGoToNodesOfTheirRole() {
    int before = dfut.nodes().size();
    try (DFutSystem press =
        DFutSystem.start(
            ConfigFactory.parseString(
                    Habitat.joining(dfut.node().address())
                        + "\ndfut.pekko.cluster.roles = [\"press\"]")
                .withFallback(Habitat.config(2)))) {
      List<DFut<NodeId>> printed =
          IntStream.range(0, 50)
              .mapToObj(
                  i ->
                      dfut.task(SchedulingScenarios::here)
                          .cpus(0.01)
                          .resource("role:press", 1)
                          .submit())
              .toList();
      assertThat(printed.stream().map(future -> future.get(SOON))).containsOnly(press.node());
      printed.forEach(DFut::close);
      press.inspect().assertNoLeaks(SOON);
    }
    eventually("the node has left, and is counted still")
        .until(() -> dfut.nodes().size() == before);
  }
}
