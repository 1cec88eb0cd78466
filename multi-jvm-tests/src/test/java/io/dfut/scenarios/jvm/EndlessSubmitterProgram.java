package io.dfut.scenarios.jvm;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;

/** Submits in a loop, quicker than tasks can run, and keeps nothing. */
public final class EndlessSubmitterProgram {
  private static final LongAdder RAN = new LongAdder();
  private static final CountDownLatch GATE = new CountDownLatch(1);

  private EndlessSubmitterProgram() {}

  private static int counted(int value) {
    RAN.increment();
    return value;
  }

  private static void held() throws InterruptedException {
    GATE.await();
  }

  /**
   * How many tasks, and how many may be pending. Says {@code held at n} when it could submit no
   * more as none ended, then {@code done} with what it took.
   */
  public static void main(String[] args) throws InterruptedException {
    int tasks = Integer.parseInt(args[0]);
    int pendingMax = Integer.parseInt(args[1]);
    try (DFutSystem dfut =
        DFutSystem.local(
            ConfigFactory.parseString("dfut.worker.max-pending-tasks = " + pendingMax))) {
      LongAdder submitted = new LongAdder();
      Thread submitter =
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < 2 * pendingMax; i++) {
                      dfut.task(EndlessSubmitterProgram::held).submit().close();
                      submitted.increment();
                    }
                  });
      while (submitter.getState() != Thread.State.WAITING
          && submitter.getState() != Thread.State.TIMED_WAITING) {
        Thread.onSpinWait();
      }
      System.out.println("held at " + submitted.sum());
      GATE.countDown();
      submitter.join();

      long start = System.nanoTime();
      DFut<Integer> last = null;
      for (int i = 0; i < tasks; i++) {
        DFut<Integer> future = dfut.task(EndlessSubmitterProgram::counted).submit(i);
        if (i % 2 == 0) {
          future.close();
        } // else it is forgotten
        last = future;
      }
      while (RAN.sum() < tasks) {
        Thread.onSpinWait();
      }
      System.out.printf(
          "done: %d tasks, %.1f s, %d MiB of heap at the end, last %d%n",
          RAN.sum(),
          (System.nanoTime() - start) / 1e9,
          ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() >> 20,
          last.get());
      last.close();
    }
  }
}
