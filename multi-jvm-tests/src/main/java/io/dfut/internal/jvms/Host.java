package io.dfut.internal.jvms;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** Ports and folders of this host. Thread-safe. */
public final class Host {
  /** Below the ports that systems give to those who ask for any. */
  private static final int PORT_MIN = 18_000;

  private static final int PORT_MAX = 32_000;

  private static final AtomicInteger NEXT_PORT =
      new AtomicInteger(ThreadLocalRandom.current().nextInt(PORT_MIN, PORT_MAX));

  private Host() {}

  /** A port at which nobody listens, and another one at each call. */
  public static int freePort() {
    while (true) {
      int port = NEXT_PORT.updateAndGet(last -> last + 1 >= PORT_MAX ? PORT_MIN : last + 1);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (IOException e) {
        // somebody has it
      }
    }
  }

  /** A new folder in memory that processes can share, where there is such memory. */
  public static Path newSharedFolder(String prefix) {
    Path shared = Path.of("/dev/shm");
    try {
      return Files.isWritable(shared)
          ? Files.createTempDirectory(shared, prefix)
          : Files.createTempDirectory(prefix);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Deletes a folder with all that is in it. */
  public static void delete(Path tree) {
    try (Stream<Path> paths = Files.walk(tree)) {
      for (Path path : paths.toList().reversed()) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
