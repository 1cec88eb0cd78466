package io.dfut.internal.runtime;

import io.dfut.ActorHandle;
import io.dfut.ActorId;
import io.dfut.DFutActor;
import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;
import io.dfut.internal.codec.References;
import io.dfut.internal.task.Outcome;
import java.io.Serializable;
import org.apache.pekko.actor.typed.ActorRef;

/** Handles on actors: an actor's life is that of the object which its creation makes. */
public final class ActorHandles {
  private ActorHandles() {}

  /** A handle. Its value is the actor's address. Thread-safe. */
  static final class Reference<A> extends Handle<Void> implements ActorHandle<A> {
    final String className;

    /** How many calls a caller may have under way; 0 for no bound. */
    final int maxPendingCalls;

    /**
     * Where calls from threads without a context come from. A plain task's, whose end releases what
     * they give; null elsewhere, where the worker's own does as well.
     */
    private final WorkerContext task;

    Reference(
        Count count, boolean cleaned, String className, int maxPendingCalls, WorkerContext made) {
      super(count, cleaned);
      this.className = className;
      this.maxPendingCalls = maxPendingCalls;
      this.task = cleaned ? null : made;
    }

    private WorkerContext caller() {
      WorkerContext active = worker().activeContext();
      return task != null && active == worker().context() ? task : active;
    }

    @Override
    public ActorId id() {
      return new ActorId(count.id.owner(), count.id.sequence());
    }

    References.Actor written() {
      return new References.Actor(id(), className, maxPendingCalls);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof ActorHandle<?> handle && id().equals(handle.id());
    }

    @Override
    public int hashCode() {
      return id().hashCode();
    }
  }

  static Reference<?> reference(ActorHandle<?> handle) {
    if (handle instanceof Reference<?> reference) {
      return reference;
    }
    throw new IllegalArgumentException(
        "not a handle of this library: " + handle.getClass().getName());
  }

  /** Where the calls made through a handle come from: the worker that the handle belongs to. */
  public static ContextBackend backend(ActorHandle<?> handle) {
    return reference(handle).caller();
  }

  public static TaskTemplate template(ActorHandle<?> handle, Serializable method, int results) {
    reference(handle).requireOpen("task(…)");
    return TaskTemplate.ofActor(handle, method, results);
  }

  /** See {@link DFutActor#ref}. */
  public static <M> ActorRef<M> ref(ActorHandle<? extends DFutActor<M>> handle) {
    Reference<?> reference = reference(handle);
    reference.requireOpen("ref()");
    Outcome outcome =
        reference.worker().reader().await(reference.count, "DFutActor.ref(…)", Deadline.NEVER);
    reference.keepReachable();
    return switch (outcome) {
      case Outcome.Actor actor -> reference.worker().node().messagesOf(actor.worker());
      case Outcome.Failed failed -> throw reference.worker().reader().exception(failed.failure());
      default -> throw new IllegalStateException("an actor's creation gave " + outcome);
    };
  }
}
