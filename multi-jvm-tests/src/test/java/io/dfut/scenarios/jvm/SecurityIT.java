package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.read.ListAppender;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigUtil;
import io.dfut.ClusterInspection;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.TaskFailedException;
import io.dfut.internal.api.Resources;
import io.dfut.internal.cluster.PekkoClusterProvider;
import io.dfut.internal.cluster.launch.JvmProcess;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.protocol.SchedulerMessage.NodeLoad;
import io.dfut.internal.spi.Membership;
import io.dfut.internal.spi.ObjectStore.DataEndpoint;
import io.dfut.internal.spi.PeerInfo;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
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
import org.slf4j.LoggerFactory;

/**
 * Two nodes in JVMs of their own that do not belong together, one without TLS and one with, and
 * whatever somebody may send to their ports. Messages to each go through a {@link Tap}.
 */
@Timeout(120)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class SecurityIT {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final int ANSWER_MILLIS = 10_000;

  /** What a user keeps to itself. Long enough not to be there by chance. */
  private static final String SECRET = "the-recognisable-word-of-a-user";

  private static final String HEARD = "a line at DEBUG";

  private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
  private static final String RUN = "-1-1-0123456789abcdef";

  // What the data plane speaks, as a stranger would write it.
  private static final int MAGIC = 0x44_46_44_50;
  private static final byte PULL = 1;
  private static final byte HOLD = 2;
  private static final int NOT_HERE = 1;
  private static final int NOT_SHARED = 5;
  private static final int CLOSED = -1;

  /** A node in a JVM of its own. */
  private record Site(JvmProcess process, int port, int realPort, int dataPort, Tap tap) {
    String address() {
      return "127.0.0.1:" + port;
    }

    /** What it has said to be wrong so far. */
    List<String> complaints() {
      return process.lines().stream()
          .filter(line -> line.contains(" WARN ") || line.contains(" ERROR "))
          .toList();
    }

    void close() throws IOException {
      tap.close();
      process.close();
    }
  }

  @TempDir private static Path folder;
  private static final ListAppender<ILoggingEvent> LOG = new ListAppender<>();
  private static final List<String> TOKENS = new ArrayList<>();
  private static Identities identities;
  private static Site plain;
  private static Site secured;

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static Path make(String name) throws IOException {
    return Files.createDirectories(folder.resolve(name));
  }

  private static Site start(String name, List<String> settings) throws IOException {
    int port = freePort();
    int realPort = freePort();
    int dataPort = freePort();
    JvmProcess process =
        JvmProcess.of(name, NodeProgram.class)
            .flags("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
            .flags("-Xlog:class+load:file=" + folder.resolve(name + ".classes"))
            .flags("-Ddfut.cpus=2", "-Ddfut.cluster.port=" + port)
            .flags("-Dpekko.remote.artery.bind.port=" + realPort)
            .flags("-Ddfut.store.data.port=" + dataPort)
            .flags("-Ddfut.store.spill.directories.0=" + make(name + "-spill"))
            .flags("-Ddfut.log.level=DEBUG")
            .flags(settings.stream().map(s -> "-D" + s).toArray(String[]::new))
            .start();
    process.awaitLine(line -> line.startsWith("ready "), PATIENCE);
    return new Site(process, port, realPort, dataPort, new Tap(port, realPort));
  }

  @BeforeAll
  static void startBoth() throws Exception {
    LOG.start();
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.addAppender(LOG);
    identities = Identities.makeIn(make("keys"));
    plain = start("plain", List.of("dfut.store.shared-memory=" + make("shm").toRealPath()));
    List<String> tls = new ArrayList<>(identities.settings(Identities.NODE));
    tls.add("dfut.store.shared-memory=off");
    tls.add("dfut.store.data.unix-sockets=off");
    secured = start("secured", tls);
  }

  @AfterAll
  static void stopBoth() throws IOException {
    ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).detachAppender(LOG);
    for (Site site : Arrays.asList(plain, secured)) {
      if (site != null) {
        site.close();
      }
    }
  }

  private static Config config(List<String> settings) {
    Config config =
        ConfigFactory.parseString(
            """
            dfut.values.allow = ["io.dfut."]
            dfut.store.memory = 64 MiB
            dfut.store.shared-memory = off
            dfut.store.data.unix-sockets = off
            """);
    for (String setting : settings) {
      String[] parts = setting.split("=", 2);
      config =
          ConfigFactory.parseString(parts[0] + " = " + ConfigUtil.quoteString(parts[1]))
              .withFallback(config);
    }
    return config;
  }

  private static DFutSystem connect(Site site, List<String> settings) {
    return DFutSystem.connect(site.address(), config(settings));
  }

  private static DFutSystem connect(Site site, String... settings) {
    return connect(site, List.of(settings));
  }

  /** Waits for the other side to close; false when it answers, or does nothing. */
  private static boolean isClosed(Socket socket) throws IOException {
    socket.setSoTimeout(ANSWER_MILLIS);
    try {
      return socket.getInputStream().read() == CLOSED;
    } catch (SocketException reset) {
      return true;
    }
  }

  /** What the node complains of because of what is done. */
  private static List<String> complaints(Site site, Action action, int count) throws Exception {
    int before = site.complaints().size();
    action.run();
    await("what the node says of it")
        .atMost(SOON)
        .until(() -> site.complaints().size() >= before + count);
    List<String> all = site.complaints();
    return all.subList(before, all.size());
  }

  private interface Action {
    void run() throws Exception;
  }

  // ---- 309 ----

  private static void refused(int port, byte[] bytes) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.getOutputStream().write(bytes);
      assertThat(isClosed(socket)).as("port %d is closed", port).isTrue();
    }
  }

  @Test
  @Order(1)
  @Tag("C309")
  @DisplayName("309: bytes of Java serialisation are refused on every port, and load nothing")
  void javaSerialisationIsRefused() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(new Tripwire());
    }
    // Pekko says what it refuses at DEBUG only.
    assertThat(complaints(plain, () -> refused(plain.realPort(), bytes.toByteArray()), 0))
        .isEmpty();
    assertThat(complaints(plain, () -> refused(plain.dataPort(), bytes.toByteArray()), 1))
        .singleElement()
        .asString()
        .contains("a Java serialisation stream; nothing here reads one");
    List<String> said =
        complaints(
            plain,
            () -> {
              Config config =
                  ConfigFactory.parseString(
                          """
                          pekko.actor.provider = remote
                          pekko.actor.allow-java-serialization = on
                          pekko.actor.warn-about-java-serializer-usage = off
                          pekko.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                          """)
                      .withFallback(ConfigFactory.load());
              ActorSystem<Void> rogue = ActorSystem.create(Behaviors.empty(), "dfut", config);
              try {
                Adapter.toClassic(rogue)
                    .actorSelection("pekko://dfut@" + plain.address() + "/user")
                    .tell(new Tripwire(), ActorRef.noSender());
                await("the message is refused")
                    .atMost(PATIENCE)
                    .until(
                        () ->
                            plain.complaints().stream()
                                .anyMatch(line -> line.contains("Failed to deserialize message")));
              } finally {
                rogue.terminate();
                rogue.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
              }
            },
            1);
    assertThat(said)
        .as("what comes as a message: Pekko says it twice")
        .filteredOn(line -> line.toLowerCase(java.util.Locale.ROOT).contains("serializ"))
        .hasSize(2)
        .anyMatch(line -> line.contains("attempted to use Java Serialization"))
        .anyMatch(line -> line.contains("Failed to deserialize message"));
    assertThat(plain.process().lines()).noneMatch(line -> line.contains("tripwire"));
    assertThat(Files.readString(folder.resolve("plain.classes")))
        .contains("io.dfut.scenarios.jvm.NodeProgram")
        .doesNotContain("Tripwire");
    try (DFutSystem driver = connect(plain);
        DFut<Integer> sum = driver.task(Bodies::increment).submit(1)) {
      assertThat(sum.get(SOON)).isEqualTo(2);
    }
  }

  // ---- 313 ----

  /** A member of the cluster, whose only aim is to know what members are told. */
  private static DataEndpoint spy(Site site, List<String> settings) throws Exception {
    Config config = config(settings).withFallback(ConfigFactory.load()).resolve();
    config =
        ConfigFactory.parseString("dfut.cluster.join = [\"" + site.address() + "\"]")
            .withFallback(config);
    Membership member = new PekkoClusterProvider().start(config, false);
    CompletableFuture<DataEndpoint> endpoint = new CompletableFuture<>();
    try {
      NodeId self = member.self();
      NodeLoad load = new NodeLoad(self, 1, Resources.NONE, Resources.NONE, 0, 1);
      member.begin(
          new PeerInfo(self, false, Optional.empty(), load),
          new Membership.Listener() {
            @Override
            public void receive(NodeId from, NodeMessage message) {
              // whatever it is
            }

            @Override
            public void peerUp(PeerInfo peer) {
              peer.store().ifPresent(endpoint::complete);
            }

            @Override
            public void peerDown(NodeId node, String cause) {
              // nobody is told
            }

            @Override
            public void directoryAt(NodeId node) {
              // nobody is asked
            }

            @Override
            public void removed(String cause) {
              // it leaves anyway
            }
          });
      DataEndpoint told = endpoint.get(10, TimeUnit.SECONDS);
      TOKENS.add(told.token());
      return told;
    } finally {
      member.leave();
    }
  }

  private static ByteBuffer text(ByteBuffer frame, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return frame.putShort((short) bytes.length).put(bytes);
  }

  private static ByteBuffer key(ByteBuffer frame, String host) {
    return text(frame, host).putInt(1).putLong(1).putLong(1).putLong(1).putInt(0).putInt(0);
  }

  private static ByteBuffer framed(ByteBuffer frame) {
    return frame.putShort(0, (short) (frame.position() - 2)).flip();
  }

  private static ByteBuffer pull(String host) {
    ByteBuffer frame = ByteBuffer.allocate(5000).position(2).put(PULL);
    return framed(key(frame, host).putLong(10).putLong(0).putInt(0).putInt(1 << 20).put((byte) 1));
  }

  private static ByteBuffer hold(String directory, String proof) {
    ByteBuffer frame = ByteBuffer.allocate(5000).position(2).put(HOLD).putLong(1).putLong(10);
    return framed(key(text(text(frame, directory), proof), "127.0.0.1"));
  }

  /** Asks as a member does; the status of the answer, or {@link #CLOSED}. */
  private static int ask(DataEndpoint at, ByteBuffer request) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", at.address().getPort())) {
      socket.setSoTimeout(ANSWER_MILLIS);
      byte[] token = at.token().getBytes(StandardCharsets.UTF_8);
      ByteBuffer hello = ByteBuffer.allocate(8 + token.length);
      hello.putInt(MAGIC).putShort((short) 3).putShort((short) token.length).put(token);
      socket.getOutputStream().write(hello.array());
      DataInputStream answers = new DataInputStream(socket.getInputStream());
      assertThat(answers.readInt()).isEqualTo(MAGIC);
      assertThat(answers.readShort()).as("version").isEqualTo((short) 3);
      assertThat(answers.read()).as("welcome").isZero();
      socket.getOutputStream().write(request.array(), 0, request.limit());
      try {
        return answers.read();
      } catch (SocketException reset) {
        return CLOSED;
      }
    }
  }

  @Test
  @Order(2)
  @Tag("C313")
  @DisplayName("313: no request of a peer opens a file outside of the node's folders")
  void noRequestReachesAFileOutside() throws Exception {
    // Whoever opened the file named proof would wait there for ever, as nobody writes to it; and
    // what it is asked for says that it is the very place that the peer means.
    Path outside = make("outside").toRealPath().resolve("dfut-shm" + RUN);
    Files.createDirectory(outside);
    Path canary = outside.resolve("proof");
    assertThat(new ProcessBuilder("mkfifo", canary.toString()).start().waitFor()).isZero();
    Path shm = folder.resolve("shm").toRealPath();
    Path link = shm.resolve("dfut-shm-1-1-aaaaaaaaaaaaaaaa");
    Files.createSymbolicLink(link, outside);
    String proof = Files.readString(BOOT).strip() + ":0123456789abcdef0123456789abcdef";
    DataEndpoint at = spy(plain, List.of());

    for (String host :
        List.of(
            "../../../../etc/passwd",
            "/etc/passwd",
            link.toString(),
            "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
            "..\0/etc/passwd",
            "../".repeat(80) + "etc/passwd")) {
      assertThat(ask(at, pull(host))).as("pull from %s", host).isEqualTo(NOT_HERE);
    }
    for (String directory :
        List.of(
            outside.toString(),
            link.toString(),
            shm + "/../outside/dfut-shm" + RUN,
            shm + "/%2e%2e/outside/dfut-shm" + RUN,
            "../outside/dfut-shm" + RUN,
            shm + "/dfut-shm" + RUN + "\0",
            shm + "/dfut-shm" + RUN)) {
      assertThat(ask(at, hold(directory, proof))).as("hold of %s", directory).isEqualTo(NOT_SHARED);
    }
    List<String> said =
        complaints(
            plain,
            () -> {
              assertThat(ask(at, pull("x".repeat(4096)))).isEqualTo(CLOSED);
              assertThat(ask(at, hold("/" + "x".repeat(4096), proof))).isEqualTo(CLOSED);
            },
            2);
    assertThat(said).hasSize(2).allMatch(line -> line.contains(" refused by "));
    for (String root : List.of("shm", "plain-spill")) {
      try (Stream<Path> made = Files.list(folder.resolve(root))) {
        List<Path> ours =
            made.filter(path -> !Files.isSymbolicLink(path)).filter(Files::isDirectory).toList();
        assertThat(ours).as("the node's own below %s", root).hasSize(1);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(ours.getFirst())))
            .isEqualTo("rwx------");
      }
    }
  }

  // ---- 277, 293 ----

  @Test
  @Order(3)
  @Tag("C277")
  @DisplayName("277: a node of another protocol version does not join, and both are told")
  void anotherProtocolVersionIsRefused() throws Exception {
    var constructor = PekkoClusterProvider.class.getDeclaredConstructor(int.class);
    constructor.setAccessible(true);
    int ours = ConfigFactory.load().getInt("dfut.cluster.wire-version");
    Config config =
        ConfigFactory.parseString("dfut.cluster.join = [\"" + plain.address() + "\"]")
            .withFallback(config(List.of()))
            .withFallback(ConfigFactory.load())
            .resolve();
    try (DFutSystem driver = connect(plain)) {
      for (int other : new int[] {ours - 1, ours + 1}) {
        assertThatThrownBy(() -> constructor.newInstance(other).start(config, true))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("has wire version " + ours)
            .hasMessageContaining("this node has wire version " + other)
            .hasMessageContaining(plain.address());
      }
      assertThat(driver.nodes()).as("nobody took it for a member").hasSize(1);
      try (DFut<Integer> sum = driver.task(Bodies::increment).submit(1)) {
        assertThat(sum.get(SOON)).isEqualTo(2);
      }
    }
  }

  @Test
  @Order(4)
  @Tag("C293")
  @DisplayName(
      "293: a node with another cluster name or another setting is refused with the reason")
  void aNodeThatDoesNotFitIsRefused() {
    assertThatThrownBy(
            () ->
                connect(plain, "dfut.cluster.system-name=another", "dfut.cluster.join-timeout=3s"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("not a node of a cluster named \"another\"")
        .hasMessageContaining("dfut.cluster.system-name");
    assertThatThrownBy(() -> connect(plain, "dfut.lease.spillback-hops-max=5"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("dfut.lease.spillback-hops-max");
  }

  // ---- 314 ----

  @Test
  @Order(5)
  void nothingListensBeyondLoopback() throws IOException {
    for (Site site : List.of(plain, secured)) {
      List<String> listening = listening(site.process().pid());
      assertThat(listening).as("ports of %s", site.process()).hasSizeGreaterThanOrEqualTo(2);
      assertThat(listening).allMatch(address -> address.matches("0100007F|0{16}FFFF00000100007F"));
    }
  }

  /** The addresses, as the kernel writes them, at which a process listens for TCP. */
  private static List<String> listening(long pid) throws IOException {
    Set<String> inodes = new HashSet<>();
    try (Stream<Path> open = Files.list(Path.of("/proc/" + pid + "/fd"))) {
      for (Path file : open.toList()) {
        if (Files.isSymbolicLink(file)) {
          inodes.add(Files.readSymbolicLink(file).toString());
        }
      }
    }
    List<String> addresses = new ArrayList<>();
    for (String table : List.of("tcp", "tcp6")) {
      for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/net/" + table))) {
        String[] columns = line.strip().split("\\s+");
        if (columns.length > 9
            && columns[3].equals("0A")
            && inodes.contains("socket:[" + columns[9] + "]")) {
          addresses.add(columns[1].substring(0, columns[1].indexOf(':')));
        }
      }
    }
    return addresses;
  }

  // ---- 315 ----

  @Test
  @Order(6)
  @Tag("C315")
  @DisplayName("315: who has no right certificate can neither join nor pull, and reads nothing")
  void onlyTheRightCertificateIsLetIn() throws Exception {
    for (String bad : Identities.BAD) {
      assertThatThrownBy(() -> connect(secured, identities.settings(bad)))
          .as(bad)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("do not accept each other");
    }
    assertThatThrownBy(() -> connect(secured))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("speaks TLS, and dfut.tls.enabled is off here");
    for (int port : new int[] {secured.realPort(), secured.dataPort()}) {
      for (String bad : List.of("none", "expired", "self", "foreign")) {
        Optional<String> key = Optional.of(bad).filter(name -> !name.equals("none"));
        try (SSLSocket socket = identities.connect(key, port)) {
          assertThatThrownBy(
                  () -> {
                    socket.getOutputStream().write(new byte[64]);
                    if (socket.getInputStream().read() < 0) {
                      throw new SocketException("closed");
                    }
                  })
              .as("%s at port %d", bad, port)
              .isInstanceOf(IOException.class);
        }
      }
      try (Socket socket = new Socket("127.0.0.1", port)) {
        socket.getOutputStream().write(new byte[64]);
        byte[] answer = socket.getInputStream().readNBytes(7);
        assertThat(answer.length == 0 || answer[0] == 0x15).as("an alert, or nothing").isTrue();
      }
    }
    byte[] large = Bodies.bytes(1, 1_000_000);
    for (Site site : List.of(plain, secured)) {
      boolean tls = site == secured;
      List<String> settings = tls ? identities.settings(Identities.NODE) : List.of();
      try (DFutSystem driver = connect(site, settings);
          DFut<String> echo = driver.task(Bodies::echo).submit(SECRET);
          DFut<byte[]> pulled = driver.task(Bodies::bytes).submit(1, large.length)) {
        assertThat(echo.get(SOON)).isEqualTo(SECRET);
        assertThat(pulled.get(SOON)).isEqualTo(large);
        assertThat(driver.nodes()).hasSize(1);
      }
      assertThat(site.tap().seen().contains(SECRET))
          .as("whether the value can be read on the wire of %s", site.process())
          .isEqualTo(!tls);
    }
  }

  // ---- 318 ----

  /** Has seen a user's value, and says nothing of it. */
  public static int fails(String value) {
    throw new IllegalStateException("it has " + value.length() + " letters");
  }

  @Test
  @Order(7)
  @Tag("C318")
  @DisplayName("318: tokens, passwords and values stand in no log, error or listing")
  void secretsAreNotPrinted() throws Exception {
    List<String> said = new ArrayList<>();
    List<String> tls = identities.settings(Identities.NODE);
    Logger ours = (Logger) LoggerFactory.getLogger("io.dfut");
    Level before = ours.getLevel();
    ours.setLevel(Level.DEBUG);
    LoggerFactory.getLogger(DFutSystem.class).debug(HEARD);
    try (DFutSystem driver = connect(secured, tls)) {
      try (DFut<String> echo = driver.task(Bodies::echo).submit(SECRET);
          DFut<String> put = driver.put(SECRET + SECRET);
          DFut<Integer> failing = driver.task(SecurityIT::fails).submit(SECRET)) {
        assertThat(echo.get(SOON)).isEqualTo(SECRET);
        said.add(echo.toString() + put);
        said.add(driver.inspect().toString());
        ClusterInspection all = driver.inspectCluster(SOON);
        said.add(all.toString());
        try {
          failing.get(SOON);
        } catch (TaskFailedException e) {
          StringWriter text = new StringWriter();
          e.printStackTrace(new PrintWriter(text));
          said.add(text.toString());
        }
      }
      spy(secured, tls);
      Path wrong = Files.writeString(folder.resolve("wrong"), "a-word-that-opens-nothing");
      try {
        List<String> settings = new ArrayList<>(tls);
        settings.add("dfut.tls.key-store-password-file=" + wrong);
        connect(secured, settings).close();
      } catch (IllegalArgumentException e) {
        said.add(e.toString());
      }
    } finally {
      ours.setLevel(before);
    }
    assertThat(said).hasSize(5);
    for (ILoggingEvent event : List.copyOf(LOG.list)) {
      said.add(event.getFormattedMessage());
      if (event.getThrowableProxy() != null) {
        said.add(ThrowableProxyUtil.asString(event.getThrowableProxy()));
      }
    }
    int ownLines = said.size();
    said.addAll(plain.process().lines());
    said.addAll(secured.process().lines());
    assertThat(said).as("what this node logs is heard").contains(HEARD);
    assertThat(said.size() - ownLines).as("what the others say is").isGreaterThan(20);
    assertThat(TOKENS).hasSize(2).allMatch(token -> token.length() >= 16);
    List<String> secrets = new ArrayList<>(TOKENS);
    secrets.addAll(List.of(SECRET, Identities.PASSWORD, "a-word-that-opens-nothing"));
    for (String secret : secrets) {
      assertThat(said.stream().filter(line -> line.contains(secret))).as(secret).isEmpty();
    }
  }
}
