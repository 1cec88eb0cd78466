package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.internal.protocol.SchedulerMessage.RequestLease;
import io.dfut.internal.protocol.SchedulerMessage.ReturnLease;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Tasks that are cancelled, before any worker has heard of them or while one runs them. */
final class CancelStoriesTest {
  private final Story story = new Story();
  private final Story.Actor executor = story.worker(HERE);
  private final Story.Actor driver = story.worker(HERE);

  @Test
  @Tag("C187")
  @DisplayName("187 a queued task is cancelled without a word to any worker")
  void queuedTaskIsCancelledWithoutAWord() {
    ObjectId argument = driver.put(stored(0, HERE));
    ObjectId result = driver.submit(taken(argument));
    RequestLease request = (RequestLease) driver.asked.getFirst();
    driver.hears(new WorkerMessage.LeaseQueued(request.lease()));
    driver.close(argument);
    driver.does(new WorkerInput.Cancel(result));
    assertThat(driver.failure(result).kind()).isEqualTo(Failure.Kind.CANCELLED);
    assertThat(driver.asked)
        .as("the request, and its withdrawal")
        .containsExactly(request, new ReturnLease(request.lease()));
    assertThat(story.mail).as("words to workers").isEmpty();
    assertThat(driver.row(argument)).isNull();
    driver.close(result);
    assertThat(driver.machine.isEmpty()).isTrue();

    // The grant was under way.
    driver.hears(new WorkerMessage.LeaseGranted(request.lease(), executor.id));
    assertThat(driver.asked.getLast()).isEqualTo(new ReturnLease(request.lease()));
    assertThat(driver.asksFor(ReturnLease.class)).isEqualTo(2);
    story.deliverAll();
    assertThat(executor.tasks).isEmpty();
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C187")
  @DisplayName("187 the request stays when another task of the shape waits for it")
  void requestStaysForTheOtherTask() {
    ObjectId cancelled = driver.submit();
    ObjectId waits = driver.submit();
    RequestLease request = (RequestLease) driver.asked.getFirst();
    driver.does(new WorkerInput.Cancel(cancelled));
    driver.hears(new WorkerMessage.LeaseGranted(request.lease(), executor.id));
    story.deliverAll();
    assertThat(executor.tasks).extracting(task -> task.spec().id()).containsExactly(waits.task());
    executor.returns(value(1));
    story.deliverAll();
    driver.close(cancelled, waits);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C188")
  @DisplayName("188 a task that waits for an argument is cancelled at once, and stays so")
  void taskThatWaitsForAnArgumentIsCancelledAtOnce() {
    driver.lend(executor);
    ObjectId argument = driver.submit();
    ObjectId result = driver.submit(taken(argument));
    story.deliverAll();
    TaskPushed producer = executor.task();
    long asked = driver.asked.size();
    driver.does(new WorkerInput.Cancel(result));
    assertThat(driver.failure(result).kind()).isEqualTo(Failure.Kind.CANCELLED);
    assertThat(driver.asked).hasSize((int) asked);
    assertThat(driver.row(argument).counts()).containsOnlyKeys("handles");
    executor.returns(producer, List.of(), stored(0, HERE));
    story.deliverAll();
    assertThat(executor.tasks).isEmpty();
    assertThat(driver.pushesOf(result)).isZero();
    assertThat(driver.failure(result).kind()).isEqualTo(Failure.Kind.CANCELLED);
    driver.close(argument, result);
    story.assertNothingIsLeft();
  }

  // ---- running tasks ----

  private ObjectId running() {
    driver.lend(executor);
    ObjectId result = driver.submit();
    story.deliverAll();
    assertThat(executor.tasks).hasSize(1);
    driver.claims.get(result.task()).take(); // the executor has begun
    return result;
  }

  private void assertCancelled(ObjectId result) {
    assertThat(driver.failure(result).kind()).isEqualTo(Failure.Kind.CANCELLED);
  }

  @Test
  @Tag("C198")
  @DisplayName("198 a cancelled task whose worker crashes meanwhile is not run again")
  void cancelledTaskIsNotRunAgainAfterACrash() {
    ObjectId result = running();
    driver.does(new WorkerInput.Cancel(result));
    assertCancelled(result);
    story.kill(executor); // and with it the word that it was to stop, and the answer
    story.deliverAll();
    assertCancelled(result);
    assertThat(driver.pushesOf(result)).isEqualTo(1);
    driver.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C198")
  @DisplayName("198 the same when the crash is heard of first: the next attempt never starts")
  void taskThatIsToBeRunAgainIsCancelled() {
    ObjectId result = running();
    driver.lend(); // so that the next attempt waits
    story.kill(executor);
    driver.does(new WorkerInput.Cancel(result));
    assertCancelled(result);
    driver.lend(story.worker(HERE));
    story.deliverAll();
    assertThat(driver.pushesOf(result)).isEqualTo(1);
    driver.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C198")
  @DisplayName("198 a task that is cancelled while it makes a lost result again is not rebuilt")
  void cancelledRebuildIsNotStartedAgain() {
    ObjectId result = running();
    executor.returns(stored(0, THERE));
    story.deliverAll();
    ObjectId reader = driver.submit(taken(result));
    story.deliverAll();
    TaskPushed reading = executor.tasks.getFirst();
    executor.returns(reading, List.of(), value(1));
    story.kill(THERE);
    story.deliverAll();
    assertThat(driver.pushesOf(result)).as("the second is the rebuild").isEqualTo(2);
    driver.does(new WorkerInput.Cancel(result));
    assertCancelled(result);
    executor.returns(stored(1, HERE));
    story.deliverAll();
    assertThat(story.freed)
        .as("the late answer's bytes")
        .contains(new Story.Freed(new ObjectKey(result, 1), HERE));
    ObjectId again = driver.submit(taken(result));
    story.deliverAll();
    assertCancelled(again);
    assertThat(driver.pushesOf(result)).isEqualTo(2);
    driver.close(result, reader, again);
    story.assertNothingIsLeft();
  }

  @Test
  void cancelThatComesAfterTheValueWasGivenChangesNothing() {
    ObjectId result = running();
    // Past the table the executor has given its result to who waits for it.
    assertThat(driver.claims.get(result.task()).decide(0)).isTrue();
    driver.does(new WorkerInput.Cancel(result));
    assertThat(driver.outcome(result)).isNull();
    executor.returns(value(1));
    story.deliverAll();
    assertThat(driver.outcome(result)).isInstanceOf(Outcome.Inline.class);
    driver.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  void valueThatComesAfterTheCancelIsGivenToNobody() {
    ObjectId result = running();
    driver.does(new WorkerInput.Cancel(result));
    assertThat(driver.claims.get(result.task()).decide(0)).isFalse();
    executor.returns(value(1));
    story.deliverAll();
    assertCancelled(result);
    driver.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  void closedWorkerEndsWhatWasGivenAndNotYetHeardOf() {
    ObjectId result = running();
    driver.claims.get(result.task()).decide(0);
    driver.does(new WorkerInput.Close("it ends"));
    assertThat(driver.failure(result).kind()).isEqualTo(Failure.Kind.CLOSED);
    assertThat(driver.machine.isEmpty()).isTrue();
  }

  /** The claim is taken on another thread, before the table hears of it. */
  @Test
  void bodyThatWasClaimedInlineBeforeItsCancelIsTold() {
    ObjectId result = driver.submit();
    driver.claims.get(result.task()).take();
    driver.does(new WorkerInput.Cancel(result));
    assertCancelled(result);
    driver.does(new WorkerInput.TaskClaimedInline(result.task(), 0));
    assertThat(driver.effects)
        .contains(
            new WorkerEffect.Send(
                driver.id, new WorkerMessage.CancelTask(result.task(), 0, false)));
    driver.close(result);
    story.assertNothingIsLeft();
  }

  // ---- children ----

  @Test
  void detachedActorIsMadeAlsoWhenItsMakerIsCancelled() {
    TaskId parent = new TaskId(executor.id, 77);
    ObjectId detached = creation(parent, true);
    ObjectId attached = creation(parent, false);
    driver.does(new WorkerInput.ParentCancelled(parent));
    assertCancelled(attached);
    assertThat(driver.outcome(detached)).isNull();
  }

  private ObjectId creation(TaskId parent, boolean detached) {
    TaskSpec.ActorOptions options =
        new TaskSpec.ActorOptions(
            "Counter",
            Optional.empty(),
            1,
            detached,
            TaskSpec.Restarts.NONE,
            TaskSpec.Checkpoints.ON_DEMAND,
            TaskSpec.SavedState.NONE,
            0);
    return driver
        .submit(new TaskSpec.Kind.Creation(options), 1, 0, 0, Optional.of(parent))
        .getFirst();
  }
}
