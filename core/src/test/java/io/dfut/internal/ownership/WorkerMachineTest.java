package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.failed;
import static io.dfut.internal.ownership.Story.lent;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorId;
import io.dfut.ObjectId;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.BorrowReleased;
import io.dfut.internal.protocol.WorkerMessage.Borrowed;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.protocol.WorkerMessage.TransitClosed;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.Argument;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Stories of a few workers. What each one claims is its name. */
final class WorkerMachineTest {
  private final Story story = new Story();
  private final Story.Actor executor = story.worker(HERE);
  private final Story.Actor driver = story.worker(HERE).lend(executor);

  private void push() {
    story.deliverAll();
  }

  // ---- tasks and handles ----

  @Test
  void returnedValueIsReadAndFreedWithItsLastHandle() {
    ObjectId future = driver.submit();
    push();
    executor.returns(value(49));
    story.deliverAll();
    assertThat(driver.outcome(future)).isInstanceOf(Outcome.Inline.class);
    driver.does(new WorkerInput.HandleAdded(future));
    driver.close(future);
    assertThat(driver.keeps(future)).isTrue();
    driver.close(future);
    assertThat(driver.keeps(future)).isFalse();
    story.assertNothingIsLeft();
  }

  @Test
  void storedValueIsFreedAtItsNode() {
    ObjectId future = driver.submit();
    push();
    executor.returns(stored(0, HERE));
    story.deliverAll();
    driver.close(future);
    assertThat(story.freed).containsExactly(new Story.Freed(new ObjectKey(future, 0), HERE));
    story.assertNothingIsLeft();
  }

  @Test
  void valueWhoseHandlesAreClosedBeforeItArrivesIsFreedOnArrival() {
    ObjectId future = driver.submit();
    push();
    driver.close(future);
    executor.returns(stored(0, HERE));
    story.deliverAll();
    assertThat(story.freed).hasSize(1);
    story.assertNothingIsLeft();
  }

