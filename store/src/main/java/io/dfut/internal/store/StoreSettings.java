package io.dfut.internal.store;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

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
 * @param connectionsMax connections from peers
 * @param unixSockets whether a unix socket is tried beside TCP
 * @param tls how TCP is encrypted; empty for not at all
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
    int connectionsMax,
    Duration connectTimeout,
    Duration handshakeTimeout,
    Duration chunkTimeout,
    Duration idleTimeout,
    boolean unixSockets,
    Optional<TlsSettings> tls) {

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
        number(store, "data.connections-max", 1, 100_000),
        duration(store, "data.connect-timeout", Duration.ofMillis(1), Duration.ofMinutes(10)),
        duration(store, "data.handshake-timeout", Duration.ofMillis(1), Duration.ofMinutes(10)),
        duration(store, "data.chunk-timeout", Duration.ofMillis(1), Duration.ofMinutes(10)),
        duration(store, "data.idle-timeout", Duration.ofMillis(1), Duration.ofHours(24)),
        autoOrOff(store, "data.unix-sockets"),
        TlsSettings.of(store, System::getenv));
  }

  /**
   * The slabs that small objects share: many to a store, and none so large that its first touch is
   * felt.
   */
  long slabBytes() {
    long share = memoryBytes / 16 / BlockAllocator.GRAIN_BYTES * BlockAllocator.GRAIN_BYTES;
    return Math.clamp(share, MEMORY_MIN / 16, 16 * MIB);
  }

  /** The bounds of the table. */
  StoreTable.Limits limits(boolean networked) {
    return new StoreTable.Limits(
        memoryBytes,
        slabBytes(),
        putTimeout.toNanos(),
        pullTimeout.toNanos(),
        networked ? peerWait.toNanos() : 0, // nobody will ever become known
        pullBytesInFlight,
        pullsPerPeer,
        waitsMax);
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
    return (long) inRange(key, value, value >= min && value <= max, range);
  }

  private static int number(Config store, String key, int min, int max) {
    String range = min + " to " + max;
    int value = read(store, key, range, () -> store.getInt(key));
    return (int) inRange(key, value, value >= min && value <= max, range);
  }

  private static Duration duration(Config store, String key, Duration min, Duration max) {
    String range = min + " to " + max;
    Duration value = read(store, key, range, () -> store.getDuration(key));
    return (Duration)
        inRange(key, value, value.compareTo(min) >= 0 && value.compareTo(max) <= 0, range);
  }

  private static String text(Config store, String key) {
    String value = read(store, key, "a host name or address", () -> store.getString(key));
    return (String) inRange(key, value, !value.isBlank(), "a host name or address");
  }

  private static boolean autoOrOff(Config store, String key) {
    String value = read(store, key, "auto or off", () -> store.getString(key));
    boolean auto = value.equals("auto");
    inRange(key, value, auto || value.equals("off") || value.equals("false"), "auto or off");
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

  private static Object inRange(String key, Object value, boolean holds, String range) {
    if (!holds) {
      throw new IllegalArgumentException(
          "dfut.store." + key + " is " + value + "; allowed: " + range);
    }
    return value;
  }
}
