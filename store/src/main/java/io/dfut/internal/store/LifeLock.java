package io.dfut.internal.store;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Tells other processes of this host that this one lives, and afterwards how it ended. Thread-safe.
 *
 * <p>It is a file lock, which the kernel frees at the instant at which the process is gone, however
 * that came. A free lock alone proves nothing: it may have been given back. So before a process
 * gives it back it says so in the file. Whoever watches has opened that file while the process
 * lived, and so neither sees a file that took its place nor misses one that was deleted.
 *
 * <p>The directory is never that of the store's shared memory: that may be switched off, and its
 * lock may be kept when the node has left.
 */
public final class LifeLock implements AutoCloseable {
  /** How all such directories are called. */
  static final String PREFIX = "dfut-life";

  private final RunDirectory directory;
  private final Share share;

  private LifeLock(RunDirectory directory, Share share) {
    this.directory = directory;
    this.share = share;
  }

  /**
   * Takes one.
   *
   * @param parent must exist; a file system of this host's own
   * @return empty where the kernel does not name its boot, so that no other process could tell
   *     whether it runs on the same one
   * @throws IOException names the parent and what is wrong with it
   */
  public static Optional<LifeLock> open(Path parent) throws IOException {
    Optional<String> boot = Share.boot();
    if (boot.isEmpty()) {
      return Optional.empty();
    }
    RunDirectory directory = RunDirectory.open(parent, PREFIX);
    try {
      return Optional.of(new LifeLock(directory, Share.found(directory.path(), boot.get())));
    } catch (IOException | RuntimeException e) {
      directory.close();
      throw e;
    }
  }

  /** Where it is. */
  public String path() {
    return share.directory();
  }

  /** What a process of the same host finds there. */
  public String proof() {
    return share.proof();
  }

  /** Gives it back: from now on a sudden end of this process cannot be seen. Idempotent. */
  @Override
  public void close() {
    directory.close();
  }

  @Override
  public String toString() {
    return "LifeLock[" + path() + "]";
  }

  /** What has become of another's. */
  public enum State {
    /** The process lives, be it frozen. */
    HELD,
    /** It gave the lock back. Whether it lives is not known. */
    GIVEN_BACK,
    /** No thread of that process runs any more. */
    KILLED
  }

  /** Looks at the lock of another process. Not thread-safe. */
  public static final class Watch implements AutoCloseable {
    private final RunDirectory.Watch watch;

    private Watch(RunDirectory.Watch watch) {
      this.watch = watch;
    }

    /** Does not block. */
    public State look() {
      return switch (watch.ending()) {
        case NONE -> State.HELD;
        case CLOSED -> State.GIVEN_BACK;
        case KILLED -> State.KILLED;
      };
    }

    @Override
    public void close() {
      watch.close();
    }
  }

  /**
   * Begins to watch another's, which must live. One of this JVM is never seen killed.
   *
   * @param parent where locks of this host are; nothing else is opened
   * @param path what it said of itself
   * @param proof the same
   * @throws IOException when this process does not see the very directory that the other one meant:
   *     it is of another host or container, or another user's
   */
  public static Watch watch(Path parent, String path, String proof) throws IOException {
    Share share;
    try {
      share = new Share(path, proof);
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
    if (!share.isIn(parent.toRealPath()) || !share.isProven(PREFIX)) {
      throw new NoSuchFileException(path, null, "not of this host, or not to be read");
    }
    return new Watch(RunDirectory.Watch.of(Path.of(path)));
  }
}
