package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.dfut.ActorDiedException;
import io.dfut.ActorHandle;
import io.dfut.BackpressureException;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What actors are made from, how long they live, and how they end by themselves. */
abstract class ActorLifeScenarios extends Scenarios {
  /** What has a default. */
  interface Named {
    default String name() {
      return "nobody";
    }
  }

  /** A parent, whose methods are called through it and through what extends it. */
  static class Steps extends DFutActor<Void> implements Named {
    private int n;

    public Steps(int start) {
      n = start;
    }

    static Steps fromOne() {
      return new Steps(1);
    }

    public int step() {
      return ++n;
    }

    public int stepAfter(Gate gate) throws InterruptedException {
      gate.pass();
      return step();
    }

    public int value() {
      return n;
    }
  }

  /** Steps that are twice as long. */
  static final class Leaps extends Steps {
    public Leaps(int start) {
      super(start);
    }

    @Override
    public int step() {
      super.step();
      return super.step();
    }
  }

  @Test
  @Tag("C151")
  @DisplayName(
      "151 factories, inherited, overridden and default methods are called as in plain Java")
  void methodsAreFoundAsInPlainJava() {
    ActorHandle<Steps> made = dfut.actor(Steps::fromOne).on(far()).create();
    assertThat(made.task(Steps::value).submit().get(SOON)).isEqualTo(1);
    ActorHandle<Leaps> leaps = dfut.actor(Leaps::new, 1).on(far()).create();
    assertThat(leaps.task(Leaps::value).submit().get(SOON)).as("inherited").isEqualTo(1);
    assertThat(leaps.task(Leaps::step).submit().get(SOON)).as("overridden").isEqualTo(3);
    assertThat(leaps.task(Steps::step).submit().get(SOON)).as("by its parent's name").isEqualTo(5);
    assertThat(leaps.task(Steps::name).submit().get(SOON)).as("default").isEqualTo("nobody");
    assertThat(leaps.task(Named::name).submit().get(SOON)).isEqualTo("nobody");
  }

  /** Ends itself when it is told to. */
  static final class Mortal extends DFutActor<Void> {
    public boolean isMadeAnew() {
      return isRestarted();
    }

    public String end(Gate gate) throws InterruptedException {
      gate.pass();
      stopSelf();
      return "the last word";
    }
  }

  @Test
  @Tag("C174")
  @DisplayName("174 an actor that stops itself stays stopped, and harms no neighbour")
  void whoStopsItselfStaysStopped() {
    Gate gate = Gate.closed();
    ActorHandle<Mortal> mortal = dfut.actor(Mortal::new).maxRestarts(10_000).on(far()).create();
    ActorHandle<Mortal> neighbour = dfut.actor(Mortal::new).on(far()).create();
    DFut<String> last = mortal.task(Mortal::end).submit(gate);
    List<DFut<Boolean>> behind =
        IntStream.range(0, 20).mapToObj(i -> mortal.task(Mortal::isMadeAnew).submit()).toList();
    gate.awaitArrived(1);
    gate.open();
    assertThat(last.get(SOON)).isEqualTo("the last word");
    for (DFut<Boolean> call : behind) {
      assertStopped(call);
    }
    for (int i = 0; i < 3; i++) {
      assertStopped(mortal.task(Mortal::isMadeAnew).submit());
    }
    assertThat(neighbour.task(Mortal::isMadeAnew).submit().get(SOON)).isFalse();
  }

  private static void assertStopped(DFut<Boolean> call) {
    assertThatThrownBy(() -> call.get(SOON))
        .isInstanceOf(ActorDiedException.class)
        .hasMessageContaining("stopped itself");
  }

  private static int callAfter(Gate gate, ActorHandle<Steps> steps) throws InterruptedException {
    gate.pass();
    return steps.task(Steps::step).submit().get();
  }

  private List<String> livingActors() {
    return dfut.inspectCluster(SOON).nodes().values().stream()
        .flatMap(node -> node.actors().stream())
        .map(actor -> actor.id().toString())
        .toList();
  }

  @Test
  @Tag("C175")
  @DisplayName("175 an actor lives as long as a task holds its handle, and no longer")
  void taskKeepsTheActorAlive() {
    Gate gate = Gate.closed();
    ActorHandle<Steps> steps = dfut.actor(Steps::new, 0).on(far()).create();
    ActorHandle<Steps> other = dfut.actor(Steps::new, 0).on(far()).create();
    String id = steps.id().toString();
    DFut<Integer> call = dfut.task(ActorLifeScenarios::callAfter).submit(gate, steps);
    gate.awaitArrived(1);
    steps.close();
    gate.open();
    assertThat(call.get(SOON)).isEqualTo(1);
    eventually("the actor lives on, though nobody can call it")
        .until(() -> !livingActors().contains(id));
    assertThat(livingActors()).contains(other.id().toString());
    assertThat(other.task(Steps::step).submit().get(SOON)).isEqualTo(1);
  }

