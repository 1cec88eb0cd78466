package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.NodeFailedException;
import io.dfut.NodeId;
import io.dfut.TaskFailedException;
import io.dfut.TaskTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Bodies that do what nobody should: their nodes live on, or are replaced; others see nothing. */
@Timeout(120)
final class MisbehavingIT extends DeathScenarios {
  private static final Duration SOON = DyingCluster.SOON;

  /** How long a body goes on that does not listen; the test does not wait for it to begin. */
  private static final Duration DEAF = Duration.ofSeconds(3);

  private static int tooLarge(Runs runs) {
    runs.note();
    return new long[Integer.MAX_VALUE].length + new long[Integer.MAX_VALUE].length;
  }

  /** Until nothing is left for anybody of this JVM. */
  private static int takesAll() {
    List<byte[]> all = new ArrayList<>();
    while (true) {
      all.add(new byte[1 << 20]);
    }
  }

  private static int deep(int n) {
    return n == Integer.MIN_VALUE ? 0 : 1 + deep(n + 1);
  }

  private static int exits(Runs runs, int attempts) {
    runs.note();
    if (DFutContext.current().attempt() < attempts) {
      System.exit(7);
    }
    return DFutContext.current().attempt() + 1;
  }

  /** Neither ends nor hears an interrupt. */
  private static int deaf(Runs runs) {
    runs.note();
    long end = System.nanoTime() + DEAF.toNanos();
    while (System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    runs.note("ended");
    return 1;
  }

  private static void interruptsItself() {
    Thread.currentThread().interrupt();
    Thread.currentThread().setName("taken over");
  }

  private static boolean isInterrupted() {
    return Thread.currentThread().isInterrupted();
  }

  private static NodeId here() {
    return DFutContext.current().node();
  }

  private static int waits(Runs runs, Gate gate) throws InterruptedException {
    runs.note();
    gate.pass();
    return DFutContext.current().attempt();
  }

  private <T extends Throwable> T thrown(DFut<?> future, Class<T> type) {
    try (future) {
      return catchThrowableOfType(type, () -> future.get(SOON));
    }
  }

  private void assertServes(NodeId node) {
    try (DFut<NodeId> all = dfut.task(MisbehavingIT::here).cpus(2).on(node).submit()) {
      assertThat(all.get(SOON)).as("all its slots").isEqualTo(node);
    }
  }

  @Test
  @Tag("C297")
  @DisplayName(
      "297 bodies that exhaust, exit, loop or interrupt fail by name and harm no other task")
  void misbehavingBodiesHarmNoOther() {
    Runs neighbour = runs("neighbour");
    Gate gate = Gate.closed();
    NodeId far = cluster.far.node();
    DFut<Integer> beside = dfut.task(MisbehavingIT::waits).on(far).submit(neighbour, gate);
    DyingCluster.eventually("it does not run").until(() -> neighbour.count() == 1);

    Runs large = runs("large");
    TaskFailedException memory =
        thrown(dfut.task(MisbehavingIT::tooLarge).on(far).submit(large), TaskFailedException.class);
    assertThat(memory)
        .hasCauseInstanceOf(OutOfMemoryError.class)
        .hasMessageContaining("tooLarge")
        .hasMessageContaining("started 2 times");
    assertThat(large.count()).as("its runs, with the one retry for want of memory").isEqualTo(2);
    TaskFailedException stack =
        thrown(dfut.task(MisbehavingIT::deep).on(far).submit(0), TaskFailedException.class);
    assertThat(stack).hasCauseInstanceOf(StackOverflowError.class).hasMessageContaining("deep");

    Runs deaf = runs("deaf");
    TaskTimeoutException late =
        thrown(
            dfut.task(MisbehavingIT::deaf).on(far).timeout(Duration.ofMillis(500)).submit(deaf),
            TaskTimeoutException.class);
    assertThat(late).hasMessageContaining("deaf");
    DyingCluster.eventually("it goes on until it ends").until(() -> deaf.count("ended") == 1);

    for (int i = 0; i < 5; i++) {
      try (DFut<Void> first = dfut.task(MisbehavingIT::interruptsItself).on(far).submit();
          DFut<Boolean> next = dfut.task(MisbehavingIT::isInterrupted).on(far).submit()) {
        first.get(SOON);
        assertThat(next.get(SOON)).as("the next task is interrupted").isFalse();
      }
    }

    gate.open();
    assertThat(beside.get(SOON)).as("the neighbour's attempt").isZero();
    beside.close();
    assertThat(neighbour.count()).isEqualTo(1);
    assertServes(far);
  }

  @Test
  @Tag("C297")
  @DisplayName(
      "297 a body that exits costs its node and a retry, and the error says with which code")
  void aBodyThatExitsCostsItsNodeAndARetry() {
    cluster.addMortals(1);
    Runs again = runs("again");
    try (DFut<Integer> result =
        dfut.task(MisbehavingIT::exits)
            .resource(DyingCluster.SOIL, 1)
            .maxRetries(1)
            .submit(again, 1)) {
      assertThat(result.get(SOON)).as("attempts").isEqualTo(2);
    }
    cluster.forget(whereRan(again, 0));
    cluster.addMortals(1);
    Runs once = runs("once");
    NodeFailedException failure =
        thrown(
            dfut.task(MisbehavingIT::exits)
                .resource(DyingCluster.SOIL, 1)
                .maxRetries(0)
                .submit(once, 1),
            NodeFailedException.class);
    NodeId where = whereRan(once, 0);
    assertThat(failure.attempts()).isEqualTo(1);
    assertThat(failure.causeOfDeath())
        .contains("its JVM exited with status 7")
        .contains("exits")
        .contains("called System.exit");
    assertThat(failure).hasMessageContaining(where.toString()).hasMessageContaining("exits");
    cluster.forget(where);
    assertServes(cluster.near.node());
  }

  @Test
  void aNodeThatIsKilledIsSaidToBe() {
    cluster.addMortals(1);
    Runs runs = runs("waits");
    Gate gate = Gate.closed();
    NodeId killed = cluster.mortal().node();
    try (DFut<Integer> there =
        dfut.task(MisbehavingIT::waits).on(killed).maxRetries(0).submit(runs, gate)) {
      DyingCluster.eventually("it does not run").until(() -> runs.count() == 1);
      cluster.kill(cluster.mortal(killed));
      NodeFailedException failure = thrown(there, NodeFailedException.class);
      assertThat(failure.causeOfDeath()).contains("killed, or crashed");
    }
  }

  @Test
  void aBodyThatTakesAllMemoryFailsByNameOrCostsItsNode() {
    cluster.addMortals(1);
    NodeId victim = cluster.mortal().node();
    Throwable failure;
    try (DFut<Integer> result =
        dfut.task(MisbehavingIT::takesAll).on(victim).maxRetries(0).submit()) {
      failure = catchThrowable(() -> result.get(SOON));
    }
    if (failure instanceof NodeFailedException lost) {
      assertThat(lost).hasMessageContaining(victim.toString());
      assertThat(lost.causeOfDeath()).containsAnyOf("out of memory", "killed, or crashed");
      cluster.forget(victim);
    } else {
      assertThat(failure)
          .isInstanceOf(TaskFailedException.class)
          .hasCauseInstanceOf(OutOfMemoryError.class);
      assertServes(victim);
    }
    assertServes(cluster.far.node());
  }

  private NodeId whereRan(Runs runs, int index) {
    return cluster.living().stream()
        .map(FarNode::node)
        .filter(node -> runs.lines().get(index).contains(" on " + node + " "))
        .findFirst()
        .orElseThrow();
  }
}
