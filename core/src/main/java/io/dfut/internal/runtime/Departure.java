package io.dfut.internal.runtime;

import io.dfut.internal.drain.DrainEffect;
import io.dfut.internal.drain.DrainInput;
import io.dfut.internal.drain.DrainMachine;
import io.dfut.internal.drain.Seen;
import io.dfut.internal.spi.ObjectKey;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How a node leaves on purpose: the shell of {@link DrainMachine}. Thread-safe. */
final class Departure {
  private static final Logger LOG = LoggerFactory.getLogger(Departure.class);

  private final NodeRuntime node;

  /** Guarded by this. */
  private final DrainMachine machine;

  private final CompletableFuture<Void> over = new CompletableFuture<>();
  private volatile boolean begun;

  /** How long the last look took. */
  private volatile long lookNanos;

  /** To look at millions of rows is work, for which tasks that still run must not wait. */
  private static final int PAUSE_PER_LOOK = 4;

  Departure(NodeRuntime node, Duration bound) {
    this.node = node;
    this.machine = new DrainMachine(bound.toNanos());
  }

  /** Begins, unless it has; completed when nothing is waited for any more. */
  CompletableFuture<Void> begin() {
    begun = true; // before anybody is told: who is met from now on hears it
    step(new DrainInput.Begun());
    return over;
  }

  boolean hasBegun() {
    return begun;
  }

  void safe(ObjectKey key) {
    step(new DrainInput.CopySafe(key));
  }

  private synchronized void step(DrainInput input) {
    machine.step(input, System.nanoTime(), this::perform);
  }

  private void perform(DrainEffect effect) {
    switch (effect) {
      case DrainEffect.Announce announce -> {
        LOG.info("node {} drains", node.self());
        node.announceDrain();
      }
      case DrainEffect.Look(long delayNanos) ->
          node.after(
              Duration.ofNanos(Math.max(delayNanos, PAUSE_PER_LOOK * lookNanos)),
              () -> Thread.ofVirtual().name("dfut-drain").start(this::look));
      case DrainEffect.AskOwner(ObjectKey key, io.dfut.NodeId to) -> node.askToMove(key, to);
      case DrainEffect.MoveActor(io.dfut.WorkerId worker) -> node.moveActor(worker);
      case DrainEffect.Leave leave -> {
        leave.left().forEach(left -> LOG.warn("node {} leaves: {}", node.self(), left));
        over.complete(null);
      }
    }
  }

  private void look() {
    if (node.isStopping()) { // it was closed meanwhile
      over.complete(null);
      return;
    }
    try {
      long begin = System.nanoTime();
      Seen seen = node.seen();
      lookNanos = System.nanoTime() - begin;
      step(new DrainInput.Looked(seen));
    } catch (RuntimeException e) {
      LOG.error("node {} cannot see what it still has, and leaves", node.self(), e);
      over.complete(null);
    }
  }
}
