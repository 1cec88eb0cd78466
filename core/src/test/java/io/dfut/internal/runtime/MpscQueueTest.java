package io.dfut.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The queue for many that add and one that takes: all is taken, once, in each adder's order. */
final class MpscQueueTest {
  private record Item(int adder, int number) {}

  @Test
  void itemsComeInTheOrderInWhichTheyWereAdded() {
    MpscQueue<Integer> queue = new MpscQueue<>();
    assertThat(queue.isEmpty()).isTrue();
    assertThat(queue.poll()).isNull();
    queue.offer(1);
    queue.offer(2);
    assertThat(queue.isEmpty()).isFalse();
    assertThat(queue.poll()).isEqualTo(1);
    queue.offer(3);
    assertThat(queue.poll()).isEqualTo(2);
    assertThat(queue.poll()).isEqualTo(3);
    assertThat(queue.poll()).isNull();
    assertThat(queue.isEmpty()).isTrue();
  }

  @Test
  void manyAddersLoseNothingAndKeepTheirOrder() throws InterruptedException {
    int adders = 4;
    int each = 100_000;
    MpscQueue<Item> queue = new MpscQueue<>();
    List<Thread> threads = new ArrayList<>();
    for (int a = 0; a < adders; a++) {
      int adder = a;
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < each; i++) {
                      queue.offer(new Item(adder, i));
                    }
                  }));
    }
    int[] next = new int[adders];
    int taken = 0;
    while (taken < adders * each) {
      Item item = queue.poll();
      if (item == null) {
        Thread.onSpinWait();
        continue;
      }
      assertThat(item.number()).isEqualTo(next[item.adder()]++);
      taken++;
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(queue.isEmpty()).isTrue();
    assertThat(queue.poll()).isNull();
  }
}
