package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.DPromise;
import io.dfut.GetTimeoutException;
import io.dfut.SharedDFut;
import io.dfut.TaskFailedException;
import io.dfut.WaitResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How long calls wait, and what they find. */
abstract class WaitScenarios extends Scenarios {
  private static Duration timeOf(ThrowingCallable call) {
    long start = System.nanoTime();
    try {
      call.call();
    } catch (Throwable e) {
      throw new AssertionError("the timed call threw", e);
    }
    return Duration.ofNanos(System.nanoTime() - start);
  }

  @Test
  @Tag("C202")
  @DisplayName("202 get gives up after its time, and the task goes on")
  void getGivesUpAfterItsTime() {
    Gate gate = Gate.closed();
    DFut<Integer> future = dfut.task(Tasks::after).submit(gate, 5);
    gate.awaitArrived(1);
    Duration taken =
        timeOf(
            () ->
                assertThatThrownBy(() -> future.get(Duration.ofSeconds(2)))
                    .isInstanceOf(GetTimeoutException.class)
                    .hasMessageContaining(future.id().toString())
                    .satisfies(e -> assertThat(((GetTimeoutException) e).retryable()).isTrue()));
    assertThat(taken).isBetween(Duration.ofMillis(2_000), Duration.ofMillis(2_500));
    assertThat(gate.interrupted()).isZero();
    gate.open();
    assertThat(future.get(SOON)).isEqualTo(5);
    assertThat(gate.arrived()).as("runs of the body").isEqualTo(1);
  }

  @Test
  @Tag("C203")
  @DisplayName("203 get with no time, with a negative one, and with none at all")
  void getWithZeroNegativeAndMissingTime() {
    DPromise<Integer> promise = dfut.promise();
    DFut<Integer> future = promise.future();
    SharedDFut<Integer> shared = future.share();
    assertThatThrownBy(() -> future.get(Duration.ZERO)).isInstanceOf(GetTimeoutException.class);
    assertThatThrownBy(() -> shared.get(Duration.ZERO)).isInstanceOf(GetTimeoutException.class);
    promise.complete(3);
    eventually("a completed promise is not ready").until(future::isReady);
    assertThat(future.get(Duration.ZERO)).isEqualTo(3);
    assertThat(shared.get(Duration.ZERO)).isEqualTo(3);
    for (ThrowingCallable negative :
        List.<ThrowingCallable>of(
            () -> future.get(Duration.ofMillis(-1)), () -> shared.get(Duration.ofMillis(-1)))) {
      assertThatThrownBy(negative)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("timeout");
    }
    for (ThrowingCallable missing :
        List.<ThrowingCallable>of(() -> future.get(null), () -> shared.get(null))) {
      assertThatThrownBy(missing)
          .isInstanceOfAny(NullPointerException.class, IllegalArgumentException.class)
          .hasMessageContaining("timeout");
    }
  }

  private List<DFut<Integer>> instant(int count) {
    return IntStream.range(0, count).mapToObj(i -> dfut.task(Tasks::increment).submit(i)).toList();
  }

  @Test
  @Tag("C206")
  @DisplayName("206 await returns as many ready futures as asked for, in the order given")
  void awaitReturnsAsManyAsAskedFor() {
    List<DFut<Integer>> futures = instant(4);
    WaitResult<Integer> one = dfut.await(futures, 1, SOON);
    assertThat(one.ready()).hasSize(1);
    assertThat(one.pending()).hasSize(3);
    List<DFut<Integer>> again = new ArrayList<>(one.ready());
    again.addAll(one.pending());
    assertThat(again).containsExactlyInAnyOrderElementsOf(futures);
    assertThat(one.pending())
        .containsExactlyElementsOf(futures.stream().filter(one.pending()::contains).toList());
    assertThat(dfut.await(futures, 4, SOON)).isEqualTo(new WaitResult<>(futures, List.of()));
    assertThat(dfut.await(futures, 1, SOON))
        .as("all ready, one asked for")
        .isEqualTo(new WaitResult<>(futures.subList(0, 1), futures.subList(1, 4)));
    assertThat(futures.stream().map(future -> future.get(SOON))).containsExactly(1, 2, 3, 4);
  }

  private static String awaitInside(Gate gate) {
    DFutContext here = DFutContext.current();
    DFut<Integer> instant = here.task(Tasks::increment).submit(1);
    DFut<Integer> blocked = here.task(Tasks::after).submit(gate, 2);
    long start = System.nanoTime();
    WaitResult<Integer> result = here.await(List.of(blocked, instant), 2, Duration.ofSeconds(2));
    long millis = (System.nanoTime() - start) / 1_000_000;
    boolean asExpected =
        result.ready().equals(List.of(instant)) && result.pending().equals(List.of(blocked));
    gate.open();
    blocked.get();
    return asExpected + " " + (millis >= 2_000 && millis < 3_000);
  }

