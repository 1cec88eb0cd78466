package io.dfut.internal.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Where a store's shared memory is, and how another can tell that it sees the very same memory.
 * Immutable.
 *
 * <p>A host's name proves nothing: containers of one host have different {@code /dev/shm}, and two
 * hosts may have mounted one network directory. So a peer must find, under the path that it was
 * told, a file with what it was told; and it must run on the same kernel, since a mapping is the
 * same memory only there.
 *
 * @param directory the {@link RunDirectory} of the store
 * @param proof the boot of the kernel, and what stands in the file {@link #FILE} there
 */
record Share(String directory, String proof) {
  /** In the directory. */
  static final String FILE = "proof";

  /** How all such directories are called. */
  static final String PREFIX = "dfut-shm";

  /** So that a request with both fits in its frame. */
  static final int DIRECTORY_MAX = 400;

  static final int PROOF_MAX = 128;

  private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");

  Share {
    if (directory.getBytes(StandardCharsets.UTF_8).length > DIRECTORY_MAX) {
      throw new IllegalArgumentException(
          "a directory of more than " + DIRECTORY_MAX + " bytes: " + directory);
    }
    if (proof.getBytes(StandardCharsets.UTF_8).length > PROOF_MAX) {
      throw new IllegalArgumentException("a proof of more than " + PROOF_MAX + " bytes");
    }
  }

  /** Names this boot of the kernel; empty on systems that do not tell. */
  static Optional<String> boot() {
    try (InputStream in = Files.newInputStream(BOOT)) {
      String id = new String(in.readNBytes(64), StandardCharsets.UTF_8).strip();
      return id.isEmpty() ? Optional.empty() : Optional.of(id);
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Writes the file of a directory of ours. */
  static Share found(Path directory, String boot) throws IOException {
    byte[] random = new byte[16];
    new SecureRandom().nextBytes(random);
    String proof = boot + ":" + HexFormat.of().formatHex(random);
    Share share = new Share(directory.toString(), proof);
    Files.writeString(directory.resolve(FILE), proof);
    return share;
  }

  /** Whether this process sees the directory that the other one meant. Reads a file. */
  boolean isProven() {
    return isProven(PREFIX);
  }

  /** The same for a directory of another purpose. */
  boolean isProven(String prefix) {
    Path path;
    try {
      path = Path.of(directory);
    } catch (InvalidPathException e) {
      return false;
    }
    if (!path.isAbsolute()
        || !path.normalize().equals(path)
        || path.getFileName() == null
        || !RunDirectory.isName(path.getFileName().toString(), prefix)
        || !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)
        || boot().filter(id -> proof.startsWith(id + ":")).isEmpty()) {
      return false;
    }
    try (InputStream in = Files.newInputStream(path.resolve(FILE), LinkOption.NOFOLLOW_LINKS)) {
      return new String(in.readNBytes(PROOF_MAX + 1), StandardCharsets.UTF_8).equals(proof);
    } catch (IOException e) {
      return false; // another /dev/shm, or not our user's
    }
  }

  /**
   * Whether it is in the directory in which this one is. A path that a peer has named is opened
   * only there.
   */
  boolean isBeside(Share own) {
    return isIn(Path.of(own.directory).getParent());
  }

  /** Whether it is in that directory. */
  boolean isIn(Path parent) {
    try {
      return parent.equals(Path.of(directory).getParent());
    } catch (InvalidPathException e) {
      return false;
    }
  }

  @Override
  public String toString() {
    return "Share[" + directory + "]"; // who knows the proof can ask for holds in its name
  }
}
