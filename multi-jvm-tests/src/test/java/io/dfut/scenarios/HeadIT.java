package io.dfut.scenarios;

import static io.dfut.scenarios.DyingCluster.eventually;
import static io.dfut.scenarios.DyingCluster.now;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.typesafe.config.ConfigFactory;
import io.dfut.ActorDiedException;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.NodeFailedException;
import io.dfut.NodeId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The node through which all have joined, the oldest, which keeps the names of actors, is killed
 * and started again. It is no more than that: nothing between other nodes needs it.
 */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class HeadIT {
  private static final Duration SOON = DyingCluster.SOON;

  /** Within this of the head's return a child of the dead has ended. */
  private static final Duration AFTER_RETURN = Duration.ofSeconds(20);

  @TempDir Path folder;
  private int port;
  private FarNode head;
  private FarNode near;
  private FarNode far;
  private FarNode mortal;
  private DFutSystem dfut;

  // ---- what tasks and actors do ----

  /** Counts. */
  static final class Counter extends DFutActor<Void> {
    private int n;

    public int next() {
      return ++n;
    }
  }

  private static int parent(Runs runs, Gate gate, NodeId where) {
    return DFutContext.current().task(OwnerDeathIT::waits).on(where).submit(runs, gate).get();
  }

  private static NodeId here() {
    return DFutContext.current().node();
  }

  private static int nextOf(ActorHandle<Counter> counter) {
    return now(counter.task(Counter::next).submit());
  }

  private static int nextOfNamed(String name) {
    ActorHandle<Counter> counter =
        DFutContext.current().getActor(Counter.class, name).orElseThrow();
    return nextOf(counter);
  }

  // ---- the cluster ----

  private FarNode startHead(String join) {
    List<String> settings = new ArrayList<>(DyingCluster.SETTINGS);
    settings.add("dfut.cluster.port=" + port);
    settings.add("dfut.cluster.join-timeout=60s"); // its former life is still a member at first
    return FarNode.start("head", 1, join, settings);
  }

  @BeforeAll
  void start() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    head = startHead("").ready();
    String join = head.node().address();
    near = FarNode.start("near", 2, join, DyingCluster.SETTINGS);
    far = FarNode.start("far", 2, join, DyingCluster.SETTINGS);
    mortal = FarNode.start("mortal", 2, join, DyingCluster.SETTINGS);
    Stream.of(near, far, mortal).forEach(FarNode::ready);
    dfut =
        DFutSystem.start(
            DyingCluster.settings()
                .withFallback(ConfigFactory.parseString(Habitat.joining(join)))
                .withFallback(Habitat.config(0)));
    eventually("five JVMs form a cluster").until(() -> dfut.nodes().size() == 5);
  }

  @AfterEach
  void nothingIsLeft() {
    Gate.openAll();
    dfut.inspect().assertNoLeaks(SOON);
    for (FarNode node : List.of(head, near, far)) {
      node.inspect().assertNoLeaks(SOON);
      assertThat(node.errors()).as("errors of %s", node).isEmpty();
    }
  }

  @AfterAll
  void close() {
    Gate.openAll();
    if (dfut != null) {
      dfut.close();
    }
    Stream.of(head, near, far, mortal).filter(node -> node != null).forEach(FarNode::close);
    Gate.forgetAll();
  }

  private void killHead() {
    NodeId dead = head.node();
    head.kill();
    eventually("its death is known").until(() -> !dfut.nodes().contains(dead));
  }

  private void startHeadAgain() {
    head = startHead(near.node().address()).ready();
    eventually("it is back").until(() -> dfut.nodes().contains(head.node()));
  }

  // ---- the scenarios ----

  @Test
  @Order(1)
  @Tag("C290")
  @DisplayName("290 what runs between other nodes goes on, and names stay, while the head is away")
  void workGoesOnWhileTheHeadIsAway() {
    ActorHandle<Counter> counter =
        dfut.actor(Counter::new).named("counter").detached().on(far.node()).create();
    Runs runs = Runs.in(folder, "head");
    Gate gate = Gate.closed();
    assertThat(nextOf(counter)).isEqualTo(1);
    try (DFut<Integer> running =
        dfut.task(OwnerDeathIT::waits).on(near.node()).submit(runs, gate)) {
      eventually("it does not run").until(() -> runs.count() == 1);
      killHead();

      assertThat(now(dfut.task(HeadIT::here).on(far.node()).submit())).isEqualTo(far.node());
      assertThat(now(dfut.task(HeadIT::nextOf).on(near.node()).submit(counter))).isEqualTo(2);
      assertThat(now(dfut.task(HeadIT::nextOfNamed).on(near.node()).submit("counter")))
          .as("another node keeps the names")
          .isEqualTo(3);
      try (ActorHandle<Counter> meanwhile =
          dfut.actor(Counter::new).named("meanwhile").on(near.node()).create()) {
        assertThatThrownBy(() -> dfut.actor(Counter::new).named("counter").on(near.node()).create())
            .as("the name is taken")
            .hasMessageContaining("counter");
        startHeadAgain();

        assertThat(now(dfut.task(HeadIT::here).on(head.node()).submit())).isEqualTo(head.node());
        for (String name : List.of("counter", "meanwhile")) {
          assertThat(now(dfut.task(HeadIT::nextOfNamed).on(head.node()).submit(name))).isPositive();
        }
        try (ActorHandle<Counter> there =
            dfut.actor(Counter::new).named("there").on(head.node()).create()) {
          assertThat(now(dfut.task(HeadIT::nextOfNamed).on(far.node()).submit("there")))
              .isEqualTo(1);
          assertThat(nextOf(there)).isEqualTo(2);
        }
        assertThat(nextOf(meanwhile)).isEqualTo(2);
      }
      gate.open();
      assertThat(running.get(SOON)).isEqualTo(1);
      assertThat(runs.count()).as("it was not disturbed").isEqualTo(1);
    }
    dfut.kill(counter);
    counter.close();
  }

  @Test
  @Order(2)
  @Tag("C291")
  @DisplayName("291 of actors that end while the head is away all callers hear, then and later")
  void deathsOfActorsAreHeardWithoutTheHead() {
    try (ActorHandle<Counter> gone = dfut.actor(Counter::new).on(far.node()).create();
        ActorHandle<Counter> back =
            dfut.actor(Counter::new).maxRestarts(1).maxTaskRetries(1).on(far.node()).create()) {
      assertThat(nextOf(gone)).isEqualTo(1);
      assertThat(nextOf(back)).isEqualTo(1);
      killHead();
      dfut.kill(gone);
      dfut.kill(back, true);

      assertThatThrownBy(() -> nextOf(gone)).isInstanceOf(ActorDiedException.class);
      assertThat(nextOf(back)).as("it began anew").isEqualTo(1);
      startHeadAgain();

      assertThatThrownBy(() -> nextOf(gone)).isInstanceOf(ActorDiedException.class);
      assertThatThrownBy(() -> now(dfut.task(HeadIT::nextOf).on(head.node()).submit(gone)))
          .as("who was away hears it too")
          .rootCause()
          .isInstanceOf(ActorDiedException.class);
      assertThat(now(dfut.task(HeadIT::nextOf).on(head.node()).submit(back))).isEqualTo(2);
    }
  }

  @Test
  @Order(3)
  @Tag("C292")
  @DisplayName("292 the child of a parent that dies while the head is away is stopped")
  void childrenAreStoppedWithoutTheHead() {
    Runs runs = Runs.in(folder, "children");
    Gate gate = Gate.closed();
    NodeId dead = mortal.node();
    DFut<Integer> parent =
        dfut.task(HeadIT::parent).on(dead).maxRetries(0).submit(runs, gate, far.node());
    eventually("the child does not run").until(() -> runs.count() == 1);
    killHead();
    mortal.kill();
    startHeadAgain();

    eventually("the child runs on")
        .atMost(AFTER_RETURN)
        .until(() -> runs.count(OwnerDeathIT.INTERRUPTED) == 1);
    eventually("leases of the dead")
        .atMost(AFTER_RETURN)
        .until(() -> far.inspect().leases().stream().noneMatch(l -> l.owner().node().equals(dead)));
    try (parent) {
      NodeFailedException failure =
          catchThrowableOfType(NodeFailedException.class, () -> parent.get(SOON));
      assertThat(failure).hasMessageContaining(dead.toString());
    }
    assertThat(runs.count()).as("nobody runs it again").isEqualTo(1);
  }
}
