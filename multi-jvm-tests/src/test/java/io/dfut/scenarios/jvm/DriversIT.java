package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.internal.cluster.launch.JvmProcess;
import io.dfut.testing.JavaSource;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Drivers and nodes in JVMs of their own. */
@Timeout(240)
final class DriversIT {
  /** For a JVM to start, on a machine that has other things to do. */
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  /** Within this everything must be gone. */
  private static final Duration UNTIL_EMPTY = Duration.ofSeconds(10);

  /**
   * A dozen JVMs that start and end on two cores keep each other from answering for seconds. Nobody
   * is to be found dead for that, and everybody gets the time to leave in order: a member that is
   * gone without a word keeps others from joining until it is found dead.
   */
  private static final List<String> PATIENT =
      List.of(
          "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause=10s",
          "dfut.cluster.join-timeout=120s",
          "dfut.cluster.leave-timeout=40s",
          "dfut.pekko.coordinated-shutdown.phases.cluster-exiting.timeout=30s");

  private static final Config ADMITTED =
      ConfigFactory.parseString(
          "dfut.values.allow = [\"io.dfut.\"]\n" + String.join("\n", PATIENT));

  /** In shared memory nothing would be moved at all. */
  private static final Config PULLING =
      ConfigFactory.parseString("dfut.store.shared-memory = off").withFallback(ADMITTED);

  private final List<JvmProcess> processes = new ArrayList<>();

