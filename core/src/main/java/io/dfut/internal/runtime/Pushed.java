package io.dfut.internal.runtime;

import io.dfut.internal.ownership.Claim;
import io.dfut.internal.ownership.WorkerInput;
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

  private final Map<ObjectKey, CompletableFuture<SharedPin>> pins = new HashMap<>(0);

  Pushed(TaskPushed push, Claim claim) {
    this.push = push;
    this.claim = claim;
  }

  /** Starts to fetch what is not here. */
  CompletableFuture<?> fetch(WorkerActor worker) {
    for (PushedArgument argument : push.arguments()) {
      switch (argument) {
        case PushedArgument.Value value -> {}
        case PushedArgument.Resolved resolved -> fetch(resolved, worker);
        case PushedArgument.ResolvedList list ->
            list.elements().forEach(element -> fetch(element, worker));
      }
    }
    return pins.isEmpty()
        ? CompletableFuture.completedFuture(null)
        : CompletableFuture.allOf(pins.values().toArray(CompletableFuture[]::new));
  }

  private void fetch(PushedArgument.Resolved argument, WorkerActor worker) {
    if (argument.outcome() instanceof Outcome.Stored stored) {
      ObjectStore store = worker.node().store();
      pins.computeIfAbsent(
          new ObjectKey(argument.object(), stored.attempt()),
          key ->
              store
                  .pin(key)
                  .map(SharedPin::of)
                  .map(CompletableFuture::completedFuture)
                  .orElseGet(() -> pull(key, stored, worker)));
    }
  }

  /** The owner must know of the new copy, so that it is freed with the others. */
  private static CompletableFuture<SharedPin> pull(
      ObjectKey key, Outcome.Stored stored, WorkerActor worker) {
    CompletableFuture<ObjectStore.Pinned> pulled =
        worker
            .node()
            .store()
            .fetch(
                key,
                stored.bytes(),
                Spread.of(stored.sources(), key.id(), worker.id().node()),
                ObjectStore.Urgency.ARGUMENT)
            .toCompletableFuture();
    pulled.thenAccept(
        pinned -> {
          if (pinned.isCopy()) {
            worker.post(
                new WorkerInput.ReadSucceeded(key.id(), stored.attempt(), worker.id().node()));
          }
        });
    return pulled
        .whenComplete(
            (pinned, failure) -> {
              if (failure instanceof ObjectStore.SourceLostException) {
                worker.post(
                    new WorkerInput.ArgumentLost(key.id(), stored.attempt(), stored.sources()));
              }
            })
        .thenApply(SharedPin::of); // after that, as the task's end must be
  }

  /** The fetched argument; the task has waited for it. */
  SharedPin pinned(ObjectKey key) {
    return pins.get(key).join();
  }

  /** Lets the arguments go, those that are still on their way when they come. */
  void unpin() {
    pins.values().forEach(pin -> pin.thenAccept(SharedPin::close));
  }
}
