package io.dfut.internal.store;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/** How connections over TCP are made: in plain, or with TLS. Thread-safe. */
interface DataTransport {
  /**
   * Connects to a peer.
   *
   * @param host the name by which the cluster knows the peer's node
   */
  DataChannel connect(String host, InetSocketAddress address, Duration timeout) throws IOException;

  /** Takes over a connection that a peer made. */
  DataChannel accept(SocketChannel socket) throws IOException;
}
