package io.dfut.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** What waits for its turn can be gone through, and is neither lost nor overlooked for that. */
final class RunQueueTest {
  private final RunQueue<Integer> queue = new RunQueue<>();

  @Test
  void itemsComeInTheOrderInWhichTheyWereAdded() {
    queue.add(1);
    queue.add(2);
    assertThat(queue.newest()).isEqualTo(2);
    queue.add(3);
    assertThat(queue.contains(3)).isTrue();
    assertThat(queue.poll()).isEqualTo(1);
    queue.putBack(1);
    queue.add(4);
    assertThat(queue.contains(5)).isFalse();
    assertThat(queue.takeOut(item -> item % 2 == 0)).containsExactly(2, 4);
    assertThat(queue.poll()).isEqualTo(1);
    assertThat(queue.hasMore()).isTrue();
    assertThat(queue.poll()).isEqualTo(3);
    assertThat(queue.hasMore()).isFalse();
    assertThat(queue.poll()).isNull();
    assertThat(queue.newest()).isNull();
    assertThat(queue.hasMore()).isFalse();
  }

  @Test
  void whoLooksForWorkIsNotToldThatThereIsNoneWhileOthersGoThroughIt() throws Exception {
    Object lock = new Object();
    AtomicBoolean over = new AtomicBoolean();
    Thread other =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  while (!over.get()) {
                    synchronized (lock) {
                      queue.newest();
                    }
                  }
                });
    int overlooked = 0;
    for (int i = 0; i < 1_000_000; i++) {
      queue.add(i);
      for (int look = 0; look < 3; look++) {
        if (!queue.hasMore()) {
          overlooked++;
        }
      }
      synchronized (lock) {
        assertThat(queue.poll()).isEqualTo(i);
      }
    }
    over.set(true);
    other.join();
    assertThat(overlooked).isZero();
  }
}
