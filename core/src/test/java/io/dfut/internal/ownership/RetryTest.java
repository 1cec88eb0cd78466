package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ObjectId;
import io.dfut.internal.protocol.SchedulerMessage.RequestLease;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A task whose workers crash one after the other, with an argument that nobody else holds. */
final class RetryTest {
  private final Story story = new Story();
  private final List<Story.Actor> executors =
      Stream.generate(() -> story.worker(THERE)).limit(5).toList();
  private final Story.Actor driver = story.worker(HERE).lend(executors.toArray(Story.Actor[]::new));
  private final ObjectId argument = driver.put(stored(0, HERE));

  /** The worker that was given the task as the attempt of this number, which is where it runs. */
  private Story.Actor runs(int attempt) {
    story.deliverAll();
    Story.Actor executor = executors.get(attempt);
    assertThat(executor.tasks).extracting(TaskPushed::attempt).containsExactly(attempt);
    assertThat(driver.keeps(argument)).as("the argument during attempt %d", attempt).isTrue();
    return executor;
  }

  private void crashes(Story.Actor executor, String cause) {
    driver.hears(new WorkerMessage.WorkerDied(executor.id, cause));
  }

  @Test
  @Tag("C143")
  @DisplayName("143 three retries after crashes, then the last crash is the error")
  void threeRetriesThenTheLastCrashIsTheError() {
    ObjectId future = driver.submit(3, taken(argument)).getFirst();
    driver.close(argument);
    for (int attempt = 0; attempt < 4; attempt++) {
      Story.Actor executor = runs(attempt);
      assertThat(driver.outcome(future)).isNull();
      long asked = driver.asksFor(RequestLease.class);
      crashes(executor, "crash " + attempt);
      assertThat(driver.asksFor(RequestLease.class) - asked)
          .as("workers asked for at once after crash %d: no delay is configured", attempt)
          .isEqualTo(attempt < 3 ? 1 : 0);
      assertThat(driver.keeps(argument))
          .as("the argument between the attempts, and a while longer, after crash %d", attempt)
          .isTrue();
    }
    driver.waitsOutHandovers();
    assertThat(driver.keeps(argument)).as("the argument in the end").isFalse();
    Failure failure = driver.failure(future);
    assertThat(failure.kind()).isEqualTo(Failure.Kind.WORKER_CRASHED);
    assertThat(failure.attempts()).isEqualTo(4);
    assertThat(failure.detail()).isEqualTo("crash 3");
    assertThat(failure.message()).contains("crash 3").contains("4 times").contains("maxRetries");
    assertThat(story.freed).extracting(freed -> freed.key().id()).containsExactly(argument);
    story.deliverAll();
    assertThat(executors.get(4).tasks).isEmpty();
    driver.close(future);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C143")
  @DisplayName("143 a late answer of a crashed attempt changes nothing, and its bytes are freed")
  void lateAnswerOfACrashedAttemptChangesNothing() {
    ObjectId future = driver.submit(3, taken(argument)).getFirst();
    TaskPushed first = runs(0).task();
    crashes(executors.get(0), "declared dead");
    Story.Actor second = runs(1);
    driver.hears(
        new TaskReturned(
            first.spec().id(),
            0,
            List.of(stored(0, THERE)),
            List.of(),
            List.of(),
            List.of(),
            executors.get(0).id));
    assertThat(driver.outcome(future)).isNull();
    assertThat(story.freed).extracting(freed -> freed.key().id()).containsExactly(future);
    second.returns(value(7));
    story.deliverAll();
    assertThat(driver.outcome(future)).isInstanceOf(Outcome.Inline.class);
    driver.close(future, argument);
    driver.waitsOutHandovers();
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C143")
  @DisplayName("143 without a bound the task is retried as often as it crashes")
  void unboundedRetriesGoOn() {
    ObjectId future = driver.submit(-1, taken(argument)).getFirst();
    List<Integer> attempts = new ArrayList<>();
    for (int crash = 0; crash < 50; crash++) {
      story.deliverAll();
      Story.Actor executor =
          executors.stream().filter(e -> !e.tasks.isEmpty()).findFirst().orElseThrow();
      attempts.add(executor.tasks.removeFirst().attempt());
      crashes(executor, "crash " + crash);
    }
    assertThat(attempts).isEqualTo(Stream.iterate(0, attempt -> attempt + 1).limit(50).toList());
    assertThat(driver.outcome(future)).isNull();
    story.deliverAll();
    executors.stream().filter(e -> !e.tasks.isEmpty()).findFirst().orElseThrow().returns(value(1));
    story.deliverAll();
    assertThat(driver.outcome(future)).isInstanceOf(Outcome.Inline.class);
    driver.close(future, argument);
    driver.waitsOutHandovers();
    story.assertNothingIsLeft();
  }
}
