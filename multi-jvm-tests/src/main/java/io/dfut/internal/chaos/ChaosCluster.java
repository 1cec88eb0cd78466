package io.dfut.internal.chaos;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutException;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.internal.cluster.launch.JvmProcess;
import io.dfut.internal.cluster.launch.Launcher;
import io.dfut.internal.jvms.Doors;
import io.dfut.internal.jvms.Host;
import io.dfut.internal.jvms.Network;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * Nodes in JVMs of their own, started as {@code ./dfut start} does, and a driver in this one; all
 * of them reach each other through a {@link Network}. One thread does things to it, others may
 * look.
 */
public final class ChaosCluster implements AutoCloseable {
  /** Silence after which the detector speaks: JVMs that start take the processors for long. */
  static final Duration PAUSE = Duration.ofSeconds(6);

  private static final Duration STABLE = Duration.ofSeconds(2);

  /** After this a silent node is given up for certain. */
  static final Duration GIVEN_UP = PAUSE.plus(STABLE).plusSeconds(3);

  /** For a JVM to start and join, or to end, on a machine that has other things to do. */
  private static final Duration PATIENCE = Duration.ofSeconds(120);

  static final String DRIVER = "driver";

  /** A place for a node, which is filled again after a death. */
  final class Slot {
    final int index;
    final String name;
    private Doors doors;
    private volatile JvmProcess process;
    private volatile boolean up;
    private int starts;

    Slot(int index) {
      this.index = index;
      this.name = "node-" + (index + 1);
      newDoors();
    }

    private void newDoors() {
      if (doors != null) {
        doors.close();
      }
      doors = new Doors(network, name);
    }

    String address() {
      return doors.address();
    }

    boolean isUp() {
      return up && process.isAlive();
    }

    JvmProcess process() {
      return process;
    }

    @Override
    public String toString() {
      return name
          + " at "
          + address()
          + " (pid "
          + (process == null ? "none" : process.pid())
          + ")";
    }
  }

  private final Path folder;
  private final Path memory;
  private final Network network = new Network();
  private final List<Slot> slots = new ArrayList<>();

  /** All that were started, for their logs and their leftovers. */
  private final ConcurrentLinkedQueue<JvmProcess> processes = new ConcurrentLinkedQueue<>();

  private final Doors driverDoors;
  private final List<String> more;
  private DFutSystem driver;

  /** For Ctrl-C: a frozen node would not notice that this JVM has ended. */
  private final Thread abandoning = new Thread(this::abandon, "abandon the nodes");

