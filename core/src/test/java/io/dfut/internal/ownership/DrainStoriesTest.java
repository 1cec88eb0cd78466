package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.internal.protocol.SchedulerMessage.ReturnLease;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.CopyLeaves;
import io.dfut.internal.protocol.WorkerMessage.CopyMoved;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec.Restarts;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A node says that it will leave: its tasks, its copies, its actors. */
final class DrainStoriesTest {
  private static final Restarts ONCE = new Restarts(1, 0);

  private final Story story = new Story();
  private final Story.Actor driver = story.worker(HERE);
  private final Story.Actor there = story.worker(THERE);
  private final Story.Actor next = story.worker(ELSEWHERE);

  private void drains(NodeId node) {
    story.workers().forEach(worker -> worker.hears(new WorkerMessage.NodeDrains(node)));
    story.deliverAll();
  }

  private void assertNothingIsLeft() {
    story.deliverAll();
    story.workers().forEach(Story.Actor::waitsOutHandovers);
    story.assertNothingIsLeft();
  }

  // ---- tasks ----

  @Test
  @Tag("C146")
  @DisplayName("146 an announced end costs no retry, also when none is left; another one does")
  void announcedEndCostsNoRetry() {
    driver.lend(there, next);
    ObjectId future = driver.submit(0).getFirst();
    story.deliverAll();
    drains(THERE);
    assertThat(there.tasks).as("it may end where it is").hasSize(1);
    story.kill(THERE);
    story.deliverAll();
    assertThat(next.task().attempt()).isEqualTo(1);
    story.kill(ELSEWHERE);
    assertThat(driver.failure(future).kind()).isEqualTo(Failure.Kind.NODE_FAILED);
    driver.close(future);
    assertNothingIsLeft();
  }

  @Test
  @Tag("C146")
  @DisplayName("146 the retries that a task has are all left after an announced end")
  void retriesAreAllLeftAfterAnAnnouncedEnd() {
    Story.Actor last = story.worker(HERE);
    driver.lend(there, next, last);
    ObjectId future = driver.submit(1).getFirst();
    story.deliverAll();
    drains(THERE);
    story.kill(there);
    story.deliverAll();
    story.kill(next);
    story.deliverAll();
    assertThat(last.task().attempt()).isEqualTo(2);
    story.kill(last);
    assertThat(driver.failure(future).kind()).isEqualTo(Failure.Kind.WORKER_CRASHED);
    driver.close(future);
    assertNothingIsLeft();
  }

  @Test
  void cancelledTaskIsNotRunAgain() {
    driver.lend(there, next);
    ObjectId future = driver.submit(0).getFirst();
    story.deliverAll();
    driver.does(new WorkerInput.Cancel(future));
    drains(THERE);
    story.kill(THERE);
    story.deliverAll();
    assertThat(next.tasks).isEmpty();
    driver.close(future);
    assertNothingIsLeft();
  }

  @Test
  void leasesGoBackWhenWhatRunsHasEnded() {
    driver.lend(there, next);
    ObjectId runs = driver.submit(0).getFirst();
    story.deliverAll();
    drains(THERE);
    assertThat(driver.asksFor(ReturnLease.class)).isZero();
    ObjectId later = driver.submit(0).getFirst();
    story.deliverAll();
    assertThat(next.tasks).as("nothing more is sent there").hasSize(1);
    there.returns(value(1));
    story.deliverAll();
    assertThat(driver.asksFor(ReturnLease.class)).isEqualTo(1);
    next.returns(value(2));
    story.deliverAll();
    driver.close(runs, later);
    assertNothingIsLeft();
  }

  // ---- copies ----

  private ObjectId made(int retries) {
    driver.lend(there, next);
    ObjectId object = driver.submit(retries).getFirst();
    story.deliverAll();
    there.returns(stored(0, THERE));
    story.deliverAll();
    return object;
  }

