package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.internal.cluster.launch.JvmProcess;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Nodes that the machine does not give what they need: each ends, and says why in one error. */
@Timeout(120)
final class LimitsIT {
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  /** Where nobody may make a directory, whoever runs the test. */
  private static final String UNWRITABLE = "/proc";

  private static JvmProcess node(String name, String... flags) {
    return JvmProcess.of(name, NodeProgram.class)
        .flags("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Ddfut.cpus=1")
        .flags(flags)
        .start();
  }

  /** The same with few file descriptors. */
  private static JvmProcess nodeWithDescriptors(int most) {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    List<String> command = new ArrayList<>(List.of("bash", "-c"));
    command.add("ulimit -n " + most + " && exec \"$@\"");
    command.addAll(List.of("bash", java, "-Xmx128m", "-XX:+UseSerialGC", "-XX:-MaxFDLimit"));
    command.addAll(List.of("-Ddfut.cpus=1", "-cp", System.getProperty("java.class.path")));
    command.add(NodeProgram.class.getName());
    return JvmProcess.command(
        "descriptors", Path.of("").toAbsolutePath(), Map.of(), command.toArray(String[]::new));
  }

  @Test
  @Tag("C296")
  @DisplayName("296 what the machine does not give is named in one error, and no node is left")
  void whatIsMissingIsNamedAndNothingIsLeft() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = taken.getLocalPort();
      Map<JvmProcess, String> expected = new LinkedHashMap<>();
      expected.put(
          node("port", "-Ddfut.cluster.port=" + port),
          "IllegalStateException: port " + port + " on 127.0.0.1 is taken; choose another");
      expected.put(
          node("data port", "-Ddfut.store.data.port=" + port),
          "IllegalArgumentException: dfut.store.data.host and dfut.store.data.port are 127.0.0.1"
              + " and "
              + port);
      expected.put(
          node("shared memory", "-Ddfut.store.shared-memory=" + UNWRITABLE),
          "IllegalArgumentException: dfut.store.shared-memory is " + UNWRITABLE);
      expected.put(
          node("spilling", "-Ddfut.store.spill.directories.0=" + UNWRITABLE),
          "IllegalArgumentException: dfut.store.spill.directories names no directory that can be"
              + " used: "
              + UNWRITABLE);
      expected.put(
          node("direct memory", "-XX:MaxDirectMemorySize=1m"),
          "IllegalStateException: -XX:MaxDirectMemorySize is 1048576");
      expected.put(
          nodeWithDescriptors(96), "IllegalStateException: this process may open 96 files");
      try {
        expected.forEach(
            (process, error) -> {
              OptionalInt code = process.awaitExit(PATIENCE);
              assertThat(code).as("%s: %s", process, process.lines()).hasValue(1);
              assertThat(process.lines())
                  .as("%s", process)
                  .noneMatch(line -> line.startsWith("ready "))
                  .noneMatch(line -> line.contains(" ERROR "));
              assertThat(
                      process.lines().stream()
                          .filter(line -> line.startsWith("Exception in thread"))
                          .toList())
                  .as("%s: %s", process, process.lines())
                  .singleElement()
                  .asString()
                  .contains(error);
            });
      } finally {
        expected.keySet().forEach(JvmProcess::close);
      }
    }
  }
}
