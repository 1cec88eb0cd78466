package io.dfut.internal.store;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * One connection of the data plane. One thread reads and writes; any thread may close, which makes
 * the other one's call throw. The buffers may be views of store memory: an implementation moves
 * bytes straight between them and the wire where it can.
 */
interface DataChannel extends Closeable {
  /** Reads some bytes, waiting for the first; -1 at the end. */
  int read(ByteBuffer target) throws IOException;

  /** Writes everything, in order. */
  void write(ByteBuffer... sources) throws IOException;

  /** Tells the other end that nothing more comes; reading goes on. */
  void endOutput() throws IOException;

  /** Who is at the other end, for messages. */
  String remote();
}
