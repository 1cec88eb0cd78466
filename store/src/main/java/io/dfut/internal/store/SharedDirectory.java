package io.dfut.internal.store;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directory whose files are the slabs of one store, so that other JVMs of the host can map
 * them. Thread-safe. See ADR 0010.
 */
final class SharedDirectory implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SharedDirectory.class);

  private static final Path SHM = Path.of("/dev/shm");

  /** How much is written at once while pages are reserved; larger was not faster. */
  private static final int RESERVE_BYTES = 1 << 20;

  private final RunDirectory run;
  private final Share share;
  private final Catalogue catalogue;
  private final Marks marks;

  private SharedDirectory(RunDirectory run, Share share, Catalogue catalogue, Marks marks) {
    this.run = run;
    this.share = share;
    this.catalogue = catalogue;
    this.marks = marks;
  }

  /**
   * Opens what the configuration wants; empty when memory is not to be, or cannot be, shared.
   *
   * @param networked whether there can be peers to share with
   * @throws IllegalArgumentException when a directory is configured that cannot be used
   */
  static Optional<SharedDirectory> open(StoreSettings settings, boolean networked) {
    return switch (settings.sharedMemory()) {
      case StoreSettings.SHARED_OFF -> Optional.empty();
      case StoreSettings.SHARED_AUTO ->
          networked && Files.isDirectory(SHM)
              ? auto(SHM, settings.memoryBytes())
              : Optional.empty();
      default -> {
        try {
          yield Optional.of(open(Path.of(settings.sharedMemory())));
        } catch (IOException | RuntimeException e) {
          throw new IllegalArgumentException(
              "dfut.store.shared-memory is "
                  + settings.sharedMemory()
                  + "; allowed: "
                  + StoreSettings.SHARED_RANGE
                  + " ("
                  + e.getMessage()
                  + ")",
              e);
        }
      }
    };
  }

  private static Optional<SharedDirectory> auto(Path parent, long bytes) {
    try {
      long usable = Files.getFileStore(parent).getUsableSpace();
      if (usable < bytes) {
        log.info(
            "{} has {} bytes free, less than the {} of dfut.store.memory: the store uses ordinary"
                + " memory, and nodes of this host pull from it instead of reading in place",
            parent,
            usable,
            bytes);
        return Optional.empty();
      }
      return Optional.of(open(parent));
    } catch (IOException | RuntimeException e) {
      log.info("the store uses ordinary memory, since shared memory cannot be used: {}", e, e);
      return Optional.empty();
    }
  }

  /** Opens one below a directory. @throws IOException names what is wrong with it */
  static SharedDirectory open(Path parent) throws IOException {
    String boot =
        Share.boot()
            .orElseThrow(
                () ->
                    new IOException(
                        "this system does not name the boot of its kernel, so that nodes could"
                            + " not prove that they are on one host"));
    RunDirectory run = RunDirectory.open(parent, Share.PREFIX);
    SharedDirectory made = null;
    try {
      made =
          new SharedDirectory(
              run,
              Share.found(run.path(), boot),
              Catalogue.create(run.path()),
              Marks.create(run.path()));
      return made;
    } finally {
      if (made == null) {
        run.close();
      }
    }
  }

  /** What peers are told. */
  Share share() {
    return share;
  }

  /** What this store reads in the memory of others. */
  Marks marks() {
    return marks;
  }

  /** What others may read without asking. */
  Catalogue catalogue() {
    return catalogue;
  }

  /** Keeps others holding for us beyond {@link #close}, until {@link #release}. */
  void retain() {
    run.retain();
  }

  /** See {@link #retain}. */
  void release() {
    run.release();
  }

  /** The file of a slab. */
  Path file(int slab) {
    return run.path().resolve(slabName(slab));
  }

  /** What the file of a slab is called. */
  static String slabName(long slab) {
    return "slab-" + slab;
  }

  /** Whether that is what a slab's file is called: what a peer says is used as a path. */
  static boolean isSlabName(String name) {
    return name.matches("slab-[0-9]{1,10}");
  }

  /**
   * A slab as a file, mapped, with all of its pages there: a mapping without pages behind it kills
   * the JVM when the file system turns out to be full, while a write merely fails. Then the pages
   * are mapped, as it is the first touch that is slow.
   *
   * @throws IOException there is no room, say; nothing is left behind
   */
  MemorySegment create(int slab, long bytes, Arena arena) throws IOException {
    Path file = file(slab);
    long usable = Files.getFileStore(run.path()).getUsableSpace();
    if (usable < bytes) { // so that others' room is not filled up only to find out
      throw new IOException(
          run.path().getParent() + " has " + usable + " bytes free, not " + bytes + " for a slab");
    }
    MemorySegment segment = createFile(file, bytes, arena);
    segment.load();
    return segment;
  }

  /**
   * A new file of zeros, mapped.
   *
   * @throws IOException there is no room, say; nothing is left behind
   */
  static MemorySegment createFile(Path file, long bytes, Arena arena) throws IOException {
    boolean made = false;
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      ByteBuffer zeros = ByteBuffer.allocateDirect((int) Math.min(RESERVE_BYTES, bytes));
      for (long at = 0; at < bytes; ) {
        zeros.clear().limit((int) Math.min(zeros.capacity(), bytes - at));
        at += channel.write(zeros, at);
      }
      MemorySegment segment = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
      made = true;
      return segment;
    } finally {
      if (!made) {
        delete(file);
      }
    }
  }

  /** Unlinks a slab's file; who has mapped it goes on reading. */
  void delete(int slab) {
    delete(file(slab));
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.warn("{} cannot be removed; it goes with its directory", file, e);
    }
  }

  /**
   * A mapping of a piece of a slab's file that nobody closes: read-only, and gone when nobody can
   * reach it.
   *
   * @throws IOException when the file is not there any more
   */
  static MemorySegment mapOwn(Path file, long offset, long bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      if (channel.size() < offset + bytes) {
        throw new IOException(file + " is too short"); // a mapping beyond its end would kill us
      }
      return channel.map(FileChannel.MapMode.READ_ONLY, offset, bytes, Arena.ofAuto());
    }
  }

  /**
   * A file of another store, as that changes it; read-only, and unmapped when nobody can reach it.
   *
   * @throws IOException when it is not there, or not of that size
   */
  static MemorySegment mapShared(Path file, long bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
      if (channel.size() != bytes) {
        throw new IOException(file + " has " + channel.size() + " bytes, not " + bytes);
      }
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes, Arena.ofAuto());
    }
  }

  /** Removes everything. */
  @Override
  public void close() {
    run.close();
  }

  @Override
  public String toString() {
    return "SharedDirectory[" + run.path() + "]";
  }
}
