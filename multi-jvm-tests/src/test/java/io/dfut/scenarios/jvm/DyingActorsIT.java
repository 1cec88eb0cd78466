package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.ActorDiedException;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.WaitResult;
import io.dfut.testkit.DFutCluster;
import io.dfut.testkit.DFutNode;
import io.dfut.testkit.DFutNodes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Actors whose nodes are killed, as their callers see it. */
@DFutCluster(nodes = 5, cpus = 1, startTimeout = "120 s", patience = "60 s")
@Timeout(300)
final class DyingActorsIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int COUNTERS_PER_NODE = 3;

  static final class Counter extends DFutActor<Void> {
    private int n;

    int add() {
      return ++n;
    }

    NodeId where() {
      return DFutContext.current().node();
    }
  }

  /** A counter, and what it has answered. */
  private record Counted(ActorHandle<Counter> counter, List<Integer> answers) {
    DFut<Integer> call() {
      return counter.task(Counter::add).submit();
    }

    void answered(DFut<Integer> call) {
      answers.add(call.get(SOON));
      call.close();
    }
  }

  @Test
  @Tag("C171")
  @DisplayName("171 counters whose nodes die one after the other count on, and miss no call")
  void countersCountOn(DFutSystem dfut, DFutNodes nodes) {
    List<Counted> all =
        IntStream.range(0, nodes.all().size() * COUNTERS_PER_NODE)
            .mapToObj(
                i ->
                    new Counted(
                        dfut.actor(Counter::new).maxRestarts(-1).maxTaskRetries(-1).create(),
                        new ArrayList<>()))
            .toList();
    for (int victim = 0; victim < nodes.all().size(); victim++) {
      all.forEach(counted -> counted.answered(counted.call()));
      List<List<DFut<Integer>>> underWay =
          all.stream()
              .map(counted -> IntStream.range(0, 5).mapToObj(i -> counted.call()).toList())
              .toList();
      nodes.get(victim).kill();
      for (int i = 0; i < all.size(); i++) {
        underWay.get(i).forEach(all.get(i)::answered);
      }
      nodes.get(victim).restart();
    }
    int begunAnew = 0;
    for (Counted counted : all) {
      assertThat(counted.answers()).hasSize(6 * nodes.all().size());
      int before = 0;
      for (int answer : counted.answers()) {
        assertThat(answer).as("in %s", counted.answers()).isIn(before + 1, 1);
        begunAnew += before > 0 && answer == 1 ? 1 : 0;
        before = answer;
      }
    }
    assertThat(begunAnew).as("counters that died").isPositive();
  }

  @Test
  @Tag("C182")
  @DisplayName("182 a call of an actor whose node died counts as ready, and raises its error")
  void deadActorsCallIsReady(DFutSystem dfut, DFutNodes nodes) {
    ActorHandle<Counter> counter = dfut.actor(Counter::new).create();
    DFutNode node = nodes.get(counter.task(Counter::where).submit().get(SOON));
    node.kill();
    DFut<Integer> early = counter.task(Counter::add).submit();
    assertReady(dfut, early);
    assertReady(dfut, counter.task(Counter::add).submit()); // to one that is known to be dead
  }

  private static void assertReady(DFutSystem dfut, DFut<Integer> call) {
    WaitResult<?> waited = dfut.await(List.of(call), 1, SOON);
    assertThat(waited.ready()).hasSize(1);
    assertThatThrownBy(() -> call.get(Duration.ZERO)).isInstanceOf(ActorDiedException.class);
  }
}
