package io.dfut.samples.bench;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** Bytes over plain NIO, as fast as they go: what pulls are compared with. */
final class PlainServer {
  private static ByteBuffer memory = ByteBuffer.allocateDirect(0);

  private PlainServer() {}

  /** A buffer of so many bytes that this JVM keeps. */
  static synchronized ByteBuffer memory(int bytes) {
    if (memory.capacity() < bytes) {
      memory = ByteBuffer.allocateDirect(bytes);
    }
    return memory.slice(0, bytes);
  }

  /** Serves whoever asks for a number of bytes, as long as this JVM runs. The port. */
  static int start() {
    try {
      ServerSocketChannel server = ServerSocketChannel.open();
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      Thread.ofPlatform().daemon().name("plain-server").start(() -> accept(server));
      return ((InetSocketAddress) server.getLocalAddress()).getPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void accept(ServerSocketChannel server) {
    try {
      while (true) {
        SocketChannel socket = server.accept();
        Thread.ofPlatform().daemon().name("plain-sender").start(() -> send(socket));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void send(SocketChannel socket) {
    try (socket) {
      socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
      ByteBuffer asked = ByteBuffer.allocateDirect(4);
      while (true) {
        while (asked.hasRemaining()) {
          if (socket.read(asked) < 0) {
            return;
          }
        }
        ByteBuffer content = memory(asked.getInt(0));
        while (content.hasRemaining()) {
          socket.write(content);
        }
        asked.clear();
      }
    } catch (IOException e) {
      // The one who asked is gone.
    }
  }

  static SocketChannel connect(int port) throws IOException {
    SocketChannel socket =
        SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
    return socket;
  }

  /** Asks for as many bytes as the target has room for, and waits for them. */
  static void read(SocketChannel socket, ByteBuffer target) throws IOException {
    socket.write(ByteBuffer.allocateDirect(4).putInt(target.remaining()).flip());
    while (target.hasRemaining()) {
      if (socket.read(target) < 0) {
        throw new EOFException("the plain server is gone");
      }
    }
  }
}
