package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.internal.spi.ObjectStore.DataEndpoint;
import io.dfut.internal.spi.ObjectStore.Pinned;
import io.dfut.internal.spi.ObjectStore.Urgency;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Which way a pull goes where both are there. */
@Timeout(60)
final class UnixSocketsTest {
  private static final int MIB = 1 << 20;

  @TempDir Path folder;

  private final Stores stores = new Stores();
  private final AtomicInteger tcpConnects = new AtomicInteger();

  @AfterEach
  void close() {
    stores.close();
  }

  /** TCP, counted. */
  private final class Counted implements DataTransport {
    private final PlainTransport plain = new PlainTransport();

    @Override
    public DataChannel connect(String host, InetSocketAddress address, Duration timeout)
        throws IOException {
      tcpConnects.incrementAndGet();
      return plain.connect(host, address, timeout);
    }

    @Override
    public DataChannel accept(SocketChannel socket) throws IOException {
      return plain.accept(socket);
    }
  }

  private SlabObjectStore open(int node, String unixSockets) {
    return stores.open(
        node, "store.memory = 80 MiB\nstore.data.unix-sockets = " + unixSockets, new Counted());
  }

  private static void pull(SlabObjectStore from, DataEndpoint endpoint, SlabObjectStore to)
      throws Exception {
    Values value = Values.of(1, 20 * MIB + 1);
    from.putPrimary(key(1), value);
    to.peerUp(node(1), endpoint);
    try (Pinned pinned =
        Stores.get(to.fetch(key(1), 20 * MIB + 1, List.of(node(1)), Urgency.GET))) {
      assertThat(value.isIn(pinned)).isTrue();
    }
  }

  private static Path socketOf(SlabObjectStore store) {
    return Path.of(store.endpoint().orElseThrow().unixSocket().orElseThrow());
  }

  @Test
  void peerOfTheSameHostPullsOverIt() throws Exception {
    SlabObjectStore one = open(1, "auto");
    SlabObjectStore two = open(2, "auto");
    pull(one, one.endpoint().orElseThrow(), two);
    assertThat(tcpConnects).hasValue(0);
    assertThat(two.dataPlane().orElseThrow().connectionCount()).isEqualTo(1);
  }

  @Test
  void socketIsPrivateAndGoneAfterClose() throws Exception {
    SlabObjectStore one = open(1, "auto");
    Path socket = socketOf(one);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket.getParent())))
        .isEqualTo("rwx------");
    one.close();
    assertThat(socket.getParent()).doesNotExist();
  }

  @Test
  void offMeansTcpWhicheverSideSaysSo() throws Exception {
    SlabObjectStore off = open(1, "off");
    assertThat(off.endpoint().orElseThrow().unixSocket()).isEmpty();
    SlabObjectStore on = open(2, "auto");
    pull(off, off.endpoint().orElseThrow(), on);
    assertThat(tcpConnects).hasValue(1);
    on.putPrimary(key(2), Values.of(2, 10));
    off.peerUp(node(2), on.endpoint().orElseThrow());
    Stores.get(off.fetch(key(2), 10, List.of(node(2)), Urgency.GET)).close();
    assertThat(tcpConnects).hasValue(2);
  }

  @Test
  void pathThatIsNotOnThisHostMeansTcp() throws Exception {
    SlabObjectStore one = open(1, "auto");
    SlabObjectStore two = open(2, "auto");
    DataEndpoint told = one.endpoint().orElseThrow();
    for (String path :
        List.of(
            "/nowhere/socket", "", "\0", "relative", "x".repeat(5000), "/", folder.toString())) {
      two.peerDown(node(1));
      two.free(key(1));
      int before = tcpConnects.get();
      SlabObjectStore puller = open(3 + before, "auto");
      pull(one, new DataEndpoint(told.address(), told.token(), Optional.of(path)), puller);
      assertThat(tcpConnects).as("connections with the path %s", path).hasValue(before + 1);
    }
  }

  @Test
  void socketInADirectoryThatOthersMayEnterIsNotShownTheToken() throws Exception {
    SlabObjectStore one = open(1, "auto");
    SlabObjectStore two = open(2, "auto");
    Path trap = folder.resolve("s");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(trap));
      server.configureBlocking(false);
      DataEndpoint told = one.endpoint().orElseThrow();
      pull(one, new DataEndpoint(told.address(), told.token(), Optional.of(trap.toString())), two);
      assertThat(tcpConnects).hasValue(1);
      assertThat(server.accept()).isNull();
    }
  }

  @Test
  void otherNodeThatAnswersThereMeansTcp() throws Exception {
    SlabObjectStore one = open(1, "auto");
    SlabObjectStore two = open(2, "auto");
    SlabObjectStore other = open(3, "auto");
    DataEndpoint told = one.endpoint().orElseThrow();
    pull(
        one,
        new DataEndpoint(told.address(), told.token(), Optional.of(socketOf(other).toString())),
        two);
    assertThat(tcpConnects).hasValue(1);
  }

  @Test
  void fullQueueOfAFrozenPeerHoldsNobodyUp() throws Exception {
    SlabObjectStore one = open(1, "auto");
    SlabObjectStore two = open(2, "auto");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
    Path frozen = folder.resolve("s");
    List<SocketChannel> waiting = new ArrayList<>();
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(frozen), 1);
      boolean full = false;
      while (!full) {
        SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        waiting.add(socket);
        socket.configureBlocking(false);
        try {
          full = !socket.connect(UnixDomainSocketAddress.of(frozen));
        } catch (SocketException e) { // EAGAIN
          full = true;
        }
      }
      DataEndpoint told = one.endpoint().orElseThrow();
      pull(
          one, new DataEndpoint(told.address(), told.token(), Optional.of(frozen.toString())), two);
      assertThat(tcpConnects).hasValue(1);
    } finally {
      for (SocketChannel socket : waiting) {
        socket.close();
      }
    }
  }

  @Test
  void whereItCannotListenTcpServesAlone() throws Exception {
    assertThat(UnixSockets.listen(folder.resolve("missing"))).isEmpty();
    Path deep = Files.createDirectories(folder.resolve("d".repeat(60)).resolve("e".repeat(60)));
    assertThat(UnixSockets.listen(deep)).isEmpty();
    try (var left = Files.list(deep)) {
      assertThat(left).isEmpty();
    }
  }
}
