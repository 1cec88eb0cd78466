package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.dfut.ActorBuilder;
import io.dfut.ActorDiedException;
import io.dfut.ActorHandle;
import io.dfut.ActorUnavailableException;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.TaskFailedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Actors' calls, handles, names and ends. They live on the node farthest from the driver. */
abstract class ActorScenarios extends Scenarios {
  static final class Counter extends DFutActor<Void> {
    private int n;

    public Counter(int start) {
      n = start;
    }

    public int add(int by) {
      return n += by;
    }

    public int addOrThrow(int by) {
      n += by;
      if (by < 0) {
        throw new IllegalArgumentException("by is " + by);
      }
      return n;
    }

    public boolean wasMadeAnew() {
      return isRestarted();
    }

    public void reset() {
      n = 0;
    }

    public int hang(Gate gate) throws InterruptedException {
      gate.pass();
      return n;
    }
  }

  static final class Journal extends DFutActor<Void> {
    private final List<String> lines = new ArrayList<>();

    public void append(String line) {
      lines.add(line);
    }

    public List<String> lines() {
      return List.copyOf(lines);
    }
  }

  private ActorHandle<Counter> counter(int start) {
    return dfut.actor(Counter::new, start).on(far()).create();
  }

  @Test
  @Tag("C152")
  @DisplayName("152 a thousand calls of one caller run in the order of their submission")
  void callsOfOneCallerRunInOrder() {
    ActorHandle<Counter> counter = counter(0);
    List<DFut<Integer>> calls =
        IntStream.range(0, 1_000).mapToObj(i -> counter.task(Counter::add).submit(1)).toList();
    assertThat(calls.stream().map(call -> call.get(SOON)))
        .containsExactlyElementsOf(IntStream.rangeClosed(1, 1_000).boxed().toList());
  }

  private static final int LINES = 300;

  private static void write(ActorHandle<Journal> journal, String caller) {
    List<DFut<Void>> calls =
        IntStream.range(0, LINES)
            .mapToObj(i -> journal.task(Journal::append).submit(caller + i))
            .toList();
    calls.forEach(DFut::get);
  }

  private static List<String> linesOf(String caller) {
    return IntStream.range(0, LINES).mapToObj(i -> caller + i).toList();
  }

  @Test
  @Tag("C152")
  @DisplayName("152 of several callers each sees its own order")
  void everyCallerSeesItsOwnOrder() {
    ActorHandle<Journal> journal = dfut.actor(Journal::new).on(far()).create();
    DFut<Void> a = dfut.task(ActorScenarios::write).submit(journal, "a");
    DFut<Void> b = dfut.task(ActorScenarios::write).submit(journal, "b");
    write(journal, "c");
    a.get(SOON);
    b.get(SOON);
    List<String> lines = journal.task(Journal::lines).submit().get(SOON);
    assertThat(lines).hasSize(3 * LINES);
    for (String caller : List.of("a", "b", "c")) {
      assertThat(lines.stream().filter(line -> line.startsWith(caller)))
          .containsExactlyElementsOf(linesOf(caller));
    }
  }

  @Test
  @Tag("C152")
  @DisplayName("152 a call that waits for its argument holds up the calls behind it")
  void waitingArgumentKeepsTheOrder() {
    Gate gate = Gate.closed();
    ActorHandle<Counter> counter = counter(0);
    DFut<Integer> argument = dfut.task(Tasks::after).submit(gate, 10);
    DFut<Integer> first = counter.task(Counter::add).submit(argument);
    DFut<Integer> second = counter.task(Counter::add).submit(1);
    gate.awaitArrived(1);
    assertThat(second.isReady()).isFalse();
    gate.open();
    assertThat(second.get(SOON)).isEqualTo(11);
    assertThat(first.get(SOON)).isEqualTo(10);
  }

  static final class Meeting extends DFutActor<Void> {
    private static final Map<String, CyclicBarrier> BARRIERS = new ConcurrentHashMap<>();

    public String meet(String name, int parties)
        throws InterruptedException, BrokenBarrierException, TimeoutException {
      BARRIERS.computeIfAbsent(name, n -> new CyclicBarrier(parties)).await(8, TimeUnit.SECONDS);
      return "ok";
    }

