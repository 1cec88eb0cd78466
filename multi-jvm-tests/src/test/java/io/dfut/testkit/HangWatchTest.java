package io.dfut.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorHandle;
import io.dfut.ClusterInspection;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutSystem;
import io.dfut.DPromise;
import io.dfut.Inspection;
import io.dfut.Inspection.Pending;
import io.dfut.Inspection.WaitsFor;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.SharedDFut;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What has a reason to wait, in real tables and in made ones, and what has none. */
@DFutLocal(cpus = 1)
final class HangWatchTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final Latch latch = new Latch("hang-watch-" + UUID.randomUUID());

  DFutSystem dfut;

  @AfterEach
  void open() {
    latch.open();
  }

  static int inc(int n) {
    return n + 1;
  }

  static int incShared(SharedDFut<Integer> n) {
    return n.get() + 1;
  }

  static final class Waiter extends DFutActor<Void> {
    int pass(Latch latch) throws InterruptedException {
      return Latch.pass(latch);
    }
  }

  // ---- what a running system says ----

  private WaitsFor waits(DFut<?> future, Predicate<WaitsFor> wanted) {
    return Awaitility.await("what " + future.id() + " waits for")
        .atMost(SOON)
        .until(
            () ->
                dfut.inspect().pending().stream()
                    .filter(pending -> pending.object().equals(future.id()))
                    .map(Pending::waitsFor)
                    .findFirst()
                    .orElse(null),
            found -> found != null && wanted.test(found));
  }

  private Inspection.Attempt attempt(DFut<?> future, Inspection.Stage stage) {
    return Awaitility.await(future.id() + " " + stage)
        .atMost(SOON)
        .until(
            () ->
                dfut.inspect().attempts().stream()
                    .filter(attempt -> attempt.task().equals(future.id().task()))
                    .findFirst()
                    .orElse(null),
            found -> found != null && found.stage() == stage);
  }

  @Test
  void whatWaitsForATaskThatRunsHasAReason() {
    DFut<Integer> runs = dfut.task(Latch::pass).submit(latch);
    Inspection.Attempt attempt = attempt(runs, Inspection.Stage.RUNNING);
    assertThat(waits(runs, WaitsFor.Answer.class::isInstance))
        .isEqualTo(new WaitsFor.Answer(attempt.worker(), 0));

    DFut<Integer> queued = dfut.task(HangWatchTest::inc).cpus(0.5).submit(1);
    assertThat(waits(queued, WaitsFor.Lease.class::isInstance))
        .isEqualTo(new WaitsFor.Lease(List.of(dfut.inspect().node())));

    DFut<Integer> dependent = dfut.task(HangWatchTest::inc).submit(queued);
    assertThat(waits(dependent, WaitsFor.Objects.class::isInstance))
        .isEqualTo(new WaitsFor.Objects(List.of(queued.id())));

    HangWatch.assertNoHang(dfut, Duration.ZERO);
    assertThat(dfut.inspect().rows())
        .filteredOn(row -> row.object().equals(dependent.id()))
        .singleElement()
        .satisfies(row -> assertThat(row.state()).contains("waits for " + queued.id()));
    latch.open();
    assertThat(dependent.get()).isEqualTo(3);
  }

  @Test
  void aBorrowerWaitsForItsOwnerAndThatForACompletion() {
    DPromise<Integer> promise = dfut.promise();
    DFut<Integer> borrows = dfut.task(HangWatchTest::incShared).submit(promise.future().share());
    attempt(borrows, Inspection.Stage.RUNNING);
    Awaitility.await("the borrower asks")
        .atMost(SOON)
        .until(
            () ->
                dfut.inspect().pending().stream()
                    .map(Pending::waitsFor)
                    .anyMatch(WaitsFor.Owner.class::isInstance));
    assertThat(waits(promise.future(), waits -> true)).isEqualTo(new WaitsFor.Completion());
    HangWatch.assertNoHang(dfut, Duration.ZERO);
    promise.complete(1);
    assertThat(borrows.get()).isEqualTo(2);
  }

  @Test
  void callsWaitForTheirActor() {
    ActorHandle<Waiter> actor = dfut.actor(Waiter::new).create();
    DFut<Integer> first = actor.task(Waiter::pass).submit(latch);
    DFut<Integer> second = actor.task(Waiter::pass).submit(latch);
    attempt(first, Inspection.Stage.RUNNING);
    attempt(second, Inspection.Stage.QUEUED);

    DPromise<Latch> late = dfut.promise();
    DFut<Integer> third = actor.task(Waiter::pass).submit(late.future());
    DFut<Integer> fourth = actor.task(Waiter::pass).submit(latch);
    assertThat(waits(third, WaitsFor.Objects.class::isInstance))
        .isEqualTo(new WaitsFor.Objects(List.of(late.future().id())));
    assertThat(waits(fourth, WaitsFor.Objects.class::isInstance))
        .as("the call before it")
        .isEqualTo(new WaitsFor.Objects(List.of(late.future().id())));
    HangWatch.assertNoHang(dfut, Duration.ZERO);
    late.complete(latch);
    latch.open();
    assertThat(fourth.get()).isEqualTo(1);
  }

  // ---- made tables ----

  private static final NodeId HERE = new NodeId("here", 1, 1);
  private static final NodeId THERE = new NodeId("there", 2, 1);
  private static final WorkerId OWNER = new WorkerId(HERE, 1);
  private static final WorkerId OTHER = new WorkerId(THERE, 1);
  private static final ObjectId OBJECT = new TaskId(OWNER, 1).result(0);
  private static final ObjectId ARGUMENT = new TaskId(OWNER, 2).result(0);

  private static Pending pending(WorkerId worker, ObjectId object, WaitsFor waitsFor) {
    return new Pending(worker, object, "made by a test", waitsFor);
  }

  private static Inspection node(
      NodeId node,
      List<Pending> pending,
      List<Inspection.Attempt> attempts,
      List<Inspection.Lease> leases) {
    Inspection.Store store =
        new Inspection.Store(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    return new Inspection(
        node, List.of(), pending, attempts, leases, List.of(), store, 0, () -> null);
  }

  private static ClusterInspection cluster(Inspection... nodes) {
    TreeMap<NodeId, Inspection> all = new TreeMap<>();
    for (Inspection node : nodes) {
      all.put(node.node(), node);
    }
    return new ClusterInspection(all, new TreeSet<>(), () -> null);
  }

  private static ClusterInspection withThere(
      WaitsFor waitsFor, List<Inspection.Attempt> attempts, List<Inspection.Lease> leases) {
    return cluster(
        node(HERE, List.of(pending(OWNER, OBJECT, waitsFor)), List.of(), List.of()),
        node(THERE, List.of(), attempts, leases));
  }

  private static List<Pending> hung(ClusterInspection seen) {
    return HangWatch.hung(() -> seen, Duration.ZERO);
  }

  @Test
  void whatTheOtherSideDoesNotKnowIsHung() {
    WaitsFor answer = new WaitsFor.Answer(OTHER, 1);
    TaskId task = OBJECT.task();
    Inspection.Attempt old = new Inspection.Attempt(OTHER, task, 0, "t", Inspection.Stage.RUNNING);
    Inspection.Attempt there =
        new Inspection.Attempt(OTHER, task, 1, "t", Inspection.Stage.RUNNING);
    assertThat(hung(withThere(answer, List.of(old), List.of()))).hasSize(1);
    assertThat(hung(withThere(answer, List.of(there), List.of()))).isEmpty();

    WaitsFor lease = new WaitsFor.Lease(List.of(THERE));
    Inspection.Lease granted = new Inspection.Lease(OWNER, Optional.of(OTHER), "1 cpu", "granted");
    Inspection.Lease others = new Inspection.Lease(OTHER, Optional.empty(), "1 cpu", "queued");
    Inspection.Lease queued = new Inspection.Lease(OWNER, Optional.empty(), "1 cpu", "queued");
    assertThat(hung(withThere(lease, List.of(), List.of(granted, others)))).hasSize(1);
    assertThat(hung(withThere(lease, List.of(), List.of(queued)))).isEmpty();

    assertThat(hung(withThere(new WaitsFor.Nothing(), List.of(), List.of()))).hasSize(1);
  }

  @Test
  void anArgumentOrAnOwnersRowMustBePendingItself() {
    Pending needs = pending(OWNER, OBJECT, new WaitsFor.Objects(List.of(ARGUMENT)));
    Pending argument = pending(OWNER, ARGUMENT, new WaitsFor.Completion());
    assertThat(hung(cluster(node(HERE, List.of(needs), List.of(), List.of()))))
        .containsExactly(needs);
    assertThat(hung(cluster(node(HERE, List.of(needs, argument), List.of(), List.of())))).isEmpty();

    Pending borrowed = pending(OTHER, ARGUMENT, new WaitsFor.Owner(OWNER));
    Inspection there = node(THERE, List.of(borrowed), List.of(), List.of());
    assertThat(hung(cluster(node(HERE, List.of(), List.of(), List.of()), there)))
        .containsExactly(borrowed);
    assertThat(hung(cluster(node(HERE, List.of(argument), List.of(), List.of()), there))).isEmpty();
  }

  @Test
  void aNodeThatDoesNotAnswerIsAReasonAndOneThatIsGoneIsNone() {
    Pending at = pending(OWNER, OBJECT, new WaitsFor.Answer(OTHER, 0));
    TreeMap<NodeId, Inspection> nodes = new TreeMap<>();
    nodes.put(HERE, node(HERE, List.of(at), List.of(), List.of()));
    TreeSet<NodeId> silent = new TreeSet<>(List.of(THERE));
    assertThat(hung(new ClusterInspection(nodes, silent, () -> null))).isEmpty();
    assertThat(hung(new ClusterInspection(nodes, new TreeSet<>(), () -> null))).containsExactly(at);
  }

  @Test
  void whatChangesBetweenTwoLooksIsNotHung() {
    Pending before = pending(OWNER, OBJECT, new WaitsFor.Answer(OTHER, 0));
    Pending after = pending(OWNER, OBJECT, new WaitsFor.Answer(OTHER, 1));
    Deque<ClusterInspection> looks = new ArrayDeque<>();
    looks.add(cluster(node(HERE, List.of(before), List.of(), List.of())));
    looks.add(cluster(node(HERE, List.of(after), List.of(), List.of())));
    assertThat(HangWatch.hung(looks::poll, SOON)).isEmpty();
    assertThat(looks).as("looks that it took").isEmpty();
  }

  @Test
  void theErrorNamesWhatMadeTheFutureAndWhatItWaitsFor() {
    String text =
        HangWatch.describe(
            List.of(pending(OWNER, OBJECT, new WaitsFor.Lease(List.of(THERE)))), SOON);
    assertThat(text)
        .contains("within PT20S")
        .contains(OBJECT.toString())
        .contains("made by a test")
        .contains("queued at node " + THERE + ", where no such request is");
  }
}
