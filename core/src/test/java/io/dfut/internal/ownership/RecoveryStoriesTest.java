package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.failed;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.ObjectLostException.Reason;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.CopyAdded;
import io.dfut.internal.protocol.WorkerMessage.CopyLost;
import io.dfut.internal.protocol.WorkerMessage.Resolve;
import io.dfut.internal.protocol.WorkerMessage.Resolved;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.CallSite;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Copies that are lost: what is done to have the value again, and what is said when it is not. */
final class RecoveryStoriesTest {
  private final Story story = new Story();
  private final Story.Actor executor = story.worker(HERE);
  private final Story.Actor driver = story.worker(HERE).lend(executor);

  /** A finished task's result. */
  private ObjectId made(int maxRetries, Outcome outcome) {
    ObjectId object = driver.submit(maxRetries).getFirst();
    story.deliverAll();
    executor.returns(outcome);
    story.deliverAll();
    return object;
  }

  /** Another worker that holds the object, and knows where it is. */
  private Story.Actor borrowerOf(ObjectId object) {
    Story.Actor borrower = story.worker(ELSEWHERE);
    borrower.finds(object);
    borrower.gets(object);
    story.deliverAll();
    assertThat(borrower.outcome(object)).isEqualTo(driver.outcome(object));
    return borrower;
  }

  private List<NodeId> sources(ObjectId object) {
    return ((Outcome.Stored) driver.outcome(object)).sources();
  }

  private void assertLost(Story.Actor reader, ObjectId object, Reason reason) {
    assertThat(reader.failure(object).kind()).isEqualTo(Failure.Kind.OBJECT_LOST);
    assertThat(reader.failure(object).detail()).isEqualTo(reason.name());
  }

  // ---- what is left ----

  @Test
  @Tag("C086")
  @DisplayName("086 recovery tries the next copy when the first is gone too, and runs nothing")
  void recoveryTriesTheNextCopy() {
    ObjectId object = made(3, stored(0, THERE));
    driver.hears(new CopyAdded(object, 0, ELSEWHERE));
    driver.hears(new CopyAdded(object, 0, HERE));
    story.kill(THERE);
    ObjectKey key = new ObjectKey(object, 0);
    assertThat(story.promoted).containsExactly(new WorkerEffect.PromoteCopy(key, ELSEWHERE));
    WorkerId node = new WorkerId(ELSEWHERE, 0); // which cannot pin what it has thrown out
    driver.hears(new CopyLost(object, 0, List.of(ELSEWHERE), node));
    assertThat(story.promoted)
        .containsExactly(
            new WorkerEffect.PromoteCopy(key, ELSEWHERE), new WorkerEffect.PromoteCopy(key, HERE));
    assertThat(sources(object)).containsExactly(HERE);
    story.deliverAll();
    assertThat(driver.pushesOf(object)).isEqualTo(1);
    driver.close(object);
    assertThat(story.freed).contains(new Story.Freed(key, HERE));
    story.assertNothingIsLeft();
  }

  @Test
  void copyThatCouldNotBeReadDoesNotStayWhenItIsThereAllTheSame() {
    ObjectId object = made(3, stored(0, THERE));
    ObjectKey key = new ObjectKey(object, 0);
    driver.hears(new CopyAdded(object, 0, ELSEWHERE));
    driver.hears(new CopyLost(object, 0, List.of(ELSEWHERE), new WorkerId(HERE, 77)));
    assertThat(story.freed).containsExactly(new Story.Freed(key, ELSEWHERE));
    assertThat(sources(object)).containsExactly(THERE);
    driver.hears(new CopyLost(object, 0, List.of(ELSEWHERE), new WorkerId(HERE, 77)));
    assertThat(story.freed).as("repeated").hasSize(1);
    driver.findsNoCopy(object); // at the other one: it is made again
    assertThat(story.freed)
        .containsExactly(new Story.Freed(key, ELSEWHERE), new Story.Freed(key, THERE));
    assertThat(driver.row(object).isBeingMade()).isTrue();
  }

