package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.dfut.ActorHandle;
import io.dfut.Arg;
import io.dfut.DFut;
import io.dfut.DFut2;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.DPromise;
import io.dfut.Func1;
import io.dfut.Func2;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.Returns2;
import io.dfut.SharedDFut;
import io.dfut.TaskCancelledException;
import io.dfut.TaskId;
import io.dfut.TaskNotAllowedException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** How tasks take their arguments, run, and give their results. */
abstract class TaskScenarios extends Scenarios {
  private static int sum0() {
    return 0;
  }

  private static int sum1(int a) {
    return a;
  }

  private static int sum2(int a, int b) {
    return a + b;
  }

  private static int sum3(int a, int b, int c) {
    return a + b + c;
  }

  private static int sum4(int a, int b, int c, int d) {
    return a + b + c + d;
  }

  private static int sum5(int a, int b, int c, int d, int e) {
    return a + b + c + d + e;
  }

  private static int sum6(int a, int b, int c, int d, int e, int f) {
    return a + b + c + d + e + f;
  }

  @Test
  @Tag("C002")
  @DisplayName("002 tasks of no to six parameters, by value and by reference")
  void tasksOfNoToSixParameters() {
    assertThat(
            List.of(
                dfut.task(TaskScenarios::sum0).submit().get(SOON),
                dfut.task(TaskScenarios::sum1).submit(1).get(SOON),
                dfut.task(TaskScenarios::sum2).submit(1, 1).get(SOON),
                dfut.task(TaskScenarios::sum3).submit(1, 1, 1).get(SOON),
                dfut.task(TaskScenarios::sum4).submit(1, 1, 1, 1).get(SOON),
                dfut.task(TaskScenarios::sum5).submit(1, 1, 1, 1, 1).get(SOON),
                dfut.task(TaskScenarios::sum6).submit(1, 1, 1, 1, 1, 1).get(SOON)))
        .containsExactly(0, 1, 2, 3, 4, 5, 6);
    DFut<Integer> one = dfut.put(1);
    DFut<Integer> two = dfut.task(TaskScenarios::sum2).submit(one, 1);
    assertThat(
            List.of(
                dfut.task(TaskScenarios::sum1).submit(one).get(SOON),
                dfut.task(TaskScenarios::sum2).submit(1, two).get(SOON),
                dfut.task(TaskScenarios::sum3).submit(two, 10, one).get(SOON),
                dfut.task(TaskScenarios::sum4).submit(one, two, one, two).get(SOON),
                dfut.task(TaskScenarios::sum5).submit(one, one, one, one, two).get(SOON),
                dfut.task(TaskScenarios::sum6).submit(two, two, two, two, two, two).get(SOON)))
        .containsExactly(1, 3, 13, 6, 6, 12);
  }

  private static void mark(Gate gate, Tally tally) throws InterruptedException {
    gate.pass();
    tally.add();
  }

  @Test
  @Tag("C005")
  @DisplayName("005 a void method's future settles with null, after what the method did")
  void voidMethodSettlesAfterItsEffect() {
    Gate gate = Gate.closed();
    Tally tally = Tally.zero();
    DFut<Void> done = dfut.task(TaskScenarios::mark).submit(gate, tally);
    gate.awaitArrived(1);
    assertThat(done.isReady()).isFalse();
    assertThat(tally.count()).isZero();
    gate.open();
    assertThat(done.get(SOON)).isNull();
    assertThat(tally.count()).isEqualTo(1);
  }

  private static List<Integer> same(List<Integer> values) {
    return values;
  }

  @Test
  @Tag("C007")
  @DisplayName("007 all(…) gives a task its values in the order of the list")
  void allKeepsTheOrder() {
    List<DFut<Integer>> puts = IntStream.rangeClosed(1, 5).mapToObj(i -> dfut.put(i)).toList();
    assertThat(dfut.task(TaskScenarios::same).submit(DFut.all(puts)).get(SOON))
        .containsExactly(1, 2, 3, 4, 5);
    assertThat(puts.stream().map(DFut::get)).containsExactly(1, 2, 3, 4, 5);

    Gate first = Gate.closed();
    DFut<Integer> late = dfut.task(Tasks::after).submit(first, 0);
    DFut<List<Integer>> mixed =
        dfut.task(TaskScenarios::same).submit(DFut.all(List.of(late, puts.get(4), late)));
    first.open();
    assertThat(mixed.get(SOON)).as("the first is ready last").containsExactly(0, 5, 0);
    assertThat(dfut.task(Tasks::sum).submit(DFut.<Integer>all(List.of())).get(SOON)).isZero();
  }

