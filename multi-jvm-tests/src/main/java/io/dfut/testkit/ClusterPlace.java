package io.dfut.testkit;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.internal.cluster.launch.JvmProcess;
import io.dfut.internal.cluster.launch.Launcher;
import io.dfut.internal.jvms.Doors;
import io.dfut.internal.jvms.Host;
import io.dfut.internal.jvms.Network;
import io.dfut.internal.jvms.Sockets;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Nodes in JVMs of their own, started as {@code ./dfut start} does, with the class path of this
 * one, and a driver here. Thread-safe.
 */
final class ClusterPlace implements Place {
  /**
   * How it is started.
   *
   * @param settings of nodes and driver, over what the kit wants
   */
  record Plan(
      int nodes,
      int cpus,
      Config settings,
      List<String> allow,
      List<String> jvmFlags,
      boolean partitions,
      Duration startTimeout,
      Duration patience) {}

  private static final String DRIVER = "driver";

  private static final int TAIL_LINES = 60;

  private static final Pattern READY = Pattern.compile("node (\\S+):(\\d+)#([0-9a-f]+) ready.*");

  /**
   * JVMs that start take the processors for long: nobody is to be found dead for that. And nothing
   * compiles well what runs for a second.
   */
  static final List<String> FLAGS =
      List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

  private static final String DEFAULTS =
      """
      dfut.store.memory = 64 MiB
      dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause = 6 s
      dfut.pekko.cluster.split-brain-resolver.stable-after = 2 s
      dfut.ownership.handover-grace = 1 s
      """;

  /** A place for a node, which is filled again after a death. */
  final class Slot {
    final String name;
    private Optional<Doors> doors = Optional.empty();
    private volatile JvmProcess process;
    private volatile NodeId node;
    private int starts;

    Slot(int index) {
      this.name = "node-" + (index + 1);
    }

    JvmProcess process() {
      return process;
    }

    NodeId node() {
      return node;
    }

    private boolean isMember() {
      return process.isAlive() && driver.nodes().contains(node);
    }

    @Override
    public String toString() {
      return name + " (" + node + ", pid " + process.pid() + ")";
    }
  }

  private final Plan plan;
  private final Path memory;
  private final Path spill;
  private final Optional<Network> network;
  private final List<Slot> slots;
  private final DFutNodes nodes;
  private volatile boolean isCut;

  /** For Ctrl-C: a frozen node would not notice that this JVM has ended. */
  private final Thread abandoning = new Thread(this::abandon, "abandon the nodes");

  private volatile DFutSystem driver;

