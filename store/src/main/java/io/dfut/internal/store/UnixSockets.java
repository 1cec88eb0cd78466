package io.dfut.internal.store;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A socket file on which a node's data plane listens beside TCP, for peers on the same host. It
 * lies in a directory that only this user may enter, and is gone when the store closes or, after a
 * kill, when the next store of the host starts. Thread-safe.
 *
 * <p>Its path is told to all peers. One on another host does not find it, since the directory's
 * name is random; one that finds a file there uses it only if it lies in such a private directory
 * of the same user. The kernel vouches for who is at the other end, so these connections are not
 * encrypted, also when those over TCP are (ADR 0012).
 */
final class UnixSockets implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(UnixSockets.class);

  /** What the directories are called, and how leftover ones are found. */
  static final String PREFIX = "dfut-data";

  private static final String FILE = "socket";

  /** What fits into {@code sockaddr_un} on every system: 108 on Linux, 104 on macOS. */
  private static final int PATH_BYTES_MAX = 100;

  /** What may wait to be accepted. */
  private static final int BACKLOG = 256;

  private static final Set<PosixFilePermission> OTHERS =
      EnumSet.of(
          PosixFilePermission.GROUP_READ,
          PosixFilePermission.GROUP_WRITE,
          PosixFilePermission.GROUP_EXECUTE,
          PosixFilePermission.OTHERS_READ,
          PosixFilePermission.OTHERS_WRITE,
          PosixFilePermission.OTHERS_EXECUTE);

  private final RunDirectory directory;
  private final ServerSocketChannel server;
  private final String path;

  private UnixSockets(RunDirectory directory, ServerSocketChannel server, String path) {
    this.directory = directory;
    this.server = server;
    this.path = path;
  }

  /**
   * Listens below {@code parent}; empty, after a line in the log, where that cannot be had. TCP
   * serves all the same.
   */
  static Optional<UnixSockets> listen(Path parent) {
    RunDirectory made = null;
    ServerSocketChannel opened = null;
    Optional<UnixSockets> listening = Optional.empty();
    try {
      made = RunDirectory.open(parent, PREFIX);
      String path = made.path().resolve(FILE).toString();
      int bytes = path.getBytes(StandardCharsets.UTF_8).length;
      if (bytes > PATH_BYTES_MAX) {
        throw new IOException(
            path
                + " has "
                + bytes
                + " bytes, more than the "
                + PATH_BYTES_MAX
                + " of a socket's path; set java.io.tmpdir to a shorter one");
      }
      opened = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      opened.bind(UnixDomainSocketAddress.of(path), BACKLOG);
      listening = Optional.of(new UnixSockets(made, opened, path));
    } catch (IOException | UnsupportedOperationException e) {
      log.info(
          "no unix socket for the data plane, peers on this host use TCP (dfut.store.data"
              + ".unix-sockets = off does not try): {}",
          e.toString());
    } finally {
      if (listening.isEmpty()) {
        closeQuietly(opened);
        if (made != null) {
          made.close();
        }
      }
    }
    return listening;
  }

  private static void closeQuietly(ServerSocketChannel server) {
    if (server != null) {
      try {
        server.close();
      } catch (IOException e) {
        log.debug("closing a unix socket", e);
      }
    }
  }

  /** Where connections are accepted. */
  ServerSocketChannel server() {
    return server;
  }

  /** Where peers find it. */
  String path() {
    return path;
  }

  /**
   * Connects to a peer's; empty when the path is another host's, or cannot be trusted or reached.
   */
  Optional<DataChannel> connect(String peer) {
    SocketChannel socket = null;
    Optional<DataChannel> channel = Optional.empty();
    try {
      if (isTrusted(peer)) {
        socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        // Not blocking: with a full queue at a frozen peer it would wait without a bound.
        socket.configureBlocking(false);
        if (socket.connect(UnixDomainSocketAddress.of(peer))) {
          socket.configureBlocking(true);
          channel = Optional.of(PlainTransport.over(socket));
        }
      }
    } catch (IOException e) {
      log.debug("{} cannot be reached", peer, e);
    } finally {
      if (channel.isEmpty() && socket != null) {
        try {
          socket.close();
        } catch (IOException e) {
          log.debug("closing a unix socket", e);
        }
      }
    }
    return channel;
  }

  private boolean isTrusted(String peer) {
    try {
      Path file = Path.of(peer);
      Path parent = file.getParent();
      if (parent == null || !Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
        return false; // another host's
      }
      PosixFileAttributes theirs =
          Files.readAttributes(parent, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      return theirs.isDirectory()
          && theirs.permissions().stream().noneMatch(OTHERS::contains)
          && theirs.owner().equals(Files.getOwner(directory.path()));
    } catch (IOException | InvalidPathException | UnsupportedOperationException e) {
      log.debug("{} is not used", peer, e);
      return false;
    }
  }

  @Override
  public void close() {
    closeQuietly(server);
    directory.close();
  }
}
