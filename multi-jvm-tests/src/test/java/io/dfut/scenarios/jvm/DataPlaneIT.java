package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.ClusterInspection;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.GetTimeoutException;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.ObjectView;
import io.dfut.internal.cluster.launch.JvmProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
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

/**
 * Objects that travel between five JVMs, without shared memory: four nodes, and this one, a driver.
 * One cluster for all tests; the one that kills a node comes last.
 */
@Timeout(240)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class DataPlaneIT {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final int MB = 1_000_000;

  /** Half over unix sockets, half over TCP: a pull goes over TCP if either end has none. */
  private static final List<String> UNIX_SOCKETS = List.of("auto", "off", "auto", "off");

  /** Small values go through the stores, too, and a driver with much to do is not found dead. */
  private static final List<String> SETTINGS =
      List.of(
          "dfut.store.inline-limit=1KiB",
          "dfut.store.shared-memory=off",
          "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause=10s",
          "dfut.cluster.join-timeout=120s");

  private static final List<JvmProcess> PROCESSES = new ArrayList<>();
  private static final Map<Integer, NodeId> NODES = new TreeMap<>();
  private static DFutSystem dfut;

  @BeforeAll
  static void start() {
    String join = null;
    for (int i = 0; i < UNIX_SOCKETS.size(); i++) {
      JvmProcess node =
          (join == null
                  ? JvmProcess.of("node " + i, NodeProgram.class)
                  : JvmProcess.of("node " + i, NodeProgram.class, join))
              .flags("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Ddfut.cpus=1")
              .flags("-Ddfut.store.data.unix-sockets=" + UNIX_SOCKETS.get(i))
              .flags("-Ddfut.store.memory=" + (i == 3 ? "512MiB" : "256MiB"))
              .flags(SETTINGS.stream().map(s -> "-D" + s).toArray(String[]::new))
              .start();
      PROCESSES.add(node);
      join = join == null ? address(node) : join;
    }
    Config driver =
        ConfigFactory.parseString(
            "dfut.values.allow = [\"io.dfut.\"]\ndfut.store.memory = 192 MiB\n"
                + String.join("\n", SETTINGS));
    dfut = DFutSystem.connect(join, driver);
    for (int i = 0; i < UNIX_SOCKETS.size(); i++) {
      String address = address(PROCESSES.get(i));
      await("node " + i + " is known to the driver")
          .atMost(PATIENCE)
          .until(() -> dfut.nodes().stream().anyMatch(n -> n.address().equals(address)));
      NODES.put(
          i,
          dfut.nodes().stream().filter(n -> n.address().equals(address)).findAny().orElseThrow());
    }
  }

  @AfterAll
  static void stop() {
    if (dfut != null) {
      dfut.close();
    }
    PROCESSES.forEach(JvmProcess::close);
  }

  private static String address(JvmProcess node) {
    return node.awaitLine(line -> line.startsWith("ready "), PATIENCE).substring("ready ".length());
  }

  private static DFut<byte[]> make(int node, int seed, int length) {
    return dfut.task(Bodies::bytes).on(NODES.get(node)).submit(seed, length);
  }

  private static DFut<Long> check(int node, DFut<byte[]> object) {
    return dfut.task(Bodies::checksum).on(NODES.get(node)).submit(object);
  }

  private static Map<NodeId, Inspection> inspect() {
    ClusterInspection seen = dfut.inspectCluster(Duration.ofSeconds(30));
    assertThat(seen.silent()).isEmpty();
    return seen.nodes();
  }

  private static void assertNoLeaks() {
    dfut.inspectCluster(Duration.ofSeconds(30)).assertNoLeaks(Duration.ofSeconds(20));
  }

  @Test
  @Order(1)
  @Tag("C240")
  @DisplayName("240 64 MB that ten tasks on each of four nodes want are transferred once to each")
  void broadcastIsOneTransferForEachNode() {
    byte[] content = Bodies.bytes(1, 64 * MB);
    long expected = Bodies.checksum(content);
    Map<NodeId, Inspection> before = inspect();
    try (DFut<byte[]> object = dfut.put(content)) {
      List<DFut<Long>> checks = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        for (int node : NODES.keySet()) {
          checks.add(check(node, object));
        }
      }
      for (DFut<Long> check : checks) {
        assertThat(check.get(PATIENCE)).isEqualTo(expected);
        check.close();
      }
      Map<NodeId, Inspection> after = inspect();
      for (NodeId node : NODES.values()) {
        assertThat(after.get(node).store().pulls() - before.get(node).store().pulls())
            .as("transfers to %s", node)
            .isEqualTo(1);
      }
    }
    assertNoLeaks();
  }

  @Test
  @Order(2)
  @Tag("C241")
  @DisplayName(
      "241 1,000 small objects from every node to every node, four rounds, with 20 large ones: all"
          + " arrive, and neither connections nor open files become more")
  void manySmallAndSomeLargeObjectsToEverybody() throws IOException {
    List<Long> files = new ArrayList<>();
    for (int round = 0; round < 4; round++) {
      List<DFut<byte[]>> objects = new ArrayList<>();
      List<Long> sums = new ArrayList<>();
      int large = round == 0 ? 20 : 0;
      for (int i = 0; i < 1000 + large; i++) {
        int length = i < 1000 ? 2000 + i : 5 * MB + i;
        int seed = round * 10_000 + i;
        objects.add(make(i % 4, seed, length));
        sums.add(Bodies.checksum(Bodies.bytes(seed, length)));
      }
      List<DFut<Long>> checks = new ArrayList<>();
      for (int i = 0; i < objects.size(); i++) {
        for (int node : NODES.keySet()) {
          checks.add(check(node, objects.get(i)));
        }
      }
      for (int i = 0; i < checks.size(); i++) {
        assertThat(checks.get(i).get(PATIENCE))
            .as("round %d, object %d, node %d", round, i / 4, i % 4)
            .isEqualTo(sums.get(i / 4));
        checks.get(i).close();
      }
      objects.forEach(DFut::close);
      files.add(openFiles());
    }
    // Everybody was connected with everybody in the first round already.
    assertThat(files.getLast()).as("open files by round: %s", files).isLessThan(files.get(1) + 20);
    long pulls = NODES.values().stream().mapToLong(n -> inspect().get(n).store().pulls()).sum();
    assertThat(pulls).isGreaterThanOrEqualTo(3 * 4_000);
    assertNoLeaks();
  }

  private static long openFiles() throws IOException {
    long count = 0;
    for (JvmProcess process : PROCESSES) {
      try (Stream<Path> files = Files.list(Path.of("/proc", Long.toString(process.pid()), "fd"))) {
        count += files.count();
      }
    }
    return count;
  }

  @Test
  @Order(3)
  @Tag("C234")
  @DisplayName(
      "234 a get for which pinned views leave no room times out, and succeeds without them")
  void getWhileTheStoreIsFullOfViews() {
    DFut<byte[]> here = dfut.put(Bodies.bytes(1, 150 * MB));
    try (DFut<byte[]> there = make(0, 2, 60 * MB)) {
      assertThat(dfut.await(List.of(there), 1, PATIENCE).ready()).hasSize(1);
      try (ObjectView view = here.view()) {
        assertThatThrownBy(() -> there.get(Duration.ofSeconds(1)))
            .isInstanceOf(GetTimeoutException.class);
        assertThat(view.size()).isEqualTo(150 * MB); // it was there all the time
      }
      here.close();
      assertThat(there.get(PATIENCE)).isEqualTo(Bodies.bytes(2, 60 * MB));
    }
    assertNoLeaks();
  }

  @Test
  @Order(4)
  void slowReaderHoldsNobodyUp() {
    // A frozen node reads nothing of what it asked for; others pull from the same source meanwhile.
    try (DFut<byte[]> object = make(0, 3, 60 * MB)) {
      assertThat(dfut.await(List.of(object), 1, PATIENCE).ready()).hasSize(1);
      DFut<Long> slow = check(1, object);
      PROCESSES.get(1).freeze();
      try {
        try (DFut<Long> quick = check(2, object)) {
          assertThat(quick.get(Duration.ofSeconds(8)))
              .isEqualTo(Bodies.checksum(Bodies.bytes(3, 60 * MB)));
        }
      } finally {
        PROCESSES.get(1).thaw();
      }
      assertThat(slow.get(PATIENCE)).isEqualTo(Bodies.checksum(Bodies.bytes(3, 60 * MB)));
      slow.close();
    }
    assertNoLeaks();
  }

  @Test
  @Order(5)
  void valuesOfASourceThatIsKilledInTheMiddleAreCopiesOrMadeAgain() throws Exception {
    List<DFut<byte[]>> objects = new ArrayList<>();
    List<Long> sums = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      objects.add(dfut.task(Bodies::bytes).near(pinnedAt(3)).submit(i, 20 * MB));
      sums.add(Bodies.checksum(Bodies.bytes(i, 20 * MB)));
    }
    assertThat(dfut.await(objects, objects.size(), PATIENCE).ready()).hasSize(12);
    // Read here, all at once. (A task whose argument's only source is dead but not yet known to be
    // uses up its retries before that is known.)
    try (ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
      CountDownLatch first = new CountDownLatch(1);
      List<Future<Long>> reads = new ArrayList<>();
      for (DFut<byte[]> object : objects) {
        reads.add(
            readers.submit(
                () -> {
                  byte[] bytes = object.get(PATIENCE);
                  first.countDown();
                  return Bodies.checksum(bytes);
                }));
      }
      assertThat(first.await(60, TimeUnit.SECONDS)).isTrue();
      PROCESSES.get(3).kill();
      for (int i = 0; i < reads.size(); i++) {
        assertThat(reads.get(i).get()).as("object %d", i).isEqualTo(sums.get(i));
      }
    }
    objects.forEach(DFut::close);
    anchor.close();
  }

  private static DFut<byte[]> anchor;

  /** Something that makes the scheduler prefer a node without binding a task to it. */
  private static DFut<byte[]> pinnedAt(int node) {
    if (anchor == null) {
      anchor = make(node, 99, 10 * MB);
      assertThat(dfut.await(List.of(anchor), 1, PATIENCE).ready()).hasSize(1);
    }
    return anchor;
  }
}
