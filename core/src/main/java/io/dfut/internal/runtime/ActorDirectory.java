package io.dfut.internal.runtime;

import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.protocol.NodeMessage.ClaimName;
import io.dfut.internal.protocol.NodeMessage.FindName;
import io.dfut.internal.protocol.NodeMessage.NameAnswer;
import io.dfut.internal.protocol.NodeMessage.NamedActor;
import io.dfut.internal.protocol.NodeMessage.ReleaseName;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Names of actors. One node, the oldest that offers work, keeps the directory for all; when it
 * changes, every node registers the named actors that it hosts anew, so the directory survives the
 * loss of any node. Thread-safe.
 */
final class ActorDirectory {
  private record Key(String namespace, String name) {}

  private final NodeRuntime node;
  private final Duration timeout;

  /** The directory itself, on the node that keeps it. Guarded by itself. */
  private final Map<Key, NamedActor> names = new HashMap<>();

  /** Named actors that live on this node. */
  private final Map<WorkerId, NamedActor> hosted = new ConcurrentHashMap<>();

  private final Map<Long, CompletableFuture<Optional<NamedActor>>> questions =
      new ConcurrentHashMap<>();
  private final AtomicLong lastQuestion = new AtomicLong();
  private volatile NodeId keeper;

  ActorDirectory(NodeRuntime node, Duration timeout) {
    this.node = node;
    this.timeout = timeout;
    this.keeper = node.self();
  }

  // ---- asking ----

  /** Reserves a name; who holds it afterwards. */
  Optional<NamedActor> claim(NamedActor actor) {
    return ask(
        "creating actor \"" + actor.name() + "\"", question -> new ClaimName(question, actor));
  }

  Optional<NamedActor> find(String namespace, String name) {
    return ask(
        "looking for actor \"" + name + "\"", question -> new FindName(question, namespace, name));
  }

  void release(NamedActor actor) {
    tell(new ReleaseName(actor));
  }

  private Optional<NamedActor> ask(
      String what, java.util.function.LongFunction<NodeMessage> message) {
    long question = lastQuestion.incrementAndGet();
    CompletableFuture<Optional<NamedActor>> answer = new CompletableFuture<>();
    questions.put(question, answer);
    try {
      tell(message.apply(question));
      if (!answer.isDone()) {
        Threads.refuseToBlock(node.system(), what);
      }
      return answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw WorkerContext.directorySilent(what, timeout);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new io.dfut.TaskCancelledException("the thread was interrupted while it was " + what);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } finally {
      questions.remove(question);
    }
  }

  private void tell(NodeMessage message) {
    NodeId to = keeper;
    if (to.equals(node.self())) {
      receive(to, message);
    } else {
      node.sendTo(to, message);
    }
  }

  // ---- keeping ----

  void receive(NodeId from, NodeMessage message) {
    switch (message) {
      case ClaimName(long question, NamedActor actor) -> {
        NamedActor holder;
        synchronized (names) {
          Key key = new Key(actor.namespace(), actor.name());
          holder = names.get(key);
          if (holder == null || holder.actor().equals(actor.actor())) {
            names.put(key, actor);
            holder = actor;
          }
        }
        answer(from, new NameAnswer(question, Optional.of(holder)));
      }
      case FindName(long question, String namespace, String name) -> {
        Optional<NamedActor> holder;
        synchronized (names) {
          holder = Optional.ofNullable(names.get(new Key(namespace, name)));
        }
        answer(from, new NameAnswer(question, holder));
      }
      case NameAnswer(long question, Optional<NamedActor> holder) -> {
        CompletableFuture<Optional<NamedActor>> waiting = questions.get(question);
        if (waiting != null) {
          waiting.complete(holder);
        }
      }
      case ReleaseName(NamedActor actor) -> {
        synchronized (names) {
          names.computeIfPresent(
              new Key(actor.namespace(), actor.name()),
              (key, holder) -> holder.actor().equals(actor.actor()) ? null : holder);
        }
      }
      default -> throw new IllegalArgumentException("not for the directory: " + message);
    }
  }

  private void answer(NodeId to, NameAnswer answer) {
    if (to.equals(node.self())) {
      receive(to, answer);
    } else {
      node.sendTo(to, answer);
    }
  }

  // ---- changes ----

  /** A named actor lives here now. */
  void host(NamedActor actor) {
    actor.worker().ifPresent(worker -> hosted.put(worker, actor));
    tell(new ClaimName(0, actor));
  }

  /** It does not any more. */
  void unhost(WorkerId worker) {
    NamedActor gone = hosted.remove(worker);
    if (gone != null) {
      release(gone);
    }
  }

  /** It ends here, and keeps its name: it may come to live elsewhere. */
  void moves(WorkerId worker) {
    hosted.remove(worker);
  }

  /** The name of an actor that lives here, for people. */
  Optional<String> nameOf(WorkerId worker) {
    return Optional.ofNullable(hosted.get(worker)).map(NamedActor::name);
  }

  /** Another node keeps the directory from now on. */
  void keptAt(NodeId newKeeper) {
    keeper = newKeeper;
    hosted.values().forEach(actor -> tell(new ClaimName(0, actor)));
  }

  /**
   * Actors that lived, or were being made, on a dead node have no names any more, unless an owner
   * lives that may make them anew, and says so if it does not.
   */
  void nodeDied(NodeId dead) {
    synchronized (names) {
      names.values().removeIf(actor -> isGoneWith(dead, actor));
      names.replaceAll((key, actor) -> livedOn(dead, actor) ? actor.nowhere() : actor);
    }
  }

  private static boolean isGoneWith(NodeId dead, NamedActor actor) {
    boolean ownerIsDead = actor.actor().owner().node().equals(dead);
    return actor.worker().isPresent()
        ? livedOn(dead, actor) && (ownerIsDead || !actor.restarts().any())
        : ownerIsDead;
  }

  private static boolean livedOn(NodeId dead, NamedActor actor) {
    return actor.worker().filter(worker -> worker.node().equals(dead)).isPresent();
  }
}
