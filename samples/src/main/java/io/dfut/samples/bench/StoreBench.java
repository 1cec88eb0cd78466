package io.dfut.samples.bench;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.ObjectView;
import io.dfut.SharedDFut;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;

/** What moving values costs: into the store, out of it, and between JVMs. */
final class StoreBench {
  private static final int KIB = 1024;
  private static final int MIB = 1024 * KIB;
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int READERS = 10;

  /** Bytes that a round of small objects moves in all, so that it is long enough to be timed. */
  private static final int ROUND_BYTES = 16 * MIB;

  private static final int ROUND_OBJECTS_MAX = 200;
  private static final long MEMORY_BYTES = 1L << 30;
  private static final String MEMORY = "dfut.store.memory=" + MEMORY_BYTES;
  private static final String NO_SHARING = "dfut.store.shared-memory=off";
  private static final String NO_UNIX = "dfut.store.data.unix-sockets=off";

  private final StoreOptions options;
  private final PrintStream out;
  private final List<Figure> figures = new ArrayList<>();
  private final int large;
  private long sink;

  StoreBench(StoreOptions options, PrintStream out) {
    this.options = options;
    this.out = out;
    this.large = options.largeMib() * MIB;
  }

  private record Size(int bytes, String name) {
    int objects() {
      return Math.clamp(ROUND_BYTES / bytes, 1, ROUND_OBJECTS_MAX);
    }
  }

  private List<Size> sizes() {
    return List.of(
        new Size(KIB, "1KiB"),
        new Size(100 * KIB, "100KiB"),
        new Size(MIB, "1MiB"),
        new Size(large, options.largeMib() + "MiB"));
  }

  void run() {
    out.println(
        "%d cores, Java %s, median of %d rounds (least … most), beside the limit in the same rounds"
            .formatted(
                Runtime.getRuntime().availableProcessors(),
                Runtime.version().feature(),
                options.runs()));
    try {
      if (options.wants("store.put")
          || options.wants("store.get.local")
          || options.wants("store.readers")) {
        local();
      }
      if (options.wants("store.spill") || options.wants("store.restore")) {
        new SpillBench(options, large, this::add).run();
      }
      if (options.wants("store.workingset")) {
        workingSet();
      }
      if (options.wants("store.get.samehost")
          || options.wants("store.pull.unix")
          || options.wants("store.pull.tcp")
          || options.wants("store.fanout")) {
        betweenJvms();
      }
      if (options.wants("store.pull.tls")) {
        tls();
      }
      if (options.json().isPresent()) {
        Files.write(options.json().get(), figures.stream().map(Figure::json).toList());
      }
    } catch (IOException e) {
      throw new OptionException("the benchmark cannot go on: " + e, e);
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("a round failed", e);
    }
    if (figures.isEmpty()) {
      throw new OptionException("no figure is called " + options.only());
    }
  }

  private void add(Figure figure) {
    if (options.wants(figure.name())) {
      figures.add(figure);
      out.println(figure.line());
    }
  }

  private static Config config(List<String> settings) {
    return ConfigFactory.parseString(String.join("\n", settings));
  }

