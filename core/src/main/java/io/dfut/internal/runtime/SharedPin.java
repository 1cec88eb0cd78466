package io.dfut.internal.runtime;

import io.dfut.internal.spi.ObjectStore;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One hold of several on one pin of the store, which is closed with the last of them. A second pin
 * cannot be had of the store instead: by then the object may have been freed, or it is read in
 * place in another node's memory. Thread-safe.
 */
final class SharedPin implements ObjectStore.Pinned {
  private final ObjectStore.Pinned pinned;
  private final AtomicInteger holds;
  private final AtomicBoolean open = new AtomicBoolean(true);

  private SharedPin(ObjectStore.Pinned pinned, AtomicInteger holds) {
    this.pinned = pinned;
    this.holds = holds;
  }

  /** The first hold on a pin, which it takes over. */
  static SharedPin of(ObjectStore.Pinned pinned) {
    return new SharedPin(pinned, new AtomicInteger(1));
  }

  /**
   * Another hold; this one is open during the call.
   *
   * @throws IllegalStateException when this one is closed
   */
  SharedPin another() {
    requireOpen();
    holds.incrementAndGet();
    return new SharedPin(pinned, holds);
  }

  private void requireOpen() {
    if (!open.get()) {
      throw new IllegalStateException("the hold on " + pinned + " is closed");
    }
  }

  @Override
  public MemorySegment bytes() {
    requireOpen();
    return pinned.bytes();
  }

  @Override
  public boolean isCopy() {
    return pinned.isCopy();
  }

  @Override
  public MemorySegment own() {
    requireOpen();
    return pinned.own();
  }

  @Override
  public void close() {
    if (open.compareAndSet(true, false) && holds.decrementAndGet() == 0) {
      pinned.close();
    }
  }

  @Override
  public String toString() {
    return "a hold on " + pinned;
  }
}
