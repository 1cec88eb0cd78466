package io.dfut.samples.bench;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.ObjectView;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * More values than memory, through a small store in a JVM with a small heap: all are put, then each
 * is read and every byte of it compared. A program of its own, and what starts it.
 *
 * @param seconds for putting and reading them all
 * @param plainSeconds for writing as many bytes to plain files and reading them, by the same JVM;
 *     measured on a part
 * @param spilled bytes
 * @param restored bytes
 * @param peakHeap bytes in use at most, garbage included
 * @param maxHeap what the JVM may use
 */
record WorkingSet(
    double seconds, double plainSeconds, long spilled, long restored, long peakHeap, long maxHeap) {
  private static final int MIB = 1 << 20;

  /** Large enough to be written alone, small enough that many share the memory. */
  private static final int VALUE = 8 * MIB;

  private static final String RESULT = "working-set ";

  /** The plain files are a part of the bytes, in turns of so many values. */
  private static final int PLAIN_VALUES = 64;

  /** Multiplied with a place it gives bytes that no other value has there. */
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  /** Arguments: how many MiB, the store's MiB, and a directory. */
  public static void main(String[] args) throws IOException {
    int values = (int) Math.max(1, Long.parseLong(args[0]) * MIB / VALUE);
    Path folder = Path.of(args[2]);
    try (DFutSystem dfut =
        DFutSystem.local(
            ConfigFactory.parseMap(
                Map.of(
                    "dfut.store.memory",
                    args[1] + "MiB",
                    "dfut.store.spill.directories",
                    List.of(folder.toString()))))) {
      long start = System.nanoTime();
      List<DFut<ByteBuffer>> held = new ArrayList<>();
      ByteBuffer value = ByteBuffer.allocateDirect(VALUE);
      for (int i = 0; i < values; i++) {
        fill(MemorySegment.ofBuffer(value), i);
        held.add(dfut.put(value));
      }
      for (int i = 0; i < values; i++) {
        try (ObjectView view = held.get(i).view()) {
          check(view.segment(), i);
        }
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      Inspection.Store store = dfut.inspect().store();
      held.forEach(DFut::close);
      double plain = plain(folder.resolve("plain"), value) * values / PLAIN_VALUES;
      System.out.println(
          RESULT
              + String.join(
                  " ",
                  String.valueOf(seconds),
                  String.valueOf(plain),
                  String.valueOf(store.spilledBytes()),
                  String.valueOf(store.restoredBytes()),
                  String.valueOf(peakHeapBytes()),
                  String.valueOf(Runtime.getRuntime().maxMemory())));
    }
    System.exit(0);
  }

  private static void fill(MemorySegment value, int index) {
    for (long at = 0; at < value.byteSize(); at += Long.BYTES) {
      value.set(ValueLayout.JAVA_LONG_UNALIGNED, at, expected(index, at));
    }
  }

  private static long expected(int index, long at) {
    return ((long) index * VALUE + at) * SPREAD;
  }

  private static void check(MemorySegment value, int index) {
    if (value.byteSize() != VALUE) {
      throw new IllegalStateException("value " + index + " has " + value.byteSize() + " bytes");
    }
    for (long at = 0; at < VALUE; at += Long.BYTES) {
      if (value.get(ValueLayout.JAVA_LONG_UNALIGNED, at) != expected(index, at)) {
        throw new IllegalStateException("value " + index + " is wrong at byte " + at);
      }
    }
  }

  /** The same with files: seconds for {@link #PLAIN_VALUES}. */
  private static double plain(Path file, ByteBuffer value) throws IOException {
    long nanos = 0;
    for (int i = 0; i < PLAIN_VALUES; i++) {
      long start = System.nanoTime();
      fill(MemorySegment.ofBuffer(value), i);
      SpillBench.write(file, value.clear());
      SpillBench.read(file, value);
      check(MemorySegment.ofBuffer(value.clear()), i);
      nanos += System.nanoTime() - start;
      Files.delete(file);
    }
    return nanos / 1e9;
  }

  private static long peakHeapBytes() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP)
        .map(MemoryPoolMXBean::getPeakUsage)
        .mapToLong(usage -> usage.getUsed())
        .sum();
  }

  /**
   * Runs it in a JVM of its own.
   *
   * @param mib of values, a multiple of 8
   * @param storeMib of memory
   * @throws OptionException when the disk has no room for it
   */
  static WorkingSet measure(int mib, int storeMib, int heapMib) throws IOException {
    Path folder = Files.createTempDirectory("dfut-bench-working-set");
    try {
      long free = Files.getFileStore(folder).getUsableSpace() / MIB;
      if (free < mib + 1024L) { // what must stay free, and some room for others
        throw new OptionException(
            "%s has %d MiB left, too few for %d MiB of values; give --working-set a smaller number"
                .formatted(folder.getParent(), free, mib));
      }
      List<String> result =
          OtherJvm.run(
              WorkingSet.class,
              List.of("-Xmx" + heapMib + "m"),
              List.of("" + mib, "" + storeMib, folder.toString()),
              RESULT);
      return parse(result.getLast().split(" "));
    } finally {
      Files.deleteIfExists(folder.resolve("plain"));
      Files.deleteIfExists(folder);
    }
  }

  private static WorkingSet parse(String[] numbers) {
    return new WorkingSet(
        Double.parseDouble(numbers[0]),
        Double.parseDouble(numbers[1]),
        Long.parseLong(numbers[2]),
        Long.parseLong(numbers[3]),
        Long.parseLong(numbers[4]),
        Long.parseLong(numbers[5]));
  }
}
