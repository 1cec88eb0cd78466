package io.dfut.internal.runtime;

import io.dfut.internal.protocol.NodeMessage;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks for garbage collections while the store needs room: a handle that was neither closed nor
 * released with its task keeps its object, off the heap, until a collection finds it unreachable,
 * and a heap that is not full is in no hurry. Handles on what is in this store can be in any JVM;
 * so the other nodes are asked, too. Thread-safe.
 */
final class GarbageRequests {
  private static final Logger LOG = LoggerFactory.getLogger(GarbageRequests.class);

  /** Most waits are over sooner: a task ends, a handle is closed. */
  private static final Duration AFTER = Duration.ofMillis(200);

  /** Between two collections, whoever asks. */
  private static final Duration EVERY = Duration.ofSeconds(3);

  private final NodeRuntime node;
  private final boolean on;
  private final AtomicBoolean watching = new AtomicBoolean();
  private final AtomicLong last = new AtomicLong(System.nanoTime() - EVERY.toNanos());

  GarbageRequests(NodeRuntime node, boolean on) {
    this.node = node;
    this.on = on;
  }

  /** Somebody begins to wait for room in this node's store. */
  void roomWanted() {
    if (on && watching.compareAndSet(false, true)) {
      node.after(AFTER, this::look);
    }
  }

  private void look() {
    if (node.store().roomWanted()) {
      collect();
      node.broadcast(new NodeMessage.CollectGarbage());
      node.after(EVERY, this::look);
      return;
    }
    watching.set(false);
    if (node.store().roomWanted()) {
      roomWanted(); // it began in between, and found us watching
    }
  }

  /** Collects, off the calling thread, unless that was done a short time ago. */
  void collect() {
    long now = System.nanoTime();
    long before = last.get();
    if (on && now - before >= EVERY.toNanos() && last.compareAndSet(before, now)) {
      LOG.debug("node {} collects garbage: a store needs room", node.self());
      Thread.ofPlatform().name("dfut-collect").daemon().start(System::gc);
    }
  }
}