  @Test
  @Tag("C207")
  @DisplayName("207 await returns what is ready when its time is up, in a driver and in a task")
  void awaitReturnsWhatIsReadyInTime() {
    DFut<String> inside = dfut.task(WaitScenarios::awaitInside).submit(Gate.closed());
    Gate gate = Gate.closed();
    DFut<Integer> instant = dfut.task(Tasks::increment).submit(1);
    DFut<Integer> blocked = dfut.task(Tasks::after).submit(gate, 2);
    Duration taken =
        timeOf(
            () ->
                assertThat(dfut.await(List.of(blocked, instant), 2, Duration.ofSeconds(2)))
                    .isEqualTo(new WaitResult<>(List.of(instant), List.of(blocked))));
    assertThat(taken).isBetween(Duration.ofSeconds(2), Duration.ofSeconds(3));
    gate.open();
    assertThat(blocked.get(SOON)).isEqualTo(2);
    assertThat(inside.get(SOON)).isEqualTo("true true");
  }

  @Test
  @Tag("C208")
  @DisplayName("208 await keeps to a short time")
  void awaitKeepsToAShortTime() {
    Gate gate = Gate.closed();
    DFut<Integer> blocked = dfut.task(Tasks::after).submit(gate, 2);
    gate.awaitArrived(1);
    List<Duration> taken = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      taken.add(
          timeOf(
              () ->
                  assertThat(dfut.await(List.of(blocked), 1, Duration.ofMillis(200)))
                      .isEqualTo(new WaitResult<>(List.of(), List.of(blocked)))));
    }
    assertThat(taken).allSatisfy(t -> assertThat(t).isGreaterThanOrEqualTo(Duration.ofMillis(200)));
    // One of three may be late through no fault of ours: the machine has other things to do.
    assertThat(taken.stream().sorted().toList().get(1)).isLessThan(Duration.ofMillis(300));
    gate.open();
    assertThat(blocked.get(SOON)).isEqualTo(2);
  }

  @Test
  @Tag("C209")
  @DisplayName("209 await of nothing, and with arguments that make no sense")
  void awaitRefusesWhatMakesNoSense() {
    List<DFut<Integer>> two = instant(2);
    assertThat(dfut.await(List.<DFut<Integer>>of(), 0, SOON))
        .isEqualTo(new WaitResult<>(List.of(), List.of()));
    assertThatThrownBy(() -> dfut.await((List<DFut<Integer>>) null, 1, SOON))
        .isInstanceOfAny(NullPointerException.class, IllegalArgumentException.class)
        .hasMessageContaining("futures");
    assertThatThrownBy(() -> dfut.await(Arrays.asList(two.getFirst(), null), 1, SOON))
        .isInstanceOfAny(NullPointerException.class, IllegalArgumentException.class)
        .hasMessageContaining("futures");
    for (int count : new int[] {0, -1, 3}) {
      assertThatThrownBy(() -> dfut.await(two, count, SOON))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("count")
          .hasMessageContaining(String.valueOf(count));
    }
    assertThatThrownBy(() -> dfut.await(two, 1, Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("timeout");
    assertThatThrownBy(() -> dfut.await(two, 1, null))
        .isInstanceOfAny(NullPointerException.class, IllegalArgumentException.class)
        .hasMessageContaining("timeout");
    assertThat(dfut.await(two, 2, SOON).ready()).isEqualTo(two);
  }

  @Test
  @Tag("C210")
  @DisplayName("210 a future that stands twice in the list is counted at each place")
  void futureStandingTwiceIsCountedTwice() {
    DPromise<Integer> promise = dfut.promise();
    DFut<Integer> future = promise.future();
    DFut<Integer> ready = dfut.put(1);
    List<DFut<Integer>> twice = List.of(future, ready, future);
    assertThat(dfut.await(twice, 2, Duration.ofMillis(50)))
        .isEqualTo(new WaitResult<>(List.of(ready), List.of(future, future)));
    promise.complete(1);
    assertThat(dfut.await(twice, 3, SOON)).isEqualTo(new WaitResult<>(twice, List.of()));
    assertThat(dfut.await(twice, 2, SOON))
        .isEqualTo(new WaitResult<>(List.of(future, ready), List.of(future)));
  }

  @Test
  @Tag("C211")
  @DisplayName("211 failed, cancelled and timed-out futures count as ready")
  void futuresWithoutAValueCountAsReady() {
    Gate gate = Gate.closed();
    DFut<Integer> failed = dfut.task(Tasks::fail).submit("on purpose");
    DFut<Integer> cancelled = dfut.task(Tasks::after).submit(gate, 1);
    DFut<Integer> timedOut =
        dfut.task(Tasks::after).timeout(Duration.ofMillis(100)).submit(gate, 1);
    DFut<Integer> consumer = dfut.task(Tasks::increment).submit(failed);
    assertThat(cancelled.cancel()).isTrue();
    List<DFut<Integer>> all = List.of(failed, cancelled, timedOut, consumer);
    assertThat(dfut.await(all, 4, SOON)).isEqualTo(new WaitResult<>(all, List.of()));
    assertThat(all).allMatch(DFut::isReady);
    assertThatThrownBy(() -> consumer.get(SOON)).isInstanceOf(TaskFailedException.class);
  }
}