  private static int callTwiceAfter(ActorHandle<Steps> steps, Gate gate) {
    DFut<Integer> first = steps.task(Steps::stepAfter).submit(gate);
    assertThatThrownBy(() -> steps.task(Steps::step).submit())
        .isInstanceOf(BackpressureException.class);
    gate.open();
    return first.get();
  }

  @Test
  @Tag("C181")
  @DisplayName("181 calls beyond an actor's bound are refused until there is room")
  void callsBeyondTheBoundAreRefused() {
    Gate gate = Gate.closed();
    ActorHandle<Steps> steps = dfut.actor(Steps::new, 0).maxPendingCalls(10).on(far()).create();
    List<DFut<Integer>> calls =
        IntStream.range(0, 10).mapToObj(i -> steps.task(Steps::stepAfter).submit(gate)).toList();
    assertThatThrownBy(() -> steps.task(Steps::step).submit())
        .isInstanceOf(BackpressureException.class)
        .hasMessageContaining("10 calls of")
        .hasMessageContaining("Steps")
        .hasMessageContaining("maxPendingCalls");
    gate.open();
    for (int i = 0; i < 10; i++) {
      assertThat(calls.get(i).get(SOON)).isEqualTo(i + 1);
    }
    for (int i = 0; i < 30; i++) { // each has room, since the one before is answered
      assertThat(steps.task(Steps::step).submit().get(SOON)).isEqualTo(11 + i);
    }
  }

  @Test
  @Tag("C181")
  @DisplayName("181 the bound goes with the handle, and each caller has its own")
  void boundsOfOtherCallers() {
    Gate mine = Gate.closed();
    Gate theirs = Gate.closed();
    ActorHandle<Steps> steps =
        dfut.actor(Steps::new, 0)
            .maxPendingCalls(1)
            .maxConcurrency(4)
            .named("bounded")
            .on(far())
            .create();
    DFut<Integer> call = steps.task(Steps::stepAfter).submit(mine);
    mine.awaitArrived(1);
    assertThatThrownBy(() -> steps.task(Steps::step).submit())
        .isInstanceOf(BackpressureException.class);
    ActorHandle<Steps> found = dfut.getActor(Steps.class, "bounded").orElseThrow();
    assertThatThrownBy(() -> found.task(Steps::step).submit())
        .isInstanceOf(BackpressureException.class);
    assertThat(dfut.task(ActorLifeScenarios::callTwiceAfter).submit(steps, theirs).get(SOON))
        .isEqualTo(1);
    mine.open();
    assertThat(call.get(SOON)).isEqualTo(2);
  }

  @Test
  @Tag("C183")
  @DisplayName("183 a callback that calls an actor which is dying ends, and so does its call")
  void callbackCallsTheDying() throws Exception {
    for (int i = 0; i < 50; i++) {
      Gate gate = Gate.closed();
      ActorHandle<Mortal> mortal = dfut.actor(Mortal::new).on(next()).create();
      DFut<String> last = mortal.task(Mortal::end).submit(gate);
      DFut<Boolean> behind = mortal.task(Mortal::isMadeAnew).submit();
      List<CompletableFuture<DFut<Boolean>>> fromCallbacks =
          List.of(
              last.toCompletionStage()
                  .handle((value, failure) -> mortal.task(Mortal::isMadeAnew).submit())
                  .toCompletableFuture(),
              behind
                  .toCompletionStage()
                  .handle((value, failure) -> mortal.task(Mortal::isMadeAnew).submit())
                  .toCompletableFuture());
      gate.awaitArrived(1);
      gate.open();
      for (CompletableFuture<DFut<Boolean>> called : fromCallbacks) {
        DFut<Boolean> call = called.get(SOON.toSeconds(), TimeUnit.SECONDS);
        Throwable end = catchThrowable(() -> call.get(SOON));
        assertThat(end).isInstanceOf(ActorDiedException.class);
        call.close();
      }
    }
  }

  @Test
  @Tag("C184")
  @DisplayName("184 ten thousand actors that nobody holds any more leave nothing behind")
  void droppedActorsLeaveNothing() {
    for (int i = 0; i < 1_000; i++) {
      oneActor(i); // what the JVM loads and compiles for it
    }
    eventually("actors live that nobody can call").until(() -> livingActors().isEmpty());
    long before = usedHeap();
    for (int i = 0; i < 10_000; i++) {
      oneActor(i);
    }
    eventually("actors live that nobody can call").until(() -> livingActors().isEmpty());
    assertThat(usedHeap() - before).isLessThan(50L << 20);
  }

  private void oneActor(int start) {
    try (ActorHandle<Steps> steps = dfut.actor(Steps::new, start).on(next()).create();
        DFut<Integer> call = steps.task(Steps::step).submit()) {
      assertThat(call.get(SOON)).isEqualTo(start + 1);
    } catch (DFutException e) {
      throw new AssertionError("actor " + start, e);
    }
  }

  private static long usedHeap() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
