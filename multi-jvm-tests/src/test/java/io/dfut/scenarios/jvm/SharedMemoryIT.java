package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.ClusterInspection;
import io.dfut.DFut;
import io.dfut.DFutException;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.ObjectView;
import io.dfut.internal.cluster.launch.JvmProcess;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** JVMs of one host that read each other's memory, one of which is killed. */
@Timeout(240)
final class SharedMemoryIT {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final int LENGTH = 100 << 20;
  private static final int ROUNDS = 200;
  private static final int MANY = 12;
  private static final int MANY_BYTES = 10_000_000;

  private final List<JvmProcess> processes = new ArrayList<>();
  private Path shared;

  @BeforeEach
  void makeDirectory() throws IOException {
    assumeThat(Path.of("/dev/shm")).isWritable();
    shared = Files.createTempDirectory(Path.of("/dev/shm"), "dfut-it-");
  }

  @AfterEach
  void killAllAndSweep() throws IOException {
    processes.forEach(JvmProcess::close);
    if (shared != null) {
      try (Stream<Path> left = Files.walk(shared)) {
        for (Path path : left.sorted((a, b) -> b.compareTo(a)).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  /** Two free ports, the lower one first. */
  private static int[] freePorts() throws IOException {
    try (ServerSocket one = new ServerSocket(0);
        ServerSocket other = new ServerSocket(0)) {
      return IntStream.of(one.getLocalPort(), other.getLocalPort()).sorted().toArray();
    }
  }

  private JvmProcess node(String name, int port, String... join) {
    JvmProcess process =
        JvmProcess.of(name, NodeProgram.class, join)
            .flags(
                "-Ddfut.cluster.port=" + port,
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-Ddfut.cpus=1",
                "-Ddfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause=3s",
                "-Ddfut.store.shared-memory=" + shared)
            .start();
    processes.add(process);
    return process;
  }

  private static String address(JvmProcess node) {
    return node.awaitLine(line -> line.startsWith("ready "), PATIENCE).substring("ready ".length());
  }

  private Config settings() {
    return ConfigFactory.parseString(
        "dfut.values.allow = [\"io.dfut.\"]\n"
            + "dfut.store.memory = 256 MiB\n"
            + "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause = 3s\n"
            + "dfut.store.shared-memory = \""
            + shared
            + "\"");
  }

  private List<String> runs() throws IOException {
    try (Stream<Path> runs = Files.list(shared)) {
      return runs.map(run -> run.getFileName().toString()).sorted().toList();
    }
  }

  private static NodeId nodeAt(DFutSystem dfut, String address) {
    return await("the driver knows " + address)
        .until(
            () -> dfut.nodes().stream().filter(node -> node.address().equals(address)).findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }

  private static String runOf(JvmProcess node, List<String> runs) {
    return runs.stream()
        .filter(run -> run.startsWith("dfut-shm-" + node.pid() + "-"))
        .findFirst()
        .orElseThrow();
  }

  private static boolean holdsNothing(JvmProcess node) {
    return node.lines().stream()
        .filter(line -> line.startsWith("Holdings"))
        .reduce((first, second) -> second)
        .orElse("")
        .equals(NodeProgram.Holdings.NOTHING.toString());
  }

  private static void nothingIsPulledHoweverOftenItIsRead(DFutSystem dfut, List<NodeId> others) {
    List<DFut<byte[]>> values = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      values.add(
          i % 3 == 2
              ? dfut.put(Bodies.bytes(i, MANY_BYTES))
              : dfut.task(Bodies::bytes).on(others.get(i % 3)).submit(i, MANY_BYTES));
    }
    for (int round = 0; round < 10; round++) {
      for (int i = 0; i < MANY; i++) {
        assertThat(Arrays.equals(values.get(i).get(PATIENCE), Bodies.bytes(i, MANY_BYTES)))
            .as("value %s", i)
            .isTrue();
      }
    }
    ClusterInspection all = dfut.inspectCluster(PATIENCE);
    assertThat(all.nodes().values())
        .hasSize(3)
        .extracting(Inspection::store)
        .allSatisfy(
            store -> {
              assertThat(store.pulledBytes()).isZero();
              assertThat(store.servedBytes()).isZero();
              assertThat(store.evictedBytes()).isZero();
              assertThat(store.spilledBytes()).isZero();
            });
    values.forEach(DFut::close);
  }

  private static void aFreedObjectStaysUntilItsReaderInAnotherJvmIsDone(
      DFutSystem dfut, NodeId home, JvmProcess source) throws Exception {
    long before = storeOf(dfut, home).usedBytes();
    DFut<byte[]> value = dfut.task(Bodies::bytes).on(home).submit(8, LENGTH);
    try (ObjectView view = value.view()) {
      assertThat(dfut.inspect().store().readInPlace()).isEqualTo(1);
      value.close();
      await("it is freed at its owner")
          .atMost(PATIENCE)
          .until(
              () -> dfut.inspect().rows().stream().noneMatch(r -> r.object().equals(value.id())));
      // What would take its memory, if it were to be had: more than the store has beside it.
      for (int i = 0; i < 4; i++) {
        try (DFut<byte[]> other = dfut.task(Bodies::bytes).on(home).submit(9, LENGTH / 2)) {
          assertThat(dfut.await(List.of(other), 1, PATIENCE).ready()).hasSize(1);
        }
      }
      assertThat(storeOf(dfut, home).usedBytes()).isGreaterThanOrEqualTo(before + LENGTH);
      assertThat(view.segment().mismatch(MemorySegment.ofArray(Bodies.bytes(8, LENGTH))))
          .isEqualTo(-1);
    }
    await(source + " gives the memory back")
        .atMost(PATIENCE)
        .until(() -> storeOf(dfut, home).usedBytes() == before);
    assertThat(dfut.inspect().store().readInPlace()).isZero();
  }

  private static Inspection.Store storeOf(DFutSystem dfut, NodeId node) {
    return dfut.inspectCluster(PATIENCE).nodes().get(node).store();
  }

  @Test
  @Tag("C232")
  @DisplayName("232 in shared memory nothing is pulled or spilled, and a kill hurts no reader")
  void threeJvmsReadOneObjectInPlaceAndTheKillOfItsHolderHurtsNobody() throws Exception {
    // Of two nodes the one with the lower address goes on when the other dies.
    int[] ports = freePorts();
    JvmProcess reader = node("reader", ports[0]);
    String join = address(reader);
    JvmProcess source = node("source", ports[1], join);
    String at = address(source);
    byte[] expected = Bodies.bytes(7, LENGTH);
    MemorySegment right = MemorySegment.ofArray(expected);
    try (DFutSystem dfut = DFutSystem.connect(join, settings())) {
      NodeId home = nodeAt(dfut, at);
      DFut<byte[]> value = dfut.task(Bodies::bytes).on(home).submit(7, LENGTH);
      assertThat(value.get(PATIENCE)).isEqualTo(expected);
      long begun = System.nanoTime();
      try (ObjectView view = value.view()) {
        System.out.printf(
            "second read, warm connection: %.3f ms%n", (System.nanoTime() - begun) / 1e6);
        assertThat(view.segment().mismatch(right)).isEqualTo(-1);
      }
      long[] nanos = new long[ROUNDS];
      for (int i = 0; i < ROUNDS; i++) {
        long from = System.nanoTime();
        value.view().close();
        nanos[i] = System.nanoTime() - from;
      }
      Arrays.sort(nanos, ROUNDS / 2, ROUNDS);
      System.out.printf(
          "view and close of 100 MiB of another JVM, warm: %.3f ms%n", nanos[ROUNDS * 3 / 4] / 1e6);

      DFut<Integer> hash = dfut.task(Bodies::hash).on(nodeAt(dfut, join)).submit(value);
      assertThat(hash.get(PATIENCE)).isEqualTo(Arrays.hashCode(expected));
      hash.close();
      await("the reader keeps no copy").atMost(PATIENCE).until(() -> holdsNothing(reader));
      assertThat(reader.lines())
          .filteredOn(line -> line.startsWith("Holdings"))
          .allMatch(line -> line.contains("bytes=0"));
      assertThat(dfut.inspect().store().pulledBytes()).isZero();
      assertThat(dfut.inspect().store().usedBytes()).isZero();

      nothingIsPulledHoweverOftenItIsRead(dfut, List.of(nodeAt(dfut, join), home));
      aFreedObjectStaysUntilItsReaderInAnotherJvmIsDone(dfut, home, source);

      List<String> runs = runs();
      assertThat(runs).hasSize(3);
      String left = runOf(source, runs);
      try (ObjectView view = value.view()) {
        source.kill();
        source.awaitExit(PATIENCE);
        assertThat(view.segment().mismatch(right)).isEqualTo(-1);

        await("the source is found dead: before, nobody can join")
            .atMost(PATIENCE)
            .until(() -> !dfut.nodes().contains(home));
        JvmProcess next = node("next", 0, join);
        address(next);
        assertThat(runs()).as("swept by the next").doesNotContain(left).hasSize(3);
        assertThat(view.segment().mismatch(right)).isEqualTo(-1);
      }
      // It was made on that node and nowhere else may it be made again.
      assertThatThrownBy(() -> value.get(PATIENCE)).isInstanceOf(DFutException.class);
      value.close();
      dfut.inspect().assertNoLeaks(Duration.ofSeconds(20));
      processes.forEach(JvmProcess::requestStop);
      for (JvmProcess process : processes) {
        process.awaitExit(PATIENCE);
      }
    }
    assertThat(runs()).as("nothing is left after an orderly stop").isEmpty();
  }
}
