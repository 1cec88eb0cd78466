package io.dfut.internal.cluster.launch;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * {@code ./dfut demo}: a cluster of three JVMs on this machine, this one the third of them, which
 * runs the search and stops the other two at its end, whatever end that is.
 */
final class DemoCommand {
  private static final String SAMPLE = "search";
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(8);

  private final Command.Demo demo;
  private final List<JvmProcess> nodes = new ArrayList<>();
  private final AtomicBoolean ending = new AtomicBoolean();

  DemoCommand(Command.Demo demo) {
    this.demo = demo;
  }

  void run() throws Programs.ProgramFailure, IllegalAccessException {
    List<String> arguments = new ArrayList<>(demo.arguments());
    if (demo.local()) {
      arguments.addFirst("--local");
    } else {
      String address = "127.0.0.1:" + freePort();
      Runtime.getRuntime().addShutdownHook(new Thread(this::stopNodes, "stop the nodes"));
      // All three JVMs start at the same time; each waits for the others.
      startNode("node-1", "--port", address.substring(address.indexOf(':') + 1));
      startNode("node-2", "--join", address);
      System.setProperty("dfut.cluster.nodes-min", "3");
      System.setProperty("dfut.cluster.join-timeout", "30s");
      arguments.addAll(0, List.of("--cluster", address));
    }
    Programs.sample(SAMPLE, arguments);
    System.exit(0);
  }

  /**
   * Free now; should somebody take it before the node does, the node says so, and the demo ends.
   */
  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new IllegalStateException("no port is free on 127.0.0.1: " + e.getMessage(), e);
    }
  }

  private void startNode(String name, String... options) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "start", "--host", "127.0.0.1", "--allow", "io.dfut.samples.", "--with-parent"));
    arguments.addAll(List.of(options));
    JvmProcess node =
        JvmProcess.of(name, Launcher.class, arguments.toArray(String[]::new))
            .flags("-Ddfut.cluster.join-timeout=30s")
            .onLine(line -> show(name, line))
            .start();
    nodes.add(node);
    Thread.ofPlatform().name("watch " + name).daemon().start(() -> watch(node));
  }

  /** That it is ready is no news: the search tells on how many nodes it runs. */
  private static void show(String name, String line) {
    if (!line.startsWith("node ")) {
      System.err.println("[" + name + "] " + line);
    }
  }

  private void watch(JvmProcess node) {
    node.awaitExit(Duration.ofDays(1));
    if (!ending.get()) {
      Launcher.exit(1, node.name() + " ended; what it said is above");
    }
  }

  private void stopNodes() {
    ending.set(true);
    nodes.forEach(JvmProcess::requestStop);
    nodes.forEach(node -> node.stop(STOP_PATIENCE));
  }
}
