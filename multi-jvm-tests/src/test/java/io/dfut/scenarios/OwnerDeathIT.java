package io.dfut.scenarios;

import static io.dfut.scenarios.DyingCluster.SOON;
import static io.dfut.scenarios.DyingCluster.eventually;
import static io.dfut.scenarios.DyingCluster.now;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.NodeFailedException;
import io.dfut.NodeId;
import io.dfut.OwnerDiedException;
import io.dfut.SharedDFut;
import io.dfut.TaskFailedException;
import io.dfut.scenarios.ObjectScenarios.Seen;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whoever submitted tasks and made actors is killed: what ends with it, and what does not. */
@Timeout(240)
final class OwnerDeathIT extends DeathScenarios {
  /** Within this of the kill nothing of the dead one runs, or holds anything. */
  private static final Duration FREE_BOUND = DyingCluster.BOUND.plusSeconds(8);

  static final String INTERRUPTED = "was interrupted";

  // ---- what tasks and actors do ----

  static int waits(Runs runs, Gate gate) throws InterruptedException {
    runs.note();
    try {
      gate.pass();
    } catch (InterruptedException e) {
      runs.note(INTERRUPTED);
      throw e;
    }
    return 1;
  }

  /** An actor whose method waits. */
  static final class Child extends DFutActor<Void> {
    public int waitsToo(Runs runs, Gate gate) throws InterruptedException {
      return waits(runs, gate);
    }
  }

  private static int overATask(Runs runs, Gate gate, NodeId where) {
    return DFutContext.current().task(OwnerDeathIT::waits).on(where).submit(runs, gate).get();
  }

  private static int overAnActor(Runs runs, Gate gate, NodeId where) {
    ActorHandle<Child> child = DFutContext.current().actor(Child::new).on(where).create();
    return child.task(Child::waitsToo).submit(runs, gate).get();
  }

  /** An actor that has children of both kinds, and does not wait for them. */
  static final class Parent extends DFutActor<Void> {
    private DFut<Integer> task;
    private ActorHandle<Child> actor;
    private DFut<Integer> call;

    public void begin(Runs runs, Gate gate, NodeId where) {
      task = dfut().task(OwnerDeathIT::waits).on(where).submit(runs, gate);
      actor = dfut().actor(Child::new).on(where).create();
      call = actor.task(Child::waitsToo).submit(runs, gate);
    }

    @Override
    public String toString() {
      return "parent of " + task + ", " + actor + " and " + call;
    }
  }

  private static NodeId here() {
    return DFutContext.current().node();
  }

  // ---- helpers ----

  /** Nothing that is of that node is left on the other. */
  private void assertFree(FarNode node, NodeId of, Runs runs, int children) {
    eventually("a child of the dead runs on")
        .atMost(FREE_BOUND)
        .until(() -> runs.count(INTERRUPTED) == children);
    eventually("leases and actors of the dead")
        .atMost(FREE_BOUND)
        .untilAsserted(
            () -> {
              assertThat(node.inspect().leases()).noneMatch(l -> l.owner().node().equals(of));
              assertThat(node.inspect().actors()).isEmpty();
            });
    try (DFut<NodeId> all = dfut.task(OwnerDeathIT::here).cpus(2).on(node.node()).submit()) {
      assertThat(all.get(FREE_BOUND)).as("all its slots").isEqualTo(node.node());
    }
  }

  private static void assertDied(DFut<?> parent) {
    try (parent) {
      assertThat(catchThrowableOfType(NodeFailedException.class, () -> parent.get(SOON)))
          .isNotNull();
    }
  }

  // ---- the scenarios ----