  /**
   * Starts it.
   *
   * @param folder an empty one, for what is spilled and counted
   * @param more settings of all, as {@code path=value}
   */
  public ChaosCluster(int nodes, Path folder, List<String> more) {
    this.folder = folder;
    this.more = List.copyOf(more);
    try {
      memory = Host.newSharedFolder("dfut-chaos-");
      Files.createDirectories(folder.resolve("spill"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Runtime.getRuntime().addShutdownHook(abandoning);
    network.process(DRIVER, ProcessHandle.current().pid());
    driverDoors = new Doors(network, DRIVER);
    try {
      for (int i = 0; i < nodes; i++) {
        slots.add(new Slot(i));
      }
      // The first forms a cluster; the others join through it.
      launch(slots.getFirst(), List.of());
      awaitReady(slots.getFirst());
      slots.stream().skip(1).forEach(slot -> launch(slot, List.of(slots.getFirst().address())));
      slots.stream().skip(1).forEach(this::awaitReady);
      driver = DFutSystem.connect(slots.getFirst().address(), driverConfig());
      slots.forEach(this::awaitKnown);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** What all have, the driver too. */
  private List<String> settings(Doors doors, boolean sharing) {
    return Stream.of(
            doors.lead(),
            List.of(
                "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause="
                    + PAUSE.toMillis()
                    + "ms",
                "dfut.pekko.cluster.split-brain-resolver.stable-after=" + STABLE.toMillis() + "ms",
                "dfut.cluster.join-timeout=90s",
                "dfut.cluster.proof-of-death.lock-directory=" + memory,
                "dfut.store.shared-memory=" + (sharing ? memory : "off"),
                "dfut.store.spill.directories.0=" + folder.resolve("spill")),
            more)
        .flatMap(List::stream)
        .toList();
  }

  private Config driverConfig() {
    StringBuilder text = new StringBuilder("dfut.values.allow = [\"io.dfut.\"]\n");
    for (String setting : settings(driverDoors, false)) {
      int equals = setting.indexOf('=');
      String key = setting.substring(0, equals).replace(".directories.0", ".directories");
      String value = '"' + setting.substring(equals + 1) + '"';
      text.append(key).append(" = ");
      text.append(key.endsWith(".directories") ? "[" + value + "]" : value).append('\n');
    }
    return ConfigFactory.parseString(text.append("dfut.store.memory = 48 MiB\n").toString());
  }

  private void launch(Slot slot, List<String> join) {
    List<String> arguments =
        new ArrayList<>(List.of("start", "--cpus", "2", "--memory", "48M", "--with-parent"));
    join.forEach(address -> arguments.addAll(List.of("--join", address)));
    arguments.addAll(List.of("--allow", "io.dfut."));
    // Two of the nodes read each other's objects in place, the others pull.
    boolean sharing = slot.index % 2 == 0;
    slot.starts++;
    JvmProcess process =
        JvmProcess.of(
                slot.name + "/" + slot.starts, Launcher.class, arguments.toArray(String[]::new))
            .flags("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
            .flags("-Dlogback.configurationFile=io/dfut/internal/cluster/launch/logback.xml")
            .flags("-D" + Ledger.PROPERTY + "=" + folder.resolve("ledger"))
            .flags(
                settings(slot.doors, sharing).stream()
                    .map(setting -> "-D" + setting)
                    .toArray(String[]::new))
            .start();
    network.process(slot.name, process.pid());
    processes.add(process);
    slot.process = process;
  }

  private void awaitReady(Slot slot) {
    slot.process.awaitLine(line -> line.startsWith("node ") && line.contains(" ready"), PATIENCE);
  }

  private void awaitKnown(Slot slot) {
    await(
        slot + " is not seen by the driver",
        () ->
            driver.nodes().stream().anyMatch(node -> node.address().equals(slot.address()))
                || !slot.process.isAlive());
    slot.up = slot.process.isAlive();
  }

  private static void await(String what, BooleanSupplier condition) {
    long deadlineNanos = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadlineNanos > 0) {
        throw new Violation(what + " within " + PATIENCE);
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  public DFutSystem driver() {
    return driver;
  }

  Slot slot(int index) {
    return slots.get(index);
  }

  List<Slot> slots() {
    return slots;
  }

  long up() {
    return slots.stream().filter(Slot::isUp).count();
  }

  /** Whether an object is on its way from store to store. */
  boolean isTransferring() {
    return Stream.concat(slots.stream().map(slot -> slot.doors), Stream.of(driverDoors))
        .anyMatch(doors -> doors.hasMovedDataWithin(5_000_000));
  }

  // ---- what is done to nodes ----

  void kill(Slot slot) {
    slot.up = false;
    slot.process.kill();
  }

  /** Kills both before it waits for either. */
  void killBoth(Slot one, Slot other) {
    one.up = false;
    other.up = false;
    ProcessHandle.of(other.process.pid()).ifPresent(ProcessHandle::destroyForcibly);
    one.process.kill();
    other.process.kill();
  }

  /** Tells it to stop, and waits. */
  void stop(Slot slot) {
    slot.up = false;
    OptionalInt code = slot.process.stop(PATIENCE);
    if (code.isEmpty()) {
      throw new Violation(slot + " was told to stop and did not within " + PATIENCE);
    }
  }

  void freeze(Slot slot) {
    slot.process.freeze();
  }

  void thaw(Slot slot) {
    slot.process.thaw();
  }

  /** It will be given up by the others, and has to end by itself. */
  void expectsEnd(Slot slot) {
    slot.up = false;
  }

  void awaitOwnEnd(Slot slot) {
    if (slot.process.awaitExit(PATIENCE).isEmpty()) {
      throw new Violation(slot + " was given up by the others and did not stop within " + PATIENCE);
    }
  }

  /** What this node sends to all others, and they to it. */
  void ways(Slot slot, boolean out, boolean in, Network.Way way) {
    others(slot)
        .forEach(
            other -> {
              if (out) {
                network.set(slot.name, other, way);
              }
              if (in) {
                network.set(other, slot.name, way);
              }
            });
  }

  void delay(Slot slot, long millis) {
    others(slot)
        .forEach(
            other -> {
              network.delay(slot.name, other, millis);
              network.delay(other, slot.name, millis);
            });
  }

  private Stream<String> others(Slot slot) {
    return Stream.concat(slots.stream().map(one -> one.name), Stream.of(DRIVER))
        .filter(name -> !name.equals(slot.name));
  }

  /** Starts a node where one has died; waits until the driver knows it. */
  void restart(Slot slot, boolean sameAddress) {
    if (!sameAddress) {
      slot.newDoors();
    }
    List<String> join = new ArrayList<>();
    slots.stream().filter(Slot::isUp).forEach(one -> join.add(one.address()));
    launch(slot, join);
    awaitReady(slot);
    awaitKnown(slot);
    if (!slot.isUp()) {
      throw new Violation(slot + " ended as soon as it was ready");
    }
  }

  /** Nodes that have ended and were not to. */
  List<Slot> fallen() {
    return slots.stream().filter(slot -> slot.up && !slot.process.isAlive()).toList();
  }

  /**
   * What each process that lives takes; at rest. Each is asked, by a task for nodes.
   *
   * @param seconds since the run began
   */
  List<Footprint> footprints(double seconds) {
    List<Footprint> all = new ArrayList<>();
    all.add(Footprint.of(DRIVER, seconds, ProcessHandle.current().pid(), Footprint.inside()));
    for (Slot slot : slots) {
      NodeId node =
          driver.nodes().stream()
              .filter(one -> one.address().equals(slot.address()))
              .findFirst()
              .orElseThrow(() -> new Violation(slot + " is not seen by the driver"));
      try (DFut<long[]> inside = driver.task(Footprint::inside).on(node).submit()) {
        all.add(
            Footprint.of(slot.process.name(), seconds, slot.process.pid(), inside.get(PATIENCE)));
      } catch (DFutException e) {
        throw new Violation(slot + " cannot be measured: " + e.getMessage(), e);
      }
    }
    return all;
  }

  // ---- the end ----

  /** All lines of all processes. */
  List<String> said() {
    return processes.stream().flatMap(process -> process.lines().stream()).toList();
  }

  /** What was logged as an error, with who did. */
  List<String> errors() {
    return processes.stream()
        .flatMap(
            process ->
                process.lines().stream()
                    .filter(line -> line.contains(" ERROR "))
                    .map(line -> process.name() + ": " + line))
        .toList();
  }

  /** The last lines of each process that lives, or died last. */
  String tails(int lines) {
    StringBuilder text = new StringBuilder();
    List<JvmProcess> all = List.copyOf(processes);
    for (JvmProcess process : all.subList(Math.max(0, all.size() - 2 * slots.size()), all.size())) {
      List<String> said = process.lines();
      text.append("---- ").append(process).append(process.isAlive() ? "" : ", ended").append('\n');
      said.subList(Math.max(0, said.size() - lines), said.size())
          .forEach(line -> text.append("  ").append(line).append('\n'));
    }
    return text.toString();
  }

  /** Stops all in order; gives what is left of them on disk and in shared memory. */
  List<Path> stopAll() {
    driver.close();
    slots.forEach(slot -> slot.process.requestStop());
    slots.forEach(this::stop);
    try (Stream<Path> spilled = Files.walk(folder.resolve("spill"));
        Stream<Path> shared = Files.walk(memory)) {
      return Stream.concat(spilled, shared).filter(Files::isRegularFile).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whoever is left is killed, and what is left deleted. */
  @Override
  public void close() {
    Runtime.getRuntime().removeShutdownHook(abandoning);
    processes.forEach(JvmProcess::close);
    if (driver != null) {
      driver.close();
    }
    network.close();
    Host.delete(memory);
    Host.delete(folder);
  }

  private void abandon() {
    processes.forEach(JvmProcess::close);
    Host.delete(memory);
    Host.delete(folder);
  }
}
