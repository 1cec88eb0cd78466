package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.ObjectLostException;
import io.dfut.internal.cluster.launch.JvmProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * More than fits into memory, on three nodes in JVMs of their own and a driver in this one, without
 * shared memory. One cluster for all tests; the one that kills a node comes last.
 */
@Timeout(240)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class SpillingIT {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final int MB = 1_000_000;
  private static final int MEMORY = 100 * MB;
  private static final int NODES = 3;

  private static final List<String> SETTINGS =
      List.of(
          "dfut.store.shared-memory=off",
          "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause=4s",
          "dfut.pekko.cluster.split-brain-resolver.stable-after=1s",
          "dfut.ownership.handover-grace=3s",
          "dfut.cluster.join-timeout=120s");

  private static final List<JvmProcess> PROCESSES = new ArrayList<>();
  private static final List<String> ADDRESSES = new ArrayList<>();

  @TempDir private static Path directory;

  private static DFutSystem dfut;

  private static Path spillDirectory(String name) throws IOException {
    return Files.createDirectories(directory.resolve(name));
  }

  private static JvmProcess start(
      String name, String memory, Class<?> program, String... arguments) {
    try {
      JvmProcess process =
          JvmProcess.of(name, program, arguments)
              .flags("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Ddfut.cpus=1")
              .flags("-Ddfut.store.memory=" + memory)
              .flags("-Ddfut.store.spill.directories.0=" + spillDirectory(name))
              .flags(SETTINGS.stream().map(s -> "-D" + s).toArray(String[]::new))
              .start();
      PROCESSES.add(process);
      return process;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @BeforeAll
  static void startCluster() throws IOException {
    for (int i = 0; i < NODES; i++) {
      JvmProcess node =
          start(
              "node-" + i,
              MEMORY + "B",
              NodeProgram.class,
              ADDRESSES.stream().limit(1).toArray(String[]::new));
      ADDRESSES.add(
          node.awaitLine(line -> line.startsWith("ready "), PATIENCE).substring("ready ".length()));
    }
    dfut =
        DFutSystem.connect(
            ADDRESSES.getFirst(),
            ConfigFactory.parseString(
                String.join("\n", SETTINGS)
                    + "\ndfut.values.allow = [\"io.dfut.\"]\ndfut.store.memory = "
                    + MEMORY
                    + "B\ndfut.store.spill.directories = [\""
                    + spillDirectory("driver")
                    + "\"]"));
    await("the driver knows all").atMost(PATIENCE).until(() -> look().size() == NODES + 1);
  }

  @AfterAll
  static void stop() {
    if (dfut != null) {
      dfut.close();
    }
    PROCESSES.forEach(JvmProcess::close);
  }

  private static NodeId node(int index) {
    return dfut.nodes().stream()
        .filter(node -> node.address().equals(ADDRESSES.get(index)))
        .findFirst()
        .orElseThrow();
  }

  private static SortedMap<NodeId, Inspection> look() {
    return dfut.inspectCluster(SOON).nodes();
  }

  private static List<Path> spillFiles(String name) {
    try (Stream<Path> all = Files.walk(directory.resolve(name))) {
      return all.filter(file -> file.getFileName().toString().matches("[0-9]+"))
          .filter(Files::isRegularFile)
          .toList();
    } catch (IOException e) {
      return List.of(Path.of("changed while it was looked at: " + e));
    }
  }

  private static List<Path> runs(String name) throws IOException {
    try (Stream<Path> runs = Files.list(directory.resolve(name))) {
      return runs.toList();
    }
  }

  private static void assertRight(DFut<byte[]> value, int seed, int bytes) {
    assertThat(Arrays.equals(value.get(PATIENCE), Bodies.bytes(seed, bytes)))
        .as("value %s", seed)
        .isTrue();
  }

  @Test
  @Order(1)
  @Tag("C232")
  @DisplayName("232 copies that were pulled are evicted before anything is spilled")
  void copiesAreEvictedBeforeAnythingIsSpilled() {
    List<DFut<byte[]>> values = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      values.add(
          i % 4 == NODES
              ? dfut.put(Bodies.bytes(i, 10 * MB))
              : dfut.task(Bodies::bytes).on(node(i % 4)).submit(i, 10 * MB));
    }
    for (int round = 0; round < 10; round++) {
      for (int i = 0; i < 16; i++) {
        assertRight(values.get(i), i, 10 * MB);
      }
    }
    assertThat(dfut.inspect().store().evictedBytes()).isGreaterThan(100 * MB);
    assertThat(look().values())
        .hasSize(NODES + 1)
        .extracting(node -> node.store().spilledBytes())
        .containsOnly(0L);
    values.forEach(DFut::close);
    dfut.inspectCluster(SOON).assertNoLeaks(SOON);
  }

  @Test
  @Order(2)
  void aWorkingSetOfFourTimesTheMemoryIsReadRightFromAnotherJvm() {
    List<DFut<byte[]>> values = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      values.add(dfut.task(Bodies::bytes).on(node(0)).submit(i, 20 * MB));
    }
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 20; i++) {
        assertRight(values.get(i), i, 20 * MB);
      }
    }
    Inspection.Store there = look().get(node(0)).store();
    assertThat(there.spilledBytes()).isGreaterThan(3L * MEMORY);
    assertThat(there.usedBytes()).isLessThanOrEqualTo(MEMORY);
    assertThat(there.servedBytes()).isGreaterThan(4L * MEMORY);
    values.forEach(DFut::close);
    dfut.inspectCluster(SOON).assertNoLeaks(SOON);
    await("no spill file is left").until(() -> spillFiles("node-0").isEmpty());
  }

  private static JvmProcess driver() {
    JvmProcess driver =
        start("spilling", 16 * MB + "B", SpillingProgram.class, ADDRESSES.get(0), ADDRESSES.get(1));
    driver.awaitLine(
        line -> line.equals("owns " + (SpillingProgram.PUT + SpillingProgram.MADE)), PATIENCE);
    assertThat(spillFiles("spilling")).isNotEmpty();
    assertThat(spillFiles("node-1")).isNotEmpty();
    Inspection.Store other = look().get(node(1)).store();
    assertThat(other.objects()).as("some are in memory").isPositive();
    assertThat(other.diskBytes()).as("some are on disk").isPositive();
    return driver;
  }

  private static void awaitNothingOfIt() {
    await("the driver is found gone").atMost(PATIENCE).until(() -> look().size() == NODES + 1);
    await("nothing of what it owned is left anywhere")
        .atMost(SOON)
        .untilAsserted(
            () -> {
              for (Inspection node : look().values()) {
                assertThat(node.store().objects()).as("objects on %s", node.node()).isZero();
                assertThat(node.store().diskBytes()).as("on the disk of %s", node.node()).isZero();
              }
              assertThat(spillFiles("node-1")).isEmpty();
            });
  }

  @Test
  @Order(3)
  @Tag("C129")
  @DisplayName("129 a killed owner's bytes leave memory and disk everywhere")
  void aKilledOwnersBytesLeaveMemoryAndDisk() throws IOException {
    driver().kill();
    awaitNothingOfIt();
    assertThat(runs("spilling")).as("its own files are left: nobody could remove them").hasSize(1);
  }

  @Test
  @Order(4)
  @Tag("C231")
  @DisplayName(
      "231 spill files do not outlive the node, whether it is killed, stopped or interrupted")
  void spillFilesDoNotOutliveTheNode() throws IOException {
    List<Path> left = runs("spilling");
    JvmProcess stopped = driver();
    assertThat(runs("spilling")).as("what the killed one left is gone").hasSize(1);
    assertThat(left).as("the one that was killed before").hasSize(1).noneMatch(Files::exists);
    stopped.requestStop();
    assertThat(stopped.awaitExit(PATIENCE)).isPresent();
    assertThat(directory.resolve("spilling")).isEmptyDirectory();
    awaitNothingOfIt();

    JvmProcess interrupted = driver();
    interrupted.interrupt();
    assertThat(interrupted.awaitExit(PATIENCE)).isPresent();
    assertThat(directory.resolve("spilling")).isEmptyDirectory();
    awaitNothingOfIt();
  }

  @Test
  @Order(5)
  @Tag("C097")
  @DisplayName(
      "097 a value that was spilled on the dead node is made again, unless retries are spent")
  void whatWasSpilledOnTheDeadNodeIsMadeAgain() {
    List<DFut<byte[]>> again = new ArrayList<>();
    List<DFut<byte[]>> once = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      again.add(dfut.task(Bodies::bytes).spread().submit(i, 20 * MB));
      once.add(dfut.task(Bodies::bytes).spread().maxRetries(0).submit(100 + i, 20 * MB));
    }
    assertThat(dfut.await(again, 12, PATIENCE).ready()).hasSize(12);
    assertThat(dfut.await(once, 12, PATIENCE).ready()).hasSize(12);
    NodeId victim = node(2);
    assertThat(look().get(victim).store().diskBytes()).as("on its disk").isGreaterThan(20 * MB);

    PROCESSES.get(2).kill();
    for (int i = 0; i < 12; i++) {
      try (DFut<Integer> hash = dfut.task(Bodies::hash).submit(again.get(i))) {
        assertThat(hash.get(PATIENCE)).isEqualTo(Arrays.hashCode(Bodies.bytes(i, 20 * MB)));
      }
    }
    int lost = 0;
    for (int i = 0; i < 12; i++) {
      DFut<byte[]> value = once.get(i);
      try {
        assertRight(value, 100 + i, 20 * MB);
      } catch (ObjectLostException e) {
        assertThat(e.reason()).isEqualTo(ObjectLostException.Reason.RETRIES_SPENT);
        assertThatThrownBy(() -> value.get(PATIENCE)).isInstanceOf(ObjectLostException.class);
        lost++;
      }
    }
    assertThat(lost).as("of those that must not be made again").isBetween(2, 11);
    again.forEach(DFut::close);
    once.forEach(DFut::close);
    dfut.inspectCluster(SOON).assertNoLeaks(SOON);
  }
}
