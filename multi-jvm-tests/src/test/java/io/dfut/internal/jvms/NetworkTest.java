package io.dfut.internal.jvms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Here both sides are this process, which goes by the name of the one that connects. */
final class NetworkTest {
  private static final int SOON_MILLIS = 10_000;

  /** Long enough to see that nothing comes. */
  private static final int WHILE_MILLIS = 300;

  private final Network network = new Network();
  private ServerSocket server;
  private Network.Door door;

  @BeforeEach
  void open() throws IOException {
    Assumptions.assumeTrue(Sockets.canTell());
    network.process("caller", ProcessHandle.current().pid());
    server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    server.setSoTimeout(SOON_MILLIS);
    door = network.door("server", server.getLocalPort());
  }

  @AfterEach
  void close() throws IOException {
    network.close();
    if (server != null) {
      server.close();
    }
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), door.port());
    socket.setSoTimeout(SOON_MILLIS);
    return socket;
  }

  private static void assertPasses(Socket from, Socket to, int value) throws IOException {
    from.getOutputStream().write(value);
    to.setSoTimeout(SOON_MILLIS);
    assertThat(to.getInputStream().read()).isEqualTo(value);
  }

  private static void assertHeldBack(Socket from, Socket to, int value) throws IOException {
    from.getOutputStream().write(value);
    to.setSoTimeout(WHILE_MILLIS);
    assertThatThrownBy(() -> to.getInputStream().read()).isInstanceOf(SocketTimeoutException.class);
    to.setSoTimeout(SOON_MILLIS);
  }

  @Test
  void openWayPassesBothDirections() throws IOException {
    try (Socket here = connect();
        Socket there = server.accept()) {
      assertPasses(here, there, 1);
      assertPasses(there, here, 2);
      here.shutdownOutput();
      assertThat(there.getInputStream().read()).isEqualTo(-1);
      Awaitility.await("what has passed is counted").until(() -> door.movedBytes() == 2);
      assertThat(door.hasMovedWithin(Long.MAX_VALUE / 8)).isTrue();
    }
  }

  @Test
  void stalledDirectionIsHeldBackAndLosesNothing() throws IOException {
    try (Socket here = connect();
        Socket there = server.accept()) {
      assertPasses(here, there, 1);
      network.set("caller", "server", Network.Way.STALLED);
      assertHeldBack(here, there, 2);
      assertPasses(there, here, 3); // the other direction is open
      network.set("caller", "server", Network.Way.OPEN);
      assertThat(there.getInputStream().read()).isEqualTo(2);
    }
  }

  @Test
  void newConnectionWaitsWhileTheWayIsStalled() throws IOException {
    network.set("caller", "server", Network.Way.STALLED);
    try (Socket here = connect()) {
      server.setSoTimeout(WHILE_MILLIS);
      assertThatThrownBy(() -> server.accept()).isInstanceOf(SocketTimeoutException.class);
      server.setSoTimeout(SOON_MILLIS);
      network.set("caller", "server", Network.Way.OPEN);
      try (Socket there = server.accept()) {
        assertPasses(here, there, 1);
      }
    }
  }

  @Test
  void resetWayBreaksConnectionsOldAndNew() throws IOException {
    try (Socket here = connect();
        Socket there = server.accept()) {
      assertPasses(here, there, 1);
      network.set("caller", "server", Network.Way.RESET);
      assertThatThrownBy(() -> here.getInputStream().read()).isInstanceOf(IOException.class);
      assertThatThrownBy(() -> there.getInputStream().read()).isInstanceOf(IOException.class);
    }
    try (Socket again = connect()) {
      assertThatThrownBy(() -> again.getInputStream().read()).isInstanceOf(IOException.class);
    }
    network.set("caller", "server", Network.Way.OPEN);
    try (Socket here = connect();
        Socket there = server.accept()) {
      assertPasses(here, there, 1);
    }
  }

  @Test
  void othersAreNotConcerned() throws IOException {
    network.set("somebody", "server", Network.Way.RESET);
    try (Socket here = connect();
        Socket there = server.accept()) {
      assertPasses(here, there, 1);
    }
  }

  @Test
  void whoConnectsWhereNobodyListensIsReset() throws IOException {
    server.close();
    try (Socket here = connect()) {
      await("the end").until(() -> isOver(here));
    }
  }

  private static boolean isOver(Socket socket) {
    try {
      return socket.getInputStream().read() < 0;
    } catch (IOException e) {
      return true;
    }
  }
}
