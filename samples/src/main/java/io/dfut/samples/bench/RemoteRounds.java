package io.dfut.samples.bench;

import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.DFutSystem;
import io.dfut.Task1;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Measures tasks and actor calls from this JVM to another, as a program, in {@link Turns} with what
 * Artery does over the same connection. This JVM is a driver, so that everything runs over there.
 */
final class RemoteRounds {
  static final String ASK = "Artery ask";
  static final String PING_PONG = "Artery ping-pong";

  private static final int TASKS = 10_000;
  private static final int WINDOW = 1_000;

  private final Turns turns;
  private final PingPong artery;

  private RemoteRounds(Turns turns, PingPong artery) {
    this.turns = turns;
    this.artery = artery;
  }

  /** Arguments: seconds for each figure, then the names of the figures. */
  public static void main(String[] args) throws Exception {
    try (BenchNode node = BenchNode.start(List.of());
        DFutSystem dfut =
            DFutSystem.connect(
                node.address(),
                PingPong.CONFIG.withFallback(
                    ConfigFactory.parseString("dfut.values.allow = [\"io.dfut.samples.\"]")));
        ActorHandle<Follower> follower = dfut.actor(Follower::new).create()) {
      RemoteRounds rounds = new RemoteRounds(new Turns(args), new PingPong(dfut, node.address()));
      rounds.calls("task.remote", dfut.task(Turns::next));
      rounds.calls("actor.remote", follower.task(Follower::next));
    }
    System.exit(0);
  }

  /** Throughput first: one call at a time would need minutes to be compiled. */
  private void calls(String prefix, Task1<Integer, Integer> task) throws Exception {
    if (turns.wants(prefix + ".throughput")) {
      Map<String, Turns.Round> rounds = new LinkedHashMap<>();
      rounds.put(Turns.OURS, () -> Turns.submitAll(task, TASKS));
      rounds.put(PING_PONG, () -> artery.run(TASKS, WINDOW));
      turns.rates(prefix + ".throughput", TASKS, rounds, TASKS * (TASKS + 1L) / 2);
    }
    if (turns.wants(prefix + ".p")) {
      Map<String, Turns.Call> calls = new LinkedHashMap<>();
      calls.put(Turns.OURS, number -> Turns.take(task.submit(number)));
      calls.put(ASK, number -> artery.ask(number).toCompletableFuture().get());
      turns.latencies(prefix, calls);
    }
  }
}
