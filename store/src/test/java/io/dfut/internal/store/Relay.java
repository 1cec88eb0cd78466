package io.dfut.internal.store;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Stands between two nodes and does to what the second sends whatever a network may do.
 * Thread-safe.
 */
final class Relay implements AutoCloseable {
  private final ServerSocketChannel server;
  private final InetSocketAddress target;
  private final StringBuffer seen = new StringBuffer();
  private final List<SocketChannel> sockets = new ArrayList<>();
  private volatile long cutAfterBytes = Long.MAX_VALUE;
  private volatile long spoilAtBytes = -1;

  private Relay(ServerSocketChannel server, InetSocketAddress target) {
    this.server = server;
    this.target = target;
  }

  static Relay to(InetSocketAddress target) throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open();
    server.bind(new InetSocketAddress("127.0.0.1", 0));
    Relay relay = new Relay(server, target);
    Thread.ofPlatform().daemon().name("relay").start(relay::acceptAll);
    return relay;
  }

  InetSocketAddress address() throws IOException {
    return (InetSocketAddress) server.getLocalAddress();
  }

  /** What went through, in either direction, a byte a character. */
  String seen() {
    return seen.toString();
  }

  /** Closes everything after so many bytes from the target. */
  void cutAfter(long bytes) {
    cutAfterBytes = bytes;
  }

  /** Changes the byte with this number from the target. */
  void spoilAt(long bytes) {
    spoilAtBytes = bytes;
  }

  private void acceptAll() {
    try {
      while (true) {
        SocketChannel near = server.accept();
        SocketChannel far = SocketChannel.open(target);
        synchronized (sockets) {
          sockets.add(near);
          sockets.add(far);
        }
        Thread.ofPlatform().daemon().start(() -> pass(near, far, false));
        Thread.ofPlatform().daemon().start(() -> pass(far, near, true));
      }
    } catch (IOException closed) {
      // the end of the test
    }
  }

  private void pass(SocketChannel from, SocketChannel to, boolean fromTarget) {
    try (from;
        to) {
      ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
      long passed = 0;
      while (from.read(buffer.clear()) >= 0) {
        buffer.flip();
        if (fromTarget) {
          int spoiled = (int) (spoilAtBytes - passed);
          if (spoilAtBytes >= passed && spoiled < buffer.limit()) {
            buffer.put(spoiled, (byte) ~buffer.get(spoiled));
          }
          passed += buffer.limit();
          if (passed > cutAfterBytes) {
            return;
          }
        }
        if (seen.length() < 1_000_000) {
          seen.append(new String(buffer.array(), 0, buffer.limit(), StandardCharsets.ISO_8859_1));
        }
        while (buffer.hasRemaining()) {
          to.write(buffer);
        }
      }
    } catch (IOException closed) {
      // one of both ends
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    synchronized (sockets) {
      for (SocketChannel socket : sockets) {
        socket.close();
      }
    }
  }
}