  private JvmProcess start(JvmProcess.Builder program) {
    JvmProcess process =
        program
            .flags("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
            .flags(PATIENT.stream().map(setting -> "-D" + setting).toArray(String[]::new))
            .start();
    processes.add(process);
    return process;
  }

  private JvmProcess node(String name, int cpus, String... join) {
    return start(JvmProcess.of(name, NodeProgram.class, join).flags("-Ddfut.cpus=" + cpus));
  }

  private static String address(JvmProcess node) {
    return saidBy(node, "ready ").substring("ready ".length());
  }

  /** What the node said last of what it holds. */
  private static String holdings(JvmProcess node) {
    return node.lines().stream()
        .filter(line -> line.startsWith("Holdings"))
        .reduce((first, second) -> second)
        .orElse("nothing said");
  }

  private static void awaitHoldings(JvmProcess node, NodeProgram.Holdings expected) {
    await("what " + node + " holds in the end")
        .atMost(UNTIL_EMPTY)
        .untilAsserted(() -> assertThat(holdings(node)).isEqualTo(expected.toString()));
  }

  private static String saidBy(JvmProcess process, String beginning) {
    return process.awaitLine(line -> line.startsWith(beginning), PATIENCE);
  }

  private static void saysNothingElse(JvmProcess node) {
    assertThat(node.lines())
        .as("what %s said besides its holdings", node)
        .filteredOn(line -> !line.contains("heartbeat interval is growing too large"))
        .allMatch(line -> line.startsWith("Holdings") || line.startsWith("ready "));
  }

  private static void endEmptyAndSilent(JvmProcess... nodes) {
    for (JvmProcess node : nodes) {
      awaitHoldings(node, NodeProgram.Holdings.NOTHING);
      saysNothingElse(node);
    }
  }

  @AfterEach
  void killAll() {
    processes.forEach(JvmProcess::close);
  }

  @Test
  @Tag("C006")
  @DisplayName("006 a large remote result is moved once, however often it is read")
  void remoteResultIsMovedOnce() {
    JvmProcess node = node("b", 2);
    int length = 10_000_000;
    byte[] expected = Bodies.bytes(7, length);
    try (DFutSystem dfut = DFutSystem.connect(address(node), PULLING)) {
      DFut<byte[]> result = dfut.task(Bodies::bytes).submit(7, length);
      for (int i = 0; i < 3; i++) {
        assertThat(result.get(PATIENCE)).isEqualTo(expected);
      }
      Inspection.Store store = dfut.inspect().store();
      assertThat(store.pulls()).isEqualTo(1);
      assertThat(store.pulledBytes()).isBetween((long) length, length + 1_000L);
      result.close();
      dfut.inspect().assertNoLeaks(UNTIL_EMPTY);
      awaitHoldings(node, NodeProgram.Holdings.NOTHING);
    }
    saysNothingElse(node);
  }

  @Test
  @Tag("C212")
  @DisplayName("212 await does not fetch; get does, once, and shows it in place")
  void awaitDoesNotFetch() {
    JvmProcess node =
        start(
            JvmProcess.of("b", NodeProgram.class)
                .flags(
                    "-Ddfut.cpus=1", "-Ddfut.store.memory=400MiB", "-XX:MaxDirectMemorySize=400m"));
    int length = 100_000_000;
    try (DFutSystem dfut =
        DFutSystem.connect(
            address(node),
            ConfigFactory.parseString("dfut.store.memory=400MiB").withFallback(PULLING))) {
      List<DFut<ByteBuffer>> results = new ArrayList<>();
      for (byte seed = 0; seed < 3; seed++) {
        results.add(dfut.task(Bodies::offHeap).submit(seed, length));
      }
      assertThat(dfut.await(results, 3, PATIENCE).ready()).isEqualTo(results);
      assertThat(dfut.inspect().store().pulls()).isZero();
      assertThat(dfut.inspect().store().usedBytes()).isLessThan(1_000_000);
      for (byte seed = 0; seed < 3; seed++) {
        ByteBuffer value = results.get(seed).get(PATIENCE);
        assertThat(value.remaining()).isEqualTo(length);
        assertThat(value.get(length - 1)).isEqualTo(seed);
        assertThat(results.get(seed).get(PATIENCE)).isEqualTo(value);
        assertThat(dfut.inspect().store().pulls()).isEqualTo(seed + 1);
      }
      assertThat(dfut.inspect().store().usedBytes()).isGreaterThan(3L * length);
      results.forEach(DFut::close);
      dfut.inspect().assertNoLeaks(UNTIL_EMPTY);
      awaitHoldings(node, NodeProgram.Holdings.NOTHING);
    }
    saysNothingElse(node);
  }

  @Test
  @Tag("C023")
  @DisplayName("023 ten drivers at once get their own answers, and leave nothing behind")
  void tenDriversAtOnce() {
    JvmProcess first = node("first", 2);
    JvmProcess second = node("second", 2, address(first));
    String join = address(first);
    address(second);
    List<JvmProcess> drivers =
        IntStream.range(0, 10)
            .mapToObj(
                i ->
                    start(
                        JvmProcess.of(
                            "driver " + i, ManyCallsProgram.class, join, "driver-" + i + "-")))
            .toList();
    for (JvmProcess driver : drivers) {
      OptionalInt code = driver.awaitExit(Duration.ofSeconds(150));
      assertThat(code).as("%s said %s", driver, driver.lines()).isEqualTo(OptionalInt.of(0));
      saidBy(driver, "done");
    }
    assertThat(drivers.stream().map(driver -> saidBy(driver, "owner ")))
        .as("who owns what each driver made")
        .doesNotHaveDuplicates();
    endEmptyAndSilent(first, second);
  }

  @Test
  @Tag("C024")
  @DisplayName("024 a driver that leaves takes its work along, apart from detached actors")
  void leavingDriverTakesItsWorkAlong() {
    JvmProcess first = node("first", 2);
    JvmProcess second = node("second", 2, address(first));
    address(second);
    JvmProcess driver = start(JvmProcess.of("leaving", LeavingProgram.class, address(first)));
    assertThat(saidBy(driver, "leaving")).isEqualTo("leaving 112 400000 " + LeavingProgram.TASKS);
    assertThat(driver.awaitExit(PATIENCE)).as("%s", driver.lines()).isEqualTo(OptionalInt.of(0));
    await("the detached actor is all that is left")
        .atMost(UNTIL_EMPTY)
        .untilAsserted(
            () -> {
              List<String> held = List.of(holdings(first), holdings(second));
              assertThat(held).allMatch(line -> line.contains("bodies=0"));
              assertThat(held).allMatch(line -> line.contains("objects=0, bytes=0"));
              assertThat(held).allMatch(line -> line.contains("rows=0"));
              assertThat(held.stream().filter(line -> line.contains("actors=1")))
                  .as("the one with the actor among %s", held)
                  .hasSize(1);
              assertThat(held.stream().filter(line -> line.contains("actors=0")))
                  .as("the one without it among %s", held)
                  .hasSize(1);
            });
    try (DFutSystem other = DFutSystem.connect(address(second), ADMITTED)) {
      ActorHandle<Bodies.Counter> survivor =
          other.getActor(Bodies.Counter.class, "survivor").orElseThrow();
      DFut<Integer> call = survivor.task(Bodies.Counter::add).submit(1);
      assertThat(call.get(PATIENCE)).isEqualTo(102);
      call.close();
      other.kill(survivor);
      survivor.close();
      other.inspect().assertNoLeaks(UNTIL_EMPTY);
    }
    endEmptyAndSilent(first, second);
  }

  private static final String ONLY_HERE =
      """
      package io.dfut.scenarios.only;

      import com.typesafe.config.ConfigFactory;
      import io.dfut.DFut;
      import io.dfut.DFutException;
      import io.dfut.DFutSystem;
      import io.dfut.scenarios.jvm.Bodies;
      import java.time.Duration;

      public final class OnlyHere {
        record Value(int number) {}

        static int square(int x) {
          return x * x;
        }

        static int numberOf(Value value) {
          return value.number();
        }

        public static void main(String[] args) {
          try (DFutSystem dfut =
              DFutSystem.connect(
                  args[0], ConfigFactory.parseString("dfut.values.allow = [\\"io.dfut.\\"]"))) {
            for (int i = 0; i < 10; i++) {
              say(dfut.task(OnlyHere::square).submit(i));
              say(dfut.task(Bodies::same).submit(new Value(i)));
              say(dfut.task(Bodies::increment).submit(i));
            }
          }
        }

        private static void say(DFut<?> result) {
          try {
            System.out.println("value " + result.get(Duration.ofSeconds(30)));
          } catch (DFutException e) {
            System.out.println(e.getClass().getSimpleName() + " " + e.getMessage());
          }
        }
      }
      """;

  private static void compileOnlyHere(Path folder) throws IOException {
    Files.createDirectories(folder);
    boolean good =
        ToolProvider.getSystemJavaCompiler()
            .getTask(
                null,
                null,
                null,
                List.of(
                    "-proc:none",
                    "-d",
                    folder.toString(),
                    "-classpath",
                    System.getProperty("java.class.path")),
                null,
                List.of(new JavaSource("OnlyHere.java", ONLY_HERE)))
            .call();
    assertThat(good).as("the driver's own class compiles").isTrue();
  }

  @Test
  @Tag("C270")
  @DisplayName("270 a class that only the driver has is named, with the node, every time")
  void classThatOnlyTheDriverHasIsNamed(@TempDir Path folder) throws IOException {
    compileOnlyHere(folder);
    JvmProcess node = node("without the class", 2);
    String address = address(node);
    JvmProcess driver =
        start(
            JvmProcess.of("with the class", OnlyHereLauncher.class, address)
                .classPath(folder + File.pathSeparator + System.getProperty("java.class.path")));
    assertThat(driver.awaitExit(PATIENCE)).as("%s", driver.lines()).isEqualTo(OptionalInt.of(0));
    List<String> said = driver.lines();
    assertThat(said).hasSize(30);
    for (int i = 0; i < 10; i++) {
      assertThat(said.get(3 * i))
          .startsWith("TaskNotAllowedException ")
          .contains("io.dfut.scenarios.only.OnlyHere")
          .contains(address)
          .contains("class path");
      assertThat(said.get(3 * i + 1))
          .startsWith("SerializationException ")
          .contains("io.dfut.scenarios.only.OnlyHere$Value")
          .contains(address)
          .contains("class path");
      assertThat(said.get(3 * i + 2)).isEqualTo("value " + (i + 1));
    }
    endEmptyAndSilent(node);
  }

  /** Starts the class that does not exist when this one is compiled. */
  static final class OnlyHereLauncher {
    private OnlyHereLauncher() {}

    public static void main(String[] args) throws ReflectiveOperationException {
      Class.forName("io.dfut.scenarios.only.OnlyHere")
          .getMethod("main", String[].class)
          .invoke(null, (Object) args);
    }
  }
}