  private static String mixed(
      Gate body, String plain, int byValue, SharedDFut<Integer> byReference) {
    boolean ready = byReference.isReady();
    body.open();
    return plain + byValue + ready + byReference.get();
  }

  @Test
  @Tag("C008")
  @DisplayName("008 a task waits for the future it takes by value, not for the reference")
  void taskWaitsForValuesNotForReferences() throws InterruptedException {
    Gate value = Gate.closed();
    Gate producer = Gate.closed();
    Gate body = Gate.closed();
    DFut<Integer> byValue = dfut.task(Tasks::after).submit(value, 7);
    DFut<Integer> byReference = dfut.task(Tasks::after).submit(producer, 8);
    DFut<String> result =
        dfut.task(TaskScenarios::mixed)
            .submit(Arg.of(body), Arg.of("p"), byValue, Arg.of(byReference.share()));
    producer.awaitArrived(1);
    value.awaitArrived(1);
    assertThat(body.isOpen()).as("started without its value").isFalse();
    value.open();
    body.pass(); // the body runs, although the producer is still blocked
    assertThat(result.isReady()).isFalse();
    producer.open();
    assertThat(result.get(SOON)).isEqualTo("p7false8");
  }

  record Whereabouts(
      Optional<TaskId> task, int attempt, NodeId node, boolean inActor, boolean cancelled) {
    static Whereabouts here() {
      DFutContext here = DFutContext.current();
      return new Whereabouts(
          here.taskId(),
          here.attempt(),
          here.node(),
          here.actorId().isPresent(),
          here.isCancelled());
    }
  }

  private static Whereabouts onSecondAttempt(Tally tally) {
    Whereabouts here = Whereabouts.here();
    if (tally.add() == 1) {
      throw new IllegalStateException("attempt " + here.attempt());
    }
    return here;
  }

  static final class Locator extends DFutActor<Void> {
    public Whereabouts whereabouts() {
      return Whereabouts.here();
    }

    public String identity() {
      return dfut().actorId().map(Object::toString).orElse("none");
    }
  }

  @Test
  @Tag("C018")
  @DisplayName("018 tasks and actors read who, where and which attempt they are")
  void contextTellsWhoAndWhere() {
    DFut<Whereabouts> plain = dfut.task(Whereabouts::here).on(far()).submit();
    assertThat(plain.get(SOON))
        .isEqualTo(new Whereabouts(Optional.of(plain.id().task()), 0, far(), false, false));

    Tally tally = Tally.zero();
    DFut<Whereabouts> retried =
        dfut.task(TaskScenarios::onSecondAttempt)
            .retryOn(IllegalStateException.class)
            .submit(tally);
    assertThat(retried.get(SOON).attempt()).isEqualTo(1);
    assertThat(retried.get(SOON).task()).contains(retried.id().task());

    ActorHandle<Locator> locator = dfut.actor(Locator::new).on(far()).create();
    DFut<Whereabouts> call = locator.task(Locator::whereabouts).submit();
    assertThat(call.get(SOON))
        .isEqualTo(new Whereabouts(Optional.of(call.id().task()), 0, far(), true, false));
    assertThat(locator.task(Locator::identity).submit().get(SOON))
        .isEqualTo(locator.id().toString());

    assertThat(dfut.taskId()).isEmpty();
    assertThat(dfut.actorId()).isEmpty();
    assertThat(dfut.node()).isEqualTo(nodes().getFirst().node());
  }

  private static Returns2<byte[], byte[]> twoOfAMegabyte(Tally tally) {
    tally.add();
    return new Returns2<>(Tasks.bytes(1, 1 << 20), Tasks.bytes(2, 1 << 20));
  }

