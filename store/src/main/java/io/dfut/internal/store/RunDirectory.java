package io.dfut.internal.store;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory that belongs to one store of one process for as long as it runs, and that is removed
 * by others if that process was killed: those of its peers that have one beside it, when they hear
 * of the death, else whoever starts next. Thread-safe.
 *
 * <p>Its name is {@code <prefix>-<pid>-<start of the JVM>-<random>}; it has mode 0700 and holds a
 * file {@link #LOCK} whose file lock says "alive". Opening one sweeps the siblings of the same
 * prefix whose lock is free. What is swept is unlinked, never truncated: somebody who has mapped
 * such a file goes on reading it.
 *
 * <p>Which orders of two starting, sweeping and stopping processes are possible:
 *
 * <ul>
 *   <li>A directory without a lock file is one that is being made or was half swept. If it is empty
 *       it is removed; its maker, if there is one, finds that and makes another. If it is not empty
 *       it is not ours and stays.
 *   <li>A sweeper may take the lock between its maker's {@code open} and {@code lock}: the maker
 *       finds it taken, or finds that it has locked a file that is no longer there, and makes
 *       another directory.
 *   <li>The lock file is the last that is deleted, so what is half deleted is found again.
 *   <li>Locks of POSIX belong to the process, and closing <em>any</em> descriptor of a file ends
 *       them. A lock file of our own JVM is therefore never opened a second time: it is recognised
 *       by the process id and start time in its name, also by another class loader's copy of this
 *       class.
 * </ul>
 */
final class RunDirectory implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RunDirectory.class);

  /** The file whose lock says that the process lives. */
  static final String LOCK = "lock";

  /** Stands in the lock file; whoever finds it there and the lock free knows of a sudden end. */
  private static final byte OPEN = 'o';

  /** Takes its place before the lock is given back. */
  private static final byte CLOSED = 'c';

  /** How often a new name is tried when a sweeper was faster. It is not once in practice. */
  private static final int ATTEMPTS_MAX = 100;

  private static final SecureRandom RANDOM = new SecureRandom();

  /** Part of the names of all directories of this JVM, whatever class loader made them. */
  private static final String JVM =
      ProcessHandle.current().pid()
          + "-"
          + Long.toHexString(ManagementFactory.getRuntimeMXBean().getStartTime());

  /**
   * Those of this JVM whose lock is held. Added when opened; removed when the lock is given back.
   */
  private static final ConcurrentHashMap<Path, RunDirectory> HELD = new ConcurrentHashMap<>();

  /** Lock files that could not be given back; kept from the garbage collector, which closes. */
  private static final Set<FileChannel> STUCK = ConcurrentHashMap.newKeySet();

  private final Path path;
  private final String prefix;
  private final FileChannel lockFile;

  /** Uses that keep the lock, one of them the directory's own until it is closed. */
  private int uses = 1;

  private boolean closed;

  private RunDirectory(Path path, String prefix, FileChannel lockFile) {
    this.path = path;
    this.prefix = prefix;
    this.lockFile = lockFile;
  }

  /**
   * Makes one below {@code parent}, which must exist, and sweeps what dead processes left there.
   *
   * @param prefix names the purpose, and what is swept: letters, digits and hyphens
   * @throws IOException names the parent and what is wrong with it; nothing is left behind
   */
  static RunDirectory open(Path parent, String prefix) throws IOException {
    if (!prefix.matches("[A-Za-z0-9]+(-[A-Za-z0-9]+)*")) {
      throw new IllegalArgumentException(
          "a prefix has letters, digits and hyphens between them: " + prefix);
    }
    Path real;
    try {
      real = parent.toRealPath();
    } catch (NoSuchFileException e) {
      throw new IOException("the directory " + parent + " does not exist; create it", e);
    } catch (IOException e) {
      throw new IOException("the directory " + parent + " cannot be reached: " + e, e);
    }
    if (!Files.isDirectory(real)) {
      throw new IOException(parent + " is not a directory");
    }
    sweep(real, prefix);
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      byte[] random = new byte[8];
      RANDOM.nextBytes(random);
      Path path = real.resolve(prefix + "-" + JVM + "-" + HexFormat.of().formatHex(random));
      try {
        createPrivate(path);
      } catch (FileAlreadyExistsException e) {
        continue;
      } catch (IOException e) {
        throw new IOException(
            "no directory can be made in "
                + parent
                + " ("
                + e
                + "); the user "
                + System.getProperty("user.name")
                + " must be allowed to write there",
            e);
      }
      RunDirectory made = lock(path, prefix);
      if (made != null) {
        return made;
      }
    }
    throw new IOException(
        ATTEMPTS_MAX + " directories made in " + parent + " were deleted at once by somebody else");
  }

  private static void createPrivate(Path path) throws IOException {
    if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.createDirectory(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } else {
      Files.createDirectory(path);
    }
  }

  /** Null when a sweeper has deleted it meanwhile. */
  private static RunDirectory lock(Path path, String prefix) throws IOException {
    Path file = path.resolve(LOCK);
    FileChannel channel = null;
    RunDirectory made = null;
    try {
      channel =
          FileChannel.open(
              file,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      FileLock lock = channel.tryLock();
      // A sweeper may have opened it before us and unlinked it before we had the lock. It does not
      // put another one there, so that a file of this name is ours.
      if (lock != null && Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
        write(channel, OPEN);
        made = new RunDirectory(path, prefix, channel);
        HELD.put(path, made);
      }
      return made;
    } catch (NoSuchFileException swept) {
      return null;
    } catch (IOException e) {
      deleteQuietly(path);
      throw new IOException(
          file + " cannot be locked (" + e + "); the file system must support file locks", e);
    } finally {
      if (made == null && channel != null) {
        channel.close();
      }
    }
  }

  /** The directory. */
  Path path() {
    return path;
  }

  /**
   * Keeps the lock beyond {@link #close}, until {@link #release}: something of this process still
   * reads what others hold for it. The directory is deleted by the close all the same.
   *
   * @throws IllegalStateException when the lock was given back already
   */
  synchronized void retain() {
    if (uses == 0) {
      throw new IllegalStateException("the lock of " + path + " was given back");
    }
    uses++;
  }

  /** Ends a use; the last one gives the lock back. */
  synchronized void release() {
    if (uses == 0) {
      throw new IllegalStateException("released more often than retained: " + path);
    }
    if (--uses == 0) {
      HELD.remove(path, this);
      try {
        write(lockFile, CLOSED);
        lockFile.close();
      } catch (IOException e) {
        // If the word could not be written, the lock stays ours to the end: better never free than
        // free as after a sudden end.
        STUCK.add(lockFile);
        log.warn("giving back the lock of {}", path, e);
      }
    }
  }

  /** Both words are of the same length, so that a full file system cannot prevent the second. */
  private static void write(FileChannel lockFile, byte word) throws IOException {
    lockFile.write(ByteBuffer.wrap(new byte[] {word}), 0);
  }

  /** Deletes everything in it and itself. What cannot be deleted is said in the log. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    try {
      delete(path);
    } catch (IOException e) {
      log.warn("{} could not be removed; the next start removes it", path, e);
    }
    release();
  }

  @Override
  public String toString() {
    return "RunDirectory[" + path + "]";
  }

  // ----------------------------------------------------------------------------------------------------- the others

  /** How a directory's process stands to it. */
  enum Ending {
    /** It has the lock. */
    NONE,
    /** It gave the lock back, and may live on. */
    CLOSED,
    /** It ended without a word: its lock is free, and it has not given it back. */
    KILLED
  }

  /** Looks whether the process that made a directory is still there. Not thread-safe. */
  static final class Watch implements AutoCloseable {
    private final Path path;

    /** Null for one of our own JVM. */
    private final FileChannel channel;

    private Watch(Path path, FileChannel channel) {
      this.path = path;
      this.channel = channel;
    }

    /**
     * Begins to watch. What is watched may be deleted meanwhile; its lock is seen all the same.
     *
     * @throws IOException when it cannot be opened: there is none, or it is somebody else's
     */
    static Watch of(Path path) throws IOException {
      if (isOfThisJvm(path)) {
        if (!HELD.containsKey(path)) {
          throw new NoSuchFileException(
              path.toString(), null, "not open in this JVM, or of another class loader");
        }
        return new Watch(path, null);
      }
      return new Watch(
          path,
          FileChannel.open(
              path.resolve(LOCK),
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              LinkOption.NOFOLLOW_LINKS));
    }

    /** Whether nothing of that process can look at anything any more. */
    boolean isGone() {
      return ending() != Ending.NONE;
    }

    /** What became of it; the first answer other than {@code NONE} is the last. */
    Ending ending() {
      if (channel == null) {
        return HELD.containsKey(path) ? Ending.NONE : Ending.CLOSED;
      }
      // A shared lock: those who look at the same moment do not take each other for the process.
      try (FileLock lock = channel.tryLock(0, Long.MAX_VALUE, true)) {
        if (lock == null) {
          return Ending.NONE;
        }
        // Read from what was opened when watching began: it may be unlinked by now.
        ByteBuffer word = ByteBuffer.allocate(1);
        return channel.read(word, 0) == 1 && word.get(0) == OPEN ? Ending.KILLED : Ending.CLOSED;
      } catch (OverlappingFileLockException another) {
        return Ending.NONE; // another watch of ours looks just now
      } catch (IOException e) {
        log.warn("the lock of {} cannot be tried; it is taken to be held", path, e);
        return Ending.NONE;
      }
    }

    @Override
    public void close() {
      if (channel != null) {
        try {
          channel.close();
        } catch (IOException e) {
          log.debug("closing the watch of {}", path, e);
        }
      }
    }
  }

  private static boolean isOfThisJvm(Path path) {
    return path.getFileName().toString().contains("-" + JVM + "-");
  }

  /** Removes what dead processes have left beside the directories that this JVM has open. */
  static void sweepBesideOpenOnes() {
    record Place(Path parent, String prefix) {}
    HELD.values().stream()
        .map(run -> new Place(run.path.getParent(), run.prefix))
        .distinct()
        .forEach(place -> sweep(place.parent(), place.prefix()));
  }

  /** Whether it is exactly how ours are called: "dfut-shm" is not for "dfut-shm-other-...". */
  static boolean isName(String name, String prefix) {
    return name.startsWith(prefix)
        && name.substring(prefix.length()).matches("-[0-9]+-[0-9a-f]+-[0-9a-f]{16}");
  }

  private static void sweep(Path parent, String prefix) {
    try (DirectoryStream<Path> siblings = Files.newDirectoryStream(parent, prefix + "-*")) {
      for (Path sibling : siblings) {
        if (isName(sibling.getFileName().toString(), prefix) && !isOfThisJvm(sibling)) {
          sweepIfDead(sibling);
        }
      }
    } catch (IOException | RuntimeException e) {
      // A DirectoryStream's iterator wraps its errors. What cannot be listed is not ours to sweep.
      log.debug("looking for leftovers in {}", parent, e);
    }
  }

  private static void sweepIfDead(Path sibling) {
    if (!Files.isDirectory(sibling, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    try (FileChannel channel =
            FileChannel.open(
                sibling.resolve(LOCK),
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS);
        FileLock lock = channel.tryLock()) {
      if (lock != null) {
        delete(sibling);
        log.info("removed {}, which a process that is gone had left", sibling);
      }
    } catch (NoSuchFileException unlocked) {
      try {
        Files.deleteIfExists(sibling); // does nothing unless it is empty
      } catch (IOException e) {
        log.debug("{} has no lock file and is not empty; it is left alone", sibling);
      }
    } catch (IOException | OverlappingFileLockException e) {
      log.debug("{} is left alone", sibling, e); // another user's, say
    }
  }

  /** Unlinks everything, the lock file last. Links are not followed. */
  private static void delete(Path directory) throws IOException {
    Path lock = directory.resolve(LOCK);
    try {
      Files.walkFileTree(
          directory,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              if (!file.equals(lock)) {
                Files.deleteIfExists(file);
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, IOException failure)
                throws IOException {
              if (failure != null) {
                throw failure;
              }
              if (!visited.equals(directory)) {
                Files.deleteIfExists(visited);
              }
              return FileVisitResult.CONTINUE;
            }
          });
      Files.deleteIfExists(lock);
      Files.deleteIfExists(directory);
    } catch (NoSuchFileException | NotDirectoryException gone) {
      log.debug("{} was deleted by somebody else", directory, gone);
    }
  }

  private static void deleteQuietly(Path directory) {
    try {
      delete(directory);
    } catch (IOException e) {
      log.debug("removing {}", directory, e);
    }
  }
}