  /** Nothing is timed while memory of an earlier round is being given back. */
  private static void awaitEmpty(DFutSystem dfut) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (dfut.inspect().store().usedBytes() > 0) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("the store does not become empty: " + dfut.inspect());
      }
      LockSupport.parkNanos(100_000);
    }
  }

  // ---- one JVM ----

  private void local() throws Exception {
    try (DFutSystem dfut = DFutSystem.local(config(List.of(MEMORY)))) {
      for (Size size : sizes()) {
        put(dfut, size);
        get(dfut, size);
      }
      readers(dfut);
    }
  }

  private void put(DFutSystem dfut, Size size) throws Exception {
    int objects = size.objects();
    ByteBuffer source = ByteBuffer.allocateDirect(size.bytes());
    ByteBuffer target = ByteBuffer.allocateDirect(size.bytes());
    List<DFut<ByteBuffer>> held = new ArrayList<>();
    Figure.Times times =
        Figure.Times.of(
            options.runs(),
            () -> {},
            () -> {
              for (int i = 0; i < objects; i++) {
                held.add(dfut.put(source));
              }
            },
            () -> {
              held.forEach(DFut::close);
              held.clear();
              awaitEmpty(dfut);
            },
            () -> {
              for (int i = 0; i < objects; i++) {
                target.clear().put(source.duplicate());
              }
            });
    String name = "store.put." + size.name();
    add(
        size.bytes() == large
            ? Figure.throughput(name, large, times, "memcpy", 0.6)
            : Figure.latency(name, objects, times, "memcpy", 0));
  }

  private void get(DFutSystem dfut, Size size) throws Exception {
    int times = ROUND_OBJECTS_MAX;
    MemorySegment from = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(size.bytes()));
    MemorySegment copy = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(size.bytes()));
    try (DFut<ByteBuffer> object = dfut.put(ByteBuffer.allocateDirect(size.bytes()))) {
      Figure.Times measured =
          Figure.Times.of(
              options.runs(),
              () -> {},
              () -> {
                for (int i = 0; i < times; i++) {
                  try (ObjectView view = object.view()) {
                    sink += view.size();
                  }
                }
              },
              () -> {},
              () -> copy.copyFrom(from));
      // The limit is one copy, for scale: a view makes none.
      Figure.Times scaled =
          new Figure.Times(
              measured.ours(),
              java.util.Arrays.stream(measured.limit()).map(t -> t * times).toArray());
      add(
          Figure.latency(
              "store.get.local." + size.name(),
              times,
              scaled,
              "memcpy",
              size.bytes() == large ? 0.1 : 0));
    }
  }

  private static long sum(MemorySegment bytes) {
    long sum = 0;
    long longs = bytes.byteSize() / Long.BYTES;
    for (long i = 0; i < longs; i++) {
      sum += bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, i * Long.BYTES);
    }
    return sum;
  }

  private void readers(DFutSystem dfut) throws Exception {
    MemorySegment plain = MemorySegment.ofBuffer(ByteBuffer.allocateDirect(large));
    try (DFut<ByteBuffer> object = dfut.put(ByteBuffer.allocateDirect(large));
        ExecutorService threads = Executors.newFixedThreadPool(READERS)) {
      Callable<Long> ours =
          () -> {
            try (ObjectView view = object.view()) {
              return sum(view.segment());
            }
          };
      Figure.Times times =
          Figure.Times.of(
              options.runs(),
              () -> {},
              () -> all(threads, ours),
              () -> {},
              () -> all(threads, () -> sum(plain)));
      add(
          Figure.throughput(
              "store.readers10." + options.largeMib() + "MiB",
              (double) large * READERS,
              times,
              "plain memory",
              0));
    }
  }

  private void all(ExecutorService threads, Callable<Long> reading) throws Exception {
    List<Future<Long>> running = new ArrayList<>();
    for (int i = 0; i < READERS; i++) {
      running.add(threads.submit(reading));
    }
    for (Future<Long> one : running) {
      sink += one.get();
    }
  }

  // ---- more than memory ----

  private void workingSet() throws IOException {
    int mib = options.workingSetMib();
    WorkingSet all = WorkingSet.measure(mib, Math.clamp(mib / 10, 64, 1024), 256);
    // Each byte is put and read; a single round, as it is long.
    Figure.Times times =
        new Figure.Times(new double[] {all.seconds()}, new double[] {all.plainSeconds()});
    add(
        Figure.throughput(
            "store.workingset." + mib + "MiB", 2.0 * mib * MIB, times, "plain file", 0));
    out.printf(
        Locale.ROOT,
        "  every byte was right; spilled %.1f GB, restored %.1f GB, heap at most %d of %d MiB%n",
        all.spilled() / 1e9,
        all.restored() / 1e9,
        all.peakHeap() / MIB,
        all.maxHeap() / MIB);
  }

  // ---- several JVMs ----

  private DFutSystem connect(String address, List<String> settings) {
    return DFutSystem.connect(
        address,
        config(settings).withFallback(config(List.of("dfut.values.allow=[\"io.dfut.samples.\"]"))));
  }

  private void betweenJvms() throws Exception {
    List<String> settings = List.of(MEMORY, "dfut.cpus=1");
    try (BenchNode node = BenchNode.start(settings)) {
      if (options.wants("store.get.samehost")) {
        pulls(node, "store.get.samehost.", List.of(MEMORY), 0.1, 0);
      }
      if (options.wants("store.pull.unix")) {
        pulls(node, "store.pull.unix.", List.of(MEMORY, NO_SHARING), 0, 0);
      }
      if (options.wants("store.pull.tcp")) {
        pulls(node, "store.pull.tcp.", List.of(MEMORY, NO_SHARING, NO_UNIX), 0, 0.7);
      }
      if (options.wants("store.fanout")) {
        try (BenchNode second = BenchNode.start(settings, node.address());
            BenchNode third = BenchNode.start(settings, node.address())) {
          fanOut(List.of(node, second, third));
        }
      }
    }
  }

  /**
   * Results of tasks of the other JVM, brought here.
   *
   * @param budgetMillis for the large one, 0 for none
   * @param share of plain NIO for the large one, 0 for none
   */
  private void pulls(
      BenchNode node, String prefix, List<String> settings, double budgetMillis, double share)
      throws Exception {
    try (DFutSystem dfut = connect(node.address(), settings)) {
      int port;
      try (DFut<Integer> server = dfut.task(StoreTasks::serve).submit()) {
        port = server.get(PATIENCE);
      }
      try (SocketChannel socket = PlainServer.connect(port)) {
        for (Size size : sizes()) {
          if (size.bytes() > KIB) { // smaller ones come with the message that tells of them
            pull(dfut, socket, prefix + size.name(), size, budgetMillis, share);
          }
        }
      }
    }
  }

  /**
   * Large objects that are read one after the other, when reading one takes next to nothing: the
   * first alone would tell how long it takes to find code and tables again, after the limit has
   * moved a hundred megabytes through the processor's caches.
   */
  private int inARow() {
    return Math.clamp(MEMORY_BYTES / 2 / large, 1, 4);
  }

  private void pull(
      DFutSystem dfut,
      SocketChannel socket,
      String name,
      Size size,
      double budgetMillis,
      double share)
      throws Exception {
    int objects = budgetMillis > 0 ? Math.max(size.objects(), inARow()) : size.objects();
    ByteBuffer target = ByteBuffer.allocateDirect(size.bytes());
    List<DFut<ByteBuffer>> made = new ArrayList<>();
    Figure.Times times =
        Figure.Times.of(
            options.runs(),
            () -> {
              for (int i = 0; i < objects; i++) {
                made.add(dfut.task(StoreTasks::make).submit(size.bytes()));
              }
              dfut.await(made, objects, PATIENCE);
            },
            () -> {
              for (DFut<ByteBuffer> object : made) {
                try (ObjectView view = object.view()) {
                  sink += view.size();
                }
              }
            },
            () -> {
              made.forEach(DFut::close);
              made.clear();
              awaitEmpty(dfut);
            },
            () -> {
              for (int i = 0; i < objects; i++) {
                PlainServer.read(socket, target.clear());
              }
            });
    add(
        size.bytes() == large && budgetMillis == 0
            ? Figure.throughput(name, large, times, "plain NIO", share)
            : Figure.latency(
                name, objects, times, "plain NIO", size.bytes() == large ? budgetMillis : 0));
  }

  private void fanOut(List<BenchNode> nodes) throws Exception {
    try (DFutSystem dfut = connect(nodes.getFirst().address(), List.of(MEMORY, NO_SHARING))) {
      List<NodeId> ids = new ArrayList<>();
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (ids.size() < nodes.size()) {
        ids = List.copyOf(dfut.nodes());
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException("not all nodes became known: " + ids);
        }
        LockSupport.parkNanos(10_000_000);
      }
      List<NodeId> targets = ids;
      int port = PlainServer.start();
      PlainServer.memory(large);
      List<DFut<ByteBuffer>> held = new ArrayList<>();
      Figure.Times times =
          Figure.Times.of(
              options.runs(),
              () -> held.add(dfut.put(PlainServer.memory(large))),
              () -> {
                try (SharedDFut<ByteBuffer> shared = held.getFirst().share()) {
                  together(
                      targets.stream()
                          .map(n -> dfut.task(StoreTasks::fetch).on(n).submit(shared))
                          .toList());
                }
              },
              () -> {
                held.forEach(DFut::close);
                held.clear();
                awaitEmpty(dfut);
              },
              () ->
                  together(
                      targets.stream()
                          .map(n -> dfut.task(StoreTasks::fetchPlain).on(n).submit(port, large))
                          .toList()));
      add(
          Figure.throughput(
              "store.fanout3." + options.largeMib() + "MiB", 3.0 * large, times, "plain NIO", 0));
    }
  }

  private void together(List<DFut<Long>> tasks) {
    for (DFut<Long> task : tasks) {
      sink += task.get(PATIENCE);
      task.close();
    }
  }

  // ---- TLS ----

  private void tls() throws Exception {
    Path folder = Files.createTempDirectory("dfut-bench");
    try {
      Path store = folder.resolve("node.p12");
      Path password = folder.resolve("password");
      Files.writeString(password, "benchmark");
      keytool(
          "-genkeypair",
          "-keyalg",
          "EC",
          "-alias",
          "node",
          "-dname",
          "CN=bench",
          "-ext",
          "san=dns:localhost,ip:127.0.0.1",
          "-keystore",
          store.toString(),
          "-storepass",
          "benchmark");
      Path certificate = folder.resolve("node.cer");
      keytool(
          "-exportcert",
          "-alias",
          "node",
          "-keystore",
          store.toString(),
          "-storepass",
          "benchmark",
          "-file",
          certificate.toString());
      Path trust = folder.resolve("trust.p12");
      keytool(
          "-importcert",
          "-noprompt",
          "-alias",
          "node",
          "-keystore",
          trust.toString(),
          "-storepass",
          "benchmark",
          "-file",
          certificate.toString());
      String prefix = "dfut.tls.";
      List<String> settings =
          List.of(
              MEMORY,
              NO_SHARING,
              NO_UNIX,
              prefix + "enabled=on",
              prefix + "key-store=" + store,
              prefix + "key-store-password-file=" + password,
              prefix + "trust-store=" + trust,
              prefix + "trust-store-password-file=" + password);
      List<String> quoted =
          settings.stream().map(s -> s.replaceFirst("=(/.*)", "=\"$1\"")).toList();
      List<String> ofNode = new ArrayList<>(settings);
      ofNode.add("dfut.cpus=1");
      try (BenchNode node = BenchNode.start(ofNode)) {
        pulls(node, "store.pull.tls.", quoted, 0, 0);
      }
    } finally {
      try (var files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
    }
  }

  private static void keytool(String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) {
      throw new IOException("keytool failed: " + said.strip());
    }
  }
}