  @Test
  @Tag("C021")
  @DisplayName("021 of two results each is freed on its own, and one execution made both")
  void resultsAreFreedOneByOne() {
    Tally tally = Tally.zero();
    long before = habitat().inStores(Inspection.Store::usedBytes);
    DFut2<byte[], byte[]> results = dfut.multi2(TaskScenarios::twoOfAMegabyte).submit(tally);
    assertThat(dfut.await(List.of(results.first(), results.second()), 2, SOON).pending()).isEmpty();
    long both = habitat().inStores(Inspection.Store::usedBytes);
    assertThat(both - before).isGreaterThanOrEqualTo(2 << 20);
    results.first().close();
    eventually("the closed result's megabyte is still in the store")
        .atMost(Duration.ofSeconds(1))
        .until(() -> habitat().inStores(Inspection.Store::usedBytes) <= both - (1 << 20));
    assertThat(results.second().get(SOON)).isEqualTo(Tasks.bytes(2, 1 << 20));
    assertThat(tally.count()).isEqualTo(1);
    assertThatThrownBy(() -> results.first().get(SOON))
        .isInstanceOf(io.dfut.ReleasedException.class);
  }

  static class Base {
    static String inherited(String text) {
      return "inherited " + text;
    }
  }

  static final class Derived extends Base {}

  private static String overloaded(int value) {
    return "int " + value;
  }

  private static String overloaded(String value) {
    return "String " + value;
  }

  private static <T> List<T> generic(T value) {
    return List.of(value);
  }

  private static String varargs(String... values) {
    return Arrays.toString(values);
  }

  record Greeter(String greeting) {
    String greet(String name) {
      return greeting + " " + name;
    }
  }

  @Test
  @Tag("C275")
  @DisplayName(
      "275 private, overloaded, generic, varargs, inherited, bound and capturing functions")
  void everyKindOfFunctionRunsTheRightMethod() {
    assertThat(dfut.task((Func1<Integer, String>) TaskScenarios::overloaded).submit(1).get(SOON))
        .isEqualTo("int 1");
    assertThat(dfut.task((Func1<String, String>) TaskScenarios::overloaded).submit("1").get(SOON))
        .isEqualTo("String 1");
    assertThat(dfut.task((Func1<Long, List<Long>>) TaskScenarios::generic).submit(5L).get(SOON))
        .containsExactly(5L);
    assertThat(
            dfut.task((Func2<String, String, String>) TaskScenarios::varargs)
                .submit("a", "b")
                .get(SOON))
        .isEqualTo("[a, b]");
    assertThat(dfut.task(Derived::inherited).submit("x").get(SOON)).isEqualTo("inherited x");
    assertThat(dfut.task(new Greeter("hello")::greet).submit("you").get(SOON))
        .isEqualTo("hello you");
    assertThat(dfut.task(Greeter::greet).submit(new Greeter("hi"), "there").get(SOON))
        .isEqualTo("hi there");
    assertThat(dfut.task(Greeter::new).submit("made").get(SOON)).isEqualTo(new Greeter("made"));
    String captured = "captured";
    int number = 3;
    assertThat(dfut.task((String text) -> captured + number + text).submit("!").get(SOON))
        .isEqualTo("captured3!");
    DFut<Integer> reference = dfut.put(40);
    SharedDFut<Integer> shared = reference.share();
    assertThat(dfut.task((Integer more) -> shared.get() + more).submit(2).get(SOON)).isEqualTo(42);
    DFut<Integer> parsed =
        dfut.task((Func1<String, Integer>) Integer::parseInt).on(far()).submit("17");
    if (nodes().size() == 1) {
      assertThat(parsed.get(SOON)).as("a method of the JDK").isEqualTo(17);
    } else {
      assertThatThrownBy(() -> parsed.get(SOON))
          .as("a method of the JDK, which the node does not admit")
          .isInstanceOf(TaskNotAllowedException.class)
          .hasMessageContaining("java.lang.Integer.parseInt")
          .hasMessageContaining("dfut.tasks.allow");
    }
  }

