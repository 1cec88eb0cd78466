package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.dfut.ObjectId;
import io.dfut.internal.codec.Encoded;
import io.dfut.internal.spi.ObjectStore.Pinned;
import io.dfut.internal.spi.ObjectStore.Urgency;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Prints how fast the store is beside the limit, round by round in turns, both in this one JVM.
 * Asserts nothing about speed: the machine may be busy. More rounds with {@code
 * -Ddfut.bench.rounds=50}.
 */
final class StoreThroughputTest {
  private static final int BYTES = 100 << 20;
  private static final int ROUNDS = Integer.getInteger("dfut.bench.rounds", 8);

  private final Stores stores = new Stores();

  @AfterEach
  void close() {
    stores.close();
  }

  private interface Round {
    void run() throws Exception;
  }

  private static double[] gigabytesPerSecond(Round ours, Round limit) throws Exception {
    double[] a = new double[ROUNDS];
    double[] b = new double[ROUNDS];
    for (int i = -2; i < ROUNDS; i++) { // two to warm up
      long start = System.nanoTime();
      ours.run();
      long middle = System.nanoTime();
      limit.run();
      long end = System.nanoTime();
      if (i >= 0) {
        a[i] = BYTES / (double) (middle - start);
        b[i] = BYTES / (double) (end - middle);
      }
    }
    Arrays.sort(a);
    Arrays.sort(b);
    return new double[] {a[ROUNDS / 2], b[ROUNDS / 2], a[ROUNDS - 1], b[ROUNDS - 1]};
  }

  private static void print(String name, String limit, double[] r) {
    System.out.printf(
        "%-24s %6.2f GB/s (best %.2f)   %s %6.2f GB/s (best %.2f)   ratio %.2f%n",
        name, r[0], r[2], limit, r[1], r[3], r[0] / r[1]);
  }

  private record Raw(MemorySegment source) implements Encoded {
    @Override
    public long bytes() {
      return source.byteSize();
    }

    @Override
    public void writeTo(MemorySegment target) {
      target.copyFrom(source);
    }

    @Override
    public List<ObjectId> references() {
      return List.of();
    }
  }

  @Test
  void putBesideMemcpy() throws Exception {
    try (Arena arena = Arena.ofShared()) {
      Raw value = new Raw(arena.allocate(BYTES));
      value.source().fill((byte) 7);
      MemorySegment target = arena.allocate(BYTES);
      SlabObjectStore store = stores.open(1, "store.memory = 256 MiB");
      print(
          "put 100 MiB",
          "memcpy",
          gigabytesPerSecond(
              () -> {
                store.putPrimary(key(1), value);
                store.free(key(1));
              },
              () -> target.copyFrom(value.source())));
    }
  }