    public int pass(Tally tally, Gate gate) throws InterruptedException {
      tally.enter();
      try {
        gate.pass();
        return tally.count();
      } finally {
        tally.leave();
      }
    }
  }

  @Test
  @Tag("C156")
  @DisplayName("156 as many methods run at a time as maxConcurrency says, and no more")
  void methodsRunAtATimeAsAllowed() {
    ActorHandle<Meeting> three = dfut.actor(Meeting::new).maxConcurrency(3).on(far()).create();
    List<DFut<String>> calls =
        IntStream.range(0, 3)
            .mapToObj(i -> three.task(Meeting::meet).submit(Gate.closed().name(), 1))
            .toList();
    assertThat(calls.stream().map(call -> call.get(SOON))).containsOnly("ok");
    String barrier = Gate.closed().name();
    List<DFut<String>> meeting =
        IntStream.range(0, 3).mapToObj(i -> three.task(Meeting::meet).submit(barrier, 3)).toList();
    assertThat(meeting.stream().map(call -> call.get(SOON))).containsExactly("ok", "ok", "ok");

    for (int allowed : new int[] {1, 3}) {
      Gate gate = Gate.closed();
      Tally tally = Tally.zero();
      ActorHandle<Meeting> actor =
          dfut.actor(Meeting::new).maxConcurrency(allowed).on(far()).create();
      List<DFut<Integer>> passing =
          IntStream.range(0, 6)
              .mapToObj(i -> actor.task(Meeting::pass).submit(tally, gate))
              .toList();
      gate.awaitArrived(allowed);
      gate.open();
      passing.forEach(call -> call.get(SOON));
      assertThat(tally.insideMax()).isEqualTo(allowed);
      assertThat(tally.count()).isEqualTo(6);
    }
  }

  static final class Stillborn extends DFutActor<Void> {
    public Stillborn(Tally tally, boolean fails) {
      tally.add();
      if (fails) {
        throw new IllegalStateException("stillborn");
      }
    }

    public String alive() {
      return "alive";
    }
  }

