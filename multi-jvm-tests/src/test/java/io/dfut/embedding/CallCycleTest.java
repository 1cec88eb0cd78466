package io.dfut.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutSystem;
import io.dfut.TaskFailedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Actors that wait for themselves: an error that names the cycle, not a hang. */
class CallCycleTest {
  /** Calls back into whoever calls it. */
  static final class Echo extends DFutActor<Void> {
    int ask(ActorHandle<Caller> caller) {
      try (DFut<Integer> back = caller.task(Caller::answer).submit()) {
        return back.get() + 1;
      }
    }
  }

  static final class Caller extends DFutActor<Void> {
    int answer() {
      return 1;
    }

    int callSelf() {
      try (ActorHandle<Caller> me = self(Caller.class);
          DFut<Integer> back = me.task(Caller::answer).submit()) {
        return back.get();
      }
    }

    int callThrough(ActorHandle<Echo> echo) {
      try (ActorHandle<Caller> me = self(Caller.class);
          DFut<Integer> back = echo.task(Echo::ask).submit(me)) {
        return back.get();
      }
    }
  }

  @Test
  void aMethodThatWaitsForItsOwnActorFailsNamingTheCycle() {
    try (DFutSystem dfut = DFutSystem.local(2);
        ActorHandle<Caller> caller = dfut.actor(Caller::new).create()) {
      assertThatThrownBy(() -> caller.task(Caller::callSelf).submit().get(Duration.ofSeconds(30)))
          .isInstanceOf(TaskFailedException.class)
          .rootCause()
          .hasMessageContaining("can never run")
          .hasMessageContaining("Caller");
      assertThat(caller.task(Caller::answer).submit().get(Duration.ofSeconds(30)))
          .as("the actor lives on")
          .isEqualTo(1);
    }
  }

  @Test
  void aCycleThroughAnotherActorFailsNamingIt() {
    try (DFutSystem dfut = DFutSystem.local(2);
        ActorHandle<Caller> caller = dfut.actor(Caller::new).create();
        ActorHandle<Echo> echo = dfut.actor(Echo::new).create()) {
      assertThatThrownBy(
              () -> caller.task(Caller::callThrough).submit(echo).get(Duration.ofSeconds(30)))
          .isInstanceOf(TaskFailedException.class)
          .rootCause()
          .hasMessageContaining("can never run");
    }
  }

  /** Waits until both methods run; then each calls back through an actor of its own. */
  static final class Pair extends DFutActor<Void> {
    private static final CountDownLatch BOTH = new CountDownLatch(2);

    int callThrough(ActorHandle<Link> link) throws InterruptedException {
      BOTH.countDown();
      BOTH.await();
      try (ActorHandle<Pair> me = self(Pair.class);
          DFut<Integer> back = link.task(Link::ask).submit(me)) {
        return back.get();
      }
    }

    int answer() {
      return 1;
    }
  }

  /** Calls back into the pair. */
  static final class Link extends DFutActor<Void> {
    int ask(ActorHandle<Pair> pair) {
      try (DFut<Integer> back = pair.task(Pair::answer).submit()) {
        return back.get() + 1;
      }
    }
  }

  @Test
  void twoMethodsThatWaitForTwoCallsBehindThemDoNotHang() {
    try (DFutSystem dfut = DFutSystem.local(2);
        ActorHandle<Pair> pair = dfut.actor(Pair::new).maxConcurrency(2).create();
        ActorHandle<Link> left = dfut.actor(Link::new).create();
        ActorHandle<Link> right = dfut.actor(Link::new).create();
        DFut<Integer> one = pair.task(Pair::callThrough).submit(left);
        DFut<Integer> two = pair.task(Pair::callThrough).submit(right)) {
      // One call fails for the cycle; its method ends, and gives the other call its turn.
      List<String> ends = new ArrayList<>();
      for (DFut<Integer> each : List.of(one, two)) {
        try {
          ends.add("value " + each.get(Duration.ofSeconds(30)));
        } catch (TaskFailedException e) {
          assertThat(e).rootCause().hasMessageContaining("can never run");
          ends.add("cycle");
        }
      }
      assertThat(ends).containsExactlyInAnyOrder("value 2", "cycle");
    }
  }

  @Test
  void withRoomForTwoMethodsTheSameCallsWork() {
    try (DFutSystem dfut = DFutSystem.local(2);
        ActorHandle<Caller> caller = dfut.actor(Caller::new).maxConcurrency(2).create();
        ActorHandle<Echo> echo = dfut.actor(Echo::new).create()) {
      assertThat(caller.task(Caller::callThrough).submit(echo).get(Duration.ofSeconds(30)))
          .isEqualTo(2);
    }
  }
}
