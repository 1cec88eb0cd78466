package io.dfut.scenarios.jvm;

import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The program of one of many drivers: a hundred tasks and ten actors, and nobody else's. */
public final class ManyCallsProgram {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int TASKS = 100;
  private static final int ACTORS = 10;

  private ManyCallsProgram() {}

  /**
   * The cluster's address and the driver's name. Says {@code done} and ends with 0 if all is right.
   */
  public static void main(String[] args) {
    String me = args[1];
    try (DFutSystem dfut =
        DFutSystem.connect(
            args[0], ConfigFactory.parseString("dfut.values.allow = [\"io.dfut.\"]"))) {
      List<DFut<String>> echoes =
          IntStream.range(0, TASKS).mapToObj(i -> dfut.task(Bodies::echo).submit(me + i)).toList();
      DFut<byte[]> large = dfut.task(Bodies::bytes).submit(me.hashCode(), 200_000);
      List<ActorHandle<Bodies.Counter>> counters = new ArrayList<>();
      for (int i = 0; i < ACTORS; i++) {
        counters.add(dfut.actor(Bodies.Counter::new, i).spread().create());
      }
      for (int i = 0; i < ACTORS; i++) {
        check(counters.get(i).task(Bodies.Counter::add).submit(1).get(SOON), i + 1);
        check(counters.get(i).task(Bodies.Counter::add).submit(1).get(SOON), i + 2);
      }
      for (int i = 0; i < TASKS; i++) {
        check(echoes.get(i).get(SOON), me + i);
      }
      check(List.of(large.get(SOON)).getFirst().length, 200_000);
      check(java.util.Arrays.equals(large.get(SOON), Bodies.bytes(me.hashCode(), 200_000)), true);
      for (Inspection.Row row : dfut.inspect().rows()) {
        check(row.object().owner(), large.id().owner());
      }
      System.out.println("owner " + large.id().owner());
      System.out.println("done");
    }
  }

  private static void check(Object actual, Object expected) {
    if (!expected.equals(actual)) {
      throw new IllegalStateException("expected " + expected + " but got " + actual);
    }
  }
}
