package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ObjectId;
import io.dfut.internal.protocol.SchedulerMessage.RequestLease;
import io.dfut.internal.protocol.SchedulerMessage.ReturnLease;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.task.Failure;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Tasks that are cancelled before any worker has heard of them. */
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
    executor.returns(producer, java.util.List.of(), stored(0, HERE));
    story.deliverAll();
    assertThat(executor.tasks).isEmpty();
    assertThat(driver.pushesOf(result)).isZero();
    assertThat(driver.failure(result).kind()).isEqualTo(Failure.Kind.CANCELLED);
    driver.close(argument, result);
    story.assertNothingIsLeft();
  }
}
