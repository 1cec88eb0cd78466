package io.dfut.samples.bench;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.ObjectView;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * What the store writes to disk and reads back, beside plain files in the same directory. Neither
 * is forced to the disk itself: both are as fast as the system takes bytes into its cache.
 */
final class SpillBench {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** So many large objects fit into the memory. */
  private static final int FIT = 3;

  /** So many take turns, the least recently read first: none is in memory when its turn comes. */
  private static final int TURNS = 6;

  private final StoreOptions options;
  private final Consumer<Figure> add;
  private final int large;
  private long sink;

  SpillBench(StoreOptions options, int large, Consumer<Figure> add) {
    this.options = options;
    this.large = large;
    this.add = add;
  }

  void run() throws Exception {
    Path folder = Files.createTempDirectory("dfut-bench-spill");
    try {
      if (options.wants("store.spill")) {
        try (DFutSystem dfut = DFutSystem.local(config(folder))) {
          spill(dfut, folder.resolve("plain"));
        }
      }
      if (options.wants("store.restore")) {
        try (DFutSystem dfut = DFutSystem.local(config(folder))) {
          restore(dfut, folder.resolve("plain"));
        }
      }
    } finally {
      Files.deleteIfExists(folder.resolve("plain"));
      Files.deleteIfExists(folder);
    }
  }

  /** What is put is written at once, as nothing may be in memory only; by one thread, as beside. */
  private Config config(Path folder) {
    return ConfigFactory.parseMap(
        Map.of(
            "dfut.store.memory",
            (long) FIT * large + (1 << 20),
            "dfut.store.spill.directories",
            List.of(folder.toString()),
            "dfut.store.spill.threshold",
            0.01,
            "dfut.store.spill.threads",
            1));
  }

  private static void await(BooleanSupplier done, DFutSystem dfut) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!done.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("the store does not come to rest: " + dfut.inspect());
      }
      LockSupport.parkNanos(100_000);
    }
  }

  private void spill(DFutSystem dfut, Path plain) throws Exception {
    ByteBuffer source = filled();
    List<DFut<ByteBuffer>> held = new ArrayList<>();
    long[] before = new long[1];
    Figure.Times times =
        Figure.Times.of(
            options.runs(),
            () -> {
              before[0] = dfut.inspect().store().spilledObjects();
              held.add(dfut.put(source));
            },
            () -> await(() -> dfut.inspect().store().spilledObjects() > before[0], dfut),
            () -> {
              held.forEach(DFut::close);
              held.clear();
              await(() -> dfut.inspect().store().diskFiles() == 0, dfut);
            },
            () -> {
              write(plain, source.duplicate());
              Files.delete(plain); // deleting the store's own is not timed, but quick
            });
    add.accept(
        Figure.throughput(
            "store.spill." + options.largeMib() + "MiB", large, times, "plain file", 0.7));
  }

  private void restore(DFutSystem dfut, Path plain) throws Exception {
    ByteBuffer source = filled();
    ByteBuffer target = ByteBuffer.allocateDirect(large);
    write(plain, source.duplicate());
    List<DFut<ByteBuffer>> held = new ArrayList<>();
    try {
      for (int i = 0; i < TURNS; i++) {
        held.add(dfut.put(source));
      }
      await(() -> dfut.inspect().store().spilledObjects() == TURNS, dfut);
      int[] turn = new int[1];
      long[] before = new long[1];
      Figure.Times times =
          Figure.Times.of(
              options.runs(),
              () -> before[0] = dfut.inspect().store().restoredObjects(),
              () -> {
                try (ObjectView view = held.get(turn[0]++ % TURNS).view()) {
                  sink += view.size();
                }
              },
              () -> {
                if (dfut.inspect().store().restoredObjects() != before[0] + 1) {
                  throw new IllegalStateException("it was in memory: " + dfut.inspect().store());
                }
              },
              () -> read(plain, target));
      add.accept(
          Figure.throughput(
              "store.restore." + options.largeMib() + "MiB", large, times, "plain file", 0));
    } finally {
      held.forEach(DFut::close);
      Files.delete(plain);
    }
  }

  private ByteBuffer filled() {
    ByteBuffer bytes = ByteBuffer.allocateDirect(large);
    for (int i = 0; i + Long.BYTES <= large; i += Long.BYTES) {
      bytes.putLong(i, i * 0x9E3779B97F4A7C15L);
    }
    return bytes;
  }

  /** Makes a file of it. */
  static void write(Path file, ByteBuffer bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }
  }

  /** Fills the buffer from the file. */
  static void read(Path file, ByteBuffer target) throws IOException {
    target.clear();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (target.hasRemaining() && channel.read(target) >= 0) {
        // the next piece
      }
    }
    if (target.hasRemaining()) {
      throw new IOException(file + " is short by " + target.remaining());
    }
  }
}