  @Test
  @Tag("C125")
  @DisplayName(
      "125 children of tasks and actors on a killed node are stopped, and free their slots")
  void childrenOfTheDeadAreStopped() {
    Runs runs = runs("children");
    Gate gate = Gate.closed();
    NodeId where = cluster.near.node();
    NodeId doomed = cluster.mortal().node();
    DFut<Integer> one =
        dfut.task(OwnerDeathIT::overATask).on(doomed).maxRetries(0).submit(runs, gate, where);
    DFut<Integer> other =
        dfut.task(OwnerDeathIT::overAnActor).on(doomed).maxRetries(0).submit(runs, gate, where);
    ActorHandle<Parent> parent = dfut.actor(Parent::new).on(doomed).create();
    now(parent.task(Parent::begin).submit(runs, gate, where));
    gate.awaitArrived(4);
    assertThat(cluster.near.inspect().leases())
        .filteredOn(l -> l.owner().node().equals(doomed))
        .as("of two tasks and two actors")
        .hasSize(4);
    assertThat(cluster.near.inspect().actors()).hasSize(2);
    cluster.replaceMortal();
    assertDied(one);
    assertDied(other);
    assertFree(cluster.near, doomed, runs, 4);
    parent.close();
  }

  @Test
  @Tag("C125")
  @DisplayName("125 children of an actor that is killed are stopped, though its node lives")
  void childrenOfAKilledActorAreStopped() {
    Runs runs = runs("children");
    Gate gate = Gate.closed();
    ActorHandle<Parent> parent = dfut.actor(Parent::new).on(cluster.far.node()).create();
    now(parent.task(Parent::begin).submit(runs, gate, cluster.near.node()));
    gate.awaitArrived(2);
    dfut.kill(parent);
    assertFree(cluster.near, cluster.far.node(), runs, 2);
    parent.close();
  }

  private static int overAGrandchild(Runs runs, Gate gate, NodeId where) {
    runs.note();
    try {
      return DFutContext.current().task(OwnerDeathIT::waits).on(where).submit(runs, gate).get();
    } catch (RuntimeException e) {
      runs.note(INTERRUPTED);
      throw e;
    }
  }

  private static int root(Runs runs, Gate gate, List<NodeId> route) {
    return DFutContext.current()
        .task(OwnerDeathIT::overAGrandchild)
        .on(route.getFirst())
        .submit(runs, gate, route.getLast())
        .get();
  }

  @Test
  @Tag("C126")
  @DisplayName("126 child and grandchild end with their root, and those of others run on")
  void subtreeEndsWithItsRoot() {
    Runs runs = runs("subtree");
    Runs siblings = runs("siblings");
    Gate gate = Gate.closed();
    Gate other = Gate.closed();
    List<NodeId> route = List.of(cluster.near.node(), cluster.far.node());
    DFut<Integer> root =
        dfut.task(OwnerDeathIT::root)
            .on(cluster.mortal().node())
            .maxRetries(0)
            .submit(runs, gate, route);
    DFut<Integer> sibling =
        dfut.task(OwnerDeathIT::overAGrandchild)
            .on(route.getFirst())
            .submit(siblings, other, route.getLast());
    gate.awaitArrived(1);
    other.awaitArrived(1);
    cluster.replaceMortal();
    assertDied(root);
    eventually("the subtree runs on").atMost(FREE_BOUND).until(() -> runs.count(INTERRUPTED) == 2);
    assertThat(runs.count()).isEqualTo(2);
    other.open();
    try (sibling) {
      assertThat(sibling.get(SOON)).isEqualTo(1);
    }
    assertThat(siblings.count()).isEqualTo(2);
    assertThat(siblings.count(INTERRUPTED)).isZero();
  }

  private static Seen readsOfAChild(Runs runs, Gate gate) throws InterruptedException {
    runs.note();
    SharedDFut<byte[]> reference =
        DFutContext.current()
            .task(ObjectScenarios::putAndShare)
            .resource(DyingCluster.SOIL, 1)
            .submit(1, ObjectScenarios.SMALL)
            .get();
    gate.pass();
    return Seen.of(reference.get());
  }

  private static Seen reads(Runs runs, Gate gate, SharedDFut<byte[]> reference)
      throws InterruptedException {
    runs.note();
    gate.pass();
    return Seen.of(reference.get());
  }

