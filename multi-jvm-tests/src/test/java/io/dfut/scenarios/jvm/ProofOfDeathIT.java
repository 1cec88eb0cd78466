package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.OwnerDiedException;
import io.dfut.SharedDFut;
import io.dfut.internal.cluster.launch.JvmProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.cluster.Cluster;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** JVMs that are killed, frozen, or cannot be reached, and what the others make of it. */
@Timeout(240)
final class ProofOfDeathIT {
  /** For JVMs to start, on a machine that has other things to do. */
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  /** Silence after which the failure detector speaks, and how long the resolver waits then. */
  private static final Duration PAUSE = Duration.ofSeconds(5);

  private static final Duration STABLE = Duration.ofSeconds(2);

  /**
   * Within this a kill is known to all. Before the pause is over, nothing but a proof can tell: a
   * bound that a loaded machine keeps, and that cannot be kept without proofs. What it takes on one
   * that is not is printed, and measured by {@code bench recovery}.
   */
  private static final Duration AT_ONCE = PAUSE;

  /** What a node logs of a death that was proven. */
  private static final String PROVEN = " is dead: ";

  private static final String NO_LOCKS = "dfut.cluster.proof-of-death.lock-directory=off";

  private static final List<String> SETTINGS =
      List.of(
          "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause="
              + PAUSE.toMillis()
              + "ms",
          "dfut.pekko.cluster.split-brain-resolver.stable-after=" + STABLE.toMillis() + "ms",
          "dfut.cluster.join-timeout=60s", // many JVMs start at once
          "pekko.remote.artery.bind.bind-timeout=60s",
          // The nodes are of one host; here they stand for nodes of many, which have copies.
          "dfut.store.shared-memory=off");

  private final List<JvmProcess> processes = new ArrayList<>();

  /** A line of a process, which may come again. */
  private record Said(String by, String line, long atNanos) {}

  private final List<Said> said = new CopyOnWriteArrayList<>();

  /**
   * A node that says {@code sees N}, the nodes that offer work, and {@code members N}, those of the
   * cluster, whenever that changes; and {@code works N} when it has run a task after it did.
   */
  static final class Watcher {
    private Watcher() {}

    public static void main(String[] args) throws IOException {
      NodeProgram.run(
          args,
          ConfigFactory.empty(),
          node -> {
            Watch watch = new Watch(node);
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().name("watch").daemon().factory())
                .scheduleWithFixedDelay(watch::look, 0, 5, TimeUnit.MILLISECONDS);
          });
    }

    private static final class Watch {
      private final DFutSystem node;
      private final Cluster cluster;
      private int seen;
      private int members;

      Watch(DFutSystem node) {
        this.node = node;
        cluster = Cluster.get(Adapter.toClassic(node.actorSystem()));
      }

      void look() {
        int membersNow = cluster.state().members().size();
        if (members != membersNow) {
          members = membersNow;
          System.out.println("members " + members);
        }
        int seenNow = node.nodes().size();
        if (seen != seenNow) {
          seen = seenNow;
          System.out.println("sees " + seen);
          // Elsewhere: a task that does not end is not to look like a cluster that stays as it is.
          Thread.ofVirtual().start(() -> work(seenNow));
        }
      }

