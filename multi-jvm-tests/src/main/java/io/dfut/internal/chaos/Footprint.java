package io.dfut.internal.chaos;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a process took at a moment at which it had nothing to do. Immutable.
 *
 * @param process which one; another after a restart
 * @param seconds since the run began
 * @param amounts what could be measured
 */
record Footprint(String process, double seconds, Map<Measure, Long> amounts) {
  private static final long MIB = 1 << 20;

  /** What must not grow, and by how much it may seem to. */
  enum Measure {
    /** Pages of the process in memory, those of shared memory included. */
    RESIDENT(48 * MIB, 2 * MIB),
    /** Of the Java heap, after a collection. */
    LIVE_HEAP(8 * MIB, MIB),
    /** Of direct buffers. */
    DIRECT(8 * MIB, MIB),
    /** Of the operating system. */
    THREADS(8, 1),
    /** Open files and sockets. */
    DESCRIPTORS(16, 1);

    /** By so much it may vary, however short the run. */
    final long slack;

    /** And by so much more with each hour. */
    final long perHour;

    Measure(long slack, long perHour) {
      this.slack = slack;
      this.perHour = perHour;
    }

    String shown(double amount) {
      return this == THREADS || this == DESCRIPTORS
          ? String.format(Locale.ROOT, "%.1f", amount)
          : String.format(Locale.ROOT, "%.1f MiB", amount / MIB);
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
  }

  Footprint {
    amounts = Map.copyOf(amounts);
  }

  /**
   * Looks at a process from outside.
   *
   * @param inside what it says itself, see {@link #inside}
   */
  static Footprint of(String process, double seconds, long pid, long[] inside) {
    Map<Measure, Long> amounts = new EnumMap<>(Measure.class);
    amounts.put(Measure.LIVE_HEAP, inside[0]);
    amounts.put(Measure.DIRECT, inside[1]);
    Path proc = Path.of("/proc", Long.toString(pid));
    try (Stream<Path> open = Files.list(proc.resolve("fd"))) {
      amounts.put(Measure.DESCRIPTORS, open.count());
      for (String line : Files.readAllLines(proc.resolve("status"))) {
        String[] words = line.split("\\s+");
        switch (words[0]) {
          case "VmRSS:" -> amounts.put(Measure.RESIDENT, Long.parseLong(words[1]) * 1024);
          case "Threads:" -> amounts.put(Measure.THREADS, Long.parseLong(words[1]));
          default -> {
            // of no interest
          }
        }
      }
    } catch (IOException e) {
      // not a system that tells: left out
    }
    return new Footprint(process, seconds, amounts);
  }

  /** Of this process: the live heap, and what direct buffers take. */
  static long[] inside() {
    System.gc();
    long direct =
        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .filter(pool -> pool.getName().equals("direct"))
            .mapToLong(BufferPoolMXBean::getMemoryUsed)
            .sum();
    return new long[] {ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(), direct};
  }

  @Override
  public String toString() {
    return process
        + ": "
        + Stream.of(Measure.values())
            .filter(amounts::containsKey)
            .map(measure -> measure + " " + measure.shown(amounts.get(measure)))
            .collect(Collectors.joining(", "));
  }
}
