package io.dfut.internal.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigValueFactory;
import io.dfut.NodeId;
import io.dfut.internal.config.ConfigReader;
import io.dfut.internal.spi.ClusterProvider;
import io.dfut.internal.spi.DrainReason;
import io.dfut.internal.spi.Membership;
import io.dfut.internal.spi.PeerInfo;
import io.dfut.internal.store.LifeLock;
import io.dfut.internal.store.TlsEngines;
import java.io.IOException;
import java.io.NotSerializableException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.Cluster;
import org.apache.pekko.serialization.SerializationExtension;
import org.apache.pekko.serialization.Serializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts and joins Pekko clusters. Thread-safe; found by the service loader.
 *
 * <p>The work of one start is done on the caller's thread, step by step, and whatever goes wrong is
 * undone before the exception leaves.
 */
public final class PekkoClusterProvider implements ClusterProvider {
  private static final Logger LOG = LoggerFactory.getLogger(PekkoClusterProvider.class);
  private static final String JAVA_SERIALIZATION = "pekko.actor.allow-java-serialization";

  /** Between looks whether the node to join has begun to listen. */
  private static final Duration LISTENER_PAUSE = Duration.ofMillis(30);

  /** What the phase of the shutdown may take beyond the drain's own bound, which ends it. */
  private static final Duration DRAIN_MARGIN = Duration.ofSeconds(5);

  /** How long an address may stay silent before one asks for the cause. */
  private static final Duration INQUIRY = Duration.ofMillis(1500);

  /** How long who listens at an address may take for each answer when it is asked for TLS. */
  private static final Duration TLS_PATIENCE = Duration.ofSeconds(2);

  private final int wireVersion;

  /** Called by the service loader. */
  public PekkoClusterProvider() {
    this(Terms.WIRE_VERSION);
  }

  /** As a node of another version, for tests. */
  PekkoClusterProvider(int wireVersion) {
    this.wireVersion = wireVersion;
  }

  @Override
  public Membership start(Config config, boolean offersWork) {
    ClusterSettings settings = ClusterSettings.of(config);
    Config layered = prepare(config, offersWork);
    Bound bound = Bound.of(settings, layered);
    bound.requireFree();
    Exposure.check(layered);
    ProcessLimits.check(layered);
    // SLF4J complains when its first loggers are made by several threads at once, as Pekko does.
    LoggerFactory.getILoggerFactory();
    ActorSystem<Void> system = create(settings, bound, layered);
    try {
      PekkoMembership membership = open(system, layered, settings, true);
      join(system, settings, membership);
      return membership;
    } catch (RuntimeException e) {
      stop(system);
      throw e;
    }
  }

  @Override
  public Optional<Membership> embedded(ActorSystem<?> system) {
    Config config = system.settings().config();
    String provider = config.getString("pekko.actor.provider");
    if (!provider.equals("cluster")
        && !provider.equals("org.apache.pekko.cluster.ClusterActorRefProvider")) {
      return Optional.empty();
    }
    refuseJavaSerialization(config);
    Exposure.check(config);
    requireSerializer(system);
    requireRole(config);
    return Optional.of(open(system, config, ClusterSettings.of(config), false));
  }

  /** Without one of our roles the other nodes would not know this one for one of them. */
  private static void requireRole(Config config) {
    List<String> roles = config.getStringList("pekko.cluster.roles");
    if (!roles.contains(Gateway.NODE_ROLE) && !roles.contains(Gateway.DRIVER_ROLE)) {
      throw new IllegalStateException(
          "pekko.cluster.roles of this ActorSystem is "
              + roles
              + "; add \""
              + Gateway.NODE_ROLE
              + "\" on nodes that offer work, or \""
              + Gateway.DRIVER_ROLE
              + "\" on nodes that only submit it");
    }
  }

  private static void requireSerializer(ActorSystem<?> system) {
    String found;
    try {
      Serializer serializer = SerializationExtension.get(system).serializerFor(Wire.class);
      if (serializer instanceof WireSerializer) {
        return;
      }
      found = "by " + serializer.getClass().getName();
    } catch (NotSerializableException e) {
      found = "by nobody";
    }
    throw new IllegalStateException(
        "messages of DFut would be serialised "
            + found
            + " in this ActorSystem; its pekko.actor.serialization-bindings lacks \""
            + Wire.class.getName()
            + "\" = dfut-wire, which stands in the reference.conf of dfut-cluster:"
            + " is the configuration made without the defaults of the class path?");
  }

