package io.dfut.scenarios.jvm;

import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The program of a driver that leaves while its work goes on elsewhere. */
public final class LeavingProgram {
  /** Tasks that run when it leaves. */
  static final int TASKS = 50;

  private static final Duration SOON = Duration.ofSeconds(30);

  private LeavingProgram() {}

  /** The cluster's address. Says {@code leaving} when all runs, and ends in an orderly way. */
  public static void main(String[] args) throws InterruptedException {
    try (DFutSystem dfut =
        DFutSystem.connect(
            args[0], ConfigFactory.parseString("dfut.values.allow = [\"io.dfut.\"]"))) {
      List<DFut<Boolean>> running = new ArrayList<>();
      for (int i = 0; i < TASKS; i++) {
        running.add(dfut.task(Bodies::untilInterrupted).cpus(0).submit());
      }
      DFut<byte[]> large = dfut.task(Bodies::bytes).submit(1, 200_000);
      DFut<byte[]> put = dfut.put(Bodies.bytes(2, 200_000));
      DFut<Object> borrowed = dfut.task(Bodies::same).submit(put);
      ActorHandle<Bodies.Counter> unnamed = dfut.actor(Bodies.Counter::new, 10).spread().create();
      ActorHandle<Bodies.Counter> detached =
          dfut.actor(Bodies.Counter::new, 100).named("survivor").detached().spread().create();
      int sum =
          unnamed.task(Bodies.Counter::add).submit(1).get(SOON)
              + detached.task(Bodies.Counter::add).submit(1).get(SOON);
      int bytes = large.get(SOON).length + ((byte[]) borrowed.get(SOON)).length;
      while (running(dfut) < TASKS) {
        if (new CountDownLatch(1).await(20, TimeUnit.MILLISECONDS)) {
          throw new IllegalStateException("nobody counts that down");
        }
      }
      System.out.println("leaving " + sum + " " + bytes + " " + running.size());
    }
  }

  private static int running(DFutSystem dfut) {
    return dfut.nodes().stream()
        .filter(node -> !node.equals(dfut.node()))
        .mapToInt(node -> dfut.task(Bodies::running).cpus(0).on(node).submit().get(SOON))
        .sum();
  }
}
