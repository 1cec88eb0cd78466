package io.dfut.samples.bench;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFutSystem;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A node in a JVM of its own, as a program and as what the benchmark has in its hands. */
final class BenchNode implements AutoCloseable {
  private static final String READY = "ready ";

  private final Process process;
  private final String address;

  private BenchNode(Process process, String address) {
    this.process = process;
    this.address = address;
  }

  /** Its settings come as system properties; it ends with its input. */
  public static void main(String[] args) throws IOException {
    try (DFutSystem node =
        DFutSystem.start(
            PingPong.CONFIG.withFallback(
                ConfigFactory.parseString(
                    """
                    dfut.tasks.allow = ["io.dfut.samples."]
                    dfut.values.allow = ["io.dfut.samples."]
                    dfut.cluster.join = [%s]
                    """
                        .formatted(args.length == 0 ? "" : '"' + args[0] + '"'))))) {
      PingPong.answerAt(node);
      System.out.println(READY + node.node().address());
      while (System.in.read() >= 0) {
        // only the end counts
      }
    }
    System.exit(0);
  }

  /**
   * Starts one and waits until it is a member.
   *
   * @param join a member of its cluster, if there is one
   */
  static BenchNode start(List<String> settings, String... join) throws IOException {
    List<String> command = OtherJvm.java(settings);
    OtherJvm.program(command, BenchNode.class, List.of(join));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.startsWith(READY)) {
        Thread.ofVirtual().start(() -> out.lines().forEach(rest -> {}));
        return new BenchNode(process, line.substring(READY.length()));
      }
    }
    process.destroyForcibly();
    throw new IOException("a node ended before it was ready");
  }

  String address() {
    return address;
  }

  /** It does nothing any more, and its connections stay open. */
  void freeze() {
    try {
      new ProcessBuilder("kill", "-STOP", Long.toString(process.pid())).start().waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException("a process cannot be stopped here", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends it as a crash would, and waits until it is gone. */
  void kill() {
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    try {
      process.getOutputStream().close();
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
