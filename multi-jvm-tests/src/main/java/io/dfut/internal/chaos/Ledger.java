package io.dfut.internal.chaos;

import io.dfut.DFutContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What the bodies of all JVMs count: a file that all of them map, so that nobody's death loses
 * anything, and that a look at it costs nothing. Thread-safe.
 */
final class Ledger {
  /** The system property that names the file to the nodes. */
  static final String PROPERTY = "dfut.chaos.ledger";

  /** References on their way that can be told apart at a time. */
  private static final int HAND_OVERS = 1 << 16;

  private static final VarHandle LONGS =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private static final int RAN = 0;
  private static final int AGAIN = 8;
  private static final int HANDED = 16;
  private static final int FLAGS = 64;

  private static Ledger ledger;

  private final ByteBuffer file;

  private Ledger(Path path) {
    try (FileChannel channel =
        FileChannel.open(
            path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
      file = channel.map(FileChannel.MapMode.READ_WRITE, 0, FLAGS + HAND_OVERS);
    } catch (IOException e) {
      throw new UncheckedIOException("the ledger " + path, e);
    }
  }

  /** Of the run that this JVM belongs to. */
  static synchronized Ledger open() {
    if (ledger == null) {
      ledger = new Ledger(Path.of(System.getProperty(PROPERTY)));
    }
    return ledger;
  }

  /** Of a new run, which this JVM drives. */
  static synchronized Ledger start(Path path) {
    ledger = new Ledger(path);
    return ledger;
  }

  private void add(int at) {
    LONGS.getAndAdd(file, at, 1L);
  }

  private long count(int at) {
    return (long) LONGS.getVolatile(file, at);
  }

  /** The body that calls this has begun. */
  void begun() {
    add(RAN);
    if (DFutContext.current().attempt() > 0) {
      add(AGAIN);
    }
  }

  /** Bodies that were begun. */
  long bodies() {
    return count(RAN);
  }

  /** Those of them that were not the first of their task or call. */
  long repeated() {
    return count(AGAIN);
  }

  /** References that were handed over. */
  long handedOver() {
    return count(HANDED);
  }

  /** A reference is about to be sent, under this number. */
  void handsOver(int number) {
    add(HANDED);
    file.put(flag(number), (byte) 1);
  }

  /** It is there, or its way has ended in another way. */
  void received(int number) {
    file.put(flag(number), (byte) 0);
  }

  /** Whether it was sent and is not there. */
  boolean isUnderWay(int number) {
    return file.get(flag(number)) != 0;
  }

  private static int flag(int number) {
    return FLAGS + Math.floorMod(number, HAND_OVERS);
  }
}
