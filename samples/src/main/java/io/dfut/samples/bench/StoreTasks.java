package io.dfut.samples.bench;

import io.dfut.DFut;
import io.dfut.ObjectView;
import io.dfut.SharedDFut;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** What {@code bench store} has other JVMs do. */
final class StoreTasks {
  private StoreTasks() {}

  static ByteBuffer make(int bytes) {
    return PlainServer.memory(bytes);
  }

  static int serve() {
    return PlainServer.start();
  }

  /** Brings an object here; says how large it is. */
  static long fetch(SharedDFut<ByteBuffer> object) {
    try (DFut<ByteBuffer> here = object.borrow();
        ObjectView view = here.view()) {
      return view.size();
    }
  }

  /** The same with plain NIO. */
  static long fetchPlain(int port, int bytes) throws IOException {
    try (SocketChannel socket = PlainServer.connect(port)) {
      PlainServer.read(socket, PlainServer.memory(bytes));
      return bytes;
    }
  }
}
