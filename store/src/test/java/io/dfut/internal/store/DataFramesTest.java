package io.dfut.internal.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.store.DataFrames.ProtocolException;
import io.dfut.internal.store.DataFrames.Request;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The bytes on the wire, and any others. */
final class DataFramesTest {
  @Test
  void requestIsReadAsItWasWritten() throws IOException {
    NodeId node = new NodeId("größer.example", 25520, -5);
    ObjectKey key = new ObjectKey(new ObjectId(new WorkerId(node, 1L << 40), -7, 3), 12);
    Request request = new Request(key, 1L << 40, 1 << 20, -1, 1 << 20);
    ByteBuffer frame = DataFrames.encode(request);
    assertThat(Short.toUnsignedInt(frame.getShort())).isEqualTo(frame.remaining());
    assertThat(DataFrames.decode(frame)).isEqualTo(request);
  }

  @Test
  void anyOtherBytesAreRefusedAsAProtocolErrorOrReadWithinBounds() throws IOException {
    long seed = Long.getLong("dfut.sim.seed", System.nanoTime());
    System.out.println("DataFramesTest: seed " + seed);
    Random random = new Random(seed);
    Request good = new Request(Keys.key(1), 5000, 10, 1, 1 << 20);
    int refused = 0;
    for (int i = 0; i < 200_000; i++) {
      ByteBuffer frame = DataFrames.encode(good);
      ByteBuffer body = ByteBuffer.allocate(frame.remaining() - 2).put(frame.position(2)).flip();
      for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
        body.put(random.nextInt(body.limit()), (byte) random.nextInt());
      }
      if (random.nextInt(4) == 0) {
        body.limit(random.nextInt(body.limit() + 1));
      }
      try {
        Request read = DataFrames.decode(body);
        assertThat(read.chunkBytes()).isBetween(DataFrames.CHUNK_MIN, DataFrames.CHUNK_MAX);
        assertThat(read.fromBytes()).isBetween(0L, read.bytes());
      } catch (ProtocolException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(10_000);
  }
}