  private Config prepare(Config config, boolean offersWork) {
    if (!config.getValue(Terms.WIRE_VERSION_KEY).unwrapped().equals(Terms.WIRE_VERSION)) {
      throw new ConfigReader(config)
          .refuse(
              Terms.WIRE_VERSION_KEY,
              Terms.WIRE_VERSION + ": it says what this version of DFut speaks, and cannot be set",
              null);
    }
    Config layered =
        Layers.layer(config)
            .withValue(Terms.WIRE_VERSION_KEY, ConfigValueFactory.fromAnyRef(wireVersion))
            .withValue(
                "pekko.remote.artery.canonical.hostname", config.getValue("dfut.cluster.host"))
            .withValue("pekko.remote.artery.canonical.port", config.getValue("dfut.cluster.port"));
    layered =
        layered.withValue(
            "pekko.coordinated-shutdown.phases." + DrainReason.PHASE + ".timeout",
            ConfigValueFactory.fromAnyRef(
                layered.getDuration("dfut.drain.timeout").plus(DRAIN_MARGIN)));
    List<String> roles = new ArrayList<>(layered.getStringList("pekko.cluster.roles"));
    roles.add(offersWork ? Gateway.NODE_ROLE : Gateway.DRIVER_ROLE);
    layered =
        layered.withValue(
            "pekko.cluster.roles",
            ConfigValueFactory.fromIterable(roles.stream().distinct().toList()));
    refuseJavaSerialization(layered);
    return Exposure.secure(layered);
  }

  private static void refuseJavaSerialization(Config config) {
    if (config.getBoolean(JAVA_SERIALIZATION)) {
      throw new IllegalStateException(
          JAVA_SERIALIZATION
              + " is on; whoever reaches the port could run code in this JVM, so DFut does not"
              + " start with it; switch it off");
    }
  }

  /**
   * Where Artery listens: at what others are told, unless they come through a proxy or a mapped
   * port.
   *
   * @param hostKey what to change when the host is wrong
   * @param portKey what to change when the port is taken
   */
  private record Bound(String host, int port, String hostKey, String portKey) {
    private static final String HOST_KEY = "pekko.remote.artery.bind.hostname";
    private static final String PORT_KEY = "pekko.remote.artery.bind.port";

    static Bound of(ClusterSettings settings, Config layered) {
      String host = layered.getString(HOST_KEY);
      String port = layered.getString(PORT_KEY);
      return new Bound(
          host.isEmpty() ? settings.host() : host,
          port.isEmpty() ? settings.port() : layered.getInt(PORT_KEY),
          host.isEmpty() ? "dfut.cluster.host or --host" : HOST_KEY,
          port.isEmpty() ? "dfut.cluster.port or --port" : PORT_KEY);
    }

    /**
     * Looks before the {@code ActorSystem} does: one that cannot bind leaves threads behind and an
     * exception that names neither the key nor the way out.
     */
    void requireFree() {
      InetSocketAddress address = new InetSocketAddress(host, port);
      if (address.isUnresolved()) {
        throw new IllegalStateException(
            "the host name \"" + host + "\" is unknown; set " + hostKey);
      }
      try (ServerSocket socket = new ServerSocket()) {
        socket.setReuseAddress(true); // as Artery does: connections in TIME_WAIT are no obstacle
        socket.bind(address);
      } catch (IOException e) {
        throw cannotBind(e);
      }
    }

    IllegalStateException cannotBind(Throwable cause) {
      if (String.valueOf(cause.getMessage()).contains("Cannot assign requested address")) {
        return new IllegalStateException(
            host + " is no address of this machine; choose another with " + hostKey, cause);
      }
      return new IllegalStateException(
          "port "
              + port
              + " on "
              + host
              + " is taken; choose another with "
              + portKey
              + ", 0 for any free one",
          cause);
    }
  }

