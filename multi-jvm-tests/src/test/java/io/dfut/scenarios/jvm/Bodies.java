package io.dfut.scenarios.jvm;

import io.dfut.DFutActor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;

/** What tasks and actors do in nodes of their own JVMs. */
public final class Bodies {
  private static final AtomicInteger RUNNING = new AtomicInteger();

  private Bodies() {}

  /** How many of {@link #untilInterrupted} run in this JVM. */
  public static int running() {
    return RUNNING.get();
  }

  /** Runs until somebody stops it, or for so long that a test has failed by then. */
  public static boolean untilInterrupted() throws InterruptedException {
    RUNNING.incrementAndGet();
    try {
      return new CountDownLatch(1).await(2, TimeUnit.MINUTES);
    } finally {
      RUNNING.decrementAndGet();
    }
  }

  public static String echo(String value) {
    return value;
  }

  public static Object same(Object value) {
    return value;
  }

  public static int increment(int value) {
    return value + 1;
  }

  /** Bytes that no other seed gives. */
  public static byte[] bytes(int seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  /** What {@link #bytes} gave, to a node that does not send it back. */
  public static int hash(byte[] bytes) {
    return java.util.Arrays.hashCode(bytes);
  }

  /** Bytes off the heap, all of them the seed. */
  public static ByteBuffer offHeap(byte seed, int length) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(length);
    MemorySegment.ofBuffer(buffer).fill(seed);
    return buffer;
  }

  /** Tells whether bytes arrived as they were. */
  public static long checksum(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return crc.getValue();
  }

  /** Counts. */
  public static final class Counter extends DFutActor<Void> {
    private int n;

    public Counter(int start) {
      n = start;
    }

    public int add(int by) {
      return n += by;
    }
  }
}
