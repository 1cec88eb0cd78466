package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.dfut.DFut;
import io.dfut.DFut3;
import io.dfut.Returns3;
import io.dfut.TaskFailedException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import outside.UnadmittedException;

/** What the caller sees when a task's own code throws, and what is run again. */
abstract class FailureScenarios extends Scenarios {
  private static TaskFailedException failureOf(DFut<?> future) {
    TaskFailedException failure =
        catchThrowableOfType(TaskFailedException.class, () -> future.get(SOON));
    assertThat(failure).as("a TaskFailedException of " + future.id()).isNotNull();
    return failure;
  }

  private static Throwable rootCause(Throwable thrown) {
    Throwable root = thrown;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  private static String printed(Throwable thrown) {
    StringWriter text = new StringWriter();
    thrown.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  private static int throwOops() {
    throw new IllegalStateException("Oops");
  }

  private DFut<Integer> submitOops() {
    return dfut.task(FailureScenarios::throwOops).submit();
  }

  @Test
  @Tag("C136")
  @DisplayName("136 the task's exception keeps type, text and frames, and names who submitted it")
  void taskExceptionKeepsTypeTextAndFrames() {
    TaskFailedException failure = failureOf(submitOops());
    assertThat(rootCause(failure)).isExactlyInstanceOf(IllegalStateException.class);
    assertThat(rootCause(failure)).hasMessage("Oops");
    assertThat(rootCause(failure).getStackTrace()[0])
        .satisfies(
            frame -> {
              assertThat(frame.getClassName()).isEqualTo(FailureScenarios.class.getName());
              assertThat(frame.getMethodName()).isEqualTo("throwOops");
              assertThat(frame.getLineNumber()).isPositive();
            });
    assertThat(failure.retryable()).isFalse();
    assertThat(failure).hasMessageContaining("throwOops").hasMessageContaining("Oops");
    assertThat(rootCause(failure).getStackTrace())
        .extracting(StackTraceElement::getMethodName)
        .as("the remote frames, a marker, and the line that submitted the task")
        .startsWith("throwOops")
        .endsWith("submitOops")
        .hasSizeGreaterThanOrEqualTo(3);
    String trace = printed(failure);
    assertThat(trace).contains("FailureScenarios.throwOops(FailureScenarios.java:");
    assertThat(trace).contains("FailureScenarios.submitOops(FailureScenarios.java:");
  }

  @Test
  @Tag("C136")
  @DisplayName("136 a checked exception with a cause keeps both")
  void causeOfTheCauseIsKept() {
    DFut<Integer> result =
        dfut.task(
                (String name) -> {
                  if (!name.isEmpty()) {
                    throw new java.io.IOException(
                        "cannot read " + name, new ArithmeticException("inner"));
                  }
                  return 1;
                })
            .submit("a.txt");
    TaskFailedException failure = failureOf(result);
    assertThat(failure.getCause())
        .isExactlyInstanceOf(java.io.IOException.class)
        .hasMessage("cannot read a.txt");
    assertThat(failure.getCause().getCause())
        .isExactlyInstanceOf(ArithmeticException.class)
        .hasMessage("inner");
  }

  private static Returns3<Integer, String, byte[]> threeOrNothing(Tally tally) {
    tally.add();
    throw new UnsupportedOperationException("none of the three");
  }

  @Test
  @Tag("C137")
  @DisplayName("137 all three results of a task that threw fail with the one cause")
  void everyResultFailsWithTheOneCause() {
    Tally tally = Tally.zero();
    DFut3<Integer, String, byte[]> results =
        dfut.multi3(FailureScenarios::threeOrNothing).submit(tally);
    for (DFut<?> result : List.of(results.first(), results.second(), results.third())) {
      assertThat(failureOf(result).getCause())
          .isExactlyInstanceOf(UnsupportedOperationException.class)
          .hasMessage("none of the three");
    }
    assertThat(tally.count()).isEqualTo(1);
  }

  static final class LockedException extends RuntimeException {
    private final ReentrantLock lock = new ReentrantLock();
    private final Thread thrower = Thread.currentThread();

    LockedException(String message) {
      super(message);
      lock.lock();
    }

    @Override
    public String toString() {
      return super.toString() + thrower;
    }
  }

  static final class SpitefulException extends RuntimeException {
    @Override
    public String getMessage() {
      throw new IllegalStateException("even its text throws");
    }
  }

  private static int throwKind(String kind) {
    throw switch (kind) {
      case "locked" -> new LockedException("holds a lock");
      case "unadmitted" -> new UnadmittedException("of another package", 7);
      case "spiteful" -> new SpitefulException();
      case "nested" ->
          new IllegalArgumentException("outer", new UnadmittedException("as the cause", 8));
      default -> new IllegalArgumentException(kind);
    };
  }

  private void travelsAsText(String kind, Class<?> type, String text) {
    TaskFailedException failure = failureOf(dfut.task(FailureScenarios::throwKind).submit(kind));
    assertThat(printed(failure))
        .contains(type.getName())
        .contains(text)
        .contains("FailureScenarios.throwKind(FailureScenarios.java:");
    assertThat(dfut.task(Tasks::increment).submit(1).get(SOON))
        .as("the worker's next task")
        .isEqualTo(2);
  }

  @Test
  @Tag("C138")
  @DisplayName("138 an exception that cannot travel arrives as its name, text and frames")
  void exceptionsThatCannotTravelArriveAsText() {
    travelsAsText("locked", LockedException.class, "holds a lock");
    travelsAsText("unadmitted", UnadmittedException.class, "of another package");
    travelsAsText("nested", UnadmittedException.class, "as the cause");

    TaskFailedException spiteful =
        failureOf(dfut.task(FailureScenarios::throwKind).submit("spiteful"));
    assertThat(spiteful).hasMessageContaining(SpitefulException.class.getName());
    assertThat(dfut.task(Tasks::increment).submit(1).get(SOON)).isEqualTo(2);
  }

  static final class FlakyException extends RuntimeException {
    FlakyException(String message) {
      super(message);
    }
  }

  static final class OtherException extends RuntimeException {
    OtherException(String message) {
      super(message);
    }
  }

  private static int failsAtFirst(Tally tally, int failures) {
    int run = tally.add();
    if (run <= failures) {
      throw new FlakyException("run " + run);
    }
    return run;
  }

  @Test
  @Tag("C142")
  @DisplayName("142 retryOn runs the task again; without it, or without retries, it runs once")
  void retryOnRunsTheTaskAgain() {
    Tally tally = Tally.zero();
    assertThat(
            dfut.task(FailureScenarios::failsAtFirst)
                .retryOn(FlakyException.class)
                .submit(tally, 1)
                .get(SOON))
        .isEqualTo(2);
    assertThat(tally.count()).isEqualTo(2);

    Tally subtype = Tally.zero();
    assertThat(
            dfut.task(FailureScenarios::failsAtFirst)
                .retryOn(OtherException.class)
                .retryOn(RuntimeException.class)
                .submit(subtype, 3)
                .get(SOON))
        .as("a supertype counts, and the default is three retries")
        .isEqualTo(4);

    Tally spent = Tally.zero();
    assertThat(
            failureOf(
                    dfut.task(FailureScenarios::failsAtFirst)
                        .retryOn(FlakyException.class)
                        .maxRetries(2)
                        .submit(spent, 10))
                .getCause())
        .hasMessage("run 3");
    assertThat(spent.count()).isEqualTo(3);

    Tally without = Tally.zero();
    failureOf(dfut.task(FailureScenarios::failsAtFirst).submit(without, 1));
    Tally other = Tally.zero();
    failureOf(
        dfut.task(FailureScenarios::failsAtFirst).retryOn(OtherException.class).submit(other, 1));
    Tally none = Tally.zero();
    failureOf(
        dfut.task(FailureScenarios::failsAtFirst)
            .maxRetries(0)
            .retryOn(FlakyException.class)
            .submit(none, 1));
    assertThat(List.of(without.count(), other.count(), none.count())).containsExactly(1, 1, 1);
  }

  @Test
  @Tag("C147")
  @DisplayName("147 whoever needs a failed and a running future hears of the failure at once")
  void failureIsNotHeldUpByARunningTask() {
    Gate gate = Gate.closed();
    Tally tally = Tally.zero();
    DFut<Integer> running = dfut.task(Tasks::after).submit(gate, 1);
    gate.awaitArrived(1);
    DFut<Integer> failing = dfut.task(Tasks::fail).submit("at once");
    long start = System.nanoTime();
    for (List<DFut<Integer>> order :
        List.of(List.of(failing, running), List.of(running, failing))) {
      DFut<Integer> sum =
          dfut.task((Tally t, List<Integer> values) -> Tasks.counted(t, Tasks.sum(values)))
              .submit(tally, DFut.all(order));
      assertThat(rootCause(failureOf(sum))).hasMessage("at once");
      assertThat(dfut.await(order, 1, SOON).ready()).containsExactly(failing);
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
    assertThat(running.isReady()).isFalse();
    assertThat(tally.count()).isZero();
    gate.open();
    assertThat(running.get(SOON)).isEqualTo(1);
  }

  @Test
  @Tag("C148")
  @DisplayName("148 the consumer of a failed future fails with the producer's name, and never runs")
  void consumerOfAFailedFutureNeverRuns() {
    Tally tally = Tally.zero();
    DFut<Integer> producer = dfut.task(Tasks::fail).named("the-producer").submit("broken");
    DFut<Integer> consumer =
        dfut.task(Tasks::counted).named("the-consumer").submit(tally, producer);
    DFut<Integer> consumersConsumer = dfut.task(Tasks::increment).submit(consumer);
    for (DFut<Integer> result : List.of(consumer, consumersConsumer)) {
      TaskFailedException failure = failureOf(result);
      assertThat(printed(failure)).contains("the-producer").contains("broken");
      assertThat(rootCause(failure)).isExactlyInstanceOf(IllegalStateException.class);
    }
    assertThat(tally.count()).isZero();
  }
}