  private static <E extends WorkerEffect> List<E> all(Story.Actor worker, Class<E> type) {
    return worker.effects.stream().filter(type::isInstance).map(type::cast).toList();
  }

  private List<NodeId> sources(ObjectId object) {
    return ((Outcome.Stored) driver.outcome(object)).sources();
  }

  @Test
  void primaryMovesAndNothingIsMadeAgain() {
    ObjectId object = made(3);
    ObjectKey key = new ObjectKey(object, 0);
    drains(THERE);
    driver.hears(new CopyLeaves(object, 0, THERE, ELSEWHERE));
    driver.hears(new CopyLeaves(object, 0, THERE, ELSEWHERE)); // repeated
    assertThat(all(driver, WorkerEffect.MoveCopy.class))
        .containsOnly(new WorkerEffect.MoveCopy(key, 1_000_000, THERE, ELSEWHERE));
    assertThat(sources(object)).containsExactly(THERE);
    driver.hears(new CopyMoved(object, 0, THERE, ELSEWHERE));
    driver.hears(new CopyMoved(object, 0, THERE, ELSEWHERE));
    assertThat(sources(object))
        .as("readable there until it is gone")
        .containsExactly(ELSEWHERE, THERE);
    assertThat(all(driver, WorkerEffect.CopyIsSafe.class))
        .containsOnly(new WorkerEffect.CopyIsSafe(key, THERE));
    driver.hears(new CopyLeaves(object, 0, THERE, ELSEWHERE)); // late
    assertThat(all(driver, WorkerEffect.MoveCopy.class)).hasSize(2);
    story.kill(THERE);
    assertThat(sources(object)).containsExactly(ELSEWHERE);
    assertThat(driver.pushesOf(object)).isEqualTo(1);
    assertThat(story.freed).isEmpty();
    driver.close(object);
    assertThat(story.freed).extracting(Story.Freed::node).containsExactly(ELSEWHERE);
    assertNothingIsLeft();
  }

  @Test
  void nodeWithACopyIsPreferred() {
    ObjectId object = made(3);
    driver.hears(new WorkerMessage.CopyAdded(object, 0, HERE));
    drains(THERE);
    driver.hears(new CopyLeaves(object, 0, THERE, ELSEWHERE));
    assertThat(all(driver, WorkerEffect.MoveCopy.class).getLast().to()).isEqualTo(HERE);
    driver.close(object);
    story.kill(THERE);
    assertNothingIsLeft();
  }

  @Test
  void whatNobodyWantsIsFreedInsteadOfMoved() {
    ObjectId object = made(0);
    driver.close(object);
    story.freed.clear();
    drains(THERE);
    driver.hears(new CopyLeaves(object, 0, THERE, ELSEWHERE));
    assertThat(story.freed).extracting(Story.Freed::node).containsExactly(THERE);
    driver.hears(new CopyMoved(object, 0, THERE, ELSEWHERE)); // freed while it was on its way
    assertThat(story.freed).extracting(Story.Freed::node).containsExactly(THERE, ELSEWHERE);
    assertThat(all(driver, WorkerEffect.MoveCopy.class)).isEmpty();
    assertNothingIsLeft();
  }

  @Test
  void copyThatCouldNotMoveIsMadeAgain() {
    ObjectId object = made(1);
    drains(THERE);
    story.kill(THERE);
    story.deliverAll();
    assertThat(driver.pushesOf(object)).isEqualTo(2);
    next.returns(stored(1, ELSEWHERE));
    story.deliverAll();
    assertThat(sources(object)).containsExactly(ELSEWHERE);
    driver.close(object);
    assertNothingIsLeft();
  }

  // ---- actors ----

  /** An actor on the node that leaves, whose next incarnation is elsewhere. */
  private ActorId created() {
    driver.lend(there, next);
    ActorId actor = driver.create(ONCE);
    story.deliverAll();
    there.returns(new Outcome.Actor(there.id, "Counter", ONCE));
    story.deliverAll();
    return actor;
  }

