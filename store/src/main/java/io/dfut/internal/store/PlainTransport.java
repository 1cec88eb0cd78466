package io.dfut.internal.store;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/** TCP as it is. Thread-safe. */
final class PlainTransport implements DataTransport {
  @Override
  public DataChannel connect(String host, InetSocketAddress address, Duration timeout)
      throws IOException {
    return over(open(address, timeout));
  }

  @Override
  public DataChannel accept(SocketChannel socket) throws IOException {
    return over(prepare(socket));
  }

  /** A connection over a socket of any kind. */
  static DataChannel over(SocketChannel socket) throws IOException {
    String remote = String.valueOf(socket.getRemoteAddress());
    return new Plain(socket, remote.isEmpty() ? "a process of this host" : remote);
  }

  /** A socket that is connected. */
  SocketChannel open(InetSocketAddress address, Duration timeout) throws IOException {
    SocketChannel socket = SocketChannel.open();
    try {
      // The name is looked up again each time: a peer in a container may have moved.
      InetSocketAddress resolved =
          address.isUnresolved()
              ? new InetSocketAddress(address.getHostString(), address.getPort())
              : address;
      if (resolved.isUnresolved()) {
        throw new IOException("unknown host " + resolved.getHostString());
      }
      socket.socket().connect(resolved, Math.toIntExact(timeout.toMillis()));
      return prepare(socket);
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  /** Sets what a TCP socket of ours has. */
  SocketChannel prepare(SocketChannel socket) throws IOException {
    socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
    return socket;
  }

  private record Plain(SocketChannel socket, String remote) implements DataChannel {
    @Override
    public int read(ByteBuffer target) throws IOException {
      return socket.read(target);
    }

    @Override
    public void write(ByteBuffer... sources) throws IOException {
      ByteBuffer last = sources[sources.length - 1];
      while (last.hasRemaining()) {
        socket.write(sources);
      }
      for (ByteBuffer source : sources) {
        if (source.hasRemaining()) { // the last one was empty from the start
          write(source);
        }
      }
    }

    @Override
    public void endOutput() throws IOException {
      socket.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }
}