  @Test
  void consumerIsPushedWhenItsArgumentIsThere() {
    ObjectId argument = driver.submit();
    ObjectId result = driver.submit(taken(argument));
    driver.close(argument);
    push();
    assertThat(executor.tasks).hasSize(1);
    executor.returns(value(1));
    story.deliverAll();
    assertThat(executor.task().arguments().getFirst()).isInstanceOf(PushedArgument.Resolved.class);
    executor.returns(value(2));
    story.deliverAll();
    assertThat(driver.outcome(result)).isInstanceOf(Outcome.Inline.class);
    driver.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  void listArgumentWaitsForAllOfIts() {
    ObjectId one = driver.submit();
    ObjectId two = driver.submit();
    ObjectId sum = driver.submit(new Argument.ReferenceList(List.of(one, two, one)));
    push();
    executor.returns(value(1));
    story.deliverAll();
    assertThat(executor.tasks).allMatch(task -> !task.spec().id().equals(sum.task()));
    executor.returns(value(2));
    story.deliverAll();
    assertThat(executor.task().spec().id()).isEqualTo(sum.task());
    executor.returns(value(4));
    story.deliverAll();
    driver.close(one, two, sum);
    story.assertNothingIsLeft();
  }

  @Test
  void failedArgumentFailsTheConsumerWithoutRunningIt() {
    ObjectId argument = driver.submit();
    ObjectId result = driver.submit(taken(argument));
    push();
    executor.returns(failed(Failure.Kind.TASK_FAILED));
    story.deliverAll();
    assertThat(driver.failure(result).kind()).isEqualTo(Failure.Kind.TASK_FAILED);
    assertThat(executor.tasks).isEmpty();
    driver.close(argument, result);
    story.assertNothingIsLeft();
  }

  @Test
  void failureGoesDownAChainThatIsLongerThanAnyStack() {
    List<ObjectId> chain = new ArrayList<>(List.of(driver.submit()));
    for (int i = 0; i < 20_000; i++) {
      chain.add(driver.submit(taken(chain.getLast())));
    }
    push();
    executor.returns(failed(Failure.Kind.TASK_FAILED));
    story.deliverAll();
    assertThat(driver.failure(chain.getLast()).kind()).isEqualTo(Failure.Kind.TASK_FAILED);
    driver.close(chain.toArray(ObjectId[]::new));
    story.assertNothingIsLeft();
  }

  @Test
  void repeatedAnswerChangesNothing() {
    ObjectId inner = driver.put(value("inner"));
    ObjectId future = driver.submit(lent(inner));
    push();
    executor.finds(inner);
    executor.returns(stored(0, HERE));
    Story.Mail answer = story.take(TaskReturned.class);
    story.deliver(answer);
    executor.close(inner);
    story.deliverAll();
    story.deliver(answer);
    story.deliverAll();
    assertThat(story.freed).isEmpty();
    assertThat(driver.row(inner).borrowers()).isEmpty();
    driver.close(future, inner);
    story.assertNothingIsLeft();
  }

  @Test
  void answerOfAnOldAttemptFreesItsBytesAndClosesItsTransits() {
    Story.Actor other = story.worker(THERE);
    driver.lend(other, executor);
    ObjectId future = driver.submit();
    push();
    ObjectId inner = other.put(value("inner"));
    other.returns(other.task(), List.of(inner), stored(0, THERE, inner));
    Story.Mail late = story.take(TaskReturned.class);
    driver.hears(new WorkerMessage.WorkerDied(other.id, "suspected"));
    story.deliverAll();
    story.deliver(late);
    assertThat(story.freed).containsExactly(new Story.Freed(new ObjectKey(future, 0), THERE));
    story.deliverAll();
    assertThat(other.keeps(inner)).isFalse();
    executor.returns(value(1));
    story.deliverAll();
    assertThat(driver.outcome(future)).isInstanceOf(Outcome.Inline.class);
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void workerThatIsLeasedToItselfAnswersItself() {
    driver.lend(driver);
    ObjectId inner = driver.put(value("inner"));
    ObjectId future = driver.submit(lent(inner));
    push();
    driver.finds(inner);
    driver.returns(driver.task(), List.of(inner), value(1, inner));
    story.deliverAll();
    assertThat(driver.outcome(future)).isInstanceOf(Outcome.Inline.class);
    driver.close(inner);
    assertThat(driver.keeps(inner)).isTrue();
    driver.close(future);
    story.assertNothingIsLeft();
    assertThat(driver.asksFor(SchedulerMessage.ReturnLease.class)).isEqualTo(1);
  }

  // ---- references ----

  @Test
  void outerValueKeepsTheInnerOne() {
    ObjectId inner = driver.put(value("inner"));
    ObjectId outer = driver.put(value("outer", inner));
    driver.close(inner);
    assertThat(driver.keeps(inner)).isTrue();
    driver.close(outer);
    assertThat(driver.keeps(inner)).isFalse();
    story.assertNothingIsLeft();
  }

  @Test
  void firstHandBorrowCostsNoMessageWhileTheTaskRuns() {
    ObjectId object = driver.put(value(1));
    ObjectId future = driver.submit(lent(object));
    push();
    executor.finds(object);
    driver.close(object);
    assertThat(story.mail).isEmpty();
    assertThat(driver.keeps(object)).isTrue();
    executor.returns(executor.task(), List.of(object), value(2));
    story.deliverAll();
    assertThat(driver.keeps(object)).isFalse();
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void answerSaysWhatTheExecutorStillHolds() {
    ObjectId object = driver.put(value(1));
    ObjectId future = driver.submit(lent(object));
    push();
    executor.finds(object);
    driver.close(object);
    executor.returns(value(2)); // the handle stays open, in an actor's field
    TaskReturned answer = story.deliver(TaskReturned.class);
    assertThat(answer.held()).extracting(WorkerMessage.Held::object).containsExactly(object);
    assertThat(driver.keeps(object)).isTrue();
    executor.close(object);
    story.deliverAll();
    assertThat(driver.keeps(object)).isFalse();
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void droppedTaskDoesNotHideWhatAnotherOneHolds() {
    ObjectId object = driver.put(value(1));
    ObjectId kept = driver.submit(lent(object));
    ObjectId dropped = driver.submit(lent(object));
    push();
    assertThat(executor.tasks).hasSize(2);
    TaskPushed first = executor.tasks.get(0);
    executor.finds(object);
    driver.close(object);
    executor.handsBack(executor.tasks.get(1));
    executor.returns(first, List.of(), value(1));
    story.deliver(TaskReturned.class);
    driver.does(new WorkerInput.Cancel(dropped));
    story.deliverAll();
    assertThat(driver.keeps(object)).isTrue();
    executor.close(object);
    driver.close(kept, dropped);
    story.assertNothingIsLeft();
  }

  @Test
  void whatIsFoundWhileAWaitingTaskIsLentItOutlivesThatTask() {
    ObjectId inner = driver.put(value("inner"));
    ObjectId outer = driver.put(value("outer", inner));
    ObjectId runs = driver.submit(taken(outer));
    ObjectId waits = driver.submit(lent(inner));
    push();
    TaskPushed running = executor.tasks.get(0);
    assertThat(executor.tasks).hasSize(2);
    executor.finds(inner, outer); // its row is there, since the other task was lent it
    executor.handsBack(executor.tasks.get(1));
    driver.does(new WorkerInput.Cancel(waits));
    driver.close(inner, outer);
    executor.returns(running, List.of(), value(1));
    story.deliverAll();
    assertThat(driver.keeps(inner)).isTrue();
    executor.close(inner);
    driver.close(runs, waits);
    story.assertNothingIsLeft();
  }

  @Test
  void transitIsClosedOnlyAfterTheOwnerKnowsTheReceiver() {
    Story.Actor child = story.worker(HERE);
    executor.lend(child);
    ObjectId object = driver.put(value(1));
    ObjectId future = driver.submit(lent(object));
    push();
    executor.finds(object);
    ObjectId childs = executor.submit(lent(object));
    story.deliver(WorkerMessage.LeaseGranted.class);
    story.deliver(TaskPushed.class);
    child.finds(object);
    assertThat(executor.row(object).transits).isEqualTo(1);
    story.deliver(Borrowed.class);
    assertThat(driver.row(object).borrowers()).containsKey(child.id);
    assertThat(executor.row(object).transits).isEqualTo(1);
    story.deliver(TransitClosed.class);
    assertThat(executor.row(object).transits).isZero();
    child.returns(child.task(), List.of(), value(2));
    story.deliverAll();
    executor.returns(executor.task(), List.of(object, childs), value(3));
    driver.close(object, future);
    story.deliverAll();
    assertThat(driver.keeps(object)).isTrue(); // the child still has it
    child.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void sameReferenceInTwoResultsIsCountedOffTwice() {
    ObjectId both = driver.submit(new TaskSpec.Kind.Plain(), 2, 0, 0, Optional.empty()).getFirst();
    push();
    ObjectId inner = executor.put(value("inner"));
    executor.returns(executor.task(), List.of(inner), value(1, inner, inner), value(2, inner));
    story.deliverAll();
    assertThat(executor.row(inner).transits).isZero();
    driver.close(both, both.task().result(1));
    story.assertNothingIsLeft();
  }

  @Test
  void whatIsFoundInsideAnArgumentIsCoveredAfterTheTaskHasEnded() {
    Story.Actor owner = story.worker(THERE);
    driver.lend(owner);
    ObjectId outer = driver.submit();
    push();
    ObjectId inner = owner.put(value("inner"));
    owner.returns(owner.task(), List.of(inner), value("outer", inner));
    story.deliverAll();
    driver.lend(executor);
    driver.returnsIdleLeases();
    ObjectId future = driver.submit(taken(outer));
    story.deliverAll();
    executor.finds(inner, outer);
    Story.Mail registration = story.take(Borrowed.class);
    driver.close(outer);
    executor.returns(value(1)); // it keeps the inner reference
    story.deliverAll();
    assertThat(owner.keeps(inner)).isTrue();
    story.deliver(registration);
    story.deliverAll();
    assertThat(owner.row(inner).borrowers()).containsOnlyKeys(executor.id);
    assertThat(driver.keeps(outer)).isFalse();
    executor.close(inner);
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void lateReleaseDoesNotUndoANewBorrow() {
    ObjectId object = driver.put(value(1));
    driver.hears(new Borrowed(transit(object), executor.id, 1, executor.id));
    driver.hears(new Borrowed(transit(object), executor.id, 2, executor.id));
    driver.hears(new BorrowReleased(object, executor.id, 1));
    driver.close(object);
    assertThat(driver.keeps(object)).isTrue();
    driver.hears(new BorrowReleased(object, executor.id, 2));
    assertThat(driver.keeps(object)).isFalse();
    story.assertNothingIsLeft();
  }

  private static io.dfut.internal.protocol.Transit transit(ObjectId object) {
    return new io.dfut.internal.protocol.Transit(object, 0);
  }

  @Test
  void questionAboutAFreedObjectIsAnsweredFreed() {
    ObjectId object = driver.put(value(1));
    driver.close(object);
    executor.finds(object);
    executor.gets(object);
    story.deliverAll();
    assertThat(executor.failure(object).detail()).isEqualTo("FREED");
    executor.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void handleThatArrivesAtTheOwnerAfterTheFreeGetsFreed() {
    ObjectId object = driver.put(value(1));
    driver.close(object);
    assertThat(driver.finds(object).outcome).isInstanceOf(Outcome.Failed.class);
    driver.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void borrowerIsToldWhenThePendingObjectSettles() {
    ObjectId future = driver.submit();
    push();
    Story.Actor borrower = story.worker(THERE);
    borrower.finds(future);
    borrower.gets(future);
    story.deliverAll();
    assertThat(borrower.outcome(future)).isNull();
    executor.returns(value(5));
    story.deliverAll();
    assertThat(borrower.outcome(future)).isInstanceOf(Outcome.Inline.class);
    borrower.close(future);
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void borrowedArgumentOfAKeptDescriptionOutlivesItsHandles() {
    Story.Actor child = story.worker(HERE);
    executor.lend(child);
    ObjectId object = driver.put(stored(0, HERE));
    ObjectId future = driver.submit(lent(object));
    push();
    executor.finds(object);
    ObjectId result = executor.submit(taken(object));
    story.deliverAll();
    child.returns(stored(0, HERE)); // so the child's description is lineage
    story.deliverAll();
    executor.returns(executor.task(), List.of(object), value(2));
    story.deliverAll();
    driver.close(future, object);
    assertThat(driver.keeps(object)).isTrue();
    executor.close(result);
    story.assertNothingIsLeft();
  }

  // ---- copies ----

  @Test
  void copiesAreFreedWithTheObjectAndLateOnesAtOnce() {
    ObjectId object = driver.put(stored(0, HERE));
    driver.hears(new WorkerMessage.CopyAdded(object, 0, THERE));
    driver.close(object);
    driver.hears(new WorkerMessage.CopyAdded(object, 0, ELSEWHERE));
    ObjectKey key = new ObjectKey(object, 0);
    assertThat(story.freed)
        .containsExactly(
            new Story.Freed(key, HERE),
            new Story.Freed(key, THERE),
            new Story.Freed(key, ELSEWHERE));
    story.assertNothingIsLeft();
  }

  @Test
  void survivingCopyBecomesThePrimary() {
    ObjectId object = driver.put(stored(0, THERE));
    driver.hears(new WorkerMessage.CopyAdded(object, 0, ELSEWHERE));
    story.kill(THERE);
    assertThat(story.promoted)
        .containsExactly(new WorkerEffect.PromoteCopy(new ObjectKey(object, 0), ELSEWHERE));
    assertThat(((Outcome.Stored) driver.outcome(object)).sources()).containsExactly(ELSEWHERE);
    driver.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void lostPutSaysThatNothingCanMakeItAgain() {
    ObjectId object = driver.put(stored(0, THERE));
    story.kill(THERE);
    assertThat(driver.failure(object).detail()).isEqualTo("PUT_WITHOUT_LINEAGE");
    driver.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void lostResultWithoutRetriesSaysSo() {
    ObjectId object = driver.submit(0).getFirst();
    push();
    executor.returns(stored(0, THERE));
    story.deliverAll();
    story.kill(THERE);
    assertThat(driver.failure(object).detail()).isEqualTo("RETRIES_SPENT");
    driver.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void onlyWhatIsLostAndNeededIsMadeAgain() {
    ObjectId kept = driver.submit();
    push();
    executor.returns(stored(0, HERE));
    story.deliverAll();
    ObjectId middle = driver.submit(taken(kept));
    story.deliverAll();
    executor.returns(stored(0, THERE));
    story.deliverAll();
    ObjectId last = driver.submit(taken(middle));
    story.deliverAll();
    executor.returns(stored(0, THERE));
    story.deliverAll();
    driver.close(middle); // freed, its description stays
    assertThat(driver.keeps(middle)).isFalse();
    story.kill(THERE);
    story.deliverAll();
    assertThat(executor.tasks).extracting(t -> t.spec().id()).containsExactly(middle.task());
    assertThat(executor.task().attempt()).isEqualTo(1);
    executor.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(executor.tasks).extracting(t -> t.spec().id()).containsExactly(last.task());
    executor.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(driver.outcome(last)).isInstanceOf(Outcome.Stored.class);
    assertThat(driver.keeps(middle)).isFalse();
    assertThat(driver.settledTasks()).isEqualTo(3); // a rebuild is not one more
    driver.close(kept, last);
    story.assertNothingIsLeft();
  }

  @Test
  void longLostChainIsMadeAgainWithoutNesting() {
    List<ObjectId> chain = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      chain.add(chain.isEmpty() ? driver.submit() : driver.submit(taken(chain.getLast())));
    }
    for (int i = 0; i < chain.size(); i++) {
      story.deliverAll();
      executor.returns(stored(0, THERE));
    }
    story.deliverAll();
    for (int i = 0; i < chain.size() - 1; i++) {
      driver.close(chain.get(i));
    }
    story.kill(THERE);
    for (int i = 0; i < chain.size(); i++) {
      story.deliverAll();
      executor.returns(stored(1, HERE));
    }
    story.deliverAll();
    assertThat(driver.outcome(chain.getLast())).isInstanceOf(Outcome.Stored.class);
    driver.close(chain.getLast());
    story.assertNothingIsLeft();
  }

  @Test
  void putThatARebuildMayNeedStays() {
    ObjectId put = driver.put(value(1));
    ObjectId result = driver.submit(taken(put));
    push();
    executor.returns(stored(0, THERE));
    driver.close(put);
    story.deliverAll();
    story.kill(THERE);
    story.deliverAll();
    executor.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(driver.outcome(result)).isInstanceOf(Outcome.Stored.class);
    driver.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  void inlineResultThatARebuildMayNeedStays() {
    ObjectId inline = driver.submit();
    push();
    executor.returns(value(1));
    story.deliverAll();
    ObjectId result = driver.submit(taken(inline));
    story.deliverAll();
    executor.returns(stored(0, THERE));
    story.deliverAll();
    driver.close(inline);
    story.kill(THERE);
    story.deliverAll();
    executor.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(driver.outcome(result)).isInstanceOf(Outcome.Stored.class);
    driver.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  void rebuildIsNotPushedToTheNodeThatDied() {
    Story.Actor there = story.worker(THERE);
    driver.lend(there);
    ObjectId object = driver.submit(1).getFirst();
    push();
    there.returns(stored(0, THERE));
    story.deliverAll();
    driver.lend(executor);
    story.kill(THERE); // the lease there is idle, and the one retry is for the rebuild
    story.deliverAll();
    assertThat(executor.tasks).hasSize(1);
    executor.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(driver.outcome(object)).isInstanceOf(Outcome.Stored.class);
    driver.close(object);
    story.assertNothingIsLeft();
  }

  /** Found by the simulator, crashing seed 12738. */
  @Test
  void freedResultOfATaskThatIsMadeAgainLeavesNoRow() {
    Story.Actor there = story.worker(THERE);
    driver.lend(there);
    List<ObjectId> both = driver.submit(new TaskSpec.Kind.Plain(), 2, 2, 0, Optional.empty());
    ObjectId lost = both.getFirst();
    ObjectId kept = both.getLast();
    push();
    there.returns(stored(0, THERE), stored(0, THERE));
    story.deliverAll();
    driver.hears(new WorkerMessage.CopyAdded(kept, 0, HERE));
    ObjectId consumer = driver.submit(1, taken(kept)).getFirst();
    push();
    there.returns(stored(0, HERE));
    story.deliverAll();
    driver.lend(executor);
    story.kill(THERE);
    story.deliverAll();
    assertThat(executor.tasks).as("the lost one is made again").hasSize(1);
    driver.close(kept);
    assertThat(driver.row(kept).freed).as("for the consumer's lineage only").isTrue();
    driver.close(consumer);
    executor.returns(stored(1, HERE), stored(1, HERE));
    story.deliverAll();
    driver.close(lost);
    driver.waitsOutHandovers();
    story.assertNothingIsLeft();
  }

  @Test
  void readyTaskWhoseArgumentIsLostWaitsAgain() {
    driver.lend();
    ObjectId argument = driver.put(stored(0, THERE));
    ObjectId result = driver.submit(taken(argument));
    story.kill(THERE);
    var request = (SchedulerMessage.RequestLease) driver.asked.getFirst();
    driver.hears(new WorkerMessage.LeaseGranted(request.lease(), executor.id));
    story.deliverAll();
    assertThat(executor.tasks).isEmpty();
    assertThat(driver.failure(result).detail()).isEqualTo("PUT_WITHOUT_LINEAGE");
    driver.close(argument, result);
    story.assertNothingIsLeft();
  }

  @Test
  void rebuiltTaskHasItsTimeAnew() {
    ObjectId object =
        driver.submit(new TaskSpec.Kind.Plain(), 1, 3, 1_000_000, Optional.empty()).getFirst();
    push();
    executor.returns(stored(0, THERE));
    story.deliverAll();
    story.now += 5_000_000;
    story.kill(THERE);
    story.deliverAll();
    assertThat(executor.task().timeoutNanosLeft()).isGreaterThan(1_000);
    executor.returns(stored(1, HERE));
    story.deliverAll();
    driver.close(object);
    story.assertNothingIsLeft();
  }

  // ---- retries, cancellation, time ----

  @Test
  void retryOnRunsTheTaskAgain() {
    ObjectId future = driver.submit();
    push();
    executor.throwsFlaky();
    story.deliverAll();
    assertThat(executor.task().attempt()).isEqualTo(1);
    executor.returns(value(1));
    story.deliverAll();
    assertThat(driver.outcome(future)).isInstanceOf(Outcome.Inline.class);
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void crashesAreRetriedUpToMaxRetriesAndThenSaid() {
    Story.Actor second = story.worker(HERE);
    Story.Actor third = story.worker(HERE);
    driver.lend(executor, second, third);
    ObjectId future = driver.submit(1).getFirst();
    push();
    story.kill(executor);
    story.deliverAll();
    assertThat(second.task().attempt()).isEqualTo(1);
    story.kill(second);
    story.deliverAll();
    assertThat(driver.failure(future).kind()).isEqualTo(Failure.Kind.WORKER_CRASHED);
    assertThat(driver.failure(future).attempts()).isEqualTo(2);
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void waitingTaskIsCancelled() {
    ObjectId argument = driver.submit();
    ObjectId result = driver.submit(taken(argument));
    driver.does(new WorkerInput.Cancel(result));
    assertThat(driver.failure(result).kind()).isEqualTo(Failure.Kind.CANCELLED);
    push();
    executor.returns(value(1));
    driver.close(argument, result);
    story.assertNothingIsLeft();
  }

  @Test
  void readyTaskIsCancelled() {
    driver.lend();
    ObjectId future = driver.submit();
    driver.does(new WorkerInput.Cancel(future));
    var request = (SchedulerMessage.RequestLease) driver.asked.getFirst();
    driver.hears(new WorkerMessage.LeaseGranted(request.lease(), executor.id));
    story.deliverAll();
    assertThat(executor.tasks).isEmpty();
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void queuedTaskIsCancelledWithoutAWord() {
    ObjectId future = driver.submit();
    push();
    driver.does(new WorkerInput.Cancel(future));
    assertThat(driver.claims.get(future.task()).isTaken()).isTrue();
    executor.does(new WorkerInput.TaskDropped(executor.tasks.removeFirst()));
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void runningTaskHoldsItsArgumentsUntilItsCancelledBodyEnds() {
    ObjectId object = driver.put(value(1));
    ObjectId future = driver.submit(lent(object));
    push();
    assertThat(driver.claims.get(future.task()).take()).isTrue(); // it starts
    driver.close(object);
    driver.does(new WorkerInput.Cancel(future));
    story.deliver(WorkerMessage.CancelTask.class);
    assertThat(driver.failure(future).kind()).isEqualTo(Failure.Kind.CANCELLED);
    assertThat(driver.keeps(object)).isTrue();
    executor.returns(stored(0, HERE));
    story.deliverAll();
    assertThat(driver.keeps(object)).isFalse();
    assertThat(story.freed).hasSize(1);
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void parentsCancellationReachesItsChildren() {
    ObjectId parent = driver.submit();
    push();
    executor.lend();
    ObjectId child =
        executor.submit(new TaskSpec.Kind.Plain(), 1, 0, 0, Optional.of(parent.task())).getFirst();
    executor.does(new WorkerInput.ParentCancelled(parent.task()));
    assertThat(executor.failure(child).kind()).isEqualTo(Failure.Kind.CANCELLED);
  }

  @Test
  void taskThatIsNotDoneInTimeFailsSayingWhereItWas() {
    ObjectId future =
        driver.submit(new TaskSpec.Kind.Plain(), 1, 3, 1_000, Optional.empty()).getFirst();
    push();
    driver.claims.get(future.task()).take();
    driver.does(new WorkerInput.TimerFired(new WorkerTimer.TaskDeadline(future.task())));
    assertThat(driver.failure(future).kind()).isEqualTo(Failure.Kind.TASK_TIMEOUT);
    assertThat(driver.failure(future).message())
        .contains("pushed")
        .contains(executor.id.toString());
    story.deliverAll();
    executor.returns(value(1));
    driver.close(future);
    story.assertNothingIsLeft();
  }

  // ---- inline ----

  @Test
  void taskIsRunInlineByTheOneWhoWaitsForIt() {
    ObjectId future = driver.submit();
    push();
    driver.runsInline(future, value(1));
    assertThat(driver.outcome(future)).isInstanceOf(Outcome.Inline.class);
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void oldPushCannotTakeTheClaimOfANewAttempt() {
    ObjectId future = driver.submit();
    push();
    TaskPushed old = executor.task();
    driver.claimsInline(future);
    driver.does(
        new WorkerInput.TaskEnded(
            old, List.of(failed(Failure.Kind.TASK_FAILED)), List.of("Flaky"), List.of()));
    story.deliverAll();
    Claim claim = driver.claims.get(future.task());
    assertThat(claim.take(old.attempt())).isFalse();
    assertThat(claim.take(1)).isTrue();
    executor.tasks.remove(old);
    executor.returns(value(1));
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  void cancelledTaskThatWasClaimedInlineFreesItsLease() {
    ObjectId future = driver.submit();
    push();
    driver.claims.get(future.task()).take(); // a blocked reader does
    driver.does(new WorkerInput.Cancel(future));
    story.deliverAll(); // the worker that had it queued had skipped it before this
    driver.does(new WorkerInput.TaskClaimedInline(future.task(), 0));
    driver.endsInline(future, value(1));
    driver.close(future);
    story.assertNothingIsLeft();
    assertThat(driver.asksFor(SchedulerMessage.ReturnLease.class)).isEqualTo(1);
  }

  @Test
  void handedBackTaskGoesToAnotherWorker() {
    Story.Actor other = story.worker(HERE);
    driver.lend();
    ObjectId one = driver.submit();
    ObjectId two = driver.submit();
    List<SchedulerMessage> asked = List.copyOf(driver.asked);
    var first = (SchedulerMessage.RequestLease) asked.get(0);
    var second = (SchedulerMessage.RequestLease) asked.get(1);
    driver.hears(new WorkerMessage.LeaseQueued(second.lease()));
    driver.hears(new WorkerMessage.LeaseGranted(first.lease(), executor.id));
    story.deliverAll();
    assertThat(executor.tasks).hasSize(2); // no request can be granted at once
    driver.lend(other);
    executor.handsBack(executor.tasks.get(1));
    story.deliverAll();
    assertThat(other.tasks).extracting(t -> t.spec().id()).containsExactly(two.task());
    other.returns(value(2));
    executor.returns(value(1));
    driver.close(one, two);
    story.assertNothingIsLeft();
  }

  @Test
  void leaseWhoseBlockingTaskReturnedBeforeTheHandBackIsGivenBack() {
    driver.lend();
    ObjectId one = driver.submit();
    ObjectId two = driver.submit();
    var first = (SchedulerMessage.RequestLease) driver.asked.get(0);
    var second = (SchedulerMessage.RequestLease) driver.asked.get(1);
    driver.hears(new WorkerMessage.LeaseQueued(second.lease()));
    driver.hears(new WorkerMessage.LeaseGranted(first.lease(), executor.id));
    story.deliverAll();
    executor.handsBack(executor.tasks.get(1));
    Story.Mail late = story.take(WorkerMessage.TaskHandedBack.class);
    executor.returns(value(1));
    story.deliverAll();
    story.deliver(late);
    assertThat(driver.asked).contains(new SchedulerMessage.ReturnLease(first.lease()));
    driver.does(new WorkerInput.Cancel(two));
    driver.close(one, two);
  }

  @Test
  void requestRedirectedToADeadNodeStartsAgain() {
    driver.lend();
    ObjectId future = driver.submit();
    var first = (SchedulerMessage.RequestLease) driver.asked.getFirst();
    story.kill(THERE);
    driver.hears(new WorkerMessage.LeaseRedirected(first.lease(), THERE, 1));
    var again = (SchedulerMessage.RequestLease) driver.asked.getLast();
    assertThat(again.lease()).isNotEqualTo(first.lease());
    assertThat(again.hops()).isZero();
    driver.hears(new WorkerMessage.LeaseGranted(again.lease(), executor.id));
    story.deliverAll();
    executor.returns(value(1));
    driver.close(future);
    story.assertNothingIsLeft();
  }

  // ---- actors ----

  private ActorId actor() {
    ActorId actor = driver.create();
    push();
    executor.returns(new Outcome.Actor(executor.id, "Counter"));
    story.deliverAll();
    return actor;
  }

  @Test
  void callsAreSentInOrderAlthoughArgumentsComeInReverse() {
    ActorId actor = actor();
    Story.Actor other = story.worker(HERE);
    driver.lend(other);
    ObjectId one = driver.submit();
    ObjectId two = driver.submit();
    ObjectId first = driver.call(actor, taken(one));
    ObjectId second = driver.call(actor, taken(two));
    push();
    TaskPushed makesOne = other.tasks.get(0);
    other.returns(other.tasks.get(1), List.of(), value(2));
    story.deliverAll();
    assertThat(executor.tasks).isEmpty();
    other.returns(makesOne, List.of(), value(1));
    story.deliverAll();
    assertThat(executor.tasks)
        .extracting(t -> t.spec().id())
        .containsExactly(first.task(), second.task());
    assertThat(executor.tasks).extracting(TaskPushed::sequence).containsExactly(0L, 1L);
    executor.returns(value(1));
    executor.returns(value(2));
    driver.close(one, two, first, second, actor.object());
    story.deliver(TaskReturned.class);
    story.deliver(TaskReturned.class);
    story.deliverAll();
    story.assertNothingIsLeft();
  }

  @Test
  void callOfAnInlineTaskDoesNotWaitBehindItsParents() {
    ActorId actor = actor();
    Story.Actor other = story.worker(HERE);
    driver.lend(other);
    ObjectId child = driver.submit();
    ObjectId parents = driver.call(actor, taken(child));
    push();
    driver.claimsInline(child);
    ObjectId childs =
        driver.submit(new TaskSpec.Kind.Call(actor), 1, 0, 0, Optional.of(child.task())).getFirst();
    story.deliverAll();
    assertThat(executor.tasks).extracting(t -> t.spec().id()).containsExactly(childs.task());
    executor.returns(value(1));
    story.deliverAll();
    driver.endsInline(child, value(2));
    story.deliverAll();
    assertThat(executor.tasks).extracting(t -> t.spec().id()).containsExactly(parents.task());
    executor.returns(value(3));
    driver.close(child, parents, childs, actor.object());
    story.assertNothingIsLeft();
  }

  @Test
  void callsOfOneTaskDoNotWaitBehindThoseOfAnother() {
    ActorId actor = actor();
    Story.Actor other = story.worker(HERE);
    driver.lend(other);
    io.dfut.TaskId running = new io.dfut.TaskId(other.id, 77); // runs on the driver's worker later
    ObjectId result = driver.submit();
    ObjectId waits = driver.call(actor, taken(result));
    ObjectId free =
        driver.submit(new TaskSpec.Kind.Call(actor), 1, 0, 0, Optional.of(running)).getFirst();
    push();
    assertThat(executor.tasks).extracting(t -> t.spec().id()).containsExactly(free.task());
    executor.returns(value(1));
    other.returns(value(2));
    story.deliverAll();
    assertThat(executor.tasks).extracting(t -> t.spec().id()).containsExactly(waits.task());
    executor.returns(value(3));
    driver.close(result, waits, free, actor.object());
    story.assertNothingIsLeft();
  }

  @Test
  void retriedCallIsSentAgain() {
    ActorId actor = actor();
    ObjectId call =
        driver.submit(new TaskSpec.Kind.Call(actor), 1, 2, 0, Optional.empty()).getFirst();
    push();
    executor.throwsFlaky();
    story.deliverAll();
    assertThat(executor.task().attempt()).isEqualTo(1);
    assertThat(executor.task().sequence()).isEqualTo(1);
    executor.returns(value(1));
    story.deliverAll();
    assertThat(driver.outcome(call)).isInstanceOf(Outcome.Inline.class);
    driver.close(call, actor.object());
    story.assertNothingIsLeft();
  }

  @Test
  void callsGoOnWithTheirNumbersAfterTheHandleWasGoneForAWhile() {
    ActorId actor = actor();
    Story.Actor caller = story.worker(THERE);
    caller.finds(actor.object());
    ObjectId first = caller.call(actor);
    story.deliverAll();
    executor.returns(value(1));
    story.deliverAll();
    caller.close(first, actor.object());
    story.deliverAll();
    ObjectId refused = caller.call(actor); // without a handle it fails at once
    assertThat(caller.failure(refused).kind()).isEqualTo(Failure.Kind.RELEASED);
    caller.finds(actor.object());
    ObjectId second = caller.call(actor);
    story.deliverAll();
    assertThat(executor.task().sequence()).isEqualTo(1);
    executor.returns(value(2));
    story.deliverAll();
    caller.close(refused, second, actor.object());
    driver.close(actor.object());
    story.assertNothingIsLeft();
  }

  @Test
  void actorEndsWithItsLastHandle() {
    ActorId actor = actor();
    driver.close(actor.object());
    assertThat(story.take(WorkerMessage.EndActor.class).to()).isEqualTo(executor.id);
    story.assertNothingIsLeft();
  }

  @Test
  void deadActorFailsItsCalls() {
    ActorId actor = actor();
    ObjectId atIt = driver.call(actor);
    push();
    story.kill(executor);
    ObjectId after = driver.call(actor);
    assertThat(driver.failure(atIt).kind()).isEqualTo(Failure.Kind.ACTOR_DIED);
    assertThat(driver.failure(after).kind()).isEqualTo(Failure.Kind.ACTOR_DIED);
    driver.close(atIt, after, actor.object());
    driver.waitsOutHandovers();
    story.assertNothingIsLeft();
  }

  @Test
  void manyCallsOfAnActorThatCannotBeMadeFail() {
    ActorId actor = driver.create();
    push();
    List<ObjectId> calls = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      calls.add(driver.call(actor));
    }
    executor.returns(failed(Failure.Kind.TASK_FAILED));
    story.deliverAll();
    assertThat(driver.failure(calls.getLast()).kind()).isEqualTo(Failure.Kind.ACTOR_DIED);
    driver.close(calls.toArray(ObjectId[]::new));
    driver.close(actor.object());
    story.assertNothingIsLeft();
  }

  @Test
  void workerThatCallsItselfAnswersItself() {
    ActorId actor = actor();
    executor.finds(actor.object());
    story.deliverAll();
    ObjectId call = executor.call(actor);
    story.deliverAll();
    executor.returns(value(1));
    assertThat(executor.outcome(call)).isInstanceOf(Outcome.Inline.class);
    executor.close(call, actor.object());
    story.deliverAll();
    driver.close(actor.object());
    story.assertNothingIsLeft();
  }

  // ---- deaths and the end ----

  @Test
  void ownersDeathFailsWhatWasBorrowedFromIt() {
    Story.Actor owner = story.worker(THERE);
    ObjectId object = owner.put(stored(0, THERE));
    driver.finds(object);
    driver.gets(object);
    story.deliverAll();
    ObjectId consumer = driver.submit(taken(object));
    story.kill(owner);
    assertThat(driver.failure(object).kind()).isEqualTo(Failure.Kind.OWNER_DIED);
    story.deliverAll();
    assertThat(executor.tasks).hasSizeLessThanOrEqualTo(1);
    executor.tasks.clear();
    driver.does(new WorkerInput.Cancel(consumer));
    driver.does(new WorkerInput.Close("the test ends"));
  }

  @Test
  void deadBorrowersLastWordsAreNotHeard() {
    ObjectId object = driver.put(value(1));
    ObjectId future = driver.submit(0, lent(object)).getFirst();
    push();
    executor.finds(object);
    executor.returns(value(2));
    Story.Mail answer = story.take(TaskReturned.class);
    story.kill(executor);
    story.deliver(answer);
    driver.hears(new Borrowed(transit(object), executor.id, 9, executor.id));
    driver.close(object, future);
    assertThat(driver.keeps(object)).as("for whoever it was handed to").isTrue();
    driver.waitsOutHandovers();
    assertThat(driver.keeps(object)).isFalse();
    story.assertNothingIsLeft();
  }

  @Test
  void whatADeadBorrowerHandedOnIsKeptUntilTheReceiverIsKnown() {
    ObjectId object = driver.put(value(1));
    ObjectId future = driver.submit(0, lent(object)).getFirst();
    push();
    executor.finds(object);
    executor.returns(value(2));
    story.deliverAll();
    driver.close(object, future);
    assertThat(driver.row(object).borrowers()).containsKey(executor.id);
    story.kill(executor);
    assertThat(driver.row(object).counts()).containsOnlyKeys("handovers");
    Story.Actor third = story.worker(THERE);
    driver.hears(new Borrowed(transit(object), third.id, 1, executor.id));
    driver.waitsOutHandovers();
    assertThat(driver.row(object).counts()).containsOnlyKeys("borrowers");
    driver.hears(new WorkerMessage.BorrowReleased(object, third.id, 1));
    story.assertNothingIsLeft();
  }

  @Test
  void referenceSentToADeadOwnerIsNotWaitedFor() {
    ObjectId future = driver.submit();
    push();
    story.kill(driver);
    ObjectId inner = executor.put(value("inner"));
    executor.returns(executor.task(), List.of(inner), value(1, inner));
    story.assertNothingIsLeft();
    assertThat(executor.keeps(inner)).isFalse();
    assertThat(future.owner()).isEqualTo(driver.id);
  }

  @Test
  void whoPassedADeadOwnersReferenceOnHearsFromTheReceiver() {
    Story.Actor owner = story.worker(THERE);
    ObjectId object = owner.put(value(1));
    Story.Actor passer = story.worker(HERE).lend(executor);
    passer.finds(object);
    story.deliverAll();
    ObjectId future = passer.submit(lent(object));
    story.deliver(WorkerMessage.LeaseGranted.class);
    story.deliver(TaskPushed.class);
    Story.Mail registration = story.take(Borrowed.class);
    assertThat(registration.to()).isEqualTo(owner.id);
    // Only the receiver hears of the death: the passer is newer than the notice, say.
    executor.hears(new WorkerMessage.WorkerDied(owner.id, "killed"));
    story.deliverAll();
    assertThat(passer.row(object).transits).isZero();
    executor.returns(value(2));
    story.deliverAll();
    passer.close(future, object);
    owner.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void closeFailsWhatIsPendingAndReleasesTheRest() {
    Story.Actor owner = story.worker(THERE);
    ObjectId borrowed = owner.put(value(1));
    driver.finds(borrowed);
    story.deliverAll();
    ObjectId running = driver.submit();
    ObjectId waiting = driver.submit(taken(running));
    push();
    driver.claims.get(running.task()).take();
    driver.does(new WorkerInput.Close("closed"));
    assertThat(driver.failure(running).kind()).isEqualTo(Failure.Kind.CLOSED);
    assertThat(driver.failure(waiting).kind()).isEqualTo(Failure.Kind.CLOSED);
    story.deliverAll();
    executor.returns(stored(0, HERE));
    story.deliverAll();
    assertThat(story.freed).hasSize(1);
    assertThat(owner.row(borrowed).borrowers()).isEmpty();
    ObjectId late = driver.submit();
    assertThat(driver.failure(late).kind()).isEqualTo(Failure.Kind.CLOSED);
    owner.close(borrowed);
    story.assertNothingIsLeft();
  }
}