  /** The actor refuses a call: all that ran there has been answered. */
  private void refuses(TaskPushed call) {
    there.tasks.remove(call);
    there.does(new WorkerInput.TaskDropped(call));
    story.mail.add(
        new Story.Mail(
            there.id,
            call.spec().id().owner(),
            new TaskReturned(
                call.spec().id(),
                call.attempt(),
                List.of(new Outcome.Failed(unavailable())),
                List.of(),
                List.of(),
                List.of(),
                there.id)));
  }

  private static Failure unavailable() {
    return Failure.died(Failure.Kind.ACTOR_UNAVAILABLE, "it moves", 1, "its node is drained");
  }

  private void begins() {
    next.returns(new Outcome.Actor(next.id, "Counter", ONCE));
    story.deliverAll();
  }

  @Test
  void actorMovesWithItsCallsInOrderAndNoRestartIsSpent() {
    ActorId actor = created();
    List<ObjectId> calls =
        Stream.generate(() -> driver.call(actor, taken(driver.put(value(0))))).limit(4).toList();
    story.deliverAll();
    drains(THERE);
    there.returns(value(1)); // ran; the other three did not begin
    story.mail.add(
        new Story.Mail(
            there.id, driver.id, new WorkerMessage.ActorEnded(actor.object(), unavailable())));
    List.copyOf(there.tasks).forEach(this::refuses);
    story.deliverAll();
    ObjectId later = driver.call(actor); // waits, though it has no task retries
    story.deliverAll();
    assertThat(driver.outcome(later)).isNull();
    begins();
    assertThat(next.tasks.stream().map(push -> push.spec().id().result(0)))
        .containsExactlyElementsOf(
            Stream.concat(calls.subList(1, 4).stream(), Stream.of(later)).toList());
    assertThat(next.tasks).extracting(TaskPushed::sequence).containsExactly(0L, 1L, 2L, 3L);
    IntStream.range(0, 4).forEach(i -> next.returns(value(i)));
    story.deliverAll();
    assertThat(calls).allMatch(call -> driver.outcome(call) instanceof Outcome.Inline);
    story.kill(THERE);
    Story.Actor third = story.worker(HERE);
    driver.lend(third);
    story.kill(next); // this one is charged, and there was one to spend
    story.deliverAll();
    assertThat(third.task().attempt()).isEqualTo(2);
    third.returns(new Outcome.Actor(third.id, "Counter", ONCE));
    story.deliverAll();
    assertThat(driver.outcome(actor.object())).isInstanceOf(Outcome.Actor.class);
  }

  @Test
  void borrowerAsksTheOwnerWhereTheActorIsWhenItIsRefused() {
    ActorId actor = created();
    Story.Actor borrower = story.worker(HERE);
    borrower.finds(actor.object());
    borrower.gets(actor.object());
    story.deliverAll();
    ObjectId call = borrower.call(actor);
    story.deliverAll();
    drains(THERE);
    refuses(there.task());
    story.deliverAll();
    assertThat(borrower.outcome(call)).as("neither failed nor sent").isNull();
    driver.hears(new WorkerMessage.ActorEnded(actor.object(), unavailable()));
    story.deliverAll();
    begins();
    assertThat(next.tasks).hasSize(1);
    next.returns(value(7));
    story.deliverAll();
    assertThat(borrower.outcome(call)).isInstanceOf(Outcome.Inline.class);
  }

  @Test
  void ownersEndSaysThatItWasDrained() {
    ObjectId object = there.put(stored(0, THERE));
    driver.finds(object);
    driver.gets(object);
    drains(THERE);
    driver.hears(new WorkerMessage.NodeDied(THERE, "it was drained"));
    assertThat(driver.failure(object).kind()).isEqualTo(Failure.Kind.OWNER_DIED);
    assertThat(driver.failure(object).message()).contains("it was drained");
  }
}
