package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.spi.DrainReason;
import io.dfut.internal.spi.Membership;
import io.dfut.internal.spi.PeerInfo;
import io.dfut.internal.store.LifeLock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.Done;
import org.apache.pekko.actor.Address;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A place in a Pekko cluster. Thread-safe. */
final class PekkoMembership implements Membership {
  private static final Logger LOG = LoggerFactory.getLogger(PekkoMembership.class);

  private final ActorSystem<?> system;
  private final Wire.Preamble terms;
  private final ActorRef<Gateway.Command> gateway;
  private final ConcurrentMap<NodeId, Outbox> outboxes;
  private final ClusterSettings settings;
  private final Optional<LifeLock> life;
  private final boolean ownsSystem;

  /** Null until it begins. */
  private volatile Listener runtime;

  PekkoMembership(
      ActorSystem<?> system,
      Wire.Preamble terms,
      ActorRef<Gateway.Command> gateway,
      ConcurrentMap<NodeId, Outbox> outboxes,
      ClusterSettings settings,
      Optional<LifeLock> life,
      boolean ownsSystem) {
    this.system = system;
    this.terms = terms;
    this.gateway = gateway;
    this.outboxes = outboxes;
    this.settings = settings;
    this.life = life;
    this.ownsSystem = ownsSystem;
    // However the system ends, peers hear of it at once instead of finding out, and the runtime of
    // this node hears of it if it is not what ends it.
    CoordinatedShutdown.get(system)
        .addTask(
            CoordinatedShutdown.PhaseBeforeServiceUnbind(),
            "dfut-goodbye",
            () -> goodbye(shutdownCause(), lastWord()).thenApply(nothing -> Done.getInstance()));
  }

  /** What the others are told of the end of this node, which nobody has closed. */
  private String lastWord() {
    Optional<CoordinatedShutdown.Reason> reason =
        CoordinatedShutdown.get(system).getShutdownReason();
    boolean isJvmsEnd = reason.equals(Optional.of(CoordinatedShutdown.jvmExitReason()));
    if (!isJvmsEnd && !reason.equals(Optional.of(DrainReason.INSTANCE))) {
      return Wire.Goodbye.IN_ORDER;
    }
    Optional<String> cause =
        Optional.ofNullable(runtime).flatMap(Listener::exit).or(JvmExit::calledBy);
    return cause
        .map(who -> "its JVM exited" + JvmExit.withStatus() + ": " + who)
        .orElse(isJvmsEnd ? "its JVM was told to end, as by a signal" : Wire.Goodbye.IN_ORDER);
  }

  private Optional<String> shutdownCause() {
    Optional<CoordinatedShutdown.Reason> reason =
        CoordinatedShutdown.get(system).getShutdownReason();
    if (reason.equals(Optional.of(CoordinatedShutdown.clusterDowningReason()))) {
      return Optional.of(
          "the cluster removed this node, since it did not answer any more, or was cut off");
    } else if (reason.equals(Optional.of(CoordinatedShutdown.clusterLeavingReason()))) {
      return Optional.of("somebody made this node leave the cluster");
    }
    return Optional.of("the ActorSystem of this node is being stopped");
  }

  @Override
  public ActorSystem<?> system() {
    return system;
  }

  @Override
  public NodeId self() {
    return terms.node();
  }

  /** What this node is compared by when it joins. */
  Wire.Preamble terms() {
    return terms;
  }

  /** Asks nodes who they are until one answers, or the future is cancelled. */
  CompletableFuture<Wire.Preamble> inquire(List<Address> nodes) {
    CompletableFuture<Wire.Preamble> answer = new CompletableFuture<>();
    gateway.tell(new Gateway.Inquire(nodes, answer));
    return answer;
  }

  /**
   * {@inheritDoc}
   *
   * <p>On a node of ours, returns when there are as many nodes as were asked for and all members
   * are met, so that a program that starts, looks at the nodes and submits finds them. In an
   * application's own cluster it does not wait: there may be members without DFut.
   *
   * @throws IllegalStateException when too few nodes came in time
   */
  @Override
  public void begin(PeerInfo own, Listener listener) {
    CompletableFuture<Void> settled = new CompletableFuture<>();
    runtime = listener;
    gateway.tell(new Gateway.Begin(own, listener, settings.nodesMin(), settled));
    if (!ownsSystem) {
      return;
    }
    Duration patience = settings.nodesMin() > 1 ? settings.joinTimeout() : settings.meetTimeout();
    try {
      settled.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      if (settings.nodesMin() > 1) {
        throw new IllegalStateException(
            "fewer than "
                + settings.nodesMin()
                + " nodes (dfut.cluster.nodes-min) have come within "
                + patience
                + " (dfut.cluster.join-timeout)",
            e);
      }
      LOG.info("not all members were met within {}", patience);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException("meeting the other members failed", e);
    }
  }

  @Override
  public void send(NodeId to, NodeMessage message) {
    Outbox outbox = outboxes.get(to);
    if (outbox != null) {
      outbox.offer(message);
    }
  }

  @Override
  public void broadcast(NodeMessage message) {
    outboxes.values().forEach(outbox -> outbox.offer(message));
  }

  @Override
  public void leave() {
    await(goodbye(Optional.empty(), Wire.Goodbye.IN_ORDER), "saying goodbye to the other nodes");
    if (ownsSystem) {
      system.terminate();
      await(system.getWhenTerminated().toCompletableFuture(), "leaving the cluster");
    }
  }

  /**
   * @param cause why, when it is not the runtime that asks
   * @param lastWord what the others are told
   */
  private CompletableFuture<Void> goodbye(Optional<String> cause, String lastWord) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    gateway.tell(new Gateway.Leave(cause, lastWord, settings.leaveTimeout().dividedBy(4), done));
    // The gateway is gone when the system is; then there is nobody to wait for.
    system.getWhenTerminated().whenComplete((end, failure) -> done.complete(null));
    // From here on an end of this process is no news to the others.
    return done.thenRun(() -> life.ifPresent(LifeLock::close));
  }

  private void await(CompletableFuture<?> end, String what) {
    try {
      end.get(settings.leaveTimeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      LOG.warn("{} took longer than {}; going on without", what, settings.leaveTimeout());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      LOG.warn("{} failed", what, e.getCause());
    }
  }
}
