package io.dfut.internal.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.store.DataFrames.ProtocolException;
import io.dfut.internal.store.DataFrames.Request;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** The bytes on the wire, and any others. */
final class DataFramesTest {
  @Test
  void requestIsReadAsItWasWritten() throws IOException {
    NodeId node = new NodeId("größer.example", 25520, -5);
    ObjectKey key = new ObjectKey(new ObjectId(new WorkerId(node, 1L << 40), -7, 3), 12);
    Request request = new Request(key, 1L << 40, 1 << 20, -1, 1 << 20, true);
    ByteBuffer frame = DataFrames.encode(request);
    assertThat(Short.toUnsignedInt(frame.getShort())).isEqualTo(frame.remaining());
    assertThat(DataFrames.decode(frame)).isEqualTo(request);
  }

  @Test
  void anyOtherBytesAreRefusedAsAProtocolErrorOrReadWithinBounds() throws IOException {
    long seed = Long.getLong("dfut.sim.seed", System.nanoTime());
    System.out.println("DataFramesTest: seed " + seed);
    Random random = new Random(seed);
    Request good = new Request(Keys.key(1), 5000, 10, 1, 1 << 20, false);
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

  private static final Share SHARE = new Share("/dev/shm/dfut-shm-1-a-b", "boot:word");

  private static ByteBuffer body(ByteBuffer frame) {
    assertThat(Short.toUnsignedInt(frame.getShort())).isEqualTo(frame.remaining());
    return ByteBuffer.allocate(frame.remaining()).put(frame).flip();
  }

  @Test
  void holdsAndReleasesAreReadAsTheyWereWritten() throws IOException {
    HoldFrames.Hold hold = new HoldFrames.Hold(1L << 50, Keys.key(9), 1L << 40, SHARE);
    assertThat(HoldFrames.decodeHold(body(HoldFrames.encode(hold)))).isEqualTo(hold);
    List<Long> numbers = LongStream.range(0, HoldFrames.RELEASES_MAX).boxed().toList();
    String longest = "/" + "d".repeat(Share.DIRECTORY_MAX - 1);
    HoldFrames.Release release =
        new HoldFrames.Release(new Share(longest, "p".repeat(Share.PROOF_MAX)), numbers);
    ByteBuffer frame = HoldFrames.encode(release);
    assertThat(frame.remaining()).isLessThanOrEqualTo(DataFrames.REQUEST_MAX);
    assertThat(HoldFrames.decodeRelease(body(frame))).isEqualTo(release);
    HoldFrames.Held held = new HoldFrames.Held(64, 1L << 40, "slab-17", SHARE);
    assertThat(HoldFrames.decodeHeld(body(HoldFrames.encode(held)))).isEqualTo(held);
    assertThatThrownBy(
            () ->
                HoldFrames.decodeHeld(
                    body(HoldFrames.encode(new HoldFrames.Held(0, 1, "../slab-1", SHARE)))))
        .isInstanceOf(ProtocolException.class);
    assertThat(new Share("/dev/shm/\0", "x").isProven()).isFalse();
    assertThat(SHARE.isProven()).isFalse();
  }

  @Test
  void anyOtherHoldsAndReleasesAreRefusedAsAProtocolError() throws IOException {
    long seed = Long.getLong("dfut.sim.seed", System.nanoTime());
    System.out.println("DataFramesTest: seed " + seed);
    Random random = new Random(seed);
    ByteBuffer[] good = {
      body(HoldFrames.encode(new HoldFrames.Hold(1, Keys.key(1), 5000, SHARE))),
      body(HoldFrames.encode(new HoldFrames.Release(SHARE, List.of(1L, 2L)))),
      body(HoldFrames.encode(new HoldFrames.Held(64, 4096, "slab-1", SHARE)))
    };
    int refused = 0;
    for (int i = 0; i < 200_000; i++) {
      int kind = random.nextInt(3);
      ByteBuffer body = ByteBuffer.allocate(good[kind].limit()).put(good[kind].duplicate()).flip();
      for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
        body.put(random.nextInt(body.limit()), (byte) random.nextInt());
      }
      if (random.nextInt(4) == 0) {
        body.limit(random.nextInt(body.limit() + 1));
      }
      try {
        switch (kind) {
          case 0 -> assertThat(HoldFrames.decodeHold(body).bytes()).isNotNegative();
          case 1 ->
              assertThat(HoldFrames.decodeRelease(body).numbers())
                  .hasSizeLessThanOrEqualTo(HoldFrames.RELEASES_MAX);
          default -> {
            String file = HoldFrames.decodeHeld(body).file();
            assertThat(SharedDirectory.isSlabName(file)).isTrue();
          }
        }
      } catch (ProtocolException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(10_000);
  }
}
