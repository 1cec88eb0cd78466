package io.dfut.internal.jvms;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Everything that the processes of one host send to each other over TCP: each port that a process
 * tells the others is a {@link Door} of ours, which passes on to the port that it really listens
 * at. Who comes to a door is found out from the system, so that each pair of processes can be cut
 * off, and in one direction only. What is held back arrives later, as TCP would repeat it; nothing
 * is left out of a connection that goes on. Thread-safe.
 */
public final class Network implements AutoCloseable {
  /** What happens to what one process sends to another. */
  public enum Way {
    /** It arrives. */
    OPEN,
    /** It is held back until the way is open again, new connections included. */
    STALLED,
    /** Connections are reset, and new ones too. */
    RESET
  }

  private record Pair(String from, String to) {}

  private static final int BUFFER = 64 << 10;

  /** Processes by name. Added and replaced when one is started. Guarded by this. */
  private final Map<String, Long> pids = new HashMap<>();

  private final Map<Pair, Way> ways = new ConcurrentHashMap<>();
  private final Map<Pair, Long> delayMillis = new ConcurrentHashMap<>();
  private final List<Door> doors = new ArrayList<>();

  /** A connection through a door. */
  private final class Line {
    final Pair there;
    final Pair back;
    final Socket in;
    final Socket out;

    Line(Pair there, Socket in, Socket out) {
      this.there = there;
      this.back = new Pair(there.to(), there.from());
      this.in = in;
      this.out = out;
    }

    void reset() {
      for (Socket socket : List.of(in, out)) {
        try {
          socket.setSoLinger(true, 0); // a reset, not an end
          socket.close();
        } catch (IOException e) {
          // it is closed already
        }
      }
    }
  }

  /** A port that others are told, and where it leads. */
  public final class Door implements AutoCloseable {
    private final ServerSocket server;
    private final String owner;
    private volatile int target;
    private final AtomicLong movedNanos = new AtomicLong(System.nanoTime() - Long.MAX_VALUE / 4);
    private final AtomicLong movedBytes = new AtomicLong();

    /** Connections that are open. Guarded by itself. */
    private final List<Line> lines = new ArrayList<>();

    private Door(String owner, int target) {
      this.owner = owner;
      this.target = target;
      try {
        server = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      Thread.ofVirtual().name("door of " + owner).start(this::acceptAll);
    }

    /** Where others go to. */
    public int port() {
      return server.getLocalPort();
    }

    /** It leads to this port from now on. */
    public void leadTo(int port) {
      target = port;
    }

    /** Bytes that went through, in both directions. */
    public long movedBytes() {
      return movedBytes.get();
    }

    /** Whether something went through within this time. */
    public boolean hasMovedWithin(long nanos) {
      return System.nanoTime() - movedNanos.get() < nanos;
    }

    private void acceptAll() {
      while (true) {
        try {
          Socket in = server.accept();
          Thread.ofVirtual().start(() -> connect(in));
        } catch (IOException e) {
          return; // closed
        }
      }
    }

    private void connect(Socket in) {
      Line line;
      try {
        Pair pair = new Pair(comer(in).orElse("?"), owner);
        await(pair);
        Socket out = new Socket();
        line = new Line(pair, in, out);
        synchronized (lines) {
          lines.add(line);
        }
        if (way(pair) == Way.RESET) {
          end(line);
          return;
        }
        out.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), target), 3_000);
        in.setTcpNoDelay(true);
        out.setTcpNoDelay(true);
      } catch (IOException e) {
        try {
          in.setSoLinger(true, 0);
          in.close(); // nobody listens there: he who came is told as well as can be
        } catch (IOException closed) {
          // so it is
        }
        return;
      }
      Thread.ofVirtual().start(() -> pass(line, line.there, line.in, line.out));
      Thread.ofVirtual().start(() -> pass(line, line.back, line.out, line.in));
    }

    private void pass(Line line, Pair pair, Socket from, Socket to) {
      byte[] buffer = new byte[BUFFER];
      try {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
          Long delay = delayMillis.get(pair);
          if (delay != null) {
            LockSupport.parkNanos(delay * 1_000_000);
          }
          await(pair);
          out.write(buffer, 0, count);
          movedNanos.set(System.nanoTime());
          movedBytes.addAndGet(count);
        }
        await(pair);
        to.shutdownOutput();
      } catch (IOException e) {
        end(line);
      }
      if (line.in.isOutputShutdown() && line.out.isOutputShutdown()) {
        end(line);
      }
    }

    private void end(Line line) {
      synchronized (lines) {
        lines.remove(line);
      }
      line.reset();
    }

    private void resetAll(Pair pair) {
      List<Line> ending;
      synchronized (lines) {
        ending =
            lines.stream()
                .filter(line -> line.there.equals(pair) || line.back.equals(pair))
                .toList();
      }
      ending.forEach(this::end);
    }

    @Override
    public void close() {
      try {
        server.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      List<Line> ending;
      synchronized (lines) {
        ending = List.copyOf(lines);
      }
      ending.forEach(this::end);
    }
  }

  /**
   * A door before a port of this process, whose connections it then passes on.
   *
   * @param owner the process's name
   * @param target the port where it listens, or will
   */
  public synchronized Door door(String owner, int target) {
    Door door = new Door(owner, target);
    doors.add(door);
    return door;
  }

  /** The process of that name, from now on. */
  public synchronized void process(String name, long pid) {
    pids.put(name, pid);
  }

  /** It is gone, with its doors. */
  public synchronized void forget(Door door) {
    doors.remove(door);
    door.close();
  }

  /** What happens from now on to what one sends to the other. */
  public void set(String from, String to, Way way) {
    Pair pair = new Pair(from, to);
    synchronized (ways) {
      if (way == Way.OPEN) {
        ways.remove(pair);
      } else {
        ways.put(pair, way);
      }
      ways.notifyAll();
    }
    if (way == Way.RESET) {
      List<Door> all;
      synchronized (this) {
        all = List.copyOf(doors);
      }
      all.forEach(door -> door.resetAll(pair));
    }
  }

  /** Each piece that one sends to the other comes so much later; 0 for no delay. */
  public void delay(String from, String to, long millis) {
    if (millis == 0) {
      delayMillis.remove(new Pair(from, to));
    } else {
      delayMillis.put(new Pair(from, to), millis);
    }
  }

  private Way way(Pair pair) {
    return ways.getOrDefault(pair, Way.OPEN);
  }

  private void await(Pair pair) throws IOException {
    if (ways.isEmpty()) {
      return;
    }
    synchronized (ways) {
      while (way(pair) == Way.STALLED) {
        try {
          ways.wait();
        } catch (InterruptedException e) {
          throw new IOException(e);
        }
      }
    }
  }

  private Optional<String> comer(Socket socket) throws IOException {
    Map<String, Long> known;
    synchronized (this) {
      known = Map.copyOf(pids);
    }
    return Sockets.owner(socket.getPort(), socket.getLocalPort(), known);
  }

  @Override
  public void close() {
    List<Door> all;
    synchronized (this) {
      all = List.copyOf(doors);
      doors.clear();
    }
    all.forEach(Door::close);
    synchronized (ways) {
      ways.clear();
      ways.notifyAll();
    }
  }
}