  @Test
  @Tag("C087")
  @DisplayName("087 a lost chain is rebuilt from its beginning, each task once")
  void lostChainIsRebuiltFromItsBeginning() {
    ObjectId one = made(3, stored(0, THERE));
    ObjectId two = driver.submit(taken(one));
    story.deliverAll();
    executor.returns(stored(0, THERE));
    ObjectId three = driver.submit(taken(two));
    story.deliverAll();
    executor.returns(stored(0, THERE));
    story.deliverAll();
    driver.close(one, two);
    assertThat(story.freed).as("the values; their lineage stays").hasSize(2);
    story.kill(THERE);
    for (ObjectId object : List.of(one, two, three)) {
      story.deliverAll();
      assertThat(executor.tasks)
          .extracting(task -> task.spec().id())
          .containsExactly(object.task());
      assertThat(executor.task().attempt()).isEqualTo(1);
      executor.returns(stored(1, HERE));
    }
    story.deliverAll();
    assertThat(sources(three)).containsExactly(HERE);
    assertThat(List.of(one, two, three))
        .allSatisfy(object -> assertThat(driver.pushesOf(object)).isEqualTo(2));
    driver.close(three);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C088")
  @DisplayName("088 recovery of one object is not started twice, and afresh when it is lost again")
  void recoveryIsNotStartedTwice() {
    ObjectId object = made(3, stored(0, THERE));
    Story.Actor borrower = borrowerOf(object);
    driver.findsNoCopy(object);
    driver.does(new WorkerInput.ReadFailed(object, 0, List.of(THERE)));
    borrower.findsNoCopy(object);
    borrower.does(new WorkerInput.ReadFailed(object, 0, List.of(THERE)));
    story.deliverAll();
    assertThat(driver.pushesOf(object)).isEqualTo(2);
    assertThat(executor.tasks).hasSize(1);
    assertThat(borrower.outcome(object)).as("until it is made again").isNull();
    executor.returns(stored(1, THERE));
    story.deliverAll();
    assertThat(borrower.outcome(object)).isEqualTo(stored(1, THERE));
    driver.findsNoCopy(object);
    story.deliverAll();
    assertThat(executor.tasks).extracting(TaskPushed::attempt).containsExactly(2);
    executor.returns(stored(2, THERE));
    story.deliverAll();
    assertThat(driver.pushesOf(object)).isEqualTo(3);
    borrower.close(object);
    driver.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C090")
  @DisplayName("090 an object that is safe is not recovered, and whoever asks hears where it is")
  void safeObjectIsNotRecovered() {
    ObjectId object = made(3, stored(0, THERE));
    Story.Actor borrower = borrowerOf(object);
    driver.findsNoCopy(object);
    story.deliverAll();
    executor.returns(stored(1, HERE));
    story.deliverAll();
    long pushes = driver.pushesOf(object);
    borrower.findsNoCopy(object); // of the first attempt
    driver.does(new WorkerInput.ReadFailed(object, 0, List.of(THERE)));
    driver.does(new WorkerInput.ReadFailed(object, 1, List.of(ELSEWHERE))); // never had one
    CopyLost report = story.deliver(CopyLost.class);
    assertThat(report.attempt()).isZero();
    assertThat(story.deliver(Resolved.class).outcome()).isEqualTo(stored(1, HERE));
    assertThat(borrower.outcome(object)).isEqualTo(stored(1, HERE));
    assertThat(story.mail).isEmpty();
    assertThat(driver.pushesOf(object)).isEqualTo(pushes);
    assertThat(story.promoted).isEmpty();
    assertThat(executor.tasks).isEmpty();
    borrower.close(object);
    driver.close(object);
    story.assertNothingIsLeft();
  }

  // ---- reasons ----

  @Test
  @Tag("C091")
  @DisplayName("091 a lost put, and a lost promise, say that nothing can make them again")
  void lostPutAndPromise() {
    ObjectId put = driver.put(stored(0, THERE));
    ObjectId promised = new ObjectId(driver.id, -99, 0);
    Story.Cell cell = new Story.Cell();
    driver.cells.put(promised, cell);
    driver.does(new WorkerInput.PromiseMade(promised, CallSite.UNKNOWN, cell));
    driver.does(new WorkerInput.PromiseSettled(promised, stored(0, THERE)));
    story.kill(THERE);
    assertLost(driver, put, Reason.PUT_WITHOUT_LINEAGE);
    assertLost(driver, promised, Reason.PROMISE_WITHOUT_LINEAGE);
    driver.close(put, promised);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C091")
  @DisplayName("091 a lost result without retries says so, to borrowers too, and runs nothing")
  void lostResultWithoutRetries() {
    ObjectId never = made(0, stored(0, THERE));
    ObjectId once = made(1, stored(0, THERE));
    Story.Actor borrower = borrowerOf(never);
    borrower.gets(never);
    story.kill(THERE);
    story.deliverAll();
    executor.returns(stored(1, ELSEWHERE)); // the one retry of the other
    story.deliverAll();
    driver.findsNoCopy(once);
    assertLost(driver, never, Reason.RETRIES_SPENT);
    assertLost(driver, once, Reason.RETRIES_SPENT);
    assertThat(driver.failure(never).message()).contains("1 time").contains("maxRetries");
    assertThat(driver.failure(once).message()).contains("2 times").contains("maxRetries");
    assertLost(borrower, never, Reason.RETRIES_SPENT);
    assertThat(driver.pushesOf(never)).isEqualTo(1);
    assertThat(driver.pushesOf(once)).isEqualTo(2);
    borrower.close(never);
    driver.close(never, once);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C091")
  @DisplayName("091 a result whose rebuild was cancelled is not rebuilt when the other one is lost")
  void lostResultOfACancelledTask() {
    List<ObjectId> both = driver.submit(new TaskSpec.Kind.Plain(), 2, 3, 0, Optional.empty());
    ObjectId first = both.get(0);
    ObjectId second = both.get(1);
    story.deliverAll();
    executor.returns(stored(0, THERE), stored(0, ELSEWHERE));
    story.deliverAll();
    story.kill(THERE);
    driver.does(new WorkerInput.Cancel(first)); // while it is made again
    assertThat(driver.failure(first).kind()).isEqualTo(Failure.Kind.CANCELLED);
    assertThat(driver.outcome(second)).isInstanceOf(Outcome.Stored.class);
    story.deliverAll();
    executor.tasks.clear();
    long pushes = driver.pushesOf(first);
    story.kill(ELSEWHERE);
    story.deliverAll();
    assertLost(driver, second, Reason.TASK_CANCELLED);
    assertThat(driver.pushesOf(first)).isEqualTo(pushes);
    assertThat(executor.tasks).isEmpty();
    driver.close(first, second);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C091")
  @DisplayName("091 a lost result of an actor's call says that calls are not repeated")
  void lostResultOfAnActorsCall() {
    ActorId actor = driver.create();
    story.deliverAll();
    executor.returns(new Outcome.Actor(executor.id, "Counter"));
    story.deliverAll();
    ObjectId result = driver.call(actor);
    story.deliverAll();
    executor.returns(stored(0, THERE));
    story.deliverAll();
    story.kill(THERE);
    story.deliverAll();
    assertLost(driver, result, Reason.ACTOR_WITHOUT_TASK_RETRIES);
    assertThat(executor.tasks).isEmpty();
    driver.close(result, actor.object());
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C091")
  @DisplayName("091 a reference that its owner has no record of is answered as freed")
  void unknownReference() {
    ObjectId unknown = new TaskId(driver.id, 4711).result(0);
    Story.Actor borrower = story.worker(THERE);
    borrower.finds(unknown);
    borrower.gets(unknown);
    story.deliverAll();
    assertLost(borrower, unknown, Reason.FREED);
    driver.does(new WorkerInput.ReadFailed(unknown, 0, List.of(THERE)));
    driver.hears(new CopyLost(unknown, 0, List.of(THERE), borrower.id));
    assertThat(story.deliver(Resolved.class).outcome()).isInstanceOf(Outcome.Failed.class);
    assertThat(driver.row(unknown)).isNull();
    assertThat(executor.tasks).isEmpty();
    borrower.close(unknown);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C091")
  @DisplayName("091 a lost dependency that is borrowed is its owner's to make again, once")
  void lostBorrowedDependency() {
    ObjectId object = made(3, stored(0, THERE));
    Story.Actor middle = borrowerOf(object);
    Story.Actor consumer = story.worker(ELSEWHERE);
    middle.lend(consumer);
    ObjectId result = middle.submit(taken(object));
    story.deliverAll();
    consumer.returns(stored(0, THERE));
    story.deliverAll();
    story.kill(THERE);
    story.deliverAll();
    assertThat(consumer.tasks).as("its argument is not there").isEmpty();
    assertThat(executor.tasks).extracting(t -> t.spec().id()).containsExactly(object.task());
    executor.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(middle.outcome(object)).isEqualTo(stored(1, HERE));
    assertThat(consumer.tasks).extracting(TaskPushed::attempt).containsExactly(1);
    consumer.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(driver.pushesOf(object)).isEqualTo(2);
    assertThat(middle.pushesOf(result)).isEqualTo(2);
    middle.close(result, object);
    driver.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C091")
  @DisplayName("091 a lost dependency that its owner cannot make again fails the consumer with why")
  void lostBorrowedDependencyThatCannotBeMadeAgain() {
    ObjectId object = made(0, stored(0, THERE));
    Story.Actor middle = borrowerOf(object);
    Story.Actor consumer = story.worker(ELSEWHERE);
    middle.lend(consumer);
    ObjectId result = middle.submit(taken(object));
    story.deliverAll();
    consumer.returns(stored(0, THERE));
    story.deliverAll();
    story.kill(THERE);
    story.deliverAll();
    assertLost(middle, result, Reason.RETRIES_SPENT);
    assertThat(middle.failure(result).message()).contains(object.toString());
    assertThat(driver.pushesOf(object)).isEqualTo(1);
    assertThat(middle.pushesOf(result)).isEqualTo(1);
    middle.close(result, object);
    driver.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  @DisplayName("a task that could not read a borrowed argument asks its owner before the next try")
  void retryAsksWhereABorrowedArgumentIs() {
    ObjectId object = made(3, stored(0, THERE));
    Story.Actor middle = borrowerOf(object);
    Story.Actor consumer = story.worker(ELSEWHERE);
    middle.lend(consumer);
    driver.findsNoCopy(object); // its node lives
    story.deliverAll();
    executor.returns(stored(1, HERE));
    story.deliverAll();
    ObjectId result = middle.submit(taken(object));
    story.deliverAll();
    consumer.missesArguments(object); // looked for at the old place
    story.deliverAll();
    assertThat(middle.outcome(object)).isEqualTo(stored(1, HERE));
    assertThat(consumer.tasks).extracting(TaskPushed::attempt).containsExactly(1);
    consumer.returns(value(1));
    story.deliverAll();
    middle.close(result, object);
    driver.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  @DisplayName(
      "an argument that vanished behind its owner's back is made again, and costs no retry")
  void vanishedArgumentIsMadeAgain() {
    ObjectId object = made(3, stored(0, THERE));
    ObjectId result = driver.submit(0, taken(object)).getFirst(); // it may not be retried at all
    story.deliverAll();
    executor.missesArguments(object);
    Story.Mail repeated = story.mail.getLast();
    story.deliverAll();
    assertThat(executor.tasks).extracting(push -> push.spec().id()).containsExactly(object.task());
    assertThat(story.freed).contains(new Story.Freed(new ObjectKey(object, 0), THERE));
    story.deliver(repeated);
    executor.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(executor.tasks).extracting(TaskPushed::attempt).containsExactly(1);
    story.deliver(repeated); // it names the push before this one
    assertThat(executor.tasks).hasSize(1);
    Outcome end = value(1);
    executor.returns(end);
    story.deliverAll();
    assertThat(driver.outcome(result)).isEqualTo(end);
    assertThat(driver.pushesOf(object)).isEqualTo(2);
    driver.close(result, object);
    story.assertNothingIsLeft();
  }

  @Test
  @DisplayName("what can read no argument at all is pushed again a bounded number of times")
  void pushesForWantOfArgumentsAreBounded() {
    ObjectId object = made(-1, stored(0, THERE)); // can be made again for ever
    ObjectId result = driver.submit(2, taken(object)).getFirst();
    story.deliverAll();
    int pushes = 0;
    while (driver.outcome(result) == null) {
      if (executor.task().spec().id().equals(object.task())) {
        executor.returns(stored(executor.task().attempt(), THERE));
      } else {
        pushes++;
        executor.missesArguments(object);
      }
      story.deliverAll();
    }
    assertThat(pushes).isEqualTo(TaskBook.ARGUMENT_LOSSES_MAX + 1 + 2);
    assertThat(driver.failure(result).kind()).isEqualTo(Failure.Kind.OBJECT_LOST);
    assertThat(driver.failure(result).message()).contains(object.toString(), "did not start");
    executor.returns(stored(executor.task().attempt(), THERE)); // the last one that was given up
    driver.close(result, object);
    story.assertNothingIsLeft();
  }

  @Test
  @DisplayName("a call that misses an argument fails, the next one finds it made again")
  void callThatMissesAnArgumentFails() {
    ObjectId object = made(3, stored(0, THERE));
    Story.Actor home = story.worker(ELSEWHERE);
    driver.lend(home);
    io.dfut.ActorId actor = driver.create();
    story.deliverAll();
    home.returns(new Outcome.Actor(home.id, "Counter"));
    story.deliverAll();
    driver.lend(executor);
    ObjectId first = driver.call(actor, taken(object));
    story.deliverAll();
    home.missesArguments(object);
    story.deliverAll();
    assertThat(driver.failure(first).kind()).isEqualTo(Failure.Kind.OBJECT_LOST);
    assertThat(driver.failure(first).message()).contains("submit it again");
    ObjectId second = driver.call(actor, taken(object));
    story.deliverAll();
    executor.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(home.task().sequence()).isEqualTo(1);
    Outcome end = value(2);
    home.returns(end);
    story.deliverAll();
    assertThat(driver.outcome(second)).isEqualTo(end);
    driver.close(first, second, object, actor.object());
    story.assertNothingIsLeft();
  }

  // ---- rebuilds that end otherwise ----

  @Test
  @Tag("C099")
  @DisplayName("099 a rebuild that returns inline serves those who know the old place")
  void rebuildThatReturnsInlineServesHoldersOfTheOldPlace() {
    List<ObjectId> both = driver.submit(new TaskSpec.Kind.Plain(), 2, 3, 0, Optional.empty());
    ObjectId first = both.get(0);
    ObjectId second = both.get(1);
    story.deliverAll();
    executor.returns(stored(0, THERE), stored(0, THERE));
    story.deliverAll();
    Story.Actor borrower = borrowerOf(first);
    // A borrower whose node does not hear of the death, and reads at the old place.
    Outcome old = borrower.outcome(first);
    driver.hears(new WorkerMessage.NodeDied(THERE, "killed"));
    story.deliverAll();
    executor.returns(value("small this time"), stored(1, HERE));
    story.deliverAll();
    assertThat(borrower.outcome(first)).isEqualTo(old);
    borrower.findsNoCopy(first);
    story.deliverAll();
    assertThat(borrower.outcome(first)).isInstanceOf(Outcome.Inline.class);
    assertThat(driver.outcome(first)).isInstanceOf(Outcome.Inline.class);
    assertThat(sources(second)).containsExactly(HERE);
    assertThat(driver.pushesOf(first)).isEqualTo(2);
    borrower.close(first);
    driver.close(first, second);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C100")
  @DisplayName("100 a rebuild that fails for good is seen by all who hold what was lost, only that")
  void rebuildThatFailsForGoodIsSeenByAll() {
    List<ObjectId> both = driver.submit(new TaskSpec.Kind.Plain(), 2, 1, 0, Optional.empty());
    ObjectId inStore = both.get(0);
    ObjectId inline = both.get(1);
    story.deliverAll();
    executor.returns(stored(0, THERE), value("only ever inline"));
    story.deliverAll();
    Story.Actor borrower = borrowerOf(inStore);
    Story.Actor late = story.worker(ELSEWHERE);
    late.finds(inStore);
    borrower.findsNoCopy(inStore);
    story.deliverAll();
    executor.returns(failed(Failure.Kind.TASK_FAILED), failed(Failure.Kind.TASK_FAILED));
    story.deliverAll();
    late.gets(inStore);
    story.deliver(Resolve.class);
    story.deliverAll();
    for (Story.Actor holder : List.of(driver, borrower, late)) {
      assertThat(holder.failure(inStore).kind()).isEqualTo(Failure.Kind.TASK_FAILED);
    }
    assertThat(driver.outcome(inline)).as("what is there stays").isInstanceOf(Outcome.Inline.class);
    borrower.close(inStore);
    late.close(inStore);
    driver.close(inStore, inline);
    story.assertNothingIsLeft();
  }
}
