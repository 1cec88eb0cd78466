package io.dfut.testkit;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/** What tasks of this JVM wait at until the test opens it; its name travels. Thread-safe. */
record Latch(String name) {
  private static final Map<String, CountDownLatch> LATCHES = new ConcurrentHashMap<>();

  private CountDownLatch latch() {
    return LATCHES.computeIfAbsent(name, given -> new CountDownLatch(1));
  }

  /** A task. */
  static int pass(Latch latch) throws InterruptedException {
    latch.latch().await();
    return 1;
  }

  void open() {
    latch().countDown();
  }
}
