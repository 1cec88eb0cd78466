package io.dfut.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.ConfigFactory;
import io.dfut.ActorBuilder;
import io.dfut.ActorHandle;
import io.dfut.ClusterInspection;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.Inspection.Hold;
import io.dfut.Inspection.Role;
import io.dfut.SharedDFut;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What only keeps itself is named, on a live system; and nothing else is. */
class ReferenceCyclesTest {
  private static final Duration BOUND = Duration.ofSeconds(30);

  /** Keeps what it is given. */
  static final class Keeper extends DFutActor<Void> {
    private SharedDFut<ActorHandle<Keeper>> kept;

    void keep(SharedDFut<ActorHandle<Keeper>> reference) {
      kept = reference;
    }

    void drop() {
      kept.close();
    }
  }

  private static void keep(ActorHandle<Keeper> keeper, SharedDFut<ActorHandle<Keeper>> reference) {
    try (DFut<Void> done = keeper.task(Keeper::keep).submit(reference)) {
      done.get(BOUND);
    }
  }

  @Test
  void anActorThatKeepsAResultThatRefersToItIsNamed() {
    try (DFutSystem dfut = DFutSystem.local(2)) {
      ActorHandle<Keeper> keeper = dfut.actor(Keeper::new).create();
      DFut<ActorHandle<Keeper>> value = dfut.put(keeper);
      try (SharedDFut<ActorHandle<Keeper>> reference = value.share()) {
        keep(keeper, reference);
      }
      assertThat(dfut.inspect().cycles()).as("the driver holds all of it").isEmpty();
      keeper.close();
      assertThat(dfut.inspect().cycles()).as("the driver holds the value").isEmpty();

      value.close();

      await("only the cycle holds it").atMost(BOUND).until(() -> cycles(dfut) == 1);
      Inspection.Cycle cycle = dfut.inspect().cycles().getFirst();
      assertThat(cycle.links())
          .extracting(Inspection.Link::hold)
          .containsExactlyInAnyOrder(Hold.ACTOR_HOLDS, Hold.CONTAINS);
      assertThat(cycle.rows())
          .hasSize(2)
          .extracting(Inspection.Row::object)
          .contains(value.id())
          .contains(cycle.links().getFirst().to());
      assertThat(cycle.rows())
          .extracting(Inspection.Row::madeBy)
          .allSatisfy(site -> assertThat(site).contains("ReferenceCyclesTest.java:"));
      assertThatThrownBy(() -> dfut.inspect().assertNoLeaks(Duration.ofMillis(1)))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("objects that only keep each other:");
    }
  }

  private static DFutSystem start(int cpus, String... join) {
    return DFutSystem.start(
        ConfigFactory.parseString(
            """
            dfut.cpus = %d
            dfut.tasks.allow = ["io.dfut."]
            dfut.values.allow = ["io.dfut."]
            dfut.cluster.join = [%s]
            """
                .formatted(cpus, join.length == 0 ? "" : '"' + join[0] + '"')));
  }

  @Test
  void aCycleThroughTwoNodesIsNamedByTheClustersInspection() {
    try (DFutSystem dfut = start(0);
        DFutSystem other = start(2, dfut.node().address())) {
      await("both know each other")
          .atMost(BOUND)
          .until(() -> dfut.inspectCluster(BOUND).nodes().size() == 2);
      ActorHandle<Keeper> keeper = dfut.actor(Keeper::new).create();
      DFut<ActorHandle<Keeper>> value = dfut.put(keeper);
      try (SharedDFut<ActorHandle<Keeper>> reference = value.share()) {
        keep(keeper, reference); // the actor lives on the other node, the value's owner on this one
      }
      assertThat(dfut.inspectCluster(BOUND).cycles()).as("the driver holds all of it").isEmpty();
      keeper.close();
      value.close();

      await("only the cycle holds it")
          .atMost(BOUND)
          .until(() -> other.inspectCluster(BOUND).cycles().size() == 1);
      assertThat(dfut.inspect().cycles()).as("one node alone cannot know").isEmpty();
      ClusterInspection all = dfut.inspectCluster(BOUND);
      assertThat(all.silent()).isEmpty();
      assertThat(all.nodes()).containsOnlyKeys(dfut.node(), other.node());
      assertThat(all.cycles().getFirst().rows())
          .extracting(Inspection.Row::object)
          .contains(value.id());
      assertThat(all.nodes().get(other.node()).actors()).hasSize(1);
      assertThatThrownBy(() -> all.assertNoLeaks(Duration.ofMillis(1)))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("objects that only keep each other:")
          .hasMessageContaining(other.node().toString());
    }
  }

  @Test
  void aClusterThatHoldsNothingIsEmptyOnAllNodes() {
    try (DFutSystem dfut = start(0);
        DFutSystem other = start(2, dfut.node().address())) {
      ActorHandle<Keeper> keeper = dfut.actor(Keeper::new).create();
      try (DFut<ActorHandle<Keeper>> value = dfut.put(keeper);
          SharedDFut<ActorHandle<Keeper>> reference = value.share()) {
        keep(keeper, reference);
      }
      try (DFut<Void> dropped = keeper.task(Keeper::drop).submit()) {
        dropped.get(BOUND);
      }
      keeper.close();
      other.inspectCluster(BOUND).assertNoLeaks(BOUND);
      assertThat(dfut.inspectCluster(BOUND).toString())
          .contains(dfut.node().toString())
          .contains(other.node().toString());
    }
  }

  /** Somebody may still call it: by its name, or as whoever detached it meant. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aNamedOrDetachedActorIsNoCycle(boolean named) {
    try (DFutSystem dfut = DFutSystem.local(2)) {
      ActorBuilder<Keeper> builder = dfut.actor(Keeper::new);
      ActorHandle<Keeper> keeper = (named ? builder.named("k") : builder.detached()).create();
      try (DFut<ActorHandle<Keeper>> value = dfut.put(keeper);
          SharedDFut<ActorHandle<Keeper>> reference = value.share()) {
        keep(keeper, reference);
      }
      keeper.close();

      await("the driver holds nothing").atMost(BOUND).until(() -> handles(dfut, Role.OWNER) == 0);
      assertThat(handles(dfut, Role.BORROWER)).as("the actor's field").isEqualTo(1);
      assertThat(dfut.inspect().cycles()).isEmpty();
    }
  }

  private static int handles(DFutSystem dfut, Role role) {
    return dfut.inspect().rows().stream()
        .filter(row -> row.role() == role)
        .mapToInt(row -> row.counts().getOrDefault("handles", 0))
        .sum();
  }

  @Test
  void anActorThatLetsGoIsFreed() {
    try (DFutSystem dfut = DFutSystem.local(2)) {
      ActorHandle<Keeper> keeper = dfut.actor(Keeper::new).create();
      try (DFut<ActorHandle<Keeper>> value = dfut.put(keeper);
          SharedDFut<ActorHandle<Keeper>> reference = value.share()) {
        keep(keeper, reference);
      }
      try (DFut<Void> dropped = keeper.task(Keeper::drop).submit()) {
        dropped.get(BOUND);
      }
      keeper.close();
      dfut.inspect().assertNoLeaks(BOUND);
    }
  }

  private static int cycles(DFutSystem dfut) {
    return dfut.inspect().cycles().size();
  }
}
