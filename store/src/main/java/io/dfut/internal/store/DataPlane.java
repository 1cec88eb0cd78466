package io.dfut.internal.store;

import io.dfut.NodeId;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore.DataEndpoint;
import io.dfut.internal.store.DataFrames.ProtocolException;
import io.dfut.internal.store.DataFrames.Request;
import io.dfut.internal.store.StoreEffect.StartPull;
import io.dfut.internal.store.StoreInput.PullOutcome;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves objects between the stores of nodes, straight from and into store memory. Thread-safe.
 *
 * <p>Each connection has a platform thread while it is in use: blocking reads and writes of whole
 * chunks on one were a third to a half faster than on a virtual thread, which polls for every
 * buffer, and there are few connections (ADR 0003). Every read and write has a deadline instead of
 * a timeout of its own; {@link #reap} closes connections that are past it, which ends the call. So
 * a peer that sends nothing, or a byte a minute, holds a thread and a pin no longer than the
 * configured bound.
 */
final class DataPlane implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(DataPlane.class);

  /**
   * How much is read before it goes through the checksum: while it is still in the processor's
   * cache.
   */
  private static final int PIECE_BYTES = 128 * 1024;

  private static final long CLOSE_WAIT_SECONDS = 5;

  /** So many refused connections are logged within such a time. */
  private static final int REFUSALS_SHOWN = 20;

  private static final long REFUSAL_WINDOW_NANOS = TimeUnit.SECONDS.toNanos(30);

  /** Refused connections of the present window. Guarded by itself. */
  private static final class Refusals {
    long sinceNanos = System.nanoTime();
    int count;
  }

  /** Marks our threads, so that closing from one of them does not wait for itself. */
  private static final class DataThread extends Thread {
    DataThread(Runnable body, String name) {
      super(body, name);
      setDaemon(true);
    }
  }

  /** An object as it is sent: pinned in memory, or open on disk. One thread uses it. */
  interface Served extends AutoCloseable {
    /** The number of a sealing of which no checksums are kept. */
    long NO_SEAL = 0;

    /** The size in bytes. */
    long size();

    /** Whether it has to be read from disk. */
    boolean isOnDisk();

    /** The number of its sealing, see {@link StoreEffect.PinGranted#seal}, or {@link #NO_SEAL}. */
    long seal();

    /**
     * Some of its bytes, ready to be read; overwritten by the next call.
     *
     * @throws IOException when they cannot be read from disk
     */
    ByteBuffer range(long from, int bytes) throws IOException;

    @Override
    void close();

    /** Where others of this host can map it; empty when it is in ordinary memory, or not ours. */
    Optional<Place> place();
  }

  /** A piece of a slab's file. */
  record Place(String file, long slabBytes, long offset) {}

  /**
   * What a store shares with other JVMs of its host.
   *
   * @param share where
   * @param holds what they read here
   * @param attachments what is read there
   */
  record Sharing(Share share, Holds holds, Attachments attachments) {}

  /**
   * Checksums of chunks that were sent before, so that a value that goes to many nodes is summed up
   * once. Thread-safe. Bounded by the number of objects and of their chunks; the least recently
   * sent object goes first. Those of an object that is gone are never asked for again and age away.
   */
  private static final class ChunkSums {
    static final long UNKNOWN = -1;
    private static final int OBJECTS_MAX = 64;
    private static final int CHUNKS_MAX = 16 * 1024;
    private static final long[] NONE = {};

    private record Sent(long seal, int chunkBytes) {}

    private final LinkedHashMap<Sent, long[]> objects =
        new LinkedHashMap<>(16, 0.75f, true) {
          @Override
          protected boolean removeEldestEntry(Map.Entry<Sent, long[]> eldest) {
            return size() > OBJECTS_MAX;
          }
        };

    /**
     * A place for the sums of each chunk; empty when they are not kept. Several connections may
     * write to it at once: they write the same values, and a long is written whole where we run.
     */
    synchronized long[] of(long seal, Request request) {
      long chunks = (request.bytes() + request.chunkBytes() - 1) / request.chunkBytes();
      if (seal == Served.NO_SEAL
          || chunks > CHUNKS_MAX
          || request.fromBytes() % request.chunkBytes() != 0) {
        return NONE;
      }
      return objects.computeIfAbsent(
          new Sent(seal, request.chunkBytes()),
          sent -> {
            long[] unknown = new long[(int) chunks];
            Arrays.fill(unknown, UNKNOWN);
            return unknown;
          });
    }
  }

  /** A connection and the moment by which its present read or write must have ended. */
  private static final class Connection {
    final DataChannel channel;
    final ByteBuffer head = ByteBuffer.allocateDirect(16);
    volatile long deadlineNanos;
    volatile String expected = "";
    volatile Duration within = Duration.ZERO;
    volatile boolean overdue;

    Connection(DataChannel channel) {
      this.channel = channel;
    }

    void expect(String what, Duration within) {
      expected = what;
      this.within = within;
      deadlineNanos = System.nanoTime() + within.toNanos();
    }

    /** A small piece of the protocol, ready to be read. */
    ByteBuffer read(int bytes) throws IOException {
      ByteBuffer target =
          bytes <= head.capacity() ? head.clear().limit(bytes) : ByteBuffer.allocate(bytes);
      while (target.hasRemaining()) {
        if (channel.read(target) < 0) {
          throw new EOFException(
              "closed by " + channel.remote() + " while waiting for " + expected);
        }
      }
      return target.flip();
    }

    void close() {
      try {
        channel.close();
      } catch (IOException e) {
        log.debug("closing the data connection to {}", channel.remote(), e);
      }
    }
  }

  /** A pull that runs, to be cut. */
  private static final class Running {
    private Connection connection;
    private boolean cut;

    /** Says which connection to close; false when the pull was cut before. */
    synchronized boolean on(Connection used) {
      connection = used;
      return !cut;
    }

    synchronized void cut() {
      cut = true;
      if (connection != null) {
        connection.close();
      }
    }

    synchronized boolean isCut() {
      return cut;
    }
  }

  private final NodeId self;
  private final StoreSettings settings;
  private final DataTransport transport;
  private final byte[] token;
  private final Function<ObjectKey, Optional<Served>> pins;
  private final Optional<Sharing> sharing;
  private final ServerSocketChannel server;
  private final Optional<UnixSockets> unix;
  private final DataEndpoint endpoint;
  private final ThreadPoolExecutor threads;

  /** All connections, in use or not. Added when made or accepted; removed when closed. */
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();

  /**
   * Connections to peers that wait for the next pull. Bounded by the pulls per peer that the table
   * allows.
   */
  private final ConcurrentHashMap<NodeId, ArrayDeque<Connection>> idle = new ConcurrentHashMap<>();

  /** Pulls by their number. Added by {@link #pull}; removed when they end. */
  private final ConcurrentHashMap<Long, Running> running = new ConcurrentHashMap<>();

  /** Nodes that are being told of releases. Added and removed by the thread that tells. */
  private final ConcurrentHashMap<NodeId, Boolean> telling = new ConcurrentHashMap<>();

  private final AtomicInteger accepted = new AtomicInteger();
  private final AtomicInteger strangers = new AtomicInteger();
  private final ChunkSums sums = new ChunkSums();
  private final Refusals refusals = new Refusals();
  private final LongAdder servedBytes = new LongAdder();
  private volatile boolean closed;

  /**
   * Listens at once.
   *
   * @param pins how an object that a peer asks for is held while it is sent
   * @param sharing shared memory, where there is some
   */
  DataPlane(
      NodeId self,
      StoreSettings settings,
      DataTransport transport,
      String token,
      Function<ObjectKey, Optional<Served>> pins,
      Optional<Sharing> sharing) {
    this.self = self;
    this.settings = settings;
    this.transport = transport;
    this.token = token.getBytes(StandardCharsets.UTF_8);
    this.pins = pins;
    this.sharing = sharing;
    if (this.token.length == 0 || this.token.length > DataFrames.TOKEN_MAX) {
      throw new IllegalArgumentException("a token has 1 to " + DataFrames.TOKEN_MAX + " bytes");
    }
    AtomicInteger number = new AtomicInteger();
    this.threads =
        new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE, // bounded by connections-max, and by what the table starts
            10,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            body -> new DataThread(body, "dfut-data-" + number.incrementAndGet()));
    try {
      server = ServerSocketChannel.open();
      try {
        InetSocketAddress wanted = new InetSocketAddress(settings.dataHost(), settings.dataPort());
        if (wanted.isUnresolved()) {
          throw new IllegalArgumentException(
              "dfut.store.data.host is "
                  + settings.dataHost()
                  + "; allowed: a host name or address of this machine");
        }
        server.bind(wanted);
        InetSocketAddress bound = (InetSocketAddress) server.getLocalAddress();
        int port = settings.publicPort() == 0 ? bound.getPort() : settings.publicPort();
        InetSocketAddress told =
            bound.getAddress().isAnyLocalAddress()
                ? InetSocketAddress.createUnresolved(self.host(), port)
                : new InetSocketAddress(bound.getAddress(), port);
        unix =
            settings.unixSockets()
                ? UnixSockets.listen(Path.of(System.getProperty("java.io.tmpdir")))
                : Optional.empty();
        endpoint = new DataEndpoint(told, token, unix.map(UnixSockets::path));
      } catch (IOException | RuntimeException e) {
        server.close();
        throw e;
      }
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "dfut.store.data.host and dfut.store.data.port are "
              + settings.dataHost()
              + " and "
              + settings.dataPort()
              + "; allowed: an address of this machine and a free port ("
              + e.getMessage()
              + ")",
          e);
    }
    new DataThread(() -> acceptAll(server, transport::accept), "dfut-data-accept").start();
    unix.ifPresent(
        sockets ->
            new DataThread(
                    () -> acceptAll(sockets.server(), PlainTransport::over),
                    "dfut-data-accept-unix")
                .start());
  }

  /** Where peers reach this. */
  DataEndpoint endpoint() {
    return endpoint;
  }

  /** Bytes of objects that were sent to peers. */
  long servedBytes() {
    return servedBytes.sum();
  }

  /** Connections that are open, of either direction. */
  int connectionCount() {
    return connections.size();
  }

  /**
   * Closes what is past its deadline. To be called several times in the shortest of the timeouts.
   */
  void reap(long nowNanos) {
    for (Connection connection : connections) {
      if (connection.deadlineNanos - nowNanos < 0) {
        connection.overdue = true;
        discard(connection);
      }
    }
  }

  private void discard(Connection connection) {
    connections.remove(connection);
    connection.close();
  }

  private void register(Connection connection) throws IOException {
    connections.add(connection);
    if (closed) {
      discard(connection);
      throw new ClosedChannelException();
    }
  }

  // -------------------------------------------------------------------------------------------------------- source

  /** How a socket that was accepted becomes a channel. */
  private interface Accepting {
    DataChannel accept(SocketChannel socket) throws IOException;
  }

  private void acceptAll(ServerSocketChannel server, Accepting accepting) {
    while (!closed) {
      try {
        SocketChannel socket = server.accept();
        // Strangers may take a part of the places only, so that they cannot keep members out.
        if (accepted.get() >= settings.connectionsMax()
            || strangers.get() >= Math.max(1, settings.connectionsMax() / 4)) {
          refused(
              String.valueOf(socket.getRemoteAddress()),
              accepted.get()
                  + " connections are open, "
                  + strangers.get()
                  + " of them not yet known; see dfut.store.data.connections-max");
          socket.close();
          continue;
        }
        accepted.incrementAndGet();
        strangers.incrementAndGet();
        try {
          threads.execute(() -> serve(socket, accepting));
        } catch (RejectedExecutionException e) {
          socket.close();
          return; // closing
        } catch (OutOfMemoryError e) { // no thread to be had
          accepted.decrementAndGet();
          strangers.decrementAndGet();
          socket.close();
          throw new IOException(e);
        }
      } catch (IOException e) {
        if (!closed) {
          log.warn("the data plane of {} cannot accept a connection; it goes on", self, e);
          LockSupport.parkNanos(
              TimeUnit.MILLISECONDS.toNanos(50)); // out of descriptors, say: do not spin
        }
      }
    }
  }

  private void serve(SocketChannel socket, Accepting accepting) {
    Connection connection = null;
    boolean stranger = true;
    try {
      connection = new Connection(accepting.accept(socket));
      connection.expect("a hello", settings.handshakeTimeout());
      register(connection);
      boolean known = greet(connection);
      stranger = false;
      strangers.decrementAndGet();
      while (known) {
        connection.expect("a request", settings.idleTimeout());
        int bytes = Short.toUnsignedInt(connection.read(2).getShort());
        if (bytes > DataFrames.REQUEST_MAX) {
          throw new ProtocolException("a request of " + bytes + " bytes");
        }
        connection.expect("a request", settings.chunkTimeout());
        ByteBuffer body = connection.read(bytes);
        switch (body.remaining() == 0 ? 0 : body.get(body.position())) {
          case HoldFrames.KIND_HOLD -> hold(connection, HoldFrames.decodeHold(body));
          case HoldFrames.KIND_RELEASE -> release(connection, HoldFrames.decodeRelease(body));
          default -> answer(connection, DataFrames.decode(body));
        }
      }
    } catch (ProtocolException e) {
      refused(connection.channel.remote(), e.getMessage());
    } catch (EOFException e) {
      log.debug("data connection ended: {}", e.getMessage());
    } catch (IOException | IllegalStateException e) {
      if (connection != null && connection.overdue && stranger) {
        refused(connection.channel.remote(), "no hello within " + settings.handshakeTimeout());
      } else if (!closed) {
        log.debug(
            "data connection ended while waiting for {}",
            connection == null ? "TLS" : connection.expected,
            e);
      }
    } finally {
      if (stranger) {
        strangers.decrementAndGet();
      }
      accepted.decrementAndGet();
      if (connection != null) {
        discard(connection);
      } else {
        closeQuietly(socket);
      }
    }
  }

  /** Checks a peer's hello; false when it was refused and told so. */
  private boolean greet(Connection connection) throws IOException {
    ByteBuffer hello = connection.read(DataFrames.HELLO_HEAD_BYTES);
    if (hello.getShort(0) == DataFrames.JAVA_STREAM) {
      throw new ProtocolException("a Java serialisation stream; nothing here reads one");
    }
    if (hello.getShort(0) == DataFrames.TLS_HELLO) {
      refused(
          connection.channel.remote(),
          "it speaks TLS and this node does not; dfut.tls.enabled must be the same on"
              + " all nodes");
      refuse(connection, DataFrames.NO_TLS);
      return false;
    }
    if (hello.getInt() != DataFrames.MAGIC) {
      throw new ProtocolException("not a hello of the data plane");
    }
    short version = hello.getShort();
    if (version != DataFrames.VERSION) {
      refused(
          connection.channel.remote(),
          "it speaks version " + version + " and this node version " + DataFrames.VERSION);
      refuse(connection, DataFrames.WRONG_VERSION);
      return false;
    }
    int length = Short.toUnsignedInt(hello.getShort());
    if (length > DataFrames.TOKEN_MAX) {
      throw new ProtocolException("a token of " + length + " bytes");
    }
    ByteBuffer shown = connection.read(length);
    byte[] bytes = new byte[length];
    shown.get(bytes);
    if (!MessageDigest.isEqual(bytes, token)) {
      refused(connection.channel.remote(), "wrong token, so not a member of this cluster");
      refuse(connection, DataFrames.WRONG_TOKEN);
      return false;
    }
    connection.channel.write(DataFrames.welcome(DataFrames.WELCOME));
    return true;
  }

  /**
   * Says why, and waits for the peer to close: closing while something of its hello is unread would
   * reset the connection, and the peer might not learn why. The handshake's deadline bounds it.
   */
  private static void refuse(Connection connection, byte verdict) throws IOException {
    connection.channel.write(DataFrames.welcome(verdict));
    connection.channel.endOutput();
    ByteBuffer rest = ByteBuffer.allocate(DataFrames.REQUEST_MAX);
    while (rest.hasRemaining() && connection.channel.read(rest) >= 0) {
      // nothing of it is looked at
    }
  }

  private void refused(String remote, String why) {
    warn("data connection from " + remote + " refused by " + self + ": " + why);
  }

  /** One line for each refused connection, unless somebody tries to fill the log. */
  private void warn(String message) {
    long now = System.nanoTime();
    boolean shown;
    synchronized (refusals) {
      if (now - refusals.sinceNanos > REFUSAL_WINDOW_NANOS) {
        if (refusals.count > REFUSALS_SHOWN) {
          log.warn(
              "{} more data connections were refused in the last while",
              refusals.count - REFUSALS_SHOWN);
        }
        refusals.sinceNanos = now;
        refusals.count = 0;
      }
      shown = ++refusals.count <= REFUSALS_SHOWN;
    }
    if (shown) {
      log.warn(message);
    } else {
      log.debug(message);
    }
  }

  private void answer(Connection connection, Request request) throws IOException {
    Optional<Served> found = pins.apply(request.key());
    if (found.isEmpty()) {
      connection.channel.write(DataFrames.answer(DataFrames.NOT_HERE, 0));
      return;
    }
    try (Served pinned = found.get()) {
      long size = pinned.size();
      if (request.fromMemory() && pinned.isOnDisk()) {
        connection.channel.write(DataFrames.answer(DataFrames.ON_DISK, size));
        return;
      }
      if (size != request.bytes()) {
        connection.channel.write(DataFrames.answer(DataFrames.SIZE_DIFFERS, size));
        return;
      }
      if (request.fromBytes() > 0 && prefixCrc(pinned, request) != request.prefixCrc()) {
        connection.channel.write(DataFrames.answer(DataFrames.PREFIX_DIFFERS, size));
        return;
      }
      connection.channel.write(DataFrames.answer(DataFrames.FOUND, size));
      CRC32C crc = new CRC32C();
      long[] known = sums.of(pinned.seal(), request);
      for (long at = request.fromBytes(); at < request.bytes(); ) {
        int length = (int) Math.min(request.chunkBytes(), request.bytes() - at);
        ByteBuffer chunk = pinned.range(at, length);
        int index = (int) (at / request.chunkBytes());
        boolean isKnown = index < known.length && known[index] != ChunkSums.UNKNOWN;
        if (!isKnown) {
          crc.reset();
          crc.update(chunk);
          chunk.rewind();
        }
        long sum = isKnown ? known[index] : crc.getValue();
        if (index < known.length) {
          known[index] = sum;
        }
        connection.expect("the peer to take a chunk", settings.chunkTimeout());
        servedBytes.add(length); // before, so that whoever has received it finds it counted
        connection.channel.write(
            connection.head.clear().putInt(length).putInt((int) sum).flip(), chunk);
        at += length;
      }
    }
  }

  /** A node of this host wants to read an object where it is. */
  private void hold(Connection connection, HoldFrames.Hold wanted) throws IOException {
    if (sharing.isEmpty()
        || !wanted.reader().isBeside(sharing.get().share())
        || !sharing.get().holds().admit(wanted.reader())) {
      connection.channel.write(DataFrames.answer(HoldFrames.NOT_SHARED, 0));
      return;
    }
    Optional<Served> found = pins.apply(wanted.key());
    if (found.isEmpty()) {
      connection.channel.write(DataFrames.answer(DataFrames.NOT_HERE, 0));
      return;
    }
    Served pin = found.get();
    boolean kept = false;
    try {
      long bytes = pin.size();
      Optional<Place> place = pin.place();
      if (bytes != wanted.bytes()) {
        connection.channel.write(DataFrames.answer(DataFrames.SIZE_DIFFERS, bytes));
        return;
      }
      kept = place.isPresent() && sharing.get().holds().add(wanted.reader(), wanted.number(), pin);
      if (!kept) {
        connection.channel.write(DataFrames.answer(HoldFrames.NOT_HELD, bytes));
        return;
      }
      // From here on it is the reader who ends it, also if the answer does not arrive.
      connection.channel.write(
          DataFrames.answer(DataFrames.FOUND, bytes),
          HoldFrames.encode(
              new HoldFrames.Held(
                  place.get().offset(),
                  place.get().slabBytes(),
                  place.get().file(),
                  sharing.get().share())));
    } finally {
      if (!kept) {
        pin.close();
      }
    }
  }

  private void release(Connection connection, HoldFrames.Release ended) throws IOException {
    sharing.ifPresent(s -> s.holds().release(ended.reader(), ended.numbers()));
    connection.channel.write(DataFrames.answer(HoldFrames.RELEASED, ended.numbers().size()));
  }

  // -------------------------------------------------------------------------------------------------------- puller

  /**
   * Pulls into {@code target}. The outcome comes once, on another thread, when nothing writes to
   * the target any more.
   *
   * @param target where to; asked for on that thread, as its first touch may take long
   */
  void pull(
      StartPull start,
      DataEndpoint from,
      Supplier<MemorySegment> target,
      Consumer<PullOutcome> ended) {
    begin(
        start.transfer(),
        start.source(),
        from,
        () -> new Wanted(start, target.get()),
        start.fromBytes(),
        ended);
  }

  /**
   * Asks the source to hold an object and maps it. The outcome comes once, on another thread; when
   * it is not {@link PullOutcome.Attached}, nothing is held, or will be released.
   */
  void attach(
      long transfer,
      NodeId source,
      DataEndpoint from,
      ObjectKey key,
      long bytes,
      Consumer<PullOutcome> ended) {
    begin(transfer, source, from, () -> new WantedInPlace(transfer, source, key, bytes), 0, ended);
  }

  private void begin(
      long transfer,
      NodeId source,
      DataEndpoint from,
      Supplier<Conversation> about,
      long fromBytes,
      Consumer<PullOutcome> ended) {
    Running run = new Running();
    running.put(transfer, run);
    try {
      threads.execute(
          () -> {
            PullOutcome outcome = new PullOutcome.Failed(fromBytes, "not tried");
            try {
              outcome = converse(run, source, from, about.get());
            } catch (RuntimeException | OutOfMemoryError e) {
              log.warn("transfer {} from {} failed", transfer, source, e);
              outcome = new PullOutcome.Failed(fromBytes, e.toString());
            } finally {
              running.remove(transfer, run);
              ended.accept(outcome);
            }
          });
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      running.remove(transfer, run);
      ended.accept(
          new PullOutcome.Failed(
              fromBytes, closed ? "the store is closed" : "no thread could be started: " + e));
    }
  }

  /** Ends a pull soon, whose outcome comes all the same; nothing happens when it does not run. */
  void cut(long transfer) {
    Running run = running.get(transfer);
    if (run != null) {
      run.cut();
    }
  }

  /** Closes what is kept open to a node. */
  void forget(NodeId node) {
    ArrayDeque<Connection> kept = idle.remove(node);
    if (kept != null) {
      synchronized (kept) {
        kept.forEach(this::discard);
        kept.clear();
      }
    }
  }

  /**
   * Tells the source that nobody reads these any more. Blocks.
   *
   * @return false when the source did not answer, so that it must be told again
   */
  private boolean release(NodeId source, DataEndpoint from, List<Long> numbers) {
    HoldFrames.Release message = new HoldFrames.Release(sharing.orElseThrow().share(), numbers);
    Conversation telling =
        new Conversation() {
          @Override
          public PullOutcome hold(Connection connection) throws IOException {
            connection.expect("an answer to a release", settings.chunkTimeout());
            connection.channel.write(HoldFrames.encode(message));
            ByteBuffer answer = connection.read(DataFrames.ANSWER_BYTES);
            if (answer.get() != HoldFrames.RELEASED) {
              throw new ProtocolException("not an answer to a release");
            }
            return new PullOutcome.Complete();
          }

          @Override
          public boolean isAnswered() {
            return false; // it may be said twice
          }

          @Override
          public PullOutcome failed(String why) {
            return new PullOutcome.Failed(0, why);
          }
        };
    return converse(new Running(), source, from, telling) instanceof PullOutcome.Complete;
  }

  /**
   * Sees to it that a node is told of the holds that nobody needs any more, on another thread. What
   * cannot be told stays to be told.
   */
  void tellReleases(NodeId source, DataEndpoint from) {
    Attachments attachments = sharing.orElseThrow().attachments();
    if (telling.putIfAbsent(source, true) != null) {
      return; // the one who tells looks again before it ends
    }
    try {
      threads.execute(
          () -> {
            boolean told = true;
            try {
              while (told) {
                List<Long> numbers = attachments.takeReleases(source);
                if (numbers.isEmpty()) {
                  break;
                }
                told = release(source, from, numbers);
                if (!told) {
                  attachments.putBack(source, numbers); // reap tries again
                }
              }
            } finally {
              telling.remove(source);
            }
            if (told && attachments.hasReleases(source)) {
              tellReleases(source, from); // added between our last look and the removal
            }
          });
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      telling.remove(source);
      log.debug("releases for {} wait", source, e);
    }
  }

  /** What is said over one connection, until the next may be said. */
  private interface Conversation {
    PullOutcome hold(Connection connection) throws IOException;

    /** Whether the peer has answered, so that the connection is known to have been good. */
    boolean isAnswered();

    PullOutcome failed(String why);
  }

  /** An object that is to be read where it is. */
  private final class WantedInPlace implements Conversation {
    final long number;
    final NodeId source;
    final ObjectKey key;
    final long bytes;
    boolean answered;

    /** Whether it was asked for before, on a connection that broke. */
    private boolean asked;

    /** Whether it may be held there without our knowing it. */
    boolean inDoubt;

    WantedInPlace(long number, NodeId source, ObjectKey key, long bytes) {
      this.number = number;
      this.source = source;
      this.key = key;
      this.bytes = bytes;
    }

    @Override
    public PullOutcome hold(Connection connection) throws IOException {
      Sharing mine = sharing.orElseThrow();
      connection.expect("an answer", settings.chunkTimeout());
      boolean again = asked;
      asked = true;
      inDoubt = true;
      connection.channel.write(
          HoldFrames.encode(new HoldFrames.Hold(number, key, bytes, mine.share())));
      ByteBuffer answer = connection.read(DataFrames.ANSWER_BYTES);
      answered = true;
      byte status = answer.get();
      long there = answer.getLong();
      if (status != DataFrames.FOUND) {
        inDoubt = again; // the refusal may say no more than that the first question was granted
        PullOutcome refusal =
            switch (status) {
              case DataFrames.NOT_HERE -> new PullOutcome.NotThere("it is not there");
              case DataFrames.SIZE_DIFFERS ->
                  new PullOutcome.NotThere("it has " + there + " bytes there instead of " + bytes);
              case HoldFrames.NOT_HELD -> new PullOutcome.NotAttached(false, "it is not held");
              case HoldFrames.NOT_SHARED ->
                  new PullOutcome.NotAttached(true, "it shares no memory");
              default -> throw new ProtocolException("unknown status " + status);
            };
        return failed(refusal);
      }
      int length = Short.toUnsignedInt(connection.read(2).getShort());
      if (length > HoldFrames.HELD_MAX) {
        throw new ProtocolException("a place of " + length + " bytes");
      }
      HoldFrames.Held held = HoldFrames.decodeHeld(connection.read(length));
      if (!held.source().isBeside(mine.share())
          || !mine.attachments().isProven(source, held.source())) {
        return failed(new PullOutcome.NotAttached(true, "its memory is not seen here"));
      }
      try {
        mine.attachments().attach(number, source, held, bytes);
      } catch (IOException e) {
        log.debug("{} of {} cannot be mapped", key, source, e);
        return failed(new PullOutcome.NotAttached(false, e.toString()));
      }
      inDoubt = false;
      return new PullOutcome.Attached();
    }

    private PullOutcome failed(PullOutcome outcome) {
      if (inDoubt) {
        sharing.orElseThrow().attachments().doubtful(source, number);
      }
      return outcome;
    }

    @Override
    public boolean isAnswered() {
      return answered;
    }

    @Override
    public PullOutcome failed(String why) {
      return failed(new PullOutcome.Failed(0, why));
    }

    @Override
    public String toString() {
      return "reading " + key + " in place";
    }
  }

  /** What is pulled, and how far it came. */
  private final class Wanted implements Conversation {
    final ObjectKey key;
    final MemorySegment target;
    final long bytes;
    final long fromBytes;
    final boolean fromMemory;
    long verifiedBytes;

    /** Whether the source has answered: from then on the connection is known to have been good. */
    boolean answered;

    Wanted(StartPull start, MemorySegment target) {
      this.key = start.key();
      this.target = target;
      this.bytes = start.bytes();
      this.fromBytes = start.fromBytes();
      this.fromMemory = start.fromMemory();
      this.verifiedBytes = fromBytes;
    }

    @Override
    public PullOutcome hold(Connection connection) throws IOException {
      return exchange(connection, this);
    }

    @Override
    public boolean isAnswered() {
      return answered;
    }

    @Override
    public PullOutcome failed(String why) {
      return new PullOutcome.Failed(verifiedBytes, why);
    }

    @Override
    public String toString() {
      return "pulling " + key;
    }
  }

  private PullOutcome converse(Running run, NodeId source, DataEndpoint from, Conversation wanted) {
    while (true) {
      Connection connection = takeIdle(source);
      boolean reused = connection != null;
      try {
        if (connection == null) {
          connection = connect(source, from);
        }
        if (!run.on(connection)) {
          throw new IOException("cut");
        }
        PullOutcome outcome = wanted.hold(connection);
        if (run.on(null)) {
          keep(source, connection);
        } else {
          discard(connection);
        }
        return outcome;
      } catch (IOException | IllegalStateException e) {
        if (connection != null) {
          discard(connection);
        }
        // The source may have closed a connection that was idle: that says nothing about the
        // object.
        if (reused && !wanted.isAnswered() && !run.isCut() && !connection.overdue && !closed) {
          continue;
        }
        String why =
            connection != null && connection.overdue
                ? "no answer within "
                    + connection.within
                    + " while waiting for "
                    + connection.expected
                : String.valueOf(e.getMessage() == null ? e : e.getMessage());
        log.debug("{} from {} failed: {}", wanted, source, why, e);
        return wanted.failed(why);
      }
    }
  }

  private Connection takeIdle(NodeId source) {
    ArrayDeque<Connection> kept = idle.get(source);
    if (kept == null) {
      return null;
    }
    synchronized (kept) {
      Connection connection = kept.pollLast();
      while (connection != null && !connections.contains(connection)) { // reaped
        connection = kept.pollLast();
      }
      return connection;
    }
  }

  private void keep(NodeId source, Connection connection) {
    connection.expect("the next pull", settings.idleTimeout());
    ArrayDeque<Connection> kept = idle.computeIfAbsent(source, node -> new ArrayDeque<>());
    boolean dropped;
    synchronized (kept) {
      kept.removeIf(c -> !connections.contains(c));
      dropped = kept.size() >= settings.pullsPerPeer() || closed || idle.get(source) != kept;
      if (!dropped) {
        kept.addLast(connection);
      }
    }
    if (dropped) {
      discard(connection);
    }
  }

  private Connection connect(NodeId source, DataEndpoint from) throws IOException {
    Optional<DataChannel> near =
        unix.flatMap(sockets -> from.unixSocket().flatMap(sockets::connect));
    if (near.isPresent()) {
      try {
        return greet(near.get(), source, from);
      } catch (ProtocolException e) { // it is not that node: only TCP is sure to lead there
        log.debug("{} is not {}; trying TCP", near.get().remote(), source, e);
      }
    }
    try {
      return greet(
          transport.connect(source.host(), from.address(), settings.connectTimeout()),
          source,
          from);
    } catch (ProtocolException e) {
      warn("data connection to " + from.address() + " refused: " + e.getMessage());
      throw e;
    }
  }

  /**
   * Shows the token.
   *
   * @throws ProtocolException when one of both sides does not want the other
   */
  private Connection greet(DataChannel channel, NodeId source, DataEndpoint from)
      throws IOException {
    Connection connection = new Connection(channel);
    connection.expect("a welcome", settings.handshakeTimeout());
    register(connection);
    boolean welcome = false;
    try {
      channel.write(DataFrames.hello(from.token().getBytes(StandardCharsets.UTF_8)));
      ByteBuffer answer = connection.read(DataFrames.WELCOME_BYTES);
      if (answer.getShort(0) == DataFrames.TLS_ALERT) {
        throw new ProtocolException(
            source
                + " speaks TLS and this node does not; dfut.tls.enabled must be the"
                + " same on all nodes");
      }
      if (answer.getInt() != DataFrames.MAGIC) {
        throw new ProtocolException(
            "what answers at " + channel.remote() + " is not the data plane of " + source);
      }
      short version = answer.getShort();
      switch (answer.get()) {
        case DataFrames.WELCOME -> welcome = true;
        case DataFrames.WRONG_VERSION ->
            throw new ProtocolException(
                source
                    + " speaks version "
                    + version
                    + " and this node version "
                    + DataFrames.VERSION);
        case DataFrames.WRONG_TOKEN ->
            throw new ProtocolException(source + " does not take our token");
        default -> throw new ProtocolException("unknown verdict of " + source);
      }
      return connection;
    } finally {
      if (!welcome) {
        discard(connection);
      }
    }
  }

  private PullOutcome exchange(Connection connection, Wanted wanted) throws IOException {
    int chunkBytes = settings.pullChunkBytes();
    int prefix = wanted.fromBytes == 0 ? 0 : crcOf(wanted.target.asSlice(0, wanted.fromBytes));
    connection.expect("an answer", settings.chunkTimeout());
    connection.channel.write(
        DataFrames.encode(
            new Request(
                wanted.key,
                wanted.bytes,
                wanted.fromBytes,
                prefix,
                chunkBytes,
                wanted.fromMemory)));
    ByteBuffer answer = connection.read(DataFrames.ANSWER_BYTES);
    wanted.answered = true;
    byte status = answer.get();
    long bytes = answer.getLong();
    switch (status) {
      case DataFrames.NOT_HERE -> {
        return new PullOutcome.NotThere("it is not there");
      }
      case DataFrames.SIZE_DIFFERS -> {
        return new PullOutcome.NotThere(
            "it has " + bytes + " bytes there instead of " + wanted.bytes);
      }
      case DataFrames.ON_DISK -> {
        if (!wanted.fromMemory) {
          throw new ProtocolException("the source keeps back what it has on disk");
        }
        return new PullOutcome.OnDisk();
      }
      case DataFrames.PREFIX_DIFFERS -> {
        if (wanted.fromBytes == 0) {
          throw new ProtocolException("the source compares what it was not sent");
        }
        return new PullOutcome.PrefixDiffers();
      }
      case DataFrames.FOUND -> {
        if (bytes != wanted.bytes) {
          throw new ProtocolException(
              "the source begins to send " + bytes + " bytes instead of " + wanted.bytes);
        }
      }
      default -> throw new ProtocolException("unknown status " + status);
    }
    CRC32C crc = new CRC32C();
    while (wanted.verifiedBytes < wanted.bytes) {
      connection.expect("a chunk", settings.chunkTimeout());
      ByteBuffer head = connection.read(DataFrames.CHUNK_HEAD_BYTES);
      int length = head.getInt();
      int expectedCrc = head.getInt();
      if (length != Math.min(chunkBytes, wanted.bytes - wanted.verifiedBytes)) {
        throw new ProtocolException("a chunk of " + length + " bytes at " + wanted.verifiedBytes);
      }
      ByteBuffer chunk = wanted.target.asSlice(wanted.verifiedBytes, length).asByteBuffer();
      ByteBuffer checked = chunk.duplicate();
      crc.reset();
      while (chunk.position() < length) {
        chunk.limit(Math.min(length, chunk.position() + PIECE_BYTES));
        if (connection.channel.read(chunk) < 0) {
          throw new EOFException(
              "closed by " + connection.channel.remote() + " in the middle of a chunk");
        }
        crc.update(checked.limit(chunk.position()));
      }
      if ((int) crc.getValue() != expectedCrc) {
        throw new ProtocolException("checksum error in the chunk at " + wanted.verifiedBytes);
      }
      wanted.verifiedBytes += length;
    }
    return new PullOutcome.Complete();
  }

  private static int prefixCrc(Served served, Request request) throws IOException {
    CRC32C crc = new CRC32C();
    for (long at = 0; at < request.fromBytes(); ) {
      int length = (int) Math.min(request.chunkBytes(), request.fromBytes() - at);
      crc.update(served.range(at, length));
      at += length;
    }
    return (int) crc.getValue();
  }

  private static int crcOf(MemorySegment bytes) {
    CRC32C crc = new CRC32C();
    long at = 0;
    while (at < bytes.byteSize()) { // a buffer is limited to 2 GiB, a segment is not
      long length = Math.min(1 << 30, bytes.byteSize() - at);
      crc.update(bytes.asSlice(at, length).asByteBuffer());
      at += length;
    }
    return (int) crc.getValue();
  }

  // --------------------------------------------------------------------------------------------------------- close

  private static void closeQuietly(java.nio.channels.Channel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      log.debug("closing a socket", e);
    }
  }

  /**
   * Closes everything; afterwards nothing touches store memory, unless this was called by one of
   * the threads that do.
   */
  @Override
  public void close() {
    closed = true;
    closeQuietly(server);
    unix.ifPresent(UnixSockets::close);
    running.values().forEach(Running::cut);
    connections.forEach(this::discard);
    threads.shutdown();
    if (Thread.currentThread() instanceof DataThread) {
      return;
    }
    boolean interrupted = false;
    try {
      if (!threads.awaitTermination(CLOSE_WAIT_SECONDS, TimeUnit.SECONDS)) {
        log.warn("data connections of {} did not end within {} s", self, CLOSE_WAIT_SECONDS);
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
