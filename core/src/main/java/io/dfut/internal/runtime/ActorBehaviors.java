package io.dfut.internal.runtime;

import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutBehaviorContext;
import io.dfut.DFutException;
import io.dfut.SharedDFut;
import io.dfut.internal.api.ContextBackend;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import org.apache.pekko.actor.NoSerializationVerificationNeeded;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.BehaviorInterceptor;
import org.apache.pekko.actor.typed.PostStop;
import org.apache.pekko.actor.typed.PreRestart;
import org.apache.pekko.actor.typed.Signal;
import org.apache.pekko.actor.typed.TypedActorContext;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** Behaviours of the user's own Pekko actors that are workers too. */
public final class ActorBehaviors {
  private ActorBehaviors() {}

  private static NodeRuntime runtime(ActorSystem<?> system) {
    return Systems.running(system)
        .orElseThrow(
            () ->
                new IllegalStateException(
                    "no DFutSystem runs in ActorSystem "
                        + system.name()
                        + "; call DFutSystem.get(system) first"))
        .runtime();
  }

  /** See {@link io.dfut.DFutBehaviors#setup}. */
  public static <T> Behavior<T> setup(
      BiFunction<? super ActorContext<T>, ? super DFutBehaviorContext<T>, ? extends Behavior<T>>
          factory) {
    return Behaviors.setup(
        actor -> {
          NodeRuntime node = runtime(actor.getSystem());
          WorkerActor worker = node.startWorker(node.nextJob());
          Behavior<T> inner = factory.apply(actor, new BehaviorFace<>(worker, actor.getSelf()));
          return Behaviors.intercept(() -> new EndWithActor<>(worker), inner);
        });
  }

  /** See {@link DFutActor#behavior}. */
  public static <M> Behavior<M> of(Callable<? extends DFutActor<M>> constructor) {
    return Behaviors.setup(
        actor -> {
          NodeRuntime node = runtime(actor.getSystem());
          WorkerActor worker = node.startWorker(node.nextJob());
          ActorRunner runner =
              new ActorRunner(worker, Optional.empty(), 1, worker.context(), false);
          worker.runActor(runner);
          try {
            runner.construct(ActorRunner.of(constructor));
          } catch (Throwable t) {
            worker.end("its constructor threw " + t);
            throw new IllegalStateException("the actor could not be constructed: " + t, t);
          }
          ActorRef<M> self = actor.getSelf();
          worker.whenEnded(() -> self.unsafeUpcast().tell(Ended.SELF));
          Behavior<Object> receiving =
              Behaviors.receive(Object.class)
                  .onMessageEquals(Ended.SELF, Behaviors::stopped)
                  .onAnyMessage(
                      message -> {
                        runner.deliver(message);
                        return Behaviors.same();
                      })
                  .onSignal(
                      PostStop.class,
                      stop -> {
                        runner.end("its Pekko actor was stopped");
                        return Behaviors.same();
                      })
                  .onSignal(
                      PreRestart.class,
                      restart -> {
                        runner.end("its Pekko actor was restarted");
                        return Behaviors.same();
                      })
                  .build();
          return receiving.narrow();
        });
  }

  /** The DFutActor stopped itself: so does its Pekko actor. */
  private enum Ended implements NoSerializationVerificationNeeded {
    SELF
  }

  /** Ends the worker when the user's actor stops or starts anew. */
  private static final class EndWithActor<T> extends BehaviorInterceptor<T, T> {
    private final WorkerActor worker;

    EndWithActor(WorkerActor worker) {
      super(anyMessage());
      this.worker = worker;
    }

    @SuppressWarnings("unchecked") // an interceptor that looks at no message fits all types of them
    private static <T> Class<T> anyMessage() {
      return (Class<T>) Object.class;
    }

    @Override
    public Behavior<T> aroundReceive(
        TypedActorContext<T> context, T message, ReceiveTarget<T> target) {
      return target.apply(context, message);
    }

    @Override
    public Behavior<T> aroundSignal(
        TypedActorContext<T> context, Signal signal, SignalTarget<T> target) {
      if (signal instanceof PostStop || signal instanceof PreRestart) {
        worker.close("its actor " + context.asJava().getSelf().path() + " stopped");
        worker.end("its actor stopped");
      }
      return target.apply(context, signal);
    }
  }

  private static final class BehaviorFace<T> extends DFutBehaviorContext<T> {
    private final WorkerActor worker;
    private final ActorRef<T> self;

    BehaviorFace(WorkerActor worker, ActorRef<T> self) {
      this.worker = worker;
      this.self = self;
    }

    @Override
    protected ContextBackend backend() {
      return worker.context();
    }

    @Override
    public <V> void pipeToSelf(
        DFut<V> future, BiFunction<? super V, ? super DFutException, ? extends T> message) {
      if (!(future instanceof OwnedHandle<V> handle)) {
        throw new IllegalArgumentException(
            "not a future of this library: " + future.getClass().getName());
      }
      pipe(handle, message);
    }

    @Override
    public <V> void pipeToSelf(
        SharedDFut<V> future, BiFunction<? super V, ? super DFutException, ? extends T> message) {
      if (!(future instanceof SharedHandle<V> handle)) {
        throw new IllegalArgumentException(
            "not a reference of this library: " + future.getClass().getName());
      }
      pipe(handle, message);
    }

    private <V> void pipe(
        Handle<V> handle, BiFunction<? super V, ? super DFutException, ? extends T> message) {
      handle.requireOpen("pipeToSelf(…)");
      handle
          .toCompletionStage()
          .whenComplete(
              (value, failure) -> {
                DFutException known =
                    failure instanceof java.util.concurrent.CompletionException
                            && failure.getCause() instanceof DFutException e
                        ? e
                        : (DFutException) failure;
                self.tell(message.apply(value, known));
              });
    }
  }
}
