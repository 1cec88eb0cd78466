package io.dfut.internal.runtime;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueFactory;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.internal.config.UnknownKeys;
import io.dfut.internal.spi.ClusterProvider;
import io.dfut.internal.spi.DrainReason;
import io.dfut.internal.spi.Membership;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Extension;
import org.apache.pekko.actor.typed.ExtensionId;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** Starts systems: in one JVM, as a node, as a client, or embedded. */
public final class Systems {
  /** What a system in one JVM wants of Pekko: no network, quiet, and no more threads than help. */
  private static final Map<String, Object> LOCAL_PEKKO =
      Map.of(
          "pekko.actor.provider",
          "local",
          "pekko.loglevel",
          "WARNING",
          "pekko.stdout-loglevel",
          "WARNING",
          "pekko.log-dead-letters",
          0,
          "pekko.log-dead-letters-during-shutdown",
          false,
          "pekko.loggers",
          List.of("org.apache.pekko.event.slf4j.Slf4jLogger"),
          "pekko.logging-filter",
          "org.apache.pekko.event.slf4j.Slf4jLoggingFilter",
          "pekko.jvm-exit-on-fatal-error",
          false,
          "pekko.coordinated-shutdown.exit-jvm",
          false);

  private static final String SERIALIZERS = "pekko.actor.serializers";
  private static final String BINDINGS = "pekko.actor.serialization-bindings";

  /** Those that come with {@code pekko-actor}: few, and quickly made. */
  private static final Pattern PEKKO_ACTOR_SERIALIZER =
      Pattern.compile("org\\.apache\\.pekko\\.serialization\\.[A-Za-z]+");

  private static final ConfigValue NO_SERIALIZER =
      ConfigValueFactory.fromAnyRef(NoSerializer.class.getName());

  private static final ConfigValue NO_BINDING = ConfigValueFactory.fromAnyRef("none");

  /** The role of members that offer work; a driver's node has another. */
  private static final String NODE_ROLE = "dfut-node";

  private static final String ROLES = "pekko.cluster.roles";

  /** The Pekko roles of this node; none where there is no cluster on the class path. */
  static List<String> roles(Config config) {
    return config.hasPath(ROLES) ? config.getStringList(ROLES) : List.of();
  }

  /** Set by the launcher: a program's local system is to be a client of this cluster. */
  private static final String RUN_CLUSTER = "dfut.run.cluster";

  private Systems() {}

