package io.dfut.internal.store;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What {@code dfut.store} says, checked. Immutable. Each wrong value is refused with its key, the
 * value and the range that is allowed.
 *
 * @param memoryBytes what all objects here may take together
 * @param putTimeout how long a put waits for room
 * @param pullTimeout how long a pull waits for its turn and for room
 * @param peerWait how long a pull waits for a node to become known
 * @param pullBytesInFlight sizes of all objects that are on their way here at once
 * @param pullChunkBytes how much is checked and timed at once
 * @param pullsPerPeer connections to one node
 * @param waitsMax puts and fetches that wait at once
 * @param dataHost where the data plane listens
 * @param dataPort its port, 0 for a free one
 * @param publicPort the port that peers are told, 0 for that one
 * @param connectionsMax connections from peers
 * @param sharedMemory auto, off, or a directory
 * @param unixSockets whether a unix socket is tried beside TCP
 * @param tls how TCP is encrypted; empty for not at all
 * @param spill which disks relieve the memory, and when
 */
record StoreSettings(
    long memoryBytes,
    Duration putTimeout,
    Duration pullTimeout,
    Duration peerWait,
    long pullBytesInFlight,
    int pullChunkBytes,
    int pullsPerPeer,
    int waitsMax,
    String dataHost,
    int dataPort,
    int publicPort,
    int connectionsMax,
    Duration connectTimeout,
    Duration handshakeTimeout,
    Duration chunkTimeout,
    Duration idleTimeout,
    String sharedMemory,
    boolean unixSockets,
    Optional<TlsSettings> tls,
    Spill spill) {

  /**
   * What {@code dfut.store.spill} says.
   *
   * @param directories where to; nowhere if there is none
   * @param auto whether that is our choice, and may turn out not to be possible
   * @param threshold the part of the memory that may be primaries in memory only
   */
  record Spill(
      List<Path> directories,
      boolean auto,
      double threshold,
      long batchBytes,
      int batchObjects,
      int threads,
      long minFreeBytes,
      Duration retry) {
    Spill {
      directories = List.copyOf(directories);
    }
  }

  private static final Logger log = LoggerFactory.getLogger(StoreSettings.class);

  /** Values of {@code shared-memory} that are no directory. */
  static final String SHARED_AUTO = "auto";

  static final String SHARED_OFF = "off";

  /** What it may be. */
  static final String SHARED_RANGE =
      "auto, off, or the absolute path of a directory in which this user may write";

  private static final long MIB = 1L << 20;
  private static final long MEMORY_MIN = 64 * 1024;
  private static final long MEMORY_MAX = 256L << 30;
  private static final long AUTO_MAX = 4L << 30;

  /** Reads and checks. @param dfut the configuration below {@code dfut} */
  static StoreSettings of(Config dfut) {
    Config store = section(dfut);
    long memory = memory(store);
    return new StoreSettings(
        memory,
        duration(store, "put-timeout", Duration.ofMillis(1), Duration.ofHours(1)),
        duration(store, "pull.timeout", Duration.ofMillis(1), Duration.ofHours(1)),
        duration(store, "pull.peer-wait", Duration.ZERO, Duration.ofMinutes(10)),
        bytes(store, "pull.max-bytes-in-flight", 1, Long.MAX_VALUE / 2),
        (int) bytes(store, "pull.chunk", DataFrames.CHUNK_MIN, DataFrames.CHUNK_MAX),
        number(store, "pull.connections-per-peer", 1, 64),
        number(store, "waiters-max", 1, 10_000_000),
        text(store, "data.host"),
        number(store, "data.port", 0, 65_535),
        number(store, "data.public-port", 0, 65_535),
        number(store, "data.connections-max", 1, 100_000),
        duration(store, "data.connect-timeout", Duration.ofMillis(1), Duration.ofMinutes(10)),
        duration(store, "data.handshake-timeout", Duration.ofMillis(1), Duration.ofMinutes(10)),
        duration(store, "data.chunk-timeout", Duration.ofMillis(1), Duration.ofMinutes(10)),
        duration(store, "data.idle-timeout", Duration.ofMillis(1), Duration.ofHours(24)),
        sharedMemory(store),
        autoOrOff(store, "data.unix-sockets"),
        TlsSettings.of(dfut, System::getenv),
        spill(store));
  }

  private static Spill spill(Config store) {
    boolean auto =
        read(
                store,
                "spill.directories",
                "auto, or a list of directories",
                () -> store.getValue("spill.directories").unwrapped())
            .equals("auto");
    List<Path> directories =
        auto
            ? List.of(Path.of(System.getProperty("java.io.tmpdir")))
            : read(
                store,
                "spill.directories",
                "auto, or a list of directories",
                () -> store.getStringList("spill.directories").stream().map(Path::of).toList());
    double threshold =
        read(store, "spill.threshold", "0 to 1", () -> store.getDouble("spill.threshold"));
    inRange(store, "spill.threshold", threshold, threshold >= 0 && threshold <= 1, "0 to 1");
    return new Spill(
        directories,
        auto,
        threshold,
        bytes(store, "spill.batch", 1, 1L << 40),
        number(store, "spill.batch-objects", 1, 1_000_000),
        number(store, "spill.threads", 1, 64),
        bytes(store, "spill.min-free", 0, Long.MAX_VALUE / 2),
        duration(store, "spill.retry", Duration.ofMillis(1), Duration.ofHours(1)));
  }

  /**
   * Makes the directories.
   *
   * @return empty when nothing is to be spilled, or when nobody asked for it and it is not possible
   * @throws IllegalArgumentException when it was asked for and is not possible
   */
  Optional<SpillFiles> openSpillFiles(SpillFiles.Disk disk, Function<Block, MemorySegment> memory) {
    if (spill.directories().isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          new SpillFiles(
              new SpillFiles.Settings(
                  spill.directories(), spill.minFreeBytes(), spill.threads(), spill.retry()),
              disk,
              memory));
    } catch (IllegalArgumentException e) {
      if (!spill.auto()) {
        throw e;
      }
      log.warn("everything is kept in memory: {}", e.getMessage());
      return Optional.empty();
    }
  }

  /**
   * The slabs that small objects share: many to a store, and none so large that its first touch is
   * felt.
   */
  long slabBytes() {
    long share = memoryBytes / 16 / BlockAllocator.GRAIN_BYTES * BlockAllocator.GRAIN_BYTES;
    return Math.clamp(share, MEMORY_MIN / 16, 16 * MIB);
  }

  /**
   * The bounds of the table.
   *
   * @param spills whether there are disks
   * @param attaches whether other nodes' memory can be read in place
   */
  StoreTable.Limits limits(boolean networked, boolean spills, boolean attaches) {
    return new StoreTable.Limits(
        memoryBytes,
        slabBytes(),
        putTimeout.toNanos(),
        pullTimeout.toNanos(),
        networked ? peerWait.toNanos() : 0, // nobody will ever become known
        pullBytesInFlight,
        pullsPerPeer,
        waitsMax,
        attaches,
        spills
            ? Optional.of(
                new StoreTable.SpillLimits(
                    (long) (memoryBytes * spill.threshold()),
                    spill.batchBytes(),
                    spill.batchObjects(),
                    spill.threads(),
                    spill.retry().toNanos()))
            : Optional.empty());
  }

  private static String sharedMemory(Config store) {
    String value =
        read(store, "shared-memory", SHARED_RANGE, () -> store.getString("shared-memory"));
    boolean known =
        value.equals(SHARED_AUTO)
            || value.equals(SHARED_OFF)
            || value.startsWith("/") && value.indexOf('\0') < 0;
    return (String) inRange(store, "shared-memory", value, known, SHARED_RANGE);
  }

  private static Config section(Config dfut) {
    try {
      return dfut.getConfig("store");
    } catch (ConfigException e) {
      throw new IllegalArgumentException(
          "dfut.store is missing or not a section: " + e.getMessage(), e);
    }
  }

  private static long memory(Config store) {
    if (read(store, "memory", "auto or a size", () -> store.getValue("memory").unwrapped())
        .equals("auto")) {
      return Math.clamp(physicalBytes() / 4, MEMORY_MIN, AUTO_MAX);
    }
    return bytes(store, "memory", MEMORY_MIN, MEMORY_MAX);
  }

  /** What the machine, or the container, has. */
  private static long physicalBytes() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : Runtime.getRuntime().maxMemory();
  }

  private static long bytes(Config store, String key, long min, long max) {
    String range = min + " to " + max + " bytes";
    long value = read(store, key, range, () -> store.getBytes(key));
    return (long) inRange(store, key, value, value >= min && value <= max, range);
  }

  private static int number(Config store, String key, int min, int max) {
    String range = min + " to " + max;
    int value = read(store, key, range, () -> store.getInt(key));
    return (int) inRange(store, key, value, value >= min && value <= max, range);
  }

  private static Duration duration(Config store, String key, Duration min, Duration max) {
    String range = text(min) + " to " + text(max);
    Duration value = read(store, key, range, () -> store.getDuration(key));
    return (Duration)
        inRange(store, key, value, value.compareTo(min) >= 0 && value.compareTo(max) <= 0, range);
  }

  /** As it is written in a configuration. */
  private static String text(Duration duration) {
    return duration.compareTo(Duration.ofMinutes(1)) < 0
        ? duration.toMillis() + " ms"
        : duration.toMinutes() + " min";
  }

  private static String text(Config store, String key) {
    String value = read(store, key, "a host name or address", () -> store.getString(key));
    return (String) inRange(store, key, value, !value.isBlank(), "a host name or address");
  }

  private static boolean autoOrOff(Config store, String key) {
    String value = read(store, key, "auto or off", () -> store.getString(key));
    boolean auto = value.equals("auto");
    inRange(store, key, value, auto || value.equals("off") || value.equals("false"), "auto or off");
    return auto;
  }

  private static <T> T read(Config store, String key, String range, Supplier<T> reader) {
    try {
      return reader.get();
    } catch (ConfigException e) {
      String value = store.hasPath(key) ? store.getValue(key).unwrapped().toString() : "missing";
      throw new IllegalArgumentException(
          "dfut.store." + key + " is " + value + "; allowed: " + range, e);
    }
  }

  private static Object inRange(
      Config store, String key, Object value, boolean holds, String range) {
    if (!holds) {
      throw new IllegalArgumentException(
          "dfut.store."
              + key
              + " is "
              + store.getValue(key).unwrapped() // as it was written
              + "; allowed: "
              + range);
    }
    return value;
  }
}