  @Test
  @DisplayName("a result that refers to what a dead owner had put is made again")
  void resultWithADeadReferenceIsMadeAgain() {
    byte[] expected = Tasks.bytes(2, ObjectScenarios.SMALL);
    try (DFut<SharedDFut<byte[]>> outer =
            dfut.task(ObjectScenarios::putAndShare)
                .resource(DyingCluster.SOIL, 1)
                .submit(2, ObjectScenarios.SMALL);
        SharedDFut<byte[]> before = outer.get(SOON)) {
      cluster.replaceMortal();
      eventually("it is not made again")
          .ignoreException(OwnerDiedException.class)
          .until(
              () -> {
                try (SharedDFut<byte[]> after = outer.get(SOON)) {
                  return Arrays.equals(after.get(SOON), expected);
                }
              });
      assertThat(catchThrowableOfType(OwnerDiedException.class, () -> before.get(SOON)))
          .as("the old reference stays dead")
          .isNotNull();
    }
  }

  @Test
  @DisplayName("a task that came by a dead owner's reference runs again, not one that was given it")
  void tasksShareAnOwnersFate() {
    Runs found = runs("found");
    Runs given = runs("given");
    Gate gate = Gate.closed();
    SharedDFut<byte[]> reference =
        now(
            dfut.task(ObjectScenarios::putAndShare)
                .resource(DyingCluster.SOIL, 1)
                .submit(2, ObjectScenarios.SMALL));
    DFut<Seen> again =
        dfut.task(OwnerDeathIT::readsOfAChild).on(cluster.near.node()).submit(found, gate);
    DFut<Seen> once =
        dfut.task(OwnerDeathIT::reads).on(cluster.far.node()).submit(given, gate, reference);
    gate.awaitArrived(2);
    NodeId dead = cluster.replaceMortal().node();
    eventually("the death is not known").until(() -> !dfut.nodes().contains(dead));
    gate.open();
    assertThat(now(again)).isEqualTo(Seen.of(Tasks.bytes(1, ObjectScenarios.SMALL)));
    assertThat(found.count()).isEqualTo(2);
    assertThat(catchThrowableOfType(TaskFailedException.class, () -> now(once)))
        .rootCause()
        .isInstanceOf(OwnerDiedException.class)
        .hasMessageContaining(dead.address());
    assertThat(given.count()).isEqualTo(1);
    reference.close();
  }

  /** Owns more than its node's memory. */
  static final class Hoarder extends DFutActor<Void> {
    private final List<DFut<byte[]>> values = new ArrayList<>();

    public int put(int count, int length) {
      for (int i = 0; i < count; i++) {
        values.add(dfut().put(Tasks.bytes(i, length)));
      }
      return values.size();
    }
  }

  private static long entries(Path directory) {
    try (Stream<Path> all = Files.list(directory)) {
      return all.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  @Tag("C129")
  @DisplayName(
      "129 the memory and disk of a killed node are given back by one that lives beside it")
  void filesOfTheDeadAreRemoved() throws IOException {
    Path memory = Files.createDirectory(folder.resolve("memory"));
    Path disk = Files.createDirectory(folder.resolve("disk"));
    List<FarNode> both =
        cluster.startAlike(
            2,
            List.of(
                "dfut.store.memory=64MiB",
                "dfut.store.shared-memory=" + memory,
                "dfut.store.spill.directories.0=" + disk));
    FarNode victim = both.getFirst();
    ActorHandle<Hoarder> owner = dfut.actor(Hoarder::new).on(victim.node()).create();
    assertThat(now(owner.task(Hoarder::put).submit(30, 4_000_000))).isEqualTo(30);
    assertThat(victim.inspect().store().usedBytes()).isPositive();
    assertThat(victim.inspect().store().diskBytes()).isPositive();
    assertThat(entries(memory)).as("in use by both").isEqualTo(2);
    assertThat(entries(disk)).as("in use by both").isEqualTo(2);
    victim.kill();
    eventually("the dead one's files")
        .untilAsserted(
            () -> {
              assertThat(entries(memory)).isEqualTo(1);
              assertThat(entries(disk)).isEqualTo(1);
            });
    owner.close();
    both.getLast().kill();
  }
}
