package io.dfut.internal.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.internal.jvms.Network;
import io.dfut.internal.jvms.Sockets;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** Three nodes, one of which is cut off from the others and the driver, or does not answer. */
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PartitionIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int LARGE = 1 << 17;

  private ChaosCluster cluster;
  private DFutSystem dfut;

  @BeforeAll
  void start() throws IOException {
    assumeThat(Sockets.canTell()).as("this system tells whose a connection is").isTrue();
    var folder = Files.createTempDirectory("dfut-partition-");
    Ledger.start(folder.resolve("ledger"));
    cluster = new ChaosCluster(3, folder, List.of());
    dfut = cluster.driver();
  }

  @AfterEach
  void nothingIsLeft() {
    dfut.inspectCluster(SOON).assertNoLeaks(SOON);
    assertThat(cluster.errors()).isEmpty();
  }

  @AfterAll
  void close() {
    if (cluster != null) {
      cluster.close();
    }
  }

  // ---- what tasks do ----

  /** Where it ran, and at which attempt. */
  record Place(NodeId node, int attempt) {
    static Place after(int millis) throws InterruptedException {
      TimeUnit.MILLISECONDS.sleep(millis);
      return new Place(DFutContext.current().node(), DFutContext.current().attempt());
    }
  }

  private NodeId nodeAt(ChaosCluster.Slot slot) {
    return dfut.nodes().stream()
        .filter(node -> node.address().equals(slot.address()))
        .findFirst()
        .orElseThrow();
  }

  private DFut<long[]> madeAt(NodeId node, long seed) {
    DFut<long[]> made = dfut.task(Bodies::make).near(onlyAt(node)).submit(seed, LARGE, 0);
    await("the object").atMost(SOON).until(made::isReady);
    return made;
  }

  /** Something that lies there, for others to be put near. */
  private DFut<long[]> onlyAt(NodeId node) {
    DFut<long[]> there = dfut.task(Bodies::make).on(node).submit(1L, LARGE, 0);
    await("the object").atMost(SOON).until(there::isReady);
    return there;
  }

  // ---- the scenarios ----

  @Test
  @Tag("C289")
  @DisplayName("289 a node that does not answer for less than the bound is late, and nothing else")
  void pauseBelowTheBoundBringsNobodyDown() {
    ChaosCluster.Slot paused = cluster.slot(2);
    NodeId node = nodeAt(paused);
    Set<NodeId> before = Set.copyOf(dfut.nodes());
    dfut.scope(
        () -> {
          List<DFut<Place>> there = new ArrayList<>();
          List<DFut<Place>> anywhere = new ArrayList<>();
          for (int i = 0; i < 20; i++) {
            there.add(dfut.task(Place::after).on(node).submit(50));
            anywhere.add(dfut.task(Place::after).spread().submit(50));
          }
          there.getFirst().get(SOON); // it is at work
          long frozenNanos = System.nanoTime();
          cluster.freeze(paused);
          List<Collection<NodeId>> seen = new ArrayList<>();
          await("two thirds of the bound")
              .pollInterval(Duration.ofMillis(20))
              .atMost(ChaosCluster.PAUSE)
              .until(
                  () -> {
                    seen.add(dfut.nodes());
                    return System.nanoTime() - frozenNanos > ChaosCluster.PAUSE.toNanos() * 2 / 3;
                  });
          assertThat(there.getLast().isReady()).as("a task there").isFalse();
          cluster.thaw(paused);
          for (DFut<Place> task : there) {
            assertThat(task.get(SOON)).isEqualTo(new Place(node, 0));
          }
          for (DFut<Place> task : anywhere) {
            assertThat(task.get(SOON).attempt()).isZero();
          }
          assertThat(seen).allSatisfy(nodes -> assertThat(Set.copyOf(nodes)).isEqualTo(before));
        });
    assertThat(Set.copyOf(dfut.nodes())).isEqualTo(before);
    assertThat(cluster.fallen()).isEmpty();
  }

  @Test
  @Tag("C286")
  @DisplayName(
      "286 who is cut off from the majority stops, loses nothing of theirs, and comes back")
  void minorityStopsAndComesBack() {
    ChaosCluster.Slot minority = cluster.slot(2);
    NodeId before = nodeAt(minority);
    NodeId majority = nodeAt(cluster.slot(0));
    dfut.scope(
        () -> {
          DFut<long[]> value = madeAt(before, 7);
          DFut<Place> running =
              dfut.task(Place::after).near(value).maxRetries(-1).submit(3_600_000 / 1_000);
          ActorHandle<Account> account =
              dfut.actor(Account::new).near(value).maxRestarts(-1).maxTaskRetries(-1).create();
          DFut<Receipt> first = account.task(Account::pay).submit("driver", 0, 5L, 0);
          assertThat(first.get(SOON).balance()).isEqualTo(5);

          cluster.expectsEnd(minority);
          cluster.ways(minority, true, true, Network.Way.STALLED);
          DFut<Receipt> second = account.task(Account::pay).submit("driver", 1, 6L, 0);
          DFut<Long> digest = dfut.task(Bodies::digestOf).on(majority).submit(value, 0);
          assertThat(digest.get(SOON)).isEqualTo(Bodies.digest(Bodies.numbers(7, LARGE)));
          assertThat(second.get(SOON).balance()).isEqualTo(6); // of a new incarnation
          assertThat(running.get(SOON).node()).isNotNull();
          assertThat(dfut.nodes()).hasSize(2).doesNotContain(before);
          cluster.awaitOwnEnd(minority);
          account.close();
        });

    cluster.ways(minority, true, true, Network.Way.OPEN);
    cluster.restart(minority, true);
    NodeId after = nodeAt(minority);
    assertThat(after.address()).isEqualTo(before.address());
    assertThat(after).as("a new incarnation").isNotEqualTo(before);
    try (DFut<Place> work = dfut.task(Place::after).on(after).submit(0)) {
      assertThat(work.get(SOON).node()).isEqualTo(after);
    }
  }
}