  private static Throwable rootCause(Throwable thrown) {
    Throwable root = thrown;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  private static <T> T withinASecond(String reason, java.util.function.Supplier<T> attempt) {
    List<T> result = new ArrayList<>();
    eventually(reason)
        .atMost(Duration.ofSeconds(1))
        .untilAsserted(
            () -> {
              if (result.isEmpty()) {
                Throwable thrown = catchThrowable(() -> result.add(attempt.get()));
                assertThat(thrown).isNull();
              }
            });
    return result.getFirst();
  }

  @Test
  @Tag("C158")
  @DisplayName("158 a constructor that throws fails every call, once, and frees the name")
  void constructorThatThrowsFailsEveryCall() {
    Tally tally = Tally.zero();
    ActorHandle<Stillborn> stillborn =
        dfut.actor(Stillborn::new, tally, true).named("c158").on(far()).create();
    for (int i = 0; i < 3; i++) {
      DFut<String> call = stillborn.task(Stillborn::alive).submit();
      Throwable thrown = catchThrowable(() -> call.get(SOON));
      assertThat(thrown).isInstanceOfAny(ActorDiedException.class, TaskFailedException.class);
      assertThat(thrown).hasMessageContaining("Stillborn");
      assertThat(rootCause(thrown))
          .isExactlyInstanceOf(IllegalStateException.class)
          .hasMessage("stillborn");
    }
    assertThat(tally.count()).as("runs of the constructor").isEqualTo(1);
    ActorHandle<Stillborn> second =
        withinASecond(
            "the name of an actor that was never made is still taken",
            () -> dfut.actor(Stillborn::new, tally, false).named("c158").on(far()).create());
    assertThat(second.task(Stillborn::alive).submit().get(SOON)).isEqualTo("alive");
    second.close(); // made on another thread than the scope's
    assertThat(tally.count()).isEqualTo(2);
  }

  @Test
  @Tag("C159")
  @DisplayName("159 a method that throws fails that call; state and the next call are unharmed")
  void methodThatThrowsFailsThatCall() {
    ActorHandle<Counter> counter = counter(0);
    DFut<Integer> before = counter.task(Counter::addOrThrow).submit(10);
    DFut<Integer> thrown = counter.task(Counter::addOrThrow).submit(-3);
    DFut<Integer> after = counter.task(Counter::addOrThrow).submit(100);
    assertThatThrownBy(() -> thrown.get(SOON))
        .isInstanceOf(TaskFailedException.class)
        .cause()
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("by is -3");
    assertThat(before.get(SOON)).isEqualTo(10);
    assertThat(after.get(SOON)).isEqualTo(107);
  }

  private static int addFirst(ActorHandle<Counter> counter, int by) {
    return counter.task(Counter::add).submit(by).get();
  }

  private static int addSecond(int by, ActorHandle<Counter> counter) {
    return counter.task(Counter::add).submit(by).get();
  }

  private static int addInList(List<ActorHandle<Counter>> counters) {
    return counters.getLast().task(Counter::add).submit(100).get();
  }

  private static ActorHandle<Counter> giveBack(ActorHandle<Counter> counter) {
    return counter;
  }

  static final class Relay extends DFutActor<Void> {
    private final ActorHandle<Counter> counter;

    public Relay(ActorHandle<Counter> counter) {
      this.counter = counter;
    }

    public int add(int by) {
      return counter.task(Counter::add).submit(by).get();
    }
  }

  @Test
  @Tag("C160")
  @DisplayName(
      "160 a handle works as a parameter, in a list, in another actor's field, as a result")
  void handlesAreFirstClass() {
    ActorHandle<Counter> counter = counter(0);
    assertThat(dfut.task(ActorScenarios::addFirst).submit(counter, 1).get(SOON)).isEqualTo(1);
    assertThat(dfut.task(ActorScenarios::addSecond).submit(10, counter).get(SOON)).isEqualTo(11);
    assertThat(dfut.task(ActorScenarios::addInList).submit(List.of(counter)).get(SOON))
        .isEqualTo(111);
    ActorHandle<Relay> relay = dfut.actor(Relay::new, counter).create();
    assertThat(relay.task(Relay::add).submit(1_000).get(SOON)).isEqualTo(1_111);
    ActorHandle<Counter> back = dfut.task(ActorScenarios::giveBack).submit(counter).get(SOON);
    assertThat(back).isEqualTo(counter).hasSameHashCodeAs(counter);
    counter.close();
    assertThat(back.task(Counter::add).submit(10_000).get(SOON))
        .as("the driver's first handle is closed, another is open")
        .isEqualTo(11_111);
    back.close();
    assertThat(relay.task(Relay::add).submit(100_000).get(SOON))
        .as("only the relay holds it")
        .isEqualTo(111_111);
  }

  static final class Killer extends DFutActor<Void> {
    public void kill(ActorHandle<Counter> victim) {
      dfut().kill(victim);
    }
  }

  private void isDead(ActorHandle<Counter> counter, DFut<Integer> hung, Gate gate) {
    assertThatThrownBy(() -> hung.get(SOON))
        .isInstanceOf(ActorDiedException.class)
        .hasMessageContaining("Counter");
    for (int i = 0; i < 2; i++) {
      DFut<Integer> later = counter.task(Counter::add).submit(1);
      assertThatThrownBy(() -> later.get(SOON)).isInstanceOf(ActorDiedException.class);
    }
    eventually("the method that ran was not interrupted").until(() -> gate.interrupted() == 1);
  }

  @Test
  @Tag("C172")
  @DisplayName("172 killing an actor ends its hung call and every later one, for good")
  void killedActorStaysDead() {
    Gate gate = Gate.closed();
    ActorHandle<Counter> counter = counter(0);
    DFut<Integer> hung = counter.task(Counter::hang).submit(gate);
    gate.awaitArrived(1);
    dfut.kill(counter);
    isDead(counter, hung, gate);
    dfut.kill(counter);
  }

  @Test
  @Tag("C172")
  @DisplayName("172 the same when another actor kills it")
  void actorKilledByAnotherStaysDead() {
    Gate gate = Gate.closed();
    ActorHandle<Counter> counter = counter(0);
    ActorHandle<Killer> killer = dfut.actor(Killer::new).on(far()).create();
    DFut<Integer> hung = counter.task(Counter::hang).submit(gate);
    gate.awaitArrived(1);
    assertThat(killer.task(Killer::kill).submit(counter).get(SOON)).isNull();
    isDead(counter, hung, gate);
    assertThat(killer.task(Killer::kill).submit(counter).get(SOON)).isNull();
  }

  /** Calls until the actor is there. */
  private static int whenItIsBack(ActorHandle<Counter> counter) {
    return Awaitility.await("the actor does not come back")
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(10))
        .ignoreException(ActorUnavailableException.class)
        .until(
            () -> {
              try (DFut<Integer> call = counter.task(Counter::add).submit(1)) {
                return call.get(SOON);
              }
            },
            value -> true);
  }

