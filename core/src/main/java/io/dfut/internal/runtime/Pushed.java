package io.dfut.internal.runtime;

import io.dfut.internal.ownership.Claim;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore;
import io.dfut.internal.task.Outcome;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * A task at its executor: its large arguments are fetched, in parallel, before it takes its turn,
 * and stay pinned until it has ended.
 */
final class Pushed {
  final TaskPushed push;
  final Claim claim;

  /** When the message came, for what is left of the task's time. */
  final long sinceNanos = System.nanoTime();

  private final Map<ObjectKey, CompletableFuture<ObjectStore.Pinned>> pins = new HashMap<>(0);

  Pushed(TaskPushed push, Claim claim) {
    this.push = push;
    this.claim = claim;
  }

  /** Starts to fetch what is not here. */
  CompletableFuture<?> fetch(ObjectStore store, ObjectStore.Urgency urgency) {
    for (PushedArgument argument : push.arguments()) {
      switch (argument) {
        case PushedArgument.Value value -> {}
        case PushedArgument.Resolved resolved -> fetch(resolved, store, urgency);
        case PushedArgument.ResolvedList list ->
            list.elements().forEach(element -> fetch(element, store, urgency));
      }
    }
    return pins.isEmpty()
        ? CompletableFuture.completedFuture(null)
        : CompletableFuture.allOf(pins.values().toArray(CompletableFuture[]::new));
  }

  private void fetch(
      PushedArgument.Resolved argument, ObjectStore store, ObjectStore.Urgency urgency) {
    if (argument.outcome() instanceof Outcome.Stored stored) {
      pins.computeIfAbsent(
          new ObjectKey(argument.object(), stored.attempt()),
          key ->
              store
                  .pin(key)
                  .map(CompletableFuture::completedFuture)
                  .orElseGet(
                      () ->
                          store
                              .fetch(key, stored.bytes(), stored.sources(), urgency)
                              .toCompletableFuture()));
    }
  }

  /** The fetched argument; the task has waited for it. */
  ObjectStore.Pinned pinned(ObjectKey key) {
    return pins.get(key).join();
  }

  /**
   * Keys that were fetched from elsewhere are told to their owners, so that these copies are freed
   * with the others.
   */
  Iterable<ObjectKey> keys() {
    return pins.keySet();
  }

  /** Lets the arguments go, those that are still on their way when they come. */
  void unpin() {
    pins.values().forEach(pin -> pin.thenAccept(ObjectStore.Pinned::close));
  }
}
