package io.dfut.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/** The combining inbox: one driver at a time, nothing lost, each poster's order kept. */
final class InboxTest {
  private record Input(int poster, int number) {}

  @Test
  void manyPostersLoseNothingAndKeepTheirOrder() throws InterruptedException {
    int posters = 8;
    int each = 20_000;
    int[] next = new int[posters]; // touched in the machine's turn only, without a lock
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger broken = new AtomicInteger();
    AtomicReference<Inbox<Input>> self = new AtomicReference<>();
    List<Thread> actors = java.util.Collections.synchronizedList(new ArrayList<>());
    Inbox<Input> inbox =
        new Inbox<>(
            input -> {
              if (inside.incrementAndGet() != 1 || next[input.poster]++ != input.number) {
                broken.incrementAndGet();
              }
              inside.decrementAndGet();
            },
            () -> {
              Thread actor = Thread.ofVirtual().start(() -> self.get().drain());
              actors.add(actor);
            });
    self.set(inbox);
    List<Thread> threads = new ArrayList<>();
    for (int p = 0; p < posters; p++) {
      int poster = p;
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < each; i++) {
                      inbox.post(new Input(poster, i));
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (int i = 0; i < actors.size(); i++) { // one that drains may have started another
      actors.get(i).join();
    }
    assertThat(broken).hasValue(0);
    assertThat(inbox.isEmpty()).isTrue();
    assertThat(next).containsOnly(each);
  }

  @Test
  void postOfAStepIsHandledAfterThatStepAndBeforeTheOuterPostReturns() {
    List<String> handled = new ArrayList<>();
    AtomicReference<Inbox<String>> second = new AtomicReference<>();
    AtomicReference<Inbox<String>> first = new AtomicReference<>();
    first.set(
        new Inbox<>(
            input -> {
              handled.add(input);
              if (input.equals("a")) {
                second.get().post("b");
                first.get().post("c");
                handled.add("end of a");
              }
            },
            () -> {}));
    second.set(new Inbox<>(handled::add, () -> {}));
    first.get().post("a");
    assertThat(handled).containsExactlyInAnyOrder("a", "end of a", "b", "c");
    assertThat(handled.subList(0, 2)).containsExactly("a", "end of a");
  }

  @Test
  void longTurnIsHandedToTheActor() {
    List<Integer> handled = new ArrayList<>();
    AtomicInteger takenOver = new AtomicInteger();
    AtomicReference<Inbox<Integer>> self = new AtomicReference<>();
    self.set(
        new Inbox<>(
            input -> {
              handled.add(input);
              if (input == 0) {
                for (int i = 1; i <= 5_000; i++) {
                  self.get().post(i);
                }
              }
            },
            takenOver::incrementAndGet));
    self.get().post(0);
    assertThat(takenOver).hasPositiveValue();
    while (!self.get().isEmpty()) {
      self.get().drain(); // the actor
    }
    assertThat(handled).hasSize(5_001).isSorted();
  }

  @Test
  void stepThatThrowsLeavesTheInboxUsable() {
    List<Integer> handled = new ArrayList<>();
    Inbox<Integer> inbox =
        new Inbox<>(
            input -> {
              if (input == 1) {
                throw new IllegalStateException("broken");
              }
              handled.add(input);
            },
            () -> {});
    inbox.post(0);
    Assertions.assertThrows(IllegalStateException.class, () -> inbox.post(1));
    inbox.post(2);
    assertThat(handled).containsExactly(0, 2);
  }

  @Test
  void stepThatThrowsLeavesWhatItPostedElsewhereToTheActors() {
    List<Integer> handled = new ArrayList<>();
    AtomicInteger takenOver = new AtomicInteger();
    Inbox<Integer> other = new Inbox<>(handled::add, takenOver::incrementAndGet);
    Inbox<Integer> broken =
        new Inbox<>(
            input -> {
              other.post(input);
              throw new IllegalStateException("broken");
            },
            () -> {});
    Assertions.assertThrows(IllegalStateException.class, () -> broken.post(1));
    assertThat(handled).isEmpty();
    assertThat(takenOver).hasValue(1);
    other.drain();
    assertThat(handled).containsExactly(1);
  }
}
