package io.dfut.internal.store;

import io.dfut.internal.store.StoreEffect.SpillItem;
import io.dfut.internal.store.StoreInput.PullOutcome;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.GatheringByteChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files in which a store keeps what does not fit into its memory. Thread-safe.
 *
 * <p>Each directory that is configured gets one of the store's own below it, which is removed when
 * the store closes, and by the next store that starts there if the process was killed ({@link
 * RunDirectory}). Files go to the directories in turn. One that cannot be written to is left out
 * for a while, which is logged when it begins and when it is over, and the next one is tried; only
 * when none can be written to does the write fail.
 *
 * <p>Every piece of {@link #PIECE_BYTES} has a CRC32C, kept in memory and compared at each reading:
 * files have no meaning after the process, so they hold nothing but the objects' bytes.
 */
final class SpillFiles implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SpillFiles.class);

  /** What has a checksum of its own. */
  static final int PIECE_BYTES = 1 << 20;

  /** The prefix of our directories' names. */
  static final String PREFIX = "dfut-spill";

  private static final long CLOSE_WAIT_SECONDS = 10;

  /** So often a writer says that it goes on. */
  private static final long PROGRESS_NANOS = 100_000_000;

  /**
   * What is configured.
   *
   * @param directories where to, in turn
   * @param minFreeBytes a directory whose disk has less left than that counts as full
   * @param threads files that are written at once, and objects that are read at once
   * @param retry how long a directory is left out after it could not be written to
   */
  record Settings(List<Path> directories, long minFreeBytes, int threads, Duration retry) {
    Settings {
      directories = List.copyOf(directories);
    }
  }

  /** How a file is opened for writing; for tests, a disk that fails or is slow. */
  interface Disk {
    /** Opens a new file. */
    GatheringByteChannel create(Path file) throws IOException;

    /** What is left on the disk of this directory. */
    long freeBytes(Path directory) throws IOException;
  }

  /** The disks as they are. */
  static final Disk DISKS =
      new Disk() {
        @Override
        public GatheringByteChannel create(Path file) throws IOException {
          return FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
        }

        @Override
        public long freeBytes(Path directory) throws IOException {
          return Files.getFileStore(directory).getUsableSpace();
        }
      };

  private static final class Directory {
    final Path configured;
    final RunDirectory own;
    private String failure = "";
    private long badUntilNanos;

    Directory(Path configured, RunDirectory own) {
      this.configured = configured;
      this.own = own;
    }

    synchronized Optional<String> outage(long nowNanos) {
      return failure.isEmpty() || nowNanos - badUntilNanos >= 0
          ? Optional.empty()
          : Optional.of(failure);
    }

    /** Whether this is news. */
    synchronized boolean failed(String why, long untilNanos) {
      boolean news = failure.isEmpty();
      failure = why;
      badUntilNanos = untilNanos;
      return news;
    }

    /** Whether this is news. */
    synchronized boolean worked() {
      boolean news = !failure.isEmpty();
      failure = "";
      return news;
    }
  }

  /** What is on disk cannot be read, or is not what was written: that copy is lost. */
  static final class UnreadableException extends IOException {
    private static final long serialVersionUID = 1L;

    UnreadableException(String message, IOException cause) {
      super(message, cause);
    }
  }

  /** A file that was written. */
  private record SpillFile(Path path, List<int[]> sums) {}

  private final Settings settings;
  private final Disk disk;
  private final Function<Block, MemorySegment> memory;
  private final List<Directory> directories;
  private final AtomicInteger turn = new AtomicInteger();

  /** Added when written; removed when deleted. */
  private final ConcurrentHashMap<Long, SpillFile> files = new ConcurrentHashMap<>();

  private final ThreadPoolExecutor writers;
  private final ThreadPoolExecutor readers;
  private final LongAdder writeNanos = new LongAdder();
  private final LongAdder readNanos = new LongAdder();
  private volatile boolean closed;

  /**
   * Makes the directories. One that cannot be used is reported and left out.
   *
   * @param memory where a block's bytes are
   * @throws IllegalArgumentException when none can be used
   */
  SpillFiles(Settings settings, Disk disk, Function<Block, MemorySegment> memory) {
    this.settings = settings;
    this.disk = disk;
    this.memory = memory;
    List<Directory> usable = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (Path path : settings.directories()) {
      try {
        usable.add(new Directory(path, RunDirectory.open(path, PREFIX)));
      } catch (IOException e) {
        problems.add(path + " (" + e.getMessage() + ")");
        log.warn(
            "objects cannot be spilled to {}, named in dfut.store.spill.directories: {}",
            path,
            e.getMessage());
      }
    }
    if (usable.isEmpty()) {
      throw new IllegalArgumentException(
          "dfut.store.spill.directories names no directory that can be used: "
              + String.join(", ", problems)
              + "; name one that exists and can be written to, or [] to keep everything in memory");
    }
    this.directories = List.copyOf(usable);
    this.writers = pool("dfut-spill-");
    this.readers = pool("dfut-restore-");
  }

  private ThreadPoolExecutor pool(String prefix) {
    AtomicInteger number = new AtomicInteger();
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            settings.threads(),
            settings.threads(),
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(), // bounded by what the table starts
            body -> {
              Thread thread = new Thread(body, prefix + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  // --------------------------------------------------------------------------------------------------------- write

  /**
   * Writes objects into a file, on another thread.
   *
   * @param progress told now and then that it goes on, on that thread
   * @param ended told once: why it could not be written, or nothing
   */
  void write(
      long file, List<SpillItem> items, Runnable progress, Consumer<Optional<String>> ended) {
    try {
      writers.execute(
          () -> {
            Optional<String> failure = Optional.of("not tried");
            try {
              failure = tryAll(file, items, progress);
            } catch (RuntimeException | OutOfMemoryError e) {
              log.warn("spilling failed", e);
              failure = Optional.of(e.toString());
            } finally {
              ended.accept(failure);
            }
          });
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      ended.accept(Optional.of(closed ? "the store is closed" : "no thread could be started"));
    }
  }

  private Optional<String> tryAll(long number, List<SpillItem> items, Runnable progress) {
    long bytes = items.stream().mapToLong(SpillItem::bytes).sum();
    List<String> problems = new ArrayList<>();
    int first = Math.floorMod(turn.getAndIncrement(), directories.size());
    for (int i = 0; i < directories.size() && !closed; i++) {
      Directory directory = directories.get((first + i) % directories.size());
      Optional<String> outage = directory.outage(System.nanoTime());
      if (outage.isPresent()) {
        problems.add(directory.configured + ": " + outage.get());
        continue;
      }
      Path path = directory.own.path().resolve(Long.toString(number));
      try {
        long start = System.nanoTime();
        long free = disk.freeBytes(directory.own.path());
        if (free - bytes < settings.minFreeBytes()) {
          throw new IOException(
              "its disk has "
                  + free
                  + " bytes left, and "
                  + settings.minFreeBytes()
                  + " are to stay free (dfut.store.spill.min-free)");
        }
        files.put(number, new SpillFile(path, writeFile(path, items, progress)));
        writeNanos.add(System.nanoTime() - start);
        if (directory.worked()) {
          log.info("objects are spilled to {} again", directory.configured);
        }
        return Optional.empty();
      } catch (IOException e) {
        deleteFile(path);
        String why = String.valueOf(e.getMessage());
        problems.add(directory.configured + ": " + why);
        if (directory.failed(why, System.nanoTime() + settings.retry().toNanos()) && !closed) {
          log.warn(
              "objects cannot be spilled to {}, named in dfut.store.spill.directories: {};"
                  + " it is tried again in {}",
              directory.configured,
              why,
              settings.retry());
        }
      }
    }
    return Optional.of(closed ? "the store is closed" : String.join(", ", problems));
  }

  private List<int[]> writeFile(Path path, List<SpillItem> items, Runnable progress)
      throws IOException {
    long told = System.nanoTime();
    List<int[]> sums = new ArrayList<>(items.size());
    CRC32C crc = new CRC32C();
    try (GatheringByteChannel channel = disk.create(path)) {
      List<ByteBuffer> small = new ArrayList<>();
      long gathered = 0;
      for (SpillItem item : items) {
        MemorySegment bytes = memory.apply(item.block()).asSlice(0, item.bytes());
        int[] ofItem = new int[pieces(item.bytes())];
        for (int i = 0; i < ofItem.length; i++) {
          if (closed) {
            throw new IOException("the store is closed");
          }
          ByteBuffer piece = piece(bytes, i).asByteBuffer();
          crc.reset();
          crc.update(piece);
          ofItem[i] = (int) crc.getValue();
          small.add(piece.flip());
          gathered += piece.remaining();
          if (gathered >= PIECE_BYTES || small.size() >= 64) {
            writeAll(channel, small);
            gathered = 0;
            if (System.nanoTime() - told > PROGRESS_NANOS) {
              told = System.nanoTime();
              progress.run();
            }
          }
        }
        sums.add(ofItem);
      }
      writeAll(channel, small);
    }
    return sums;
  }

  private static void writeAll(GatheringByteChannel channel, List<ByteBuffer> buffers)
      throws IOException {
    ByteBuffer[] all = buffers.toArray(ByteBuffer[]::new);
    int first = 0;
    while (first < all.length) {
      if (all[first].hasRemaining()) {
        channel.write(all, first, all.length - first);
      } else {
        first++;
      }
    }
    buffers.clear();
  }

  private static int pieces(long bytes) {
    return Math.toIntExact((bytes + PIECE_BYTES - 1) / PIECE_BYTES);
  }

  private static MemorySegment piece(MemorySegment bytes, int index) {
    long at = (long) index * PIECE_BYTES;
    return bytes.asSlice(at, Math.min(PIECE_BYTES, bytes.byteSize() - at));
  }

  // ---------------------------------------------------------------------------------------------------------- read

  /** Reads an object back into a block, on another thread. Told once how that ended. */
  void restore(SpillSpot spot, Block block, Consumer<PullOutcome> ended) {
    try {
      readers.execute(
          () -> {
            PullOutcome outcome = new PullOutcome.Failed(0, "not tried");
            try {
              long start = System.nanoTime();
              try (Reading reading = open(spot)) {
                MemorySegment target = memory.apply(block).asSlice(0, spot.bytes());
                for (int i = 0; i < pieces(spot.bytes()) && !closed; i++) {
                  reading.piece(i, piece(target, i).asByteBuffer());
                }
              }
              readNanos.add(System.nanoTime() - start);
              outcome =
                  closed
                      ? new PullOutcome.Failed(0, "the store is closed")
                      : new PullOutcome.Complete();
            } catch (IOException e) {
              outcome = lost(spot, e);
            } catch (RuntimeException | OutOfMemoryError e) {
              outcome = new PullOutcome.Failed(0, e.toString());
              if (!closed) {
                log.warn("reading a spilled object failed: {}", spot, e);
              }
            } finally {
              ended.accept(outcome);
            }
          });
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      ended.accept(
          new PullOutcome.Failed(
              0, closed ? "the store is closed" : "no thread could be started: " + e));
    }
  }

  private PullOutcome lost(SpillSpot spot, IOException e) {
    if (!closed) {
      log.warn("a spilled object cannot be read back, its copy here is lost: {}", e.getMessage());
    }
    return new PullOutcome.NotThere("it cannot be read back from disk: " + e.getMessage());
  }

  /**
   * Opens an object for reading. Whoever has it open can read it to the end, also when it is
   * deleted meanwhile.
   *
   * @throws NoSuchFileException when it was dropped meanwhile
   * @throws UnreadableException when it cannot be opened although it should be there
   */
  Reading open(SpillSpot spot) throws IOException {
    SpillFile file = files.get(spot.file());
    if (file == null) {
      throw new NoSuchFileException("spill file " + spot.file() + " was deleted");
    }
    try {
      return new Reading(
          FileChannel.open(file.path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS),
          file.path,
          spot,
          file.sums.get(spot.index()));
    } catch (IOException e) {
      if (!files.containsKey(spot.file())) {
        throw new NoSuchFileException("spill file " + spot.file() + " was deleted");
      }
      throw new UnreadableException(file.path + " cannot be opened: " + e, e);
    }
  }

  /** An object that is read from disk, piece by piece. Not thread-safe. */
  static final class Reading implements AutoCloseable {
    private final FileChannel channel;
    private final Path path;
    private final SpillSpot spot;
    private final int[] sums;
    private final CRC32C crc = new CRC32C();

    /** The piece that was read last for {@link #range}. */
    private ByteBuffer loaded;

    private int loadedIndex = -1;

    private Reading(FileChannel channel, Path path, SpillSpot spot, int[] sums) {
      this.channel = channel;
      this.path = path;
      this.spot = spot;
      this.sums = sums;
    }

    /**
     * Reads a piece and checks it.
     *
     * @param target exactly as long as the piece; its position is at its end afterwards
     * @throws UnreadableException when it cannot be read, or has another checksum than when it was
     *     written
     */
    void piece(int index, ByteBuffer target) throws UnreadableException {
      long at = spot.offset() + (long) index * PIECE_BYTES;
      int start = target.position();
      try {
        while (target.hasRemaining()) {
          if (channel.read(target, at + target.position() - start) < 0) {
            throw new EOFException("it ends at " + channel.size());
          }
        }
      } catch (IOException e) {
        throw new UnreadableException(path + " cannot be read at " + at + ": " + e, e);
      }
      crc.reset();
      crc.update(target.duplicate().flip().position(start));
      if ((int) crc.getValue() != sums[index]) {
        throw new UnreadableException("wrong checksum in " + path + " at " + at, null);
      }
    }

    /** Reads any range of the object, whole pieces at a time. */
    void range(long from, ByteBuffer target) throws UnreadableException {
      while (target.hasRemaining()) {
        int index = (int) (from / PIECE_BYTES);
        int skipped = (int) (from % PIECE_BYTES);
        load(index);
        int length = Math.min(target.remaining(), loaded.limit() - skipped);
        target.put(target.position(), loaded, skipped, length);
        target.position(target.position() + length);
        from += length;
      }
    }

    private void load(int index) throws UnreadableException {
      if (index == loadedIndex) {
        return;
      }
      if (loaded == null) {
        loaded = ByteBuffer.allocateDirect((int) Math.min(PIECE_BYTES, spot.bytes()));
      }
      loadedIndex = -1;
      long left = spot.bytes() - (long) index * PIECE_BYTES;
      piece(index, loaded.clear().limit((int) Math.min(PIECE_BYTES, left)));
      loadedIndex = index;
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  // ------------------------------------------------------------------------------------------------ delete and close

  /** Deletes a file, soon and on another thread; nothing happens when it is gone. */
  void delete(long number) {
    SpillFile file = files.remove(number);
    if (file != null) {
      try {
        writers.execute(() -> deleteFile(file.path));
      } catch (RejectedExecutionException e) { // closing, which deletes everything
        log.debug("spill file {} is left to closing", file.path);
      }
    }
  }

  private void deleteFile(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      if (!closed) {
        log.warn("a spill file cannot be deleted, and stays until the store closes: {}", path, e);
      }
    }
  }

  /** How long writing took, all together. */
  long writeNanos() {
    return writeNanos.sum();
  }

  /** How long reading took, all together. */
  long readNanos() {
    return readNanos.sum();
  }

  /** The store's own directories; for tests. */
  List<Path> paths() {
    return directories.stream().map(directory -> directory.own.path()).toList();
  }

  /** Deletes everything. Afterwards nothing touches store memory. */
  @Override
  public void close() {
    closed = true;
    writers.shutdown();
    readers.shutdown();
    boolean interrupted = false;
    try {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_WAIT_SECONDS);
      for (ThreadPoolExecutor pool : List.of(writers, readers)) {
        if (!pool.awaitTermination(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
          log.warn("spilling did not end within {} s of closing", CLOSE_WAIT_SECONDS);
        }
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    for (Directory directory : directories) {
      directory.own.close();
    }
    files.clear();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
