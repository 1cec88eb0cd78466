package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.internal.cluster.launch.JvmProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Large arguments on their way from one JVM to another, without shared memory. */
@Timeout(240)
final class ArgumentsIT {
  private static final Duration PATIENCE = Duration.ofSeconds(120);
  private static final int MB = 1_000_000;

  private static JvmProcess makingProcess;
  private static JvmProcess runningProcess;
  private static DFutSystem dfut;
  private static NodeId making;
  private static NodeId running;

  @BeforeAll
  static void start() {
    makingProcess = node("maker", 256 * MB);
    String join = address(makingProcess);
    runningProcess = node("runner", 90 * MB, join);
    dfut =
        DFutSystem.connect(
            join,
            ConfigFactory.parseString(
                """
                dfut.values.allow = ["io.dfut."]
                dfut.store.shared-memory = off
                dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause = 60s
                """));
    making = known(join);
    running = known(address(runningProcess));
  }

  private static JvmProcess node(String name, long store, String... join) {
    return JvmProcess.of(name, NodeProgram.class, join)
        .flags("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Ddfut.cpus=1")
        .flags("-Ddfut.store.memory=" + store, "-Ddfut.store.shared-memory=off")
        .flags("-Ddfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause=60s")
        .start();
  }

  private static String address(JvmProcess node) {
    return node.awaitLine(line -> line.startsWith("ready "), PATIENCE).substring("ready ".length());
  }

  private static NodeId known(String address) {
    await(address + " is known to the driver")
        .atMost(PATIENCE)
        .until(() -> dfut.nodes().stream().anyMatch(n -> n.address().equals(address)));
    return dfut.nodes().stream().filter(n -> n.address().equals(address)).findAny().orElseThrow();
  }

  @AfterAll
  static void stop() {
    if (dfut != null) {
      dfut.close();
    }
    Stream.of(runningProcess, makingProcess)
        .filter(java.util.Objects::nonNull)
        .forEach(JvmProcess::close);
  }

  /** The sum of all of them, which a task can have only together. */
  static long sum(List<byte[]> all) {
    return all.stream().mapToLong(Bodies::checksum).sum();
  }

  private static Inspection at(NodeId node) {
    return dfut.inspectCluster(Duration.ofSeconds(30)).nodes().get(node);
  }

  @Test
  @Tag("C235")
  @DisplayName(
      "235 ten tasks of ten arguments of 6 MB, where the store fits one and a half: all end")
  void tasksWhoseArgumentsDoNotFitTogetherAllEnd() {
    long pullsBefore = at(running).store().pulls();
    List<List<DFut<byte[]>>> arguments = new ArrayList<>();
    List<DFut<Long>> sums = new ArrayList<>();
    for (int task = 0; task < 10; task++) {
      List<DFut<byte[]>> ten = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        ten.add(dfut.task(Bodies::bytes).on(making).submit(10 * task + i, 6 * MB));
      }
      arguments.add(ten);
    }
    for (List<DFut<byte[]>> ten : arguments) {
      sums.add(dfut.task(ArgumentsIT::sum).on(running).submit(DFut.all(ten)));
    }
    for (int task = 0; task < 10; task++) {
      long expected = 0;
      for (int i = 0; i < 10; i++) {
        expected += Bodies.checksum(Bodies.bytes(10 * task + i, 6 * MB));
      }
      assertThat(sums.get(task).get(PATIENCE)).isEqualTo(expected);
    }
    assertThat(at(running).store().pulls() - pullsBefore)
        .as("nothing was pulled in vain")
        .isEqualTo(100);
    arguments.forEach(ten -> ten.forEach(DFut::close));
    sums.forEach(DFut::close);
    dfut.inspectCluster(Duration.ofSeconds(30)).assertNoLeaks(Duration.ofSeconds(20));
  }

  @Test
  @DisplayName(
      "while the argument of a task is on its way from a frozen node, others run in its place")
  void aTaskWhoseArgumentIsSlowHoldsUpNobody() {
    DFut<byte[]> large = dfut.task(Bodies::bytes).on(making).submit(1, 50 * MB);
    await("it is made").atMost(PATIENCE).until(large::isReady);
    makingProcess.freeze();
    try {
      DFut<Long> slow = dfut.task(Bodies::checksum).on(running).submit(large);
      await("the argument is on its way")
          .atMost(PATIENCE)
          .until(
              () ->
                  dfut.inspectCluster(Duration.ofSeconds(2)).nodes().get(running).leases().stream()
                      .anyMatch(lease -> lease.state().contains("waits for arguments")));
      for (int i = 0; i < 20; i++) { // of another shape, so that they need leases of their own
        try (DFut<Integer> small = dfut.task(Bodies::increment).cpus(0.75).on(running).submit(i)) {
          assertThat(small.get(PATIENCE)).isEqualTo(i + 1);
        }
      }
      assertThat(slow.isReady()).isFalse();
      makingProcess.thaw();
      assertThat(slow.get(PATIENCE)).isEqualTo(Bodies.checksum(Bodies.bytes(1, 50 * MB)));
      slow.close();
    } finally {
      makingProcess.thaw();
    }
    large.close();
    dfut.inspectCluster(Duration.ofSeconds(30)).assertNoLeaks(Duration.ofSeconds(20));
  }
}
