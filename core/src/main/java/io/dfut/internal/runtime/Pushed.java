package io.dfut.internal.runtime;

import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.internal.ownership.Claim;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.WorkerMessage.LostCopies;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore;
import io.dfut.internal.task.Outcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiConsumer;

/**
 * A task at its executor: its large arguments are fetched, in parallel, before it takes its turn,
 * and stay pinned until it has ended.
 */
final class Pushed {
  final TaskPushed push;
  final Claim claim;

  /** When the message came, if the task has a time to end in. */
  final long sinceNanos;

  /** Of the arguments that are in stores: none of most tasks. Written before it is offered. */
  private Map<ObjectKey, CompletableFuture<SharedPin>> pins = Map.of();

  /** There is nothing to be fetched. */
  private static final CompletableFuture<?> HERE = CompletableFuture.completedFuture(null);

  /** What is pulled together; null when all was here. Written before the task is offered. */
  private volatile ObjectStore.Bundle bundle;

  Pushed(TaskPushed push, Claim claim) {
    this.push = push;
    this.claim = claim;
    this.sinceNanos = push.timeoutNanosLeft() == 0 ? 0 : System.nanoTime();
  }

  boolean isTask(TaskId task, int attempt) {
    return push.attempt() == attempt && push.spec().id().equals(task);
  }

  /**
   * Starts to fetch what is not here: then all of it together, so that half of it takes no room.
   */
  CompletableFuture<?> fetch(WorkerActor worker) {
    if (hasPlainArguments()) {
      return HERE;
    }
    Map<ObjectKey, Outcome.Stored> wanted = new LinkedHashMap<>(0);
    forEachStored((object, stored) -> wanted.put(new ObjectKey(object, stored.attempt()), stored));
    if (wanted.isEmpty() || isAllHere(wanted.keySet(), worker.node().store())) {
      return HERE;
    }
    pull(wanted, worker);
    return CompletableFuture.allOf(pins.values().toArray(CompletableFuture[]::new));
  }

  private boolean hasPlainArguments() {
    List<PushedArgument> arguments = push.arguments();
    for (int i = 0; i < arguments.size(); i++) { // of most tasks: not worth an iterator
      if (!(arguments.get(i) instanceof PushedArgument.Value)) {
        return false;
      }
    }
    return true;
  }

  /** Each argument whose value is in a store, those of lists among them. */
  private void forEachStored(BiConsumer<ObjectId, Outcome.Stored> action) {
    for (PushedArgument argument : push.arguments()) {
      List<PushedArgument.Resolved> resolved =
          switch (argument) {
            case PushedArgument.Value value -> List.of();
            case PushedArgument.Resolved one -> List.of(one);
            case PushedArgument.ResolvedList list -> list.elements();
          };
      for (PushedArgument.Resolved one : resolved) {
        if (one.outcome() instanceof Outcome.Stored stored) {
          action.accept(one.object(), stored);
        }
      }
    }
  }

  /** Pins all, or none. */
  private boolean isAllHere(Set<ObjectKey> wanted, ObjectStore store) {
    List<ObjectStore.Pinned> here = new ArrayList<>(wanted.size());
    Map<ObjectKey, CompletableFuture<SharedPin>> all = new HashMap<>();
    for (ObjectKey key : wanted) {
      Optional<ObjectStore.Pinned> pinned = store.pin(key);
      if (pinned.isEmpty()) {
        here.forEach(ObjectStore.Pinned::close);
        return false;
      }
      here.add(pinned.get());
      all.put(key, CompletableFuture.completedFuture(SharedPin.of(pinned.get())));
    }
    pins = all;
    return true;
  }

  private void pull(Map<ObjectKey, Outcome.Stored> wanted, WorkerActor worker) {
    List<ObjectStore.Wanted> objects = new ArrayList<>(wanted.size());
    wanted.forEach(
        (key, stored) ->
            objects.add(
                new ObjectStore.Wanted(
                    key,
                    stored.bytes(),
                    Spread.of(stored.sources(), key.id(), worker.id().node()))));
    ObjectStore.Bundle begun = worker.node().store().fetchAll(objects);
    Map<ObjectKey, CompletableFuture<SharedPin>> all = new HashMap<>();
    for (ObjectKey key : wanted.keySet()) {
      all.put(
          key,
          begun
              .pinned(key)
              .toCompletableFuture()
              .thenApply(
                  pinned -> {
                    worker.pulled(key, pinned);
                    return SharedPin.of(pinned);
                  }));
    }
    pins = all;
    bundle = begun;
  }

  /**
   * The arguments that no source has any more; empty while some are still on their way, and when
   * one is missing for another reason, which the task then reports.
   */
  List<LostCopies> lost() {
    List<LostCopies> lost = new ArrayList<>(0);
    forEachStored(
        (object, stored) -> {
          CompletableFuture<SharedPin> pin = pins.get(new ObjectKey(object, stored.attempt()));
          if (pin.isCompletedExceptionally() && isLost(pin.exceptionNow())) {
            lost.add(new LostCopies(object, stored.attempt(), stored.sources()));
          }
        });
    return lost;
  }

  private static boolean isLost(Throwable failure) {
    return failure instanceof ObjectStore.SourceLostException
        || (failure instanceof CompletionException && isLost(failure.getCause()));
  }

  /** The fetched argument; the task has waited for it. */
  SharedPin pinned(ObjectKey key) {
    return pins.get(key).join();
  }

  /** Lets the arguments go, those that are still on their way when they come. */
  void unpin() {
    pins.values().forEach(pin -> pin.thenAccept(SharedPin::close));
    ObjectStore.Bundle begun = bundle;
    if (begun != null) {
      begun.close();
    }
  }
}
