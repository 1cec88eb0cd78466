package io.dfut.samples.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How long a cache line takes to another core and back, which a thread waits for whenever it needs
 * what another one wrote last. On a virtual machine it depends on what else its host does, and is
 * ten times as long at one time as at another: figures of small tasks mean little without it.
 */
final class CoreToCore {
  private static final int TRIPS = 20_000;
  private static final int ROUNDS = 25;

  private CoreToCore() {}

  /** Nanoseconds there and back, the median of some rounds. */
  static double roundTripNanos() throws InterruptedException {
    AtomicInteger ball = new AtomicInteger();
    Thread other =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  for (int i = 0; i < ROUNDS * TRIPS; i++) {
                    await(ball, 1);
                    ball.set(0);
                  }
                });
    List<Double> rounds = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < TRIPS; i++) {
        ball.set(1);
        await(ball, 0);
      }
      rounds.add((System.nanoTime() - start) / (double) TRIPS);
    }
    other.join();
    return Turns.median(rounds);
  }

  private static void await(AtomicInteger ball, int value) {
    while (ball.get() != value) {
      Thread.onSpinWait();
    }
  }
}
