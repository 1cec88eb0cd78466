package io.dfut.scenarios.jvm;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Passes on what comes to a port, and keeps it. Thread-safe. */
final class Tap implements AutoCloseable {
  private final ServerSocket server;
  private final int target;
  private final ByteArrayOutputStream seen = new ByteArrayOutputStream(); // its own lock
  private final ConcurrentLinkedQueue<Socket> sockets = new ConcurrentLinkedQueue<>();

  Tap(int port, int target) throws IOException {
    this.server = new ServerSocket(port, 50, InetAddress.getLoopbackAddress());
    this.target = target;
    Thread.ofPlatform().daemon().name("tap").start(this::acceptAll);
  }

  private void acceptAll() {
    try {
      while (true) {
        Socket near = server.accept();
        Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
        sockets.add(near);
        sockets.add(far);
        Thread.ofPlatform().daemon().start(() -> pass(near, far));
        Thread.ofPlatform().daemon().start(() -> pass(far, near));
      }
    } catch (IOException closed) {
      // the end of the test
    }
  }

  private void pass(Socket from, Socket to) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      byte[] buffer = new byte[64 * 1024];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        seen.write(buffer, 0, read);
        to.getOutputStream().write(buffer, 0, read);
      }
    } catch (IOException closed) {
      // one of both ends
    }
  }

  /** All that went through, in either direction, a byte a character. */
  String seen() {
    return seen.toString(StandardCharsets.ISO_8859_1);
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : sockets) {
      socket.close();
    }
  }
}