  private static ActorSystem<Void> create(ClusterSettings settings, Bound bound, Config layered) {
    try {
      return ActorSystem.create(Behaviors.empty(), settings.systemName(), layered);
    } catch (ConfigException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    } catch (RuntimeException e) {
      // Pekko stops what it had started; only the message is ours to better.
      if (isBindFailure(e)) {
        throw bound.cannotBind(e);
      }
      throw new IllegalStateException("the node could not start: " + e.getMessage(), e);
    }
  }

  private static boolean isBindFailure(Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof java.net.BindException
          || String.valueOf(cause.getMessage()).contains("Bind failed")) {
        return true;
      }
    }
    return false;
  }

  private static PekkoMembership open(
      ActorSystem<?> system, Config config, ClusterSettings settings, boolean ownsSystem) {
    NodeId self =
        Gateway.nodeId(Cluster.get(Adapter.toClassic(system)).selfMember().uniqueAddress());
    Wire.Preamble terms = Terms.of(config, self);
    ConcurrentMap<NodeId, Outbox> outboxes = new ConcurrentHashMap<>();
    Optional<LifeLock> life = life(settings.proof());
    system.getWhenTerminated().whenComplete((end, failure) -> life.ifPresent(LifeLock::close));
    ActorRef<Gateway.Command> gateway =
        system.systemActorOf(
            Gateway.create(
                terms,
                settings,
                life.map(lock -> new PeerInfo.Life(lock.path(), lock.proof())),
                outboxes),
            Gateway.NAME,
            DispatcherSelector.fromConfig("pekko.actor.internal-dispatcher"));
    return new PekkoMembership(system, terms, gateway, outboxes, settings, life, ownsSystem);
  }

  /** Without one a node works as well; only its death is found out by other means. */
  private static Optional<LifeLock> life(ProofSettings settings) {
    if (!settings.enabled() || settings.locks().isEmpty()) {
      return Optional.empty();
    }
    try {
      return LifeLock.open(settings.locks().get());
    } catch (IOException e) {
      LOG.info("the death of this node will not be seen by its lock: {}", e.getMessage());
      return Optional.empty();
    }
  }

  private static void join(
      ActorSystem<?> system, ClusterSettings settings, PekkoMembership membership) {
    Cluster cluster = Cluster.get(Adapter.toClassic(system));
    long deadlineNanos = System.nanoTime() + settings.joinTimeout().toNanos();
    CompletableFuture<Void> up = new CompletableFuture<>();
    cluster.registerOnMemberUp(() -> up.complete(null));
    system
        .getWhenTerminated()
        .whenComplete(
            (end, failure) ->
                up.completeExceptionally(new IllegalStateException("the node stopped")));
    Optional<Wire.Preamble> seed = Optional.empty();
    if (settings.join().isEmpty()) {
      cluster.join(cluster.selfAddress());
    } else {
      awaitListener(settings, deadlineNanos);
      seed = inquire(membership, settings, deadlineNanos);
      if (seed.isPresent()) {
        refuseOther(membership.terms(), seed.get());
      } else {
        refuseStrangers(settings, system.settings().config());
      }
      cluster.joinSeedNodes(settings.join());
    }
    try {
      up.get(deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      if (seed.isEmpty()) {
        refuseStrangers(settings, system.settings().config()); // who was too slow to say so before
      }
      throw new IllegalStateException(whyNoJoin(settings, seed), e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "the cluster at " + shown(settings) + " refuses this node; its log says why", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while joining " + shown(settings), e);
    }
  }

  /**
   * Returns when one of the nodes to join accepts connections. Artery would find out, too, but each
   * refusal doubles its pause up to a second, which is what nodes that start together would wait.
   */
  private static void awaitListener(ClusterSettings settings, long deadlineNanos) {
    while (!isAnyoneListening(settings.join())) {
      if (deadlineNanos - System.nanoTime() <= 0) {
        throw new IllegalStateException(whyNoJoin(settings, Optional.empty()));
      }
      LockSupport.parkNanos(LISTENER_PAUSE.toNanos());
      if (Thread.currentThread().isInterrupted()) {
        throw new IllegalStateException("interrupted while joining " + shown(settings));
      }
    }
  }

  /**
   * Asks the nodes to join who they are: Pekko's own check refuses a node of another version too,
   * but does not tell it why.
   */
  private static Optional<Wire.Preamble> inquire(
      PekkoMembership membership, ClusterSettings settings, long deadlineNanos) {
    CompletableFuture<Wire.Preamble> answer = membership.inquire(settings.join());
    while (true) {
      long leftNanos = deadlineNanos - System.nanoTime();
      try {
        return Optional.of(
            answer.get(Math.min(leftNanos, INQUIRY.toNanos()), TimeUnit.NANOSECONDS));
      } catch (TimeoutException e) {
        if (isAnyoneListening(settings.join())) {
          answer.cancel(false);
          return Optional.empty(); // a member without DFut, perhaps: let Pekko try
        }
        if (leftNanos <= 0) {
          answer.cancel(false);
          throw new IllegalStateException(whyNoJoin(settings, Optional.empty()), e);
        }
      } catch (ExecutionException e) {
        throw new IllegalStateException("the inquiry failed", e);
      } catch (InterruptedException e) {
        answer.cancel(false);
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while joining " + shown(settings), e);
      }
    }
  }

  private static void refuseOther(Wire.Preamble own, Wire.Preamble other) {
    if (!own.agreesWith(other)) {
      throw new IllegalStateException(
          "the cluster at "
              + other.node().address()
              + " has "
              + other.terms()
              + ", this node has "
              + own.terms()
              + "; run the same version of DFut with the same settings on all nodes");
    }
  }

  /** Where nobody answers who can be understood, TLS may be why; then waiting is of no use. */
  private static void refuseStrangers(ClusterSettings settings, Config config) {
    Optional<TlsEngines> tls = TlsEngines.of(config.getConfig("dfut"));
    for (Address node : settings.join()) {
      InetSocketAddress address = listening(node);
      Optional<String> why =
          tls.isPresent()
              ? tls.get().complaint(address, TLS_PATIENCE)
              : TlsEngines.isSpokenAt(address, TLS_PATIENCE)
                  ? Optional.of("it speaks TLS, and dfut.tls.enabled is off here")
                  : Optional.empty();
      if (why.isPresent()) {
        throw new IllegalStateException(
            "the node at "
                + node.host().get()
                + ":"
                + node.port().get()
                + " and this one do not accept each other: "
                + why.get()
                + "; see dfut.tls, which must be the same on all nodes, and each certificate's"
                + " time, names and authority");
      }
    }
  }

  private static InetSocketAddress listening(Address node) {
    return new InetSocketAddress(node.host().get(), (Integer) node.port().get());
  }

  private static String whyNoJoin(ClusterSettings settings, Optional<Wire.Preamble> seed) {
    if (seed.isPresent()) {
      return seed.get().node()
          + " answers, but did not take this node in within "
          + settings.joinTimeout()
          + " (dfut.cluster.join-timeout); is one of the cluster's nodes unreachable, or is that"
          + " node itself no member yet?";
    }
    if (isAnyoneListening(settings.join())) {
      return "somebody listens at "
          + shown(settings)
          + ", but not a node of a cluster named \""
          + settings.systemName()
          + "\"; check the address, and dfut.cluster.system-name on both sides";
    }
    return "nobody answers at "
        + shown(settings)
        + "; start a node there first (./dfut start --port …), or check the address";
  }

  private static boolean isAnyoneListening(List<Address> nodes) {
    for (Address node : nodes) {
      InetSocketAddress address = listening(node);
      try (Socket socket = new Socket()) {
        socket.connect(address, 500);
        return true;
      } catch (IOException e) {
        // nobody there; the next one may be
      }
    }
    return false;
  }

  private static String shown(ClusterSettings settings) {
    return settings.join().stream()
        .map(node -> node.host().get() + ":" + node.port().get())
        .collect(Collectors.joining(", "));
  }

  private static void stop(ActorSystem<?> system) {
    system.terminate();
    try {
      system.getWhenTerminated().toCompletableFuture().get(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      // What is thrown next says why it had to stop; this would only hide that.
    }
  }
}
