package io.dfut.scenarios;

import static io.dfut.scenarios.DyingCluster.now;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.ActorBuilder;
import io.dfut.ActorDiedException;
import io.dfut.ActorHandle;
import io.dfut.ActorUnavailableException;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutException;
import io.dfut.NodeId;
import io.dfut.ObjectLostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** Actors whose nodes are killed come back on others, and their calls with them. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class RestartIT {
  private static final Duration SOON = DyingCluster.SOON;

  private DyingCluster cluster;

  /** Counts in a field, and says where. */
  static final class Counter extends DFutActor<Void> {
    private int n;

    public int add(int by) {
      return n += by;
    }

    public int addAndHalt(int by, int haltAt) {
      n += by;
      if (n == haltAt && !isRestarted()) {
        Runtime.getRuntime().halt(1);
      }
      return n;
    }

    public byte[] make(int bytes) {
      return Tasks.bytes(7, bytes);
    }

    public int addAfter(Gate gate) throws InterruptedException {
      gate.pass();
      return ++n;
    }

    public boolean wasMadeAnew() {
      return isRestarted();
    }

    public NodeId where() {
      return dfut().node();
    }
  }

  /** Counts at another actor. */
  static final class Caller extends DFutActor<Void> {
    private final ActorHandle<Counter> counter;

    public Caller(ActorHandle<Counter> counter) {
      this.counter = counter;
    }

    public int callThrough() {
      return counter.task(Counter::add).submit(1).get();
    }
  }

  @BeforeAll
  void start() {
    cluster = new DyingCluster();
  }

  @AfterAll
  void close() {
    cluster.close();
  }

  private ActorBuilder<Counter> counter() {
    return cluster.dfut.actor(Counter::new).resource(DyingCluster.SOIL, 1);
  }

  private static int add(ActorHandle<Counter> counter) {
    return now(counter.task(Counter::add).submit(1));
  }

  private static int whenItIsBack(ActorHandle<Counter> counter) {
    return DyingCluster.eventually("the actor does not come back")
        .ignoreException(ActorUnavailableException.class)
        .until(() -> add(counter), value -> true);
  }

  @Test
  @Tag("C161")
  @DisplayName("161 an actor whose node is killed comes back empty, as often as it may")
  void comesBackAsOftenAsItMay() {
    try (ActorHandle<Counter> counter = counter().maxRestarts(1).create()) {
      assertThat(IntStream.range(0, 3).map(i -> add(counter)).toArray()).containsExactly(1, 2, 3);
      assertThat(now(counter.task(Counter::wasMadeAnew).submit())).isFalse();
      NodeId first = cluster.replaceMortal().node();
      DyingCluster.eventually("the death is not seen")
          .ignoreException(ActorUnavailableException.class)
          .until(() -> now(counter.task(Counter::wasMadeAnew).submit()));
      assertThat(add(counter)).isEqualTo(1);
      assertThat(now(counter.task(Counter::where).submit())).isNotEqualTo(first);
      NodeId second = cluster.replaceMortal().node();
      DyingCluster.eventually("it lives for ever")
          .untilAsserted(
              () ->
                  assertThatThrownBy(() -> add(counter))
                      .isInstanceOf(ActorDiedException.class)
                      .hasMessageContaining(second.toString())
                      .hasMessageContaining("made anew after")
                      .hasMessageContaining(first.toString()));
    }
  }

  /** Calls whose hundredth ends the node, and what became of each: a number, or a name. */
  private List<String> callsAroundADeath(ActorHandle<Counter> counter) {
    NodeId dying = now(counter.task(Counter::where).submit());
    List<DFut<Integer>> calls =
        IntStream.range(0, 200)
            .mapToObj(i -> counter.task(Counter::addAndHalt).submit(1, 100))
            .toList();
    List<String> ends = new ArrayList<>();
    for (DFut<Integer> call : calls) {
      try (call) {
        ends.add(call.get(SOON).toString());
      } catch (DFutException e) {
        ends.add(e.getClass().getSimpleName());
      }
    }
    cluster.forget(dying);
    return ends;
  }

  private static List<String> numbers(int last) {
    return IntStream.rangeClosed(1, last).mapToObj(Integer::toString).toList();
  }

  @Test
  @Tag("C163")
  @DisplayName("163 without task retries the calls in flight fail, those before and after do not")
  void callsInFlightFail() {
    cluster.addMortals(1);
    try (ActorHandle<Counter> counter = counter().maxRestarts(1).create()) {
      List<String> ends = callsAroundADeath(counter);
      int answered = ends.indexOf("ActorUnavailableException");
      assertThat(answered).isLessThan(100);
      assertThat(ends.subList(0, answered)).isEqualTo(numbers(answered));
      assertThat(ends.subList(answered, 200)).containsOnly("ActorUnavailableException");
      assertThat(whenItIsBack(counter)).isEqualTo(1);
    }
  }

  @Test
  @Tag("C164")
  @DisplayName("164 with task retries no call fails, and the order has no gap and no swap")
  void callsInFlightAreRepeated() {
    cluster.addMortals(1);
    try (ActorHandle<Counter> counter = counter().maxRestarts(1).maxTaskRetries(-1).create()) {
      List<String> ends = callsAroundADeath(counter);
      int first = ends.indexOf("1") + 1;
      while (first < 200 && ends.get(first).equals(Integer.toString(first + 1))) {
        first++;
      }
      assertThat(first).isLessThan(100);
      assertThat(ends.subList(first, 200)).isEqualTo(numbers(200 - first));
    }
  }

  @Test
  @DisplayName(
      "an actor whose node leaves in order is not ended by that: it and its calls come back")
  void comesBackFromALeavingNode() {
    Gate gate = Gate.closed();
    try (ActorHandle<Counter> counter = counter().maxRestarts(1).maxTaskRetries(-1).create()) {
      DFut<Integer> running = counter.task(Counter::addAfter).submit(gate);
      DFut<Integer> waiting = counter.task(Counter::add).submit(1);
      gate.awaitArrived(1);
      FarNode leaving = cluster.mortal();
      cluster.addMortals(1);
      assertThat(cluster.leave(leaving)).isEqualTo(OptionalInt.of(0));
      gate.awaitArrived(2);
      gate.open();
      assertThat(now(running)).isEqualTo(1);
      assertThat(now(waiting)).isEqualTo(2);
    } finally {
      Gate.openAll();
    }
  }

  @Test
  @Tag("C169")
  @DisplayName("169 an actor that nobody calls comes back by itself")
  void comesBackByItself() {
    try (ActorHandle<Counter> counter = counter().maxRestarts(-1).named("lonely").create()) {
      assertThat(add(counter)).isEqualTo(1);
      cluster.replaceMortal();
      NodeId next = cluster.mortal().node();
      DyingCluster.eventually("nobody makes it anew")
          .until(
              () ->
                  cluster.mortal(next).inspect().actors().stream()
                      .anyMatch(actor -> actor.id().equals(counter.id())));
      assertThat(cluster.dfut.getActor(Counter.class, "lonely").orElseThrow().id())
          .isEqualTo(counter.id());
      assertThat(whenItIsBack(counter)).isEqualTo(1);
    }
  }

  @Test
  @Tag("C170")
  @DisplayName("170 an actor that comes back calls on as a caller of its own")
  void restartedCallerCallsOn() {
    try (ActorHandle<Counter> counter =
            cluster.dfut.actor(Counter::new).on(cluster.near.node()).create();
        ActorHandle<Caller> caller =
            cluster
                .dfut
                .actor(Caller::new, counter)
                .resource(DyingCluster.SOIL, 1)
                .maxRestarts(-1)
                .maxTaskRetries(-1)
                .create()) {
      assertThat(now(caller.task(Caller::callThrough).submit())).isEqualTo(1);
      assertThat(now(caller.task(Caller::callThrough).submit())).isEqualTo(2);
      cluster.replaceMortal();
      assertThat(now(caller.task(Caller::callThrough).submit())).isEqualTo(3);
      assertThat(now(caller.task(Caller::callThrough).submit())).isEqualTo(4);
    }
  }

  private ActorHandle<Ledger> ledger(Ledger.Trouble... troubles) {
    return cluster
        .dfut
        .actor(Ledger::new, 0, Set.of(troubles))
        .resource(DyingCluster.SOIL, 1)
        .maxRestarts(-1)
        .maxTaskRetries(-1)
        .checkpointOnDemand()
        .create();
  }

  private static void saveAtThree(ActorHandle<Ledger> ledger) {
    assertThat(now(ledger.task(Ledger::add).submit(1))).isEqualTo(1);
    assertThat(now(ledger.task(Ledger::addAndSave).submit(2))).isEqualTo(3);
    DyingCluster.eventually("its state is not taken")
        .until(() -> now(ledger.task(Ledger::saves).submit()) == 1);
  }

  @Test
  @Tag("C162")
  @DisplayName("162 a counter that was saved at 3 counts on from there after its node was killed")
  void isRestoredOnAnotherNode() {
    try (ActorHandle<Ledger> ledger = ledger()) {
      saveAtThree(ledger);
      NodeId first = now(ledger.task(Ledger::where).submit());
      cluster.replaceMortal();
      assertThat(now(ledger.task(Ledger::add).submit(1))).isEqualTo(4);
      assertThat(now(ledger.task(Ledger::where).submit())).isNotEqualTo(first);
      assertThat(now(ledger.task(Ledger::story).submit())).isEqualTo("restarted, restored from 0");
    }
  }

  @Test
  @Tag("C162")
  @DisplayName("162 a large state that has left the actor's node survives that")
  void aLargeStateSurvivesItsNode() {
    try (ActorHandle<Ledger> ledger = ledger(Ledger.Trouble.LARGE)) {
      saveAtThree(ledger);
      DyingCluster.eventually("its state stays at its node")
          .until(
              () ->
                  cluster.dfut.inspect().rows().stream()
                      .filter(row -> row.object().equals(ledger.id().object()))
                      .anyMatch(row -> !row.lineage().isEmpty()));
      cluster.replaceMortal();
      assertThat(now(ledger.task(Ledger::add).submit(1))).isEqualTo(4);
      cluster.replaceMortal();
      assertThat(now(ledger.task(Ledger::add).submit(2))).isEqualTo(5);
    }
  }

  @Test
  @Tag("C162")
  @DisplayName("162 a state that cannot be restored is done without: the actor begins anew, once")
  void aStateThatCannotBeRestored() {
    try (ActorHandle<Ledger> ledger = ledger(Ledger.Trouble.RESTORE_THROWS)) {
      saveAtThree(ledger);
      cluster.replaceMortal();
      assertThat(now(ledger.task(Ledger::add).submit(1))).isEqualTo(1);
      assertThat(now(ledger.task(Ledger::story).submit())).isEqualTo("restarted from 0");
    }
  }

  private static int length(byte[] bytes) {
    return bytes.length;
  }

  @Test
  @Tag("C111")
  @DisplayName("111 a value of an actor with task retries is made again, death after death")
  void valueIsMadeAgain() {
    try (ActorHandle<Counter> counter = counter().maxRestarts(-1).maxTaskRetries(-1).create();
        DFut<byte[]> value = counter.task(Counter::make).submit(10_000_000)) {
      for (int death = 0; death < 3; death++) {
        assertThat(
                now(cluster.dfut.task(RestartIT::length).on(cluster.mortal().node()).submit(value)))
            .isEqualTo(10_000_000);
        cluster.replaceMortal();
      }
      assertThat(value.get(SOON)).isEqualTo(Tasks.bytes(7, 10_000_000));
      assertThat(add(counter)).isEqualTo(1);
    }
  }

  @Test
  @Tag("C112")
  @DisplayName("112 without task retries the value is lost, and the actor is not")
  void valueIsLostAndTheActorIsNot() {
    try (ActorHandle<Counter> counter = counter().maxRestarts(-1).create();
        DFut<byte[]> value = counter.task(Counter::make).submit(10_000_000)) {
      DyingCluster.eventually("the value is not made").until(value::isReady);
      cluster.replaceMortal();
      assertThatThrownBy(() -> value.get(SOON))
          .isInstanceOfSatisfying(
              ObjectLostException.class,
              lost ->
                  assertThat(lost.reason())
                      .isEqualTo(ObjectLostException.Reason.ACTOR_WITHOUT_TASK_RETRIES));
      assertThat(whenItIsBack(counter)).isEqualTo(1);
    }
  }
}
