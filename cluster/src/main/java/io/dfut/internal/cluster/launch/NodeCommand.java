package io.dfut.internal.cluster.launch;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValueFactory;
import io.dfut.DFutSystem;
import io.dfut.internal.cluster.HostAndPort;
import io.dfut.internal.cluster.JvmExit;
import io.dfut.internal.spi.DrainReason;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.pekko.Done;
import org.apache.pekko.actor.CoordinatedShutdown;

/** {@code ./dfut start}: a node that runs until it is told to stop, or thrown out. */
final class NodeCommand {
  /** How long a node that is told to stop while it starts may take to come so far that it can. */
  private static final Duration START_PATIENCE = Duration.ofSeconds(15);

  private final Command.Start start;

  /** Whether the JVM was asked to end. */
  private final AtomicBoolean ending = new AtomicBoolean();

  /** The node once it is up; empty when it did not come up. */
  private final CompletableFuture<Optional<DFutSystem>> started = new CompletableFuture<>();

  NodeCommand(Command.Start start) {
    this.start = start;
  }

  void run() {
    JvmExit.watchStatus();
    Programs.useJars(start.application());
    // Both before the start: who is told to stop while it starts is to leave in order, too.
    Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "orderly stop"));
    if (start.withParent()) {
      Thread.ofPlatform().name("parent watch").daemon().start(this::endWithParent);
    }
    DFutSystem system;
    try {
      system = DFutSystem.start(config());
    } catch (RuntimeException e) {
      started.complete(Optional.empty());
      if (ending.get()) {
        awaitForEver(); // it failed because it was stopped
      }
      throw e;
    }
    System.out.printf("node %s ready, %s cpus%n", system.node(), cpus());
    System.out.flush();
    started.complete(Optional.of(system));
    awaitEnd(system);
    if (wasToldToLeave(system)) {
      system.close();
      end();
    }
    if (!ending.get()) {
      Launcher.exit(1, "node " + system.node() + " was stopped by the cluster; the log says why");
    }
    awaitForEver(); // the hook that is running ends the JVM
  }

  private Config config() {
    Config config = ConfigFactory.empty();
    if (start.host().isPresent()) {
      config = with(config, "dfut.cluster.host", start.host().get());
    }
    if (start.port().isPresent()) {
      config = with(config, "dfut.cluster.port", start.port().getAsInt());
    }
    if (!start.join().isEmpty()) {
      config =
          with(
              config,
              "dfut.cluster.join",
              start.join().stream().map(HostAndPort::toString).toList());
    }
    if (start.cpus().isPresent()) {
      config = with(config, "dfut.cpus", start.cpus().get());
    }
    if (start.memory().isPresent()) {
      config = with(config, "dfut.store.memory", start.memory().get());
    }
    for (var resource : start.resources().entrySet()) {
      config =
          with(
              config,
              "dfut.resources." + ConfigUtil.quoteString(resource.getKey()),
              resource.getValue());
    }
    if (!Programs.allowed(start.application()).isEmpty()) {
      config = with(config, "dfut.tasks.allow", Programs.allowed(start.application()));
      config = with(config, "dfut.values.allow", Programs.allowed(start.application()));
    }
    return config;
  }

  private static Config with(Config config, String path, Object value) {
    return config.withValue(path, ConfigValueFactory.fromAnyRef(value));
  }

  private String cpus() {
    return start.cpus().orElseGet(() -> String.valueOf(Runtime.getRuntime().availableProcessors()));
  }

  /** Runs when the JVM ends: SIGTERM, Ctrl-C, or the parent's end. Such an end is no failure. */
  private void stop() {
    boolean failed =
        started.isDone()
            && started
                .join()
                .map(DFutSystem::actorSystem)
                .map(system -> system.getWhenTerminated().toCompletableFuture().isDone())
                .orElse(true);
    if (failed) {
      return; // it is ending already, with a code that says so
    }
    ending.set(true);
    started
        .completeOnTimeout(Optional.empty(), START_PATIENCE.toSeconds(), TimeUnit.SECONDS)
        .join()
        .ifPresent(NodeCommand::leave);
    end();
  }

  /** With 0 after a signal, whose own code would say a failure; with that of an exit, if any. */
  private static void end() {
    System.out.flush();
    Runtime.getRuntime().halt(JvmExit.status().orElse(0));
  }

  /** Pekko's own hook may have begun with that. */
  private static void leave(DFutSystem system) {
    CoordinatedShutdown.get(system.actorSystem())
        .runAll(DrainReason.INSTANCE)
        .toCompletableFuture()
        .exceptionally(failure -> Done.getInstance()) // a phase is over time: Pekko has said so
        .join();
    system.close();
  }

  private static boolean wasToldToLeave(DFutSystem system) {
    return CoordinatedShutdown.get(system.actorSystem())
        .getShutdownReason()
        .equals(Optional.of(DrainReason.INSTANCE));
  }

  private void endWithParent() {
    try {
      while (System.in.read() >= 0) {
        // whatever it is: only the end counts
      }
    } catch (IOException e) {
      // an end as well
    }
    System.exit(0);
  }

  private static void awaitEnd(DFutSystem system) {
    try {
      system.actorSystem().getWhenTerminated().toCompletableFuture().get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException("the node ended in disorder", e.getCause());
    }
  }

  private static void awaitForEver() {
    try {
      Thread.currentThread().join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