  @Test
  void pinOfWhatIsHere() {
    SlabObjectStore store = stores.open(1, "store.memory = 256 MiB");
    for (int i = 0; i < 1000; i++) {
      store.putPrimary(key(i), Values.of(i, 100));
    }
    long best = Long.MAX_VALUE;
    long seen = 0;
    for (int round = 0; round < 20; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < 50_000; i++) {
        try (Pinned pinned = store.pin(key(i % 1000)).orElseThrow()) {
          seen += pinned.bytes().byteSize();
        }
      }
      best = Math.min(best, (System.nanoTime() - start) / 50_000);
    }
    assertThat(seen).isEqualTo(20L * 50_000 * 100);
    System.out.println("pin, bytes, close          " + best + " ns");
  }

  /**
   * A first get of 100 MiB that a node of the same host has: connection and mapping are warm, the
   * object is not yet attached. And what is attached already.
   */
  @Test
  void getInPlaceOnTheSameHost(@TempDir Path directory) throws Exception {
    String settings =
        "store.memory = 256 MiB\nstore.shared-memory = \""
            + (Files.isWritable(Path.of("/dev/shm")) ? Path.of("/dev/shm") : directory)
            + "\"";
    SlabObjectStore source = stores.open(11, settings, new PlainTransport());
    SlabObjectStore reader = stores.open(12, settings, new PlainTransport());
    reader.peerUp(node(11), source.endpoint().orElseThrow());
    source.putPrimary(key(50), Values.of(50, BYTES));
    int samples = 100 * ROUNDS;
    long[] first = new long[samples];
    long[] again = new long[samples];
    long cold = 0;
    for (int i = 0; i < samples; i++) {
      long begun = System.nanoTime();
      Pinned pinned = Stores.get(reader.fetch(key(50), BYTES, List.of(node(11)), Urgency.GET));
      first[i] = System.nanoTime() - begun;
      cold = i == 0 ? first[i] : cold;
      assertThat(pinned.isCopy()).isFalse();
      begun = System.nanoTime();
      reader.pin(key(50)).orElseThrow().close();
      again[i] = System.nanoTime() - begun;
      pinned.close();
      await("released").pollInterval(Duration.ofMillis(1)).until(() -> source.holds().count() == 0);
    }
    Arrays.sort(first);
    Arrays.sort(again);
    System.out.printf(
        "get of 100 MiB in place: cold %.3f ms; first p10 %.3f p50 %.3f p90 %.3f ms;"
            + " pin and close of what is attached p50 %.4f ms%n",
        cold / 1e6,
        first[samples / 10] / 1e6,
        first[samples / 2] / 1e6,
        first[samples * 9 / 10] / 1e6,
        again[samples / 2] / 1e6);
  }

  @Test
  void pullOverTcpBesidePlainNio() throws Exception {
    pull("pull over TCP", "off", new PlainTransport());
  }

  @Test
  void pullOverUnixSocketBesidePlainNio() throws Exception {
    pull("pull over unix socket", "auto", new PlainTransport());
  }

  @Test
  void pullOverTlsBesidePlainNio(@TempDir Path folder) throws Exception {
    Certificates certificates = Certificates.makeIn(folder);
    pull(
        "pull over TLS",
        "off",
        new TlsTransport(new TlsEngines(certificates.settings("node", "trust"))));
  }

  private void pull(String name, String unixSockets, DataTransport transport) throws Exception {
    String settings = "store.memory = 128 MiB\nstore.data.unix-sockets = " + unixSockets;
    SlabObjectStore one = stores.open(1, settings, transport);
    SlabObjectStore two = stores.open(2, settings, transport);
    two.peerUp(node(1), one.endpoint().orElseThrow());
    one.putPrimary(key(1), Values.of(1, BYTES));
    try (Arena arena = Arena.ofShared();
        ServerSocketChannel server = ServerSocketChannel.open()) {
      server.bind(new InetSocketAddress("127.0.0.1", 0));
      MemorySegment source = arena.allocate(BYTES);
      MemorySegment target = arena.allocate(BYTES);
      Thread sender = Thread.ofPlatform().start(() -> send(server, source));
      try (SocketChannel socket = SocketChannel.open(server.getLocalAddress())) {
        socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
        ByteBuffer ask = ByteBuffer.allocateDirect(1);
        print(
            name,
            "plain NIO",
            gigabytesPerSecond(
                () -> {
                  Stores.get(two.fetch(key(1), BYTES, List.of(node(1)), Urgency.GET)).close();
                  two.free(key(1));
                },
                () -> {
                  socket.write(ask.clear());
                  ByteBuffer into = target.asByteBuffer();
                  while (into.hasRemaining()) {
                    socket.read(into);
                  }
                }));
      }
      sender.join();
    }
  }

  private static void send(ServerSocketChannel server, MemorySegment source) {
    try (SocketChannel socket = server.accept()) {
      socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
      ByteBuffer asked = ByteBuffer.allocateDirect(1);
      while (socket.read(asked.clear()) >= 0) {
        ByteBuffer from = source.asByteBuffer();
        while (from.hasRemaining()) {
          socket.write(from);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