  @Test
  @Tag("C172")
  @DisplayName("172 an actor killed with restart comes back anew, under its name, in bounds")
  void killedActorComesBack() {
    Gate gate = Gate.closed();
    ActorHandle<Counter> counter =
        dfut.actor(Counter::new, 10).named("phoenix").maxRestarts(1).on(far()).create();
    assertThat(counter.task(Counter::add).submit(5).get(SOON)).isEqualTo(15);
    assertThat(counter.task(Counter::wasMadeAnew).submit().get(SOON)).isFalse();
    DFut<Integer> hung = counter.task(Counter::hang).submit(gate);
    gate.awaitArrived(1);
    dfut.kill(counter, true);
    assertThatThrownBy(() -> hung.get(SOON)).isInstanceOf(ActorUnavailableException.class);
    assertThat(whenItIsBack(counter)).as("what it had in its fields is gone").isEqualTo(11);
    assertThat(counter.task(Counter::wasMadeAnew).submit().get(SOON)).isTrue();
    assertThat(dfut.getActor(Counter.class, "phoenix").orElseThrow().id()).isEqualTo(counter.id());

    dfut.kill(counter, true);
    eventually("it comes back more often than it may")
        .until(
            () ->
                catchThrowable(() -> wasMadeAnew(counter)) instanceof ActorDiedException died
                    && died.getMessage().contains("made anew after"));
    eventually("the name of a dead actor is still taken")
        .until(() -> dfut.getActor(Counter.class, "phoenix").isEmpty());
  }

  @Test
  @Tag("C164")
  @DisplayName("164 calls with retries wait for the actor that comes back, in their order")
  void callsWaitForTheNextIncarnation() {
    Gate gate = Gate.closed();
    ActorHandle<Counter> counter =
        dfut.actor(Counter::new, 0).maxRestarts(-1).maxTaskRetries(-1).on(far()).create();
    assertThat(counter.task(Counter::add).submit(1).get(SOON)).isEqualTo(1);
    DFut<Integer> hung = counter.task(Counter::hang).submit(gate);
    List<DFut<Integer>> behind =
        IntStream.range(0, 50).mapToObj(i -> counter.task(Counter::add).submit(1)).toList();
    gate.awaitArrived(1);
    dfut.kill(counter, true);
    List<DFut<Integer>> meanwhile =
        IntStream.range(0, 50).mapToObj(i -> counter.task(Counter::add).submit(1)).toList();
    gate.awaitArrived(2);
    gate.open();
    assertThat(hung.get(SOON)).isZero();
    assertThat(Stream.concat(behind.stream(), meanwhile.stream()).map(call -> call.get(SOON)))
        .containsExactlyElementsOf(IntStream.rangeClosed(1, 100).boxed().toList());
  }

  private static boolean wasMadeAnew(ActorHandle<Counter> counter) {
    try (DFut<Boolean> call = counter.task(Counter::wasMadeAnew).submit()) {
      return call.get(SOON);
    }
  }

