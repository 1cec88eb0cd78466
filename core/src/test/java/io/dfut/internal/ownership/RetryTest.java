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
import io.dfut.internal.task.ThrownError;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A task whose workers crash one after the other, with an argument that nobody else holds. */
final class RetryTest {
  private static final List<String> ANY_EXCEPTION =
      List.of("java.lang.Exception", "java.lang.Throwable");

  private static final List<String> OUT_OF_MEMORY =
      List.of(
          "java.lang.OutOfMemoryError",
          "java.lang.VirtualMachineError",
          "java.lang.Error",
          "java.lang.Throwable");

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
      Story.Actor executor = running();
      attempts.add(executor.tasks.removeFirst().attempt());
      crashes(executor, "crash " + crash);
    }
    assertThat(attempts).isEqualTo(Stream.iterate(0, attempt -> attempt + 1).limit(50).toList());
    assertThat(driver.outcome(future)).isNull();
    story.deliverAll();
    running().returns(value(1));
    story.deliverAll();
    assertThat(driver.outcome(future)).isInstanceOf(Outcome.Inline.class);
    driver.close(future, argument);
    driver.waitsOutHandovers();
    story.assertNothingIsLeft();
  }

  /** Whoever has the task; there is one. */
  private Story.Actor running() {
    story.deliverAll();
    List<Story.Actor> busy = executors.stream().filter(e -> !e.tasks.isEmpty()).toList();
    assertThat(busy).as("executors that have the task").hasSize(1);
    return busy.getFirst();
  }

  private void runsOutOfMemory() {
    Failure failure =
        Failure.caused(
            Failure.Kind.TASK_FAILED,
            "task failed on node " + THERE + ": java.lang.OutOfMemoryError: Java heap space",
            ThrownError.of(new OutOfMemoryError("Java heap space")));
    running().fails(new Outcome.Failed(failure), OUT_OF_MEMORY);
    story.deliverAll();
  }

  private void crashes(String cause) {
    Story.Actor executor = running();
    executor.tasks.clear();
    story.workers().stream()
        .filter(worker -> !worker.equals(executor))
        .forEach(worker -> worker.hears(new WorkerMessage.WorkerDied(executor.id, cause)));
    story.deliverAll();
  }

  /** Owners that begin from now on give a task so many retries for want of memory. */
  private Story.Actor driverWith(int outOfMemoryRetries) {
    story.outOfMemoryRetries = outOfMemoryRetries;
    return story.worker(HERE).lend(executors.toArray(Story.Actor[]::new));
  }

  private void assertOutOfMemory(Failure failure, int attempts) {
    assertThat(failure.kind()).isEqualTo(Failure.Kind.TASK_FAILED);
    assertThat(failure.cause().orElseThrow().className())
        .isEqualTo(OutOfMemoryError.class.getName());
    assertThat(failure.attempts()).isEqualTo(attempts);
    assertThat(failure.message())
        .contains("ran out of memory")
        .contains(THERE.toString())
        .contains("started " + attempts + " time")
        .contains("dfut.tasks.out-of-memory-retries");
    story.deliverAll();
    assertThat(executors).allMatch(executor -> executor.tasks.isEmpty());
  }

  private void assertNothingIsLeftOf(ObjectId future, Story.Actor owner) {
    owner.close(future);
    driver.close(argument);
    driver.waitsOutHandovers();
    owner.waitsOutHandovers();
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C144")
  @DisplayName(
      "144 out of memory, crash, crash: each has its own retry, and the crash is the error")
  void outOfMemoryAndCrashesAreChargedApart() {
    ObjectId future = driver.submit(1, taken(argument)).getFirst();
    runsOutOfMemory();
    crashes("first crash");
    assertThat(driver.outcome(future)).isNull();
    crashes("second crash");
    Failure failure = driver.failure(future);
    assertThat(failure.kind()).isEqualTo(Failure.Kind.WORKER_CRASHED);
    assertThat(failure.detail()).isEqualTo("second crash");
    assertThat(failure.attempts()).isEqualTo(3);
    assertNothingIsLeftOf(future, driver);
  }

  @Test
  @Tag("C144")
  @DisplayName("144 crash, out of memory, out of memory: the last one is the error")
  void crashesLeaveTheRetriesForMemory() {
    ObjectId future = driver.submit(2, taken(argument)).getFirst();
    crashes("crash");
    runsOutOfMemory();
    assertThat(driver.outcome(future)).isNull();
    runsOutOfMemory();
    assertOutOfMemory(driver.failure(future), 3);
    assertNothingIsLeftOf(future, driver);
  }

  @Test
  @Tag("C144")
  @DisplayName("144 without retries for memory the first such failure is the error")
  void noRetriesForMemoryFailAtOnce() {
    Story.Actor strict = driverWith(0);
    ObjectId future = strict.submit(3).getFirst();
    runsOutOfMemory();
    assertOutOfMemory(strict.failure(future), 1);
    assertNothingIsLeftOf(future, strict);
  }

  @Test
  @Tag("C144")
  @DisplayName("144 without a bound ten thousand retries do not exhaust it, nor those for crashes")
  void unboundedRetriesForMemoryGoOn() {
    Story.Actor patient = driverWith(-1);
    ObjectId future = patient.submit(1).getFirst();
    for (int i = 0; i < 10_000; i++) {
      runsOutOfMemory();
    }
    crashes("crash");
    assertThat(patient.outcome(future)).isNull();
    assertThat(running().task().attempt()).isEqualTo(10_001);
    running().returns(value(1));
    story.deliverAll();
    assertThat(patient.outcome(future)).isInstanceOf(Outcome.Inline.class);
    assertNothingIsLeftOf(future, patient);
  }

  @Test
  @Tag("C144")
  @DisplayName("144 a task that may run once only does so, whatever its body runs out of")
  void noRetriesAtAllAreNone() {
    ObjectId future = driver.submit(0).getFirst();
    runsOutOfMemory();
    assertOutOfMemory(driver.failure(future), 1);
    assertNothingIsLeftOf(future, driver);
  }

  @Test
  @Tag("C144")
  @DisplayName("144 whoever asks for it by retryOn has those retries after the others")
  void retriesThatWereAskedForComeAfter() {
    driver.retryOn = List.of(OutOfMemoryError.class.getName());
    ObjectId future = driver.submit(2).getFirst();
    for (int i = 0; i < 3; i++) {
      runsOutOfMemory();
      assertThat(driver.outcome(future)).isNull();
    }
    runsOutOfMemory();
    assertOutOfMemory(driver.failure(future), 4);
    assertNothingIsLeftOf(future, driver);
  }

  @Test
  @Tag("C144")
  @DisplayName("144 a body that a blocked task runs itself is run again as well")
  void inlineRunsHaveTheirRetries() {
    Story.Actor near = story.worker(HERE);
    driver.lend(near);
    ObjectId future = driver.submit(1).getFirst();
    story.deliverAll();
    driver.claimsInline(future);
    driver.endsInline(future, Story.failed(Failure.Kind.TASK_FAILED), OUT_OF_MEMORY);
    story.deliverAll();
    assertThat(driver.outcome(future)).isNull();
    assertThat(near.tasks).extracting(TaskPushed::attempt).containsExactly(0, 1);
    near.returns(near.tasks.getLast(), List.of(), value(1));
    story.deliverAll();
    assertThat(driver.outcome(future)).isInstanceOf(Outcome.Inline.class);
  }

  @ParameterizedTest
  @EnumSource(names = {"NOT_ALLOWED", "SERIALIZATION", "RELEASED", "INFEASIBLE"})
  @Tag("C145")
  @DisplayName("145 what no retry can mend is not retried, though any exception would be")
  void whatNoRetryCanMendIsNotRetried(Failure.Kind kind) {
    driver.retryOn = List.of(Throwable.class.getName());
    ObjectId future = driver.submit(3, taken(argument)).getFirst();
    Failure refused = Failure.of(kind, "com.acme.Images is not on node " + THERE);
    running().fails(new Outcome.Failed(refused), ANY_EXCEPTION);
    story.deliverAll();
    assertThat(driver.failure(future)).as("at once, and as it was said").isEqualTo(refused);
    assertThat(executors).as("run again").allMatch(executor -> executor.tasks.isEmpty());
    assertNothingIsLeftOf(future, driver);
  }

  @Test
  @Tag("C145")
  @DisplayName("145 the same task is retried for what its body throws")
  void theSameTaskIsRetriedForWhatItThrows() {
    driver.retryOn = List.of(Throwable.class.getName());
    ObjectId future = driver.submit(3, taken(argument)).getFirst();
    running().throwsOf(ANY_EXCEPTION);
    story.deliverAll();
    assertThat(driver.outcome(future)).isNull();
    running().returns(value(1));
    story.deliverAll();
    assertNothingIsLeftOf(future, driver);
  }
}
