package io.dfut.samples.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Programs of the benchmarks that run in JVMs of their own. */
final class OtherJvm {
  /** What else it said is kept for the message when it fails. */
  private static final int SAID_MAX = 20;

  /** Where the launcher leaves its flags. */
  private static final String LAUNCHER = "DFUT_JVM_FLAGS";

  /**
   * The launcher's flags for quick starts of small JVMs, which cost speed once a JVM is warm: the
   * compiler waits, the heap begins small, the collector is the serial one.
   */
  private static final List<String> FOR_STARTS =
      List.of("-XX:CompileThresholdScaling=", "-XX:+UseSerialGC", "-Xms64m", "-XX:AOTCache=");

  private OtherJvm() {}

  private static List<String> launcherFlags() {
    String flags = System.getenv(LAUNCHER);
    return flags == null ? List.of() : flags.lines().filter(line -> !line.isBlank()).toList();
  }

  /** Those without what is for quick starts, unless the user gave it. */
  private static List<String> plainFlags() {
    String given = System.getenv("DFUT_JAVA_OPTS");
    List<String> users = given == null ? List.of() : List.of(given.trim().split("\\s+"));
    return launcherFlags().stream()
        .filter(flag -> users.contains(flag) || FOR_STARTS.stream().noneMatch(flag::startsWith))
        .toList();
  }

  /** The beginning of a command line: this JVM's own Java, the launcher's flags, our settings. */
  static List<String> java(List<String> settings) {
    List<String> command = javaWith(launcherFlags());
    settings.forEach(setting -> command.add("-D" + setting));
    return command;
  }

  private static List<String> javaWith(List<String> flags) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    return command;
  }

  /** Ends the flags of a command line: our class path, and the program. */
  static void program(List<String> command, Class<?> main, List<String> arguments) {
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(arguments);
  }

  /**
   * Runs a program to its end, in a JVM like that of a user who embeds us, and so does it with
   * those that it starts.
   *
   * @param result how lines begin that are its results
   * @return those lines, without their beginning; at least one
   * @throws IOException when it ended without any, with what it said instead
   */
  static List<String> runPlain(Class<?> main, List<String> arguments, String result)
      throws IOException {
    List<String> flags = plainFlags();
    List<String> command = javaWith(flags);
    program(command, main, arguments);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put(LAUNCHER, String.join("\n", flags));
    return run(builder, result);
  }

  /**
   * Runs a program to its end.
   *
   * @param flags of its JVM, beside the launcher's
   * @param result how lines begin that are its results
   * @return those lines, without their beginning; at least one
   * @throws IOException when it ended without any, with what it said instead
   */
  static List<String> run(Class<?> main, List<String> flags, List<String> arguments, String result)
      throws IOException {
    List<String> command = java(List.of());
    command.addAll(flags);
    program(command, main, arguments);
    return run(new ProcessBuilder(command), result);
  }

  private static List<String> run(ProcessBuilder builder, String result) throws IOException {
    Process process = builder.redirectErrorStream(true).start();
    List<String> results = new ArrayList<>();
    List<String> said = new ArrayList<>();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith(result)) {
          results.add(line.substring(result.length()));
        } else if (said.size() < SAID_MAX) {
          said.add(line);
        }
      }
      if (!process.waitFor(1, TimeUnit.MINUTES)) {
        process.destroyForcibly();
      } else if (process.exitValue() != 0) {
        results.clear(); // it failed in the middle
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    if (results.isEmpty()) {
      throw new IOException("it ended without a result: " + String.join("\n", said));
    }
    return results;
  }
}
