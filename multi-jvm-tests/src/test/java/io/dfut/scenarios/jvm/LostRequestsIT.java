package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.internal.cluster.TroubledWireSerializer;
import io.dfut.testkit.DFutCluster;
import io.dfut.testkit.DFutNode;
import io.dfut.testkit.DFutNodes;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Actors that are to end, where the first message of each kind from node to node is lost, that they
 * should among them. What says so is in the nodes' logs.
 */
@DFutCluster(
    nodes = 3,
    cpus = 1,
    settings = {
      "pekko.actor.serializers.dfut-wire = io.dfut.internal.cluster.TroubledWireSerializer",
      TroubledWireSerializer.KEY + " = " + TroubledWireSerializer.LOSE
    })
@Timeout(240)
final class LostRequestsIT {
  private static final Duration SOON = Duration.ofSeconds(30);

  static final class Child extends DFutActor<Void> {
    String alive() {
      return "alive";
    }
  }

  /** Owns a child on another node. */
  static final class Parent extends DFutActor<Void> {
    private ActorHandle<Child> child;

    ActorHandle<Child> make(NodeId where) {
      child = dfut().actor(Child::new).on(where).create();
      assertThat(child.task(Child::alive).submit().get()).isEqualTo("alive");
      return child;
    }

    void kill() {
      dfut().kill(child);
    }

    void close() {
      child.close();
    }
  }

  /** Holds what another owns. */
  static final class Holder extends DFutActor<Void> {
    private ActorHandle<Child> held;

    String hold(ActorHandle<Child> child) {
      held = child;
      return held.task(Child::alive).submit().get();
    }

    void close() {
      held.close();
    }
  }

  private static void awaitEnd(DFutSystem dfut, String actor) {
    Awaitility.await("the actor lives on")
        .atMost(SOON)
        .until(
            () ->
                dfut.inspectCluster(SOON).nodes().values().stream()
                    .flatMap(node -> node.actors().stream())
                    .noneMatch(living -> living.id().toString().equals(actor)));
  }

  private static long losses(DFutNode node, String kind) {
    return node.logs().stream().filter(line -> line.equals("lost " + kind)).count();
  }

  /** The id of the parent's child; the driver holds it no longer. */
  private static String child(ActorHandle<Parent> parent, DFutNode where) {
    try (DFut<ActorHandle<Child>> made = parent.task(Parent::make).submit(where.nodeId());
        ActorHandle<Child> child = made.get(SOON)) {
      return child.id().toString();
    }
  }

  @Test
  @Tag("C173")
  @DisplayName("173 an actor that is killed is gone, though the request was lost once")
  void killedThoughTheRequestWasLost(DFutSystem dfut, DFutNodes nodes) {
    DFutNode owner = nodes.get(0);
    ActorHandle<Parent> parent = dfut.actor(Parent::new).on(owner.nodeId()).create();
    String child = child(parent, nodes.get(1));
    long before = losses(owner, "EndActor");
    parent.task(Parent::kill).submit().get(SOON);
    awaitEnd(dfut, child);
    assertThat(losses(owner, "EndActor")).isEqualTo(before + 1);
  }

  @Test
  @Tag("C177")
  @DisplayName("177 an actor ends with its last handle, though the word of that was lost once")
  void endsThoughTheReleaseWasLost(DFutSystem dfut, DFutNodes nodes) {
    DFutNode owner = nodes.get(1);
    DFutNode holds = nodes.get(2);
    ActorHandle<Parent> parent = dfut.actor(Parent::new).on(owner.nodeId()).create();
    ActorHandle<Holder> holder = dfut.actor(Holder::new).on(holds.nodeId()).create();
    String id;
    try (DFut<ActorHandle<Child>> made = parent.task(Parent::make).submit(nodes.get(0).nodeId());
        ActorHandle<Child> child = made.get(SOON)) {
      id = child.id().toString();
      assertThat(holder.task(Holder::hold).submit(child).get(SOON)).isEqualTo("alive");
      parent.task(Parent::close).submit().get(SOON);
    }
    long before = losses(holds, "BorrowReleased");
    holder.task(Holder::close).submit().get(SOON);
    awaitEnd(dfut, id);
    assertThat(losses(holds, "BorrowReleased")).isEqualTo(before + 1);
    assertThat(losses(owner, "EndActor")).as("to the child's node, too").isPositive();
  }
}
