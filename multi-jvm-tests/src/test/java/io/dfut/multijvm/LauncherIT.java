package io.dfut.multijvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.dfut.internal.cluster.launch.JvmProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The real script, real JVMs. */
@Timeout(300)
class LauncherIT {
  /** Generous: the machine of a build is busy. */
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private static final Path ROOT = root();

  private final List<JvmProcess> processes = new ArrayList<>();

  private static Path root() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.isRegularFile(folder.resolve("dfut"))) {
      folder = folder.getParent();
    }
    return folder;
  }

  private JvmProcess dfut(String... arguments) {
    return dfut(Map.of(), arguments);
  }

  private JvmProcess dfut(Map<String, String> environment, String... arguments) {
    // A build that runs in the background ignores Ctrl-C, and its children would too.
    List<String> command =
        new ArrayList<>(
            List.of("/usr/bin/env", "--default-signal=INT", ROOT.resolve("dfut").toString()));
    command.addAll(List.of(arguments));
    JvmProcess process =
        JvmProcess.command(
            "dfut " + String.join(" ", arguments),
            ROOT,
            environment,
            command.toArray(String[]::new));
    processes.add(process);
    return process;
  }

  private static String ready(JvmProcess node) {
    return node.awaitLine(line -> line.startsWith("node "), PATIENCE);
  }

  /** {@code host:port} in {@code node host:port#incarnation ready, 2 cpus}. */
  private static String address(String readyLine) {
    return readyLine.substring("node ".length(), readyLine.indexOf('#'));
  }

  private static void assertFails(JvmProcess process, int code, String... parts) {
    assertThat(process.awaitExit(PATIENCE)).isEqualTo(OptionalInt.of(code));
    assertThat(process.lines())
        .as("what %s said", process)
        .singleElement()
        .asString()
        .contains(parts);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Whatever the first process would say of building and caching is said here. */
  @BeforeAll
  static void buildAndMakeTheCache() {
    try (JvmProcess first =
        JvmProcess.command(
            "first", ROOT, Map.of(), ROOT.resolve("dfut").toString(), "sample", "none")) {
      assertThat(first.awaitExit(Duration.ofSeconds(240))).isPresent();
    }
  }

  @AfterEach
  void killAll() {
    processes.forEach(JvmProcess::close);
  }

  @Test
  void nodesStartJoinWorkAndStopInOrder() throws IOException {
    JvmProcess first =
        dfut("start", "--port", String.valueOf(freePort()), "--allow", "io.dfut.samples.");
    String line = ready(first);
    assertThat(line).matches("node 127\\.0\\.0\\.1:\\d+#[0-9a-f]+ ready, \\d+ cpus");
    JvmProcess second =
        dfut("start", "--join", address(line), "--cpus", "1", "--allow", "io.dfut.samples.");
    assertThat(ready(second)).endsWith("ready, 1 cpus");

    JvmProcess program = dfut("run", "--cluster", address(line), "io.dfut.samples.Quickstart");
    assertThat(program.awaitExit(PATIENCE)).isEqualTo(OptionalInt.of(0));
    assertThat(program.lines()).containsExactly("105");

    JvmProcess inspection = dfut("inspect", address(line));
    assertThat(inspection.awaitExit(PATIENCE)).isEqualTo(OptionalInt.of(0));
    assertThat(inspection.lines())
        .filteredOn(said -> said.startsWith("node "))
        .as("two nodes, and the driver that looks")
        .hasSize(3)
        .anyMatch(said -> said.contains(address(line)));

    assertThat(second.stop(PATIENCE)).isEqualTo(OptionalInt.of(0));
    first.interrupt();
    assertThat(first.awaitExit(PATIENCE)).isEqualTo(OptionalInt.of(0));
    assertThat(first.lines()).containsExactly(line);
  }

  @Test
  void aProgramRunsInOneJvmToo() {
    JvmProcess program = dfut("sample", "quickstart");

    assertThat(program.awaitExit(PATIENCE)).isEqualTo(OptionalInt.of(0));
    assertThat(program.lines()).containsExactly("105");
  }

  @Test
  void aTakenPortIsNamed() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = String.valueOf(taken.getLocalPort());

      assertFails(
          dfut("start", "--port", port),
          1,
          "dfut: port " + port + " on 127.0.0.1 is taken; choose another with",
          "--port");
    }
  }

  @Test
  void anAddressWhereNobodyListensIsNamed() throws IOException {
    String address = "127.0.0.1:" + freePort();

    assertFails(
        dfut(
            Map.of("DFUT_JAVA_OPTS", "-Ddfut.cluster.join-timeout=1s"), "start", "--join", address),
        1,
        "dfut: nobody answers at " + address,
        "start a node there first");
    assertFails(
        dfut("run", "--cluster", address, "io.dfut.samples.Quickstart"),
        1,
        "dfut: nobody answers at " + address);
    assertFails(dfut("inspect", address), 1, "dfut: nobody answers at " + address);
  }

  @Test
  void badInputIsOneLineAndACode() {
    assertFails(dfut("strat"), 2, "unknown command \"strat\", did you mean start?", "--help");
    assertFails(dfut("start", "--prot", "1"), 2, "unknown option --prot, did you mean --port?");
    assertFails(dfut("start", "--port", "x"), 2, "--port is \"x\"");
    assertFails(dfut("run", "com.acme.Missing"), 2, "there is no class com.acme.Missing", "--app");
    assertFails(dfut("sample", "missing"), 2, "there is no sample missing");
    assertFails(dfut("start", "--host", "203.0.113.1"), 1, "203.0.113.1 is no address of this");
    assertFails(
        dfut(Map.of("DFUT_JAVA_OPTS", "-Ddfut.cpus=many"), "start"), 2, "dfut.cpus is \"many\"");
  }

  @Test
  void theSimulatorRunsARangeOfSeeds() {
    JvmProcess sim = dfut("sim", "--seeds", "200", "--from-seed", "7");

    assertThat(sim.awaitExit(PATIENCE)).as("%s", sim.lines()).isEqualTo(OptionalInt.of(0));

    assertThat(sim.lines().getFirst())
        .startsWith("commit ")
        .contains("seeds 7 to 206: 200 seeds, ", "every promise was kept");
    assertFails(dfut("sim", "--seeds", "none"), 2, "dfut: --seeds is \"none\"", "--help");
  }

  @Test
  void theExplorerRunsAScenario() {
    JvmProcess explorer =
        dfut("sim", "--exhaustive", "--scenario", "way-back", "--repeats", "0", "--depth", "12");

    assertThat(explorer.awaitExit(PATIENCE))
        .as("%s", explorer.lines())
        .isEqualTo(OptionalInt.of(0));
    assertThat(explorer.lines()).anyMatch(line -> line.matches("way-back +[0-9,]+ states.*"));
  }

  @Test
  void anInterruptedSimulationSaysHowToGoOn() {
    JvmProcess sim =
        dfut(
            Map.of("DFUT_JAVA_OPTS", "-Ddfut.sim.progress-millis=200"),
            "sim",
            "--seeds",
            "1000000000");
    sim.awaitLine(line -> line.contains("go on from seed"), PATIENCE);

    sim.interrupt();

    assertThat(sim.awaitExit(PATIENCE)).isEqualTo(OptionalInt.of(130));
    assertThat(sim.lines())
        .anyMatch(line -> line.matches("stopped; to go on: ./dfut sim --from-seed \\d+ .*"));
  }

  @Test
  void theSimulatorIsNotAmongWhatNodesRun() throws IOException {
    try (Stream<Path> jars = Files.list(ROOT.resolve("target/dist/lib"))) {
      assertThat(jars.map(Path::getFileName).map(Path::toString))
          .isNotEmpty()
          .noneMatch(name -> name.contains("simulator") || name.contains("tests"));
    }
    try (Stream<Path> jars = Files.list(ROOT.resolve("target/dist/sim"))) {
      assertThat(jars.map(Path::getFileName).map(Path::toString))
          .singleElement()
          .asString()
          .contains("simulator");
    }
  }

  @Test
  void aMissingJdkIsSaidPlainly(@TempDir Path empty) throws IOException {
    // A PATH with the tools that the script needs, and no Java anywhere.
    for (String tool : List.of("bash", "dirname", "sed", "readlink")) {
      executable(
          empty.resolve(tool),
          "#!/bin/bash\nexec \"$(PATH=/usr/bin:/bin type -P " + tool + ")\" \"$@\"\n");
    }
    String script = Files.readString(ROOT.resolve("dfut")).replace("/usr/lib/jvm/*", "/none/*");
    Path copy = empty.resolve("dfut");
    executable(copy, script);

    JvmProcess process =
        JvmProcess.command(
            "no JDK",
            empty,
            Map.of("PATH", empty.toString(), "JAVA_HOME", "", "HOME", empty.toString()),
            "/usr/bin/env",
            "-u",
            "JAVA25_HOME",
            empty.resolve("bash").toString(),
            copy.toString(),
            "--help");
    processes.add(process);

    assertFails(process, 1, "dfut: needs a JDK 25 or newer, and found none", "JAVA_HOME");
  }

  private static void executable(Path file, String script) throws IOException {
    Files.writeString(file, script);
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  @Test
  void nodesEndWithWhoeverStartedThem() {
    JvmProcess demo = dfut("demo", "--limit-files", "400");
    // The search is running on all three when it says how many files it has.
    demo.awaitLine(line -> line.contains("files"), PATIENCE);
    List<ProcessHandle> nodes = ProcessHandle.of(demo.pid()).orElseThrow().descendants().toList();
    assertThat(nodes).hasSize(2);

    demo.kill();

    await("the demo's nodes end when it was killed")
        .atMost(PATIENCE)
        .until(() -> nodes.stream().noneMatch(ProcessHandle::isAlive));
  }

  @Test
  void theDemoAnswersAndLeavesNothingRunning() {
    JvmProcess demo = dfut("demo", "--limit-files", "300");
    demo.awaitLine(line -> line.contains("files"), PATIENCE);
    List<ProcessHandle> nodes = ProcessHandle.of(demo.pid()).orElseThrow().descendants().toList();

    assertThat(demo.awaitExit(PATIENCE)).as("%s", demo.lines()).isEqualTo(OptionalInt.of(0));

    assertThat(demo.lines()).anyMatch(line -> line.contains("Answers"));
    assertThat(nodes).hasSize(2).noneMatch(ProcessHandle::isAlive);
  }

  @Test
  void anInterruptedDemoLeavesNothingRunning() {
    JvmProcess demo = dfut("demo");
    demo.awaitLine(line -> line.contains("files"), PATIENCE);
    List<ProcessHandle> nodes = ProcessHandle.of(demo.pid()).orElseThrow().descendants().toList();
    assertThat(nodes).hasSize(2);

    demo.interrupt();

    assertThat(demo.awaitExit(PATIENCE)).isEqualTo(OptionalInt.of(130));
    assertThat(nodes).noneMatch(ProcessHandle::isAlive);
  }
}