  ClusterPlace(Plan plan) {
    this.plan = plan;
    if (plan.partitions() && !Sockets.canTell()) {
      throw new IllegalStateException(
          "partitions = true needs a system that tells whose a connection is, which Linux does in"
              + " /proc/net/tcp; run such tests there only, with @EnabledOnOs(OS.LINUX)");
    }
    memory = Host.newSharedFolder("dfut-testkit-");
    try {
      spill = Files.createTempDirectory("dfut-testkit-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    network = plan.partitions() ? Optional.of(new Network()) : Optional.empty();
    slots = IntStream.range(0, plan.nodes()).mapToObj(Slot::new).toList();
    nodes = new DFutNodes(this, slots.stream().map(slot -> new DFutNode(this, slot)).toList());
    Runtime.getRuntime().addShutdownHook(abandoning);
    try {
      start();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** All at once: the others wait for the first, which forms the cluster. */
  private void start() {
    Slot first = slots.getFirst();
    String seed;
    if (network.isPresent()) {
      launch(first, List.of(), List.of());
      seed = first.doors.orElseThrow().address();
    } else {
      int port = Host.freePort();
      launch(first, List.of("dfut.cluster.port=" + port), List.of());
      seed = "127.0.0.1:" + port;
    }
    slots.stream().skip(1).forEach(slot -> launch(slot, List.of(), List.of(seed)));
    awaitReady(first);
    driver = DFutSystem.connect(seed, driverConfig());
    slots.forEach(this::awaitReady);
    awaitMembers();
  }

  // ---- settings ----

  private Config common() {
    return plan.settings()
        .withFallback(
            ConfigFactory.parseMap(
                Map.of(
                    "dfut.tasks.allow", plan.allow(),
                    "dfut.values.allow", plan.allow(),
                    "dfut.cluster.join-timeout", plan.startTimeout(),
                    "dfut.cluster.proof-of-death.lock-directory", memory.toString(),
                    "dfut.store.shared-memory", memory.toString(),
                    "dfut.store.spill.directories", List.of(spill.toString()))))
        .withFallback(ConfigFactory.parseString(DEFAULTS));
  }

  private static Config parsed(List<String> settings) {
    return ConfigFactory.parseString(
        settings.stream()
            .map(setting -> setting.replaceFirst("=(.*)", "=\"$1\""))
            .collect(Collectors.joining("\n")));
  }

  private Config driverConfig() {
    Config config = common();
    if (network.isPresent()) {
      network.get().process(DRIVER, ProcessHandle.current().pid());
      config = parsed(new Doors(network.get(), DRIVER).lead()).withFallback(config);
    }
    return config;
  }

  /** As system properties say it, where a list has a key for each of its elements. */
  private static List<String> asProperties(Config config) {
    List<String> properties = new ArrayList<>();
    for (Map.Entry<String, ConfigValue> entry : config.entrySet()) {
      if (entry.getValue().valueType() == ConfigValueType.LIST) {
        int index = 0;
        for (Object element : (List<?>) entry.getValue().unwrapped()) {
          properties.add("-D" + entry.getKey() + "." + index++ + "=" + element);
        }
      } else {
        properties.add("-D" + entry.getKey() + "=" + entry.getValue().unwrapped());
      }
    }
    return properties;
  }

  // ---- starts ----

  private void launch(Slot slot, List<String> own, List<String> join) {
    Config config = parsed(own).withFallback(common());
    if (network.isPresent()) {
      slot.doors.ifPresent(Doors::close);
      slot.doors = Optional.of(new Doors(network.get(), slot.name));
      config = parsed(slot.doors.get().lead()).withFallback(config);
    }
    List<String> arguments =
        new ArrayList<>(List.of("start", "--cpus", Integer.toString(plan.cpus()), "--with-parent"));
    join.forEach(address -> arguments.addAll(List.of("--join", address)));
    slot.starts++;
    ClassCache cache = ClassCache.forThisClassPath();
    slot.process =
        JvmProcess.of(
                slot.name + "/" + slot.starts, Launcher.class, arguments.toArray(String[]::new))
            .classPath(cache.classPath())
            .flags(FLAGS.toArray(String[]::new))
            .flags(cache.flags(FLAGS))
            .flags("-Dlogback.configurationFile=io/dfut/internal/cluster/launch/logback.xml")
            .flags(asProperties(config).toArray(String[]::new))
            .flags(plan.jvmFlags().toArray(String[]::new))
            .start();
    network.ifPresent(net -> net.process(slot.name, slot.process.pid()));
  }

  private void awaitReady(Slot slot) {
    String line =
        slot.process.awaitLine(said -> READY.matcher(said).matches(), plan.startTimeout());
    Matcher ready = READY.matcher(line);
    ready.matches();
    slot.node =
        new NodeId(
            ready.group(1),
            Integer.parseInt(ready.group(2)),
            Long.parseUnsignedLong(ready.group(3), 16));
  }

  /** Until the driver knows those that are alive, and none besides. */
  private void awaitMembers() {
    await(
        "the driver does not see the nodes that there are",
        () ->
            Set.copyOf(driver.nodes())
                .equals(
                    slots.stream()
                        .filter(slot -> slot.process.isAlive())
                        .map(Slot::node)
                        .collect(Collectors.toSet())));
  }

  private void await(String what, BooleanSupplier condition) {
    long deadlineNanos = System.nanoTime() + plan.startTimeout().toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadlineNanos > 0) {
        throw new IllegalStateException(
            what
                + " within "
                + plan.startTimeout()
                + "; it sees "
                + driver.nodes()
                + ", and there are "
                + slots
                + "\n"
                + tails());
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  // ---- what is done to nodes ----

  synchronized void restart(Slot slot) {
    slot.process.kill();
    launchAgain(slot);
    awaitReady(slot);
    await(slot + " is not seen by the driver", () -> driver.nodes().contains(slot.node));
  }

  private void launchAgain(Slot slot) {
    List<String> join = new ArrayList<>();
    slots.stream()
        .filter(other -> other != slot && other.process.isAlive())
        .forEach(other -> join.add(other.node.address()));
    join.add(driver.inspect().node().address());
    launch(slot, List.of(), join);
  }

  void stop(Slot slot) {
    slot.process.terminate();
    if (slot.process.awaitExit(plan.patience()).isEmpty()) {
      slot.process.kill();
      throw new IllegalStateException(
          slot + " was told to stop and did not within " + plan.patience() + "\n" + tails());
    }
  }

  void cut(String one, String other) {
    isCut = true;
    set(one, other, Network.Way.STALLED);
  }

  void isolate(Slot slot) {
    names().filter(name -> !name.equals(slot.name)).forEach(name -> cut(slot.name, name));
  }

  void heal() {
    if (network.isPresent()) {
      for (String one : names().toList()) {
        names().filter(name -> !name.equals(one)).forEach(other -> open(one, other));
      }
    }
    isCut = false;
  }

  private void open(String one, String other) {
    set(one, other, Network.Way.OPEN);
  }

  private Stream<String> names() {
    return Stream.concat(slots.stream().map(slot -> slot.name), Stream.of(DRIVER));
  }

  private void set(String one, String other, Network.Way way) {
    Network net =
        network.orElseThrow(
            () ->
                new IllegalStateException(
                    "nodes are cut off from each other by proxies; say"
                        + " @DFutCluster(partitions = true) to have them"));
    net.set(one, other, way);
    net.set(other, one, way);
  }

  // ---- between tests ----

  @Override
  public boolean isCut() {
    return isCut;
  }

  @Override
  public void letGo() {
    heal();
    slots.stream().filter(slot -> slot.process.isAlive()).forEach(slot -> slot.process.thaw());
  }

  @Override
  public synchronized boolean repair() {
    boolean usable =
        !driver.actorSystem().getWhenTerminated().toCompletableFuture().isDone()
            && slots.stream().anyMatch(Slot::isMember);
    if (!usable) {
      return false;
    }
    List<Slot> gone = slots.stream().filter(slot -> !slot.isMember()).toList();
    gone.forEach(slot -> slot.process.kill()); // it may be one that was given up while frozen
    gone.forEach(this::launchAgain);
    gone.forEach(this::awaitReady);
    awaitMembers();
    return true;
  }

  @Override
  public DFutSystem driver() {
    return driver;
  }

  @Override
  public Optional<DFutNodes> nodes() {
    return Optional.of(nodes);
  }

  @Override
  public String tails() {
    StringBuilder text = new StringBuilder();
    for (Slot slot : slots) {
      if (slot.process == null) {
        continue;
      }
      List<String> said = slot.process.lines();
      text.append("---- ").append(slot).append(slot.process.isAlive() ? "" : ", ended");
      text.append('\n');
      said.subList(Math.max(0, said.size() - TAIL_LINES), said.size())
          .forEach(line -> text.append("  ").append(line).append('\n'));
    }
    return text.toString();
  }

  @Override
  public void close() {
    Runtime.getRuntime().removeShutdownHook(abandoning);
    if (driver != null) {
      letGo();
      driver.close();
    }
    abandon();
    network.ifPresent(Network::close);
  }

  private void abandon() {
    Set<JvmProcess> processes = new HashSet<>();
    slots.stream()
        .filter(slot -> slot.process != null)
        .forEach(slot -> processes.add(slot.process));
    processes.forEach(JvmProcess::close);
    Host.delete(memory);
    Host.delete(spill);
  }
}