  /** See {@link DFutSystem#local(Config)}. */
  public static DFutSystem local(Config user) {
    String cluster = System.getProperty(RUN_CLUSTER, "");
    if (!cluster.isBlank()) {
      return connect(cluster, user); // ./dfut run --cluster: the same program, there
    }
    Config config = withoutSerializers(layered(user, ConfigFactory.parseMap(LOCAL_PEKKO)), user);
    // SLF4J complains when its first loggers are made by several threads at once, as Pekko does.
    org.slf4j.LoggerFactory.getILoggerFactory();
    Settings settings = settings(config, false);
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "dfut", config);
    try {
      NodeId self = new NodeId("local", 0, ThreadLocalRandom.current().nextLong() & Long.MAX_VALUE);
      return open(system, self, settings, Optional.empty(), true, true);
    } catch (RuntimeException e) {
      terminate(system, settings);
      throw e;
    }
  }

  /**
   * Leaves out the serialisers that libraries bring for the network. Pekko makes every configured
   * one when it starts, and Jackson's cost a good part of a second; here no message is ever
   * serialised, unless somebody asks for it to find what could not be. Pekko wants the keys to
   * exist, so they get a serialiser that refuses.
   */
  private static Config withoutSerializers(Config config, Config user) {
    if (config.getBoolean("pekko.actor.serialize-messages")) {
      return config;
    }
    Config own = user.withFallback(ConfigFactory.defaultApplication());
    Config left = config;
    Set<String> without = new HashSet<>();
    for (Map.Entry<String, ConfigValue> each : config.getObject(SERIALIZERS).entrySet()) {
      String path = SERIALIZERS + '.' + ConfigUtil.quoteString(each.getKey());
      String type = String.valueOf(each.getValue().unwrapped());
      if (!own.hasPath(path) && !PEKKO_ACTOR_SERIALIZER.matcher(type).matches()) {
        without.add(each.getKey());
        left = left.withValue(path, NO_SERIALIZER);
      }
    }
    for (Map.Entry<String, ConfigValue> each : config.getObject(BINDINGS).entrySet()) {
      if (without.contains(String.valueOf(each.getValue().unwrapped()))) {
        left = left.withValue(BINDINGS + '.' + ConfigUtil.quoteString(each.getKey()), NO_BINDING);
      }
    }
    return left;
  }

  /** See {@link DFutSystem#start(Config)}. */
  public static DFutSystem start(Config user) {
    return join(user, true);
  }

  /** See {@link DFutSystem#connect(String, Config)}. */
  public static DFutSystem connect(String address, Config user) {
    Config config =
        user.withValue(
            "dfut.cluster.join", ConfigValueFactory.fromIterable(List.of(checked(address))));
    return join(config, false);
  }

  private static String checked(String address) {
    int colon = address.lastIndexOf(':');
    try {
      if (colon > 0 && !address.substring(0, colon).isBlank()) {
        int port = Integer.parseInt(address.substring(colon + 1));
        if (port >= 1 && port <= 65_535) {
          return address;
        }
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(
        "\""
            + address
            + "\" is no address; it must be host:port with a port from 1 to 65535, such as"
            + " 127.0.0.1:25520");
  }

  private static DFutSystem join(Config user, boolean offersWork) {
    ClusterProvider provider = provider();
    Config config = layered(user, ConfigFactory.empty());
    Settings settings = settings(config, true);
    Membership membership = provider.start(config, offersWork);
    try {
      return open(
          membership.system(),
          membership.self(),
          settings,
          Optional.of(membership),
          offersWork,
          true);
    } catch (RuntimeException e) {
      membership.leave();
      throw e;
    }
  }

  /**
   * Reads what is configured before anything is started.
   *
   * @throws IllegalArgumentException when a key has a value that it cannot have
   */
  private static Settings settings(Config config, boolean networked) {
    Settings settings = Settings.read(config);
    NodeRuntime.storeProvider().check(config.getConfig("dfut"), networked);
    for (String unknown : UnknownKeys.in(config)) {
      org.slf4j.LoggerFactory.getLogger(Systems.class).warn("{}", unknown);
    }
    return settings;
  }

  private static ClusterProvider provider() {
    return ServiceLoader.load(ClusterProvider.class, Systems.class.getClassLoader())
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "the cluster module is not on the class path; add io.dfut:dfut-cluster to start"
                        + " or join a cluster"));
  }

  /** The user's configuration over what we want, over the application's and the libraries' own. */
  private static Config layered(Config user, Config ours) {
    try {
      return ConfigFactory.defaultOverrides()
          .withFallback(user)
          .withFallback(ConfigFactory.defaultApplication())
          .withFallback(ours)
          .withFallback(ConfigFactory.defaultReferenceUnresolved())
          .resolve();
    } catch (ConfigException e) {
      throw new IllegalArgumentException(
          "the configuration cannot be resolved: " + e.getMessage(), e);
    }
  }

  private static DriverSystem open(
      ActorSystem<?> system,
      NodeId self,
      Settings settings,
      Optional<Membership> membership,
      boolean offersWork,
      boolean ownsSystem) {
    NodeRuntime node = new NodeRuntime(system, self, settings, membership, offersWork);
    try {
      DriverSystem driver = new DriverSystem(node, ownsSystem);
      if (membership.isPresent() && hasDrainPhase(system)) {
        CoordinatedShutdown.get(org.apache.pekko.actor.typed.javadsl.Adapter.toClassic(system))
            .addTask(DrainReason.PHASE, "dfut-drain", node::drainBeforeShutdown);
      }
      node.begin();
      return driver;
    } catch (RuntimeException e) {
      node.stop("it could not start: " + e.getMessage());
      throw e;
    }
  }

  /** An application's own ActorSystem need not have it. */
  private static boolean hasDrainPhase(ActorSystem<?> system) {
    return system
        .settings()
        .config()
        .hasPath("pekko.coordinated-shutdown.phases." + DrainReason.PHASE);
  }

  /** Has another node of the cluster leave; completed when it is gone. */
  public static CompletableFuture<Void> drain(DFutSystem system, NodeId node) {
    return ((DriverSystem) system).runtime().drain(node);
  }

  static void terminate(ActorSystem<?> system, Settings settings) {
    system.terminate();
    try {
      system
          .getWhenTerminated()
          .toCompletableFuture()
          .get(settings.closeTimeout().toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      org.slf4j.LoggerFactory.getLogger(Systems.class)
          .warn(
              "the ActorSystem {} did not stop within {}", system.name(), settings.closeTimeout());
    }
  }

  // ---- embedded ----

  /** See {@link DFutSystem#get(ActorSystem)}. */
  public static DFutSystem embedded(ActorSystem<?> system) {
    return system.registerExtension(Embedded.ID).driver;
  }

  /** Whether the application has asked for the system already; actors of ours need it. */
  static Optional<DriverSystem> running(ActorSystem<?> system) {
    return system.hasExtension(Embedded.ID)
        ? Optional.of(system.registerExtension(Embedded.ID).driver)
        : DriverSystem.of(system);
  }

  /** The Pekko extension. */
  static final class Embedded implements Extension {
    static final ExtensionId<Embedded> ID =
        new ExtensionId<>() {
          @Override
          public Embedded createExtension(ActorSystem<?> system) {
            return new Embedded(system);
          }
        };

    final DriverSystem driver;

    private Embedded(ActorSystem<?> system) {
      Optional<DriverSystem> ours = DriverSystem.of(system);
      if (ours.isPresent()) {
        driver = ours.get(); // one of our own systems, reached through its ActorSystem
        return;
      }
      Config config = system.settings().config();
      String provider = config.getString("pekko.actor.provider");
      boolean networked = !provider.equals("local") && !provider.endsWith("LocalActorRefProvider");
      Settings settings = settings(config, networked);
      Optional<Membership> membership = networked ? provider().embedded(system) : Optional.empty();
      boolean offersWork = membership.isEmpty() || roles(config).contains(NODE_ROLE);
      NodeId self =
          membership
              .map(Membership::self)
              .orElseGet(
                  () ->
                      new NodeId(
                          "local", 0, ThreadLocalRandom.current().nextLong() & Long.MAX_VALUE));
      driver = open(system, self, settings, membership, offersWork, false);
      CoordinatedShutdown.get(org.apache.pekko.actor.typed.javadsl.Adapter.toClassic(system))
          .addTask(
              CoordinatedShutdown.PhaseBeforeServiceUnbind(),
              "dfut-close",
              () -> {
                java.util.concurrent.CompletableFuture<org.apache.pekko.Done> done =
                    new java.util.concurrent.CompletableFuture<>();
                Thread.ofVirtual()
                    .start(
                        () -> {
                          driver.close();
                          done.complete(org.apache.pekko.Done.getInstance());
                        });
                return done;
              });
    }
  }
}