      private void work(int seenNow) {
        try (DFut<Integer> task = node.task(Bodies::increment).submit(seenNow - 1)) {
          System.out.println("works " + task.get(PATIENCE));
        } catch (RuntimeException e) {
          System.out.println("over: " + e);
        }
      }
    }
  }

  private JvmProcess start(String name, Class<?> program, List<String> settings, String... join) {
    JvmProcess process =
        JvmProcess.of(name, program, join)
            .flags("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Ddfut.cpus=2")
            .flags(
                Stream.concat(SETTINGS.stream(), settings.stream())
                    .map(setting -> "-D" + setting)
                    .toArray(String[]::new))
            .onLine(line -> said.add(new Said(name, line, System.nanoTime())))
            .start();
    processes.add(process);
    return process;
  }

  private static String address(JvmProcess node) {
    return node.awaitLine(line -> line.startsWith("ready "), PATIENCE).substring("ready ".length());
  }

  /** So many nodes that all see each other. */
  private List<JvmProcess> cluster(int size, String... settings) {
    List<JvmProcess> nodes = new ArrayList<>();
    nodes.add(start("0", Watcher.class, List.of(settings)));
    String join = address(nodes.getFirst());
    for (int i = 1; i < size; i++) {
      nodes.add(start(Integer.toString(i), Watcher.class, List.of(settings), join));
    }
    nodes.forEach(ProofOfDeathIT::address); // or it says why it could not start
    nodes.forEach(node -> node.awaitLine(("works " + size)::equals, PATIENCE));
    return nodes;
  }

  private Optional<Duration> saidSince(long momentNanos, JvmProcess node, String line) {
    return said.stream()
        .filter(each -> each.by().equals(node.name()) && each.line().equals(line))
        .map(each -> each.atNanos() - momentNanos)
        .filter(afterNanos -> afterNanos >= 0)
        .map(Duration::ofNanos)
        .findFirst();
  }

  /** Waits until it says so, and gives how long after that moment. */
  private Duration saidAfter(long momentNanos, JvmProcess node, String line) {
    await("a line of " + node)
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(saidSince(momentNanos, node, line))
                    .as("when %s said \"%s\"; it said %s", node, line, node.lines())
                    .isPresent());
    Duration after = saidSince(momentNanos, node, line).orElseThrow();
    System.out.printf("%s: \"%s\" after %d ms%n", node, line, after.toMillis());
    return after;
  }

  private static List<String> proofs(JvmProcess node) {
    return node.lines().stream().filter(line -> line.contains(PROVEN)).toList();
  }

  @AfterEach
  void killAll() {
    processes.forEach(JvmProcess::close);
  }

  // ---- killed ----

  private void killOf(List<JvmProcess> nodes, List<JvmProcess> victims) {
    List<JvmProcess> survivors = new ArrayList<>(nodes);
    survivors.removeAll(victims);
    long killedAtNanos = System.nanoTime();
    victims.forEach(victim -> ProcessHandle.of(victim.pid()).orElseThrow().destroyForcibly());
    for (JvmProcess survivor : survivors) {
      int left = survivors.size();
      assertThat(saidAfter(killedAtNanos, survivor, "sees " + left)).isLessThan(AT_ONCE);
    }
    // Later the detector finds the same, and the resolver has nothing left to decide.
    for (JvmProcess survivor : survivors) {
      int left = survivors.size();
      saidAfter(killedAtNanos, survivor, "members " + left);
      saidAfter(killedAtNanos, survivor, "works " + left);
    }
    for (JvmProcess survivor : survivors) {
      assertThat(survivor.lines())
          .as("what %s said", survivor)
          .noneMatch(line -> line.startsWith("over") || line.contains("has to stop"));
      assertThat(survivor.isAlive()).isTrue();
    }
  }

  @Test
  @DisplayName("one of three is killed: the others know at once, by its lock")
  void oneOfThreeIsKilled() {
    List<JvmProcess> nodes = cluster(3);
    killOf(nodes, nodes.subList(0, 1));
    assertThat(proofs(nodes.get(1)))
        .anyMatch(line -> line.contains("the lock that its process held is free"));
  }

  @Test
  @DisplayName("the same where no lock can be seen: two of three nodes are refused by its ports")
  void oneOfThreeIsKilledWithoutLocks() {
    List<JvmProcess> nodes = cluster(3, NO_LOCKS);
    killOf(nodes, nodes.subList(0, 1));
    assertThat(nodes.stream().flatMap(node -> proofs(node).stream()))
        .isNotEmpty()
        .allMatch(line -> line.contains("its ports refuse"));
  }

  private static List<JvmProcess> lowestFirst(List<JvmProcess> nodes) {
    // As the split-brain resolver orders them: all are of one host.
    return nodes.stream()
        .sorted(
            Comparator.comparingInt(
                node -> Integer.parseInt(address(node).substring("127.0.0.1:".length()))))
        .toList();
  }

  @Test
  @DisplayName("of two nodes the one with the lowest address is killed: the other lives, and works")
  void lowerOfTwoIsKilled() {
    List<JvmProcess> nodes = lowestFirst(cluster(2));
    killOf(nodes, nodes.subList(0, 1));
  }

  @Test
  @DisplayName(
      "of two nodes the one with the highest address is killed: the other lives, and works")
  void higherOfTwoIsKilled() {
    List<JvmProcess> nodes = lowestFirst(cluster(2));
    killOf(nodes, nodes.subList(1, 2));
  }

  @Test
  @DisplayName("three of five are killed at once: the two others go on, and see each other")
  void threeOfFiveAreKilled() {
    List<JvmProcess> nodes = cluster(5);
    killOf(nodes, lowestFirst(nodes).subList(0, 3));
  }

  private static Config connecting(String more) {
    return ConfigFactory.parseString(
        "dfut.values.allow = [\"io.dfut.\"]\n" + String.join("\n", SETTINGS) + "\n" + more);
  }

  /** A driver with a task that does not end by itself. */
  static final class BusyDriver {
    private BusyDriver() {}

    public static void main(String[] args) {
      DFutSystem driver = DFutSystem.connect(args[0], connecting(""));
      System.out.println(driver.task(Bodies::untilInterrupted).submit().get(PATIENCE));
    }
  }

  private static String holdings(JvmProcess node) {
    return node.lines().stream()
        .filter(line -> line.startsWith("Holdings"))
        .reduce((first, second) -> second)
        .orElse("nothing said");
  }

  @Test
  @DisplayName("a driver is killed: at once its task is stopped and nothing of it is left")
  void driverIsKilled() {
    JvmProcess node = start("node", NodeProgram.class, List.of());
    JvmProcess driver = start("driver", BusyDriver.class, List.of(), address(node));
    await("the driver's task runs")
        .atMost(PATIENCE)
        .until(() -> holdings(node).contains("bodies=1"));
    long killedAtNanos = System.nanoTime();
    driver.kill();
    await("what the driver had")
        .atMost(AT_ONCE)
        .pollInterval(Duration.ofMillis(5))
        .until(() -> holdings(node).equals(NodeProgram.Holdings.NOTHING.toString()));
    System.out.printf(
        "nothing of the driver after %d ms%n", (System.nanoTime() - killedAtNanos) / 1_000_000);
    assertThat(proofs(node)).hasSize(1);
  }

  // ---- and what was lost is made again, in time ----

  private static byte[] next(byte[] before) {
    byte[] after = before.clone();
    after[0]++;
    return after;
  }

  private static NodeId nodeAt(DFutSystem dfut, String address) {
    await("the node at " + address)
        .atMost(PATIENCE)
        .until(() -> dfut.nodes().stream().anyMatch(node -> node.address().equals(address)));
    return dfut.nodes().stream()
        .filter(node -> node.address().equals(address))
        .findFirst()
        .orElseThrow();
  }

  @Test
  @DisplayName("a killed node's chain of ten objects of 1 MiB is made again and read at once")
  void lostChainIsMadeAgain() {
    JvmProcess victim = start("victim", Watcher.class, List.of());
    String first = address(victim);
    try (DFutSystem dfut = DFutSystem.connect(first, connecting(""))) {
      List<DFut<byte[]>> chain = new ArrayList<>();
      chain.add(dfut.task(Bodies::bytes).submit(1, 1 << 20));
      for (int i = 1; i < 10; i++) {
        chain.add(dfut.task(ProofOfDeathIT::next).submit(chain.getLast()));
      }
      dfut.await(chain, chain.size(), PATIENCE);
      JvmProcess other = start("other", Watcher.class, List.of(), first);
      NodeId second = nodeAt(dfut, address(other));
      for (int i = 0; i < 200; i++) { // a node that has done something before
        byte[] small = Bodies.bytes(i, 100_000);
        dfut.task(ProofOfDeathIT::next).on(second).submit(small).get(PATIENCE);
      }
      byte[] expected = Bodies.bytes(1, 1 << 20);
      expected[0] += 9;
      long killedAtNanos = System.nanoTime();
      victim.kill();
      assertThat(chain.getLast().get(PATIENCE)).isEqualTo(expected);
      Duration after = Duration.ofNanos(System.nanoTime() - killedAtNanos);
      System.out.printf("the chain was made again and read %d ms after%n", after.toMillis());
      assertThat(after).isLessThan(AT_ONCE);
    }
  }

  private static SharedDFut<Boolean> startAndShare() {
    return io.dfut.DFutContext.current().task(Bodies::untilInterrupted).submit().share();
  }

  @Test
  @DisplayName("an owner's node is killed: the borrower's get fails at once")
  void borrowersHearOfTheOwnersNode() {
    JvmProcess other = start("other", Watcher.class, List.of());
    JvmProcess victim = start("victim", Watcher.class, List.of(), address(other));
    try (DFutSystem dfut = DFutSystem.connect(address(other), connecting(""))) {
      NodeId owner = nodeAt(dfut, address(victim));
      SharedDFut<Boolean> borrowed =
          dfut.task(ProofOfDeathIT::startAndShare).on(owner).submit().get(PATIENCE);
      long killedAtNanos = System.nanoTime();
      victim.kill();
      assertThatThrownBy(() -> borrowed.get(PATIENCE))
          .isInstanceOf(OwnerDiedException.class)
          .hasMessageContaining(owner.address());
      Duration after = Duration.ofNanos(System.nanoTime() - killedAtNanos);
      System.out.printf("the borrower heard %d ms after%n", after.toMillis());
      assertThat(after).isLessThan(AT_ONCE);
    }
  }

  // ---- not dead, or not proven ----

  @Test
  @DisplayName("a frozen node holds its lock: only its silence tells, and takes as long as ever")
  void frozenNodeIsNotProvenDead() {
    assertOnlySilenceTells(cluster(3));
  }

  @Test
  @DisplayName("a frozen node's ports do not refuse: only its silence tells")
  void frozenNodeIsNotProvenDeadWithoutLocks() {
    assertOnlySilenceTells(cluster(3, NO_LOCKS));
  }

  private void assertOnlySilenceTells(List<JvmProcess> nodes) {
    long frozenAtNanos = System.nanoTime();
    nodes.getLast().freeze();
    for (JvmProcess survivor : nodes.subList(0, 2)) {
      assertThat(saidAfter(frozenAtNanos, survivor, "sees 2")).isGreaterThan(PAUSE);
      assertThat(proofs(survivor)).isEmpty();
    }
  }

  /** Passes on what comes to a port, until it is closed: then the port refuses. */
  private static final class Gatehouse implements AutoCloseable {
    private final ServerSocket server;
    private final int target;
    private final List<Socket> open = new ArrayList<>();

    Gatehouse(int port, int target) throws IOException {
      this.target = target;
      server = new ServerSocket(port, 50, InetAddress.getLoopbackAddress());
      Thread.ofVirtual().start(this::accept);
    }

    private void accept() {
      while (true) {
        try {
          Socket in = server.accept();
          Socket out = new Socket(InetAddress.getLoopbackAddress(), target);
          synchronized (open) {
            open.addAll(List.of(in, out));
          }
          pass(in, out);
          pass(out, in);
        } catch (IOException closed) {
          return;
        }
      }
    }

    private static void pass(Socket from, Socket to) {
      Thread.ofVirtual()
          .start(
              () -> {
                try (from;
                    to) {
                  from.getInputStream().transferTo(to.getOutputStream());
                } catch (IOException broken) {
                  // and so is the other half
                }
              });
    }

    @Override
    public void close() throws IOException {
      shut();
    }

    void shut() throws IOException {
      server.close();
      synchronized (open) {
        for (Socket socket : open) {
          socket.close();
        }
      }
    }
  }

  private static boolean listens(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 500);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Free ports, for a moment at least. */
  private static List<Integer> freePorts(int count) throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sockets.add(new ServerSocket(0));
    }
    for (ServerSocket socket : sockets) {
      socket.close();
    }
    return IntStream.range(0, count).mapToObj(i -> sockets.get(i).getLocalPort()).toList();
  }

  @Test
  @DisplayName("a live node that refuses new connections at one port is not taken for dead")
  void closedPortAloneProvesNothing() throws Exception {
    List<Integer> ports = freePorts(2);
    JvmProcess first = start("0", Watcher.class, List.of(NO_LOCKS));
    JvmProcess second = start("1", Watcher.class, List.of(NO_LOCKS), address(first));
    address(second);
    JvmProcess live =
        start(
            "2",
            Watcher.class,
            List.of(
                NO_LOCKS,
                "dfut.cluster.port=" + ports.get(0),
                "pekko.remote.artery.bind.hostname=127.0.0.1",
                "pekko.remote.artery.bind.port=" + ports.get(1)),
            address(first));
    await("the node listens").atMost(PATIENCE).until(() -> listens(ports.get(1)));
    try (Gatehouse gate = new Gatehouse(ports.get(0), ports.get(1))) {
      for (JvmProcess node : List.of(first, second, live)) {
        node.awaitLine("works 3"::equals, PATIENCE);
      }
      long closedAtNanos = System.nanoTime();
      gate.shut();
      for (JvmProcess node : List.of(first, second)) {
        assertThat(saidAfter(closedAtNanos, node, "sees 2")).isGreaterThan(PAUSE);
        assertProvenOnlyAfterTheEndOf(live, node);
      }
    }
  }

  /**
   * The cut-off node may find itself alone, and stop, before the others find it missing. Its ports
   * are closed then, and it is dead indeed.
   */
  private void assertProvenOnlyAfterTheEndOf(JvmProcess cutOff, JvmProcess witness) {
    List<Said> proofs =
        said.stream()
            .filter(each -> each.by().equals(witness.name()) && each.line().contains(PROVEN))
            .toList();
    for (Said proof : proofs) {
      assertThat(said)
          .as("what was said when %s was found dead by %s", cutOff, proof)
          .anyMatch(
              each ->
                  each.by().equals(cutOff.name())
                      && each.line().contains("has to stop")
                      && each.atNanos() < proof.atNanos());
    }
  }
}