  @Test
  @DisplayName("tasks that were sent behind long ones run elsewhere once a slot is free")
  void tasksBehindLongOnesRunElsewhere() {
    for (int round = 0; round < 30; round++) {
      Gate first = Gate.closed();
      Gate others = Gate.closed();
      int slots = habitat().slots();
      List<DFut<Integer>> longOnes =
          IntStream.range(0, slots)
              .mapToObj(i -> dfut.task(Tasks::after).submit(i == 0 ? first : others, i))
              .toList();
      List<DFut<Integer>> behind =
          IntStream.range(0, slots).mapToObj(i -> dfut.task(Tasks::increment).submit(i)).toList();
      others.awaitArrived(slots - 1);
      first.open();
      for (int i = 0; i < slots; i++) {
        assertThat(behind.get(i).get(SOON)).as("of round %d", round).isEqualTo(i + 1);
      }
      assertThat(longOnes.getLast().isReady()).isFalse();
      others.open();
      longOnes.forEach(future -> future.get(SOON));
    }
  }

  private static int nested(int depth) {
    if (depth == 0) {
      return 1;
    }
    DFutContext here = DFutContext.current();
    DFut<Integer> left = here.task(TaskScenarios::nested).submit(depth - 1);
    DFut<Integer> right = here.task(TaskScenarios::nested).submit(depth - 1);
    return left.get() + right.get();
  }

  @Test
  @DisplayName("tasks that wait for their own tasks end on fewer slots than there are waiting")
  void nestedTasksEnd() {
    assertThat(dfut.task(TaskScenarios::nested).submit(7).get(Duration.ofSeconds(30)))
        .isEqualTo(128);
  }

  /** What becomes of an object, in a word. */
  private static String fate(DFut<?> future) {
    Throwable thrown = catchThrowable(() -> future.get(SOON));
    while (thrown != null && !(thrown instanceof TaskCancelledException)) {
      thrown = thrown.getCause();
    }
    return thrown == null ? "kept" : "cancelled";
  }

  @Test
  @DisplayName("a promise that is kept and cancelled at once has one fate for everybody")
  void promiseHasOneFate() throws Exception {
    Set<String> seen = new HashSet<>();
    Random random = new Random(5);
    for (int i = 0; i < 500; i++) {
      DPromise<Integer> promise = dfut.promise();
      DFut<Integer> consumer = dfut.task(Tasks::increment).submit(promise.future());
      CompletableFuture<Boolean> kept = CompletableFuture.supplyAsync(() -> promise.complete(1));
      long until = System.nanoTime() + random.nextInt(200_000);
      while (System.nanoTime() - until < 0) {
        Thread.onSpinWait();
      }
      boolean cancelled = promise.future().cancel();
      String fate = fate(promise.future());
      assertThat(kept.get(10, TimeUnit.SECONDS)).isEqualTo(fate.equals("kept"));
      assertThat(fate(consumer)).isEqualTo(fate);
      if (!cancelled) {
        assertThat(fate).isEqualTo("kept");
      }
      seen.add(fate);
      promise.future().close();
      consumer.close();
    }
    assertThat(seen).containsExactlyInAnyOrder("kept", "cancelled");
  }

  private static int plusPromised(DPromise<Integer> unused, int value) {
    return value;
  }

  @Test
  @DisplayName("a promise is completed once, and its write end does not travel")
  void promiseIsCompletedOnce() {
    DPromise<Integer> promise = dfut.promise();
    DFut<Integer> consumer = dfut.task(Tasks::increment).submit(promise.future());
    assertThat(promise.future().isReady()).isFalse();
    assertThat(promise.complete(1)).isTrue();
    assertThat(promise.complete(2)).isFalse();
    assertThat(promise.fail(new IllegalStateException("late"))).isFalse();
    assertThat(consumer.get(SOON)).isEqualTo(2);
    assertThat(promise.future().get(SOON)).isEqualTo(1);
    assertThatThrownBy(() -> dfut.task(TaskScenarios::plusPromised).submit(promise, 1))
        .isInstanceOf(io.dfut.SerializationException.class);
  }
}
