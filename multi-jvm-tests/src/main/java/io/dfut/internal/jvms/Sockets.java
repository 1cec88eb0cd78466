package io.dfut.internal.jvms;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Whose a socket is, as Linux tells it in {@code /proc}. */
public final class Sockets {
  private static final Path PROC = Path.of("/proc");
  private static final List<Path> TABLES =
      List.of(PROC.resolve("net/tcp6"), PROC.resolve("net/tcp"));

  private Sockets() {}

  /** Whether this system tells. */
  public static boolean canTell() {
    return TABLES.stream().anyMatch(Files::isReadable);
  }

  /**
   * Who of these has connected a socket.
   *
   * @param port its own port
   * @param remotePort where it leads
   * @param pids who may be it, by name
   * @return empty when it is somebody else, or is gone
   */
  static Optional<String> owner(int port, int remotePort, Map<String, Long> pids)
      throws IOException {
    Set<String> sockets = new HashSet<>();
    for (Path table : TABLES) {
      if (Files.isReadable(table)) {
        for (String line : Files.readAllLines(table)) {
          // sl local_address rem_address st … inode
          String[] words = line.strip().split("\\s+");
          if (words.length > 9 && hasPort(words[1], port) && hasPort(words[2], remotePort)) {
            sockets.add("socket:[" + words[9] + "]");
          }
        }
      }
    }
    for (Map.Entry<String, Long> process : pids.entrySet()) {
      if (hasOneOf(process.getValue(), sockets)) {
        return Optional.of(process.getKey());
      }
    }
    return Optional.empty();
  }

  private static boolean hasPort(String address, int port) {
    return address.endsWith(String.format(":%04X", port));
  }

  private static boolean hasOneOf(long pid, Set<String> sockets) {
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(PROC.resolve(Long.toString(pid)).resolve("fd"))) {
      for (Path file : files) {
        try {
          if (sockets.contains(Files.readSymbolicLink(file).toString())) {
            return true;
          }
        } catch (NoSuchFileException e) {
          // closed meanwhile
        }
      }
    } catch (IOException e) {
      return false; // it has ended
    }
    return false;
  }
}