  @Test
  @Tag("C018")
  @DisplayName("018 an actor that was made anew can tell, and one that was not")
  void restartedFlag() {
    ActorHandle<Counter> counter =
        dfut.actor(Counter::new, 0).maxRestarts(1).maxTaskRetries(1).on(far()).create();
    assertThat(wasMadeAnew(counter)).isFalse();
    dfut.kill(counter, true);
    eventually("the actor was not made anew").until(() -> wasMadeAnew(counter));
  }

  private static int addThrough(ActorHandle<Counter> counter) {
    return counter.task(Counter::add).submit(1).get();
  }

  @Test
  @Tag("C164")
  @DisplayName("164 others that have the actor's handle find it where it is next")
  void borrowersFindTheNextIncarnation() {
    ActorHandle<Counter> counter =
        dfut.actor(Counter::new, 0).maxRestarts(-1).maxTaskRetries(-1).on(far()).create();
    for (int i = 0; i < 3; i++) {
      assertThat(dfut.task(ActorScenarios::addThrough).submit(counter).get(SOON)).isEqualTo(1);
      assertThat(dfut.task(ActorScenarios::addThrough).submit(counter).get(SOON)).isEqualTo(2);
      dfut.kill(counter, true);
      eventually("the actor was not made anew").until(() -> wasMadeAnew(counter));
      assertThat(counter.task(Counter::reset).submit().get(SOON)).isNull();
    }
  }

  private static int addByName(String name, int by) {
    return DFutContext.current()
        .getActor(Counter.class, name)
        .orElseThrow()
        .task(Counter::add)
        .submit(by)
        .get();
  }

  @Test
  @Tag("C178")
  @DisplayName("178 a name belongs to one living actor, is looked up, and is free after its death")
  void namesBelongToOneLivingActor() {
    ActorBuilder<Counter> hits = dfut.actor(Counter::new, 0).named("hits").on(far());
    assertThat(dfut.getActor(Counter.class, "hits")).isEmpty();
    ActorHandle<Counter> first = hits.create();
    assertThat(first.task(Counter::add).submit(1).get(SOON)).isEqualTo(1);
    assertThatThrownBy(hits::create)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("hits")
        .hasMessageContaining(first.id().toString());
    ActorHandle<Counter> same = hits.createOrGet();
    assertThat(same.id()).isEqualTo(first.id());
    assertThat(same.task(Counter::add).submit(10).get(SOON)).isEqualTo(11);
    Optional<ActorHandle<Counter>> found = dfut.getActor(Counter.class, "hits");
    assertThat(found).contains(first);
    assertThat(found.get().task(Counter::add).submit(100).get(SOON)).isEqualTo(111);
    assertThat(dfut.task(ActorScenarios::addByName).submit("hits", 1_000).get(SOON))
        .isEqualTo(1_111);
    assertThat(dfut.getActor(Counter.class, "misses")).isEmpty();

    dfut.kill(first);
    ActorHandle<Counter> second =
        withinASecond("the name of a dead actor is still taken", hits::create);
    assertThat(second.id()).isNotEqualTo(first.id());
    assertThat(second.task(Counter::add).submit(1).get(SOON)).isEqualTo(1);
    second.close();
    eventually("the name outlives an actor without handles")
        .until(() -> dfut.getActor(Counter.class, "hits").isEmpty());
  }

  @Test
  @Tag("C178")
  @DisplayName("178 many createOrGet at once give one actor")
  void createOrGetAtOnceGivesOneActor() throws Exception {
    ActorBuilder<Counter> shared = dfut.actor(Counter::new, 0).named("c178").on(far());
    List<ActorHandle<Counter>> handles = new java.util.concurrent.CopyOnWriteArrayList<>();
    try (var threads = java.util.concurrent.Executors.newVirtualThreadPerTaskExecutor()) {
      var results =
          IntStream.range(0, 8)
              .mapToObj(i -> threads.submit(() -> handles.add(shared.createOrGet())))
              .toList();
      for (var result : results) {
        result.get(10, TimeUnit.SECONDS);
      }
    }
    assertThat(handles).hasSize(8).containsOnly(handles.getFirst());
    assertThat(handles.stream().map(h -> h.task(Counter::add).submit(1).get(SOON)))
        .containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
    handles.forEach(ActorHandle::close);
  }
}
