package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.TaskTemplate;
import io.dfut.internal.runtime.CurrentContext;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Where calls come from: a driver ({@link DFutSystem}), a running task, an actor, or a typed
 * behaviour. Every context is backed by one worker, hence by one ownership table: what is submitted
 * or put here is owned here (paper section 4). Thread-safe.
 */
public abstract class DFutContext {
  /** For the runtime's own subclasses. */
  protected DFutContext() {}

  /** The worker behind this context. */
  protected abstract ContextBackend backend();

  /**
   * The context of the task or actor method that is running on this thread.
   *
   * @throws IllegalStateException on a thread without one: use the {@link DFutSystem}, or the
   *     context that was bound where the thread was started
   */
  public static DFutContext current() {
    return CurrentContext.require();
  }

  /**
   * A task from a function: a method reference of any visibility, or a lambda. Nothing runs before
   * {@code submit}. The overloads up to six arguments and those for void methods behave alike.
   *
   * @throws SerializationException when the function is not a lambda or method reference that can
   *     be named on another node, or when a value it captured cannot travel
   */
  public final <R> Task0<R> task(Func0<R> function) {
    return new Task0<>(backend(), TaskTemplate.of(function, 1));
  }

  /** A task from a void method of no arguments; see {@link #task(Func0)}. */
  public final Task0<Void> task(Proc0 procedure) {
    return new Task0<>(backend(), TaskTemplate.of(procedure, 1));
  }

  /** A task from a function of one argument; see {@link #task(Func0)}. */
  public final <A, R> Task1<A, R> task(Func1<A, R> function) {
    return new Task1<>(backend(), TaskTemplate.of(function, 1));
  }

  /** A task from a void method of one argument; see {@link #task(Func0)}. */
  public final <A> Task1<A, Void> task(Proc1<A> procedure) {
    return new Task1<>(backend(), TaskTemplate.of(procedure, 1));
  }

  /** A task from a function of two arguments; see {@link #task(Func0)}. */
  public final <A, B, R> Task2<A, B, R> task(Func2<A, B, R> function) {
    return new Task2<>(backend(), TaskTemplate.of(function, 1));
  }

  /** A task from a void method of two arguments; see {@link #task(Func0)}. */
  public final <A, B> Task2<A, B, Void> task(Proc2<A, B> procedure) {
    return new Task2<>(backend(), TaskTemplate.of(procedure, 1));
  }

  /** A task from a function of three arguments; see {@link #task(Func0)}. */
  public final <A, B, C, R> Task3<A, B, C, R> task(Func3<A, B, C, R> function) {
    return new Task3<>(backend(), TaskTemplate.of(function, 1));
  }

  /** A task from a void method of three arguments; see {@link #task(Func0)}. */
  public final <A, B, C> Task3<A, B, C, Void> task(Proc3<A, B, C> procedure) {
    return new Task3<>(backend(), TaskTemplate.of(procedure, 1));
  }

  /** A task from a function of four arguments; see {@link #task(Func0)}. */
  public final <A, B, C, D, R> Task4<A, B, C, D, R> task(Func4<A, B, C, D, R> function) {
    return new Task4<>(backend(), TaskTemplate.of(function, 1));
  }

  /** A task from a void method of four arguments; see {@link #task(Func0)}. */
  public final <A, B, C, D> Task4<A, B, C, D, Void> task(Proc4<A, B, C, D> procedure) {
    return new Task4<>(backend(), TaskTemplate.of(procedure, 1));
  }

  /** A task from a function of five arguments; see {@link #task(Func0)}. */
  public final <A, B, C, D, E, R> Task5<A, B, C, D, E, R> task(Func5<A, B, C, D, E, R> function) {
    return new Task5<>(backend(), TaskTemplate.of(function, 1));
  }

  /** A task from a void method of five arguments; see {@link #task(Func0)}. */
  public final <A, B, C, D, E> Task5<A, B, C, D, E, Void> task(Proc5<A, B, C, D, E> procedure) {
    return new Task5<>(backend(), TaskTemplate.of(procedure, 1));
  }

  /** A task from a function of six arguments; see {@link #task(Func0)}. */
  public final <A, B, C, D, E, F, R> Task6<A, B, C, D, E, F, R> task(
      Func6<A, B, C, D, E, F, R> function) {
    return new Task6<>(backend(), TaskTemplate.of(function, 1));
  }

  /** A task from a void method of six arguments; see {@link #task(Func0)}. */
  public final <A, B, C, D, E, F> Task6<A, B, C, D, E, F, Void> task(
      Proc6<A, B, C, D, E, F> procedure) {
    return new Task6<>(backend(), TaskTemplate.of(procedure, 1));
  }

  /** A task of no arguments with two results. */
  public final <X, Y> MultiTask0<DFut2<X, Y>> multi2(Func0<Returns2<X, Y>> function) {
    return new MultiTask0<>(backend(), TaskTemplate.of(function, 2));
  }

  /** A task of one argument with two results. */
  public final <A, X, Y> MultiTask1<A, DFut2<X, Y>> multi2(Func1<A, Returns2<X, Y>> function) {
    return new MultiTask1<>(backend(), TaskTemplate.of(function, 2));
  }

  /** A task of two arguments with two results. */
  public final <A, B, X, Y> MultiTask2<A, B, DFut2<X, Y>> multi2(
      Func2<A, B, Returns2<X, Y>> function) {
    return new MultiTask2<>(backend(), TaskTemplate.of(function, 2));
  }

  /** A task of three arguments with two results. */
  public final <A, B, C, X, Y> MultiTask3<A, B, C, DFut2<X, Y>> multi2(
      Func3<A, B, C, Returns2<X, Y>> function) {
    return new MultiTask3<>(backend(), TaskTemplate.of(function, 2));
  }

  /** A task of four arguments with two results. */
  public final <A, B, C, D, X, Y> MultiTask4<A, B, C, D, DFut2<X, Y>> multi2(
      Func4<A, B, C, D, Returns2<X, Y>> function) {
    return new MultiTask4<>(backend(), TaskTemplate.of(function, 2));
  }

  /** A task of five arguments with two results. */
  public final <A, B, C, D, E, X, Y> MultiTask5<A, B, C, D, E, DFut2<X, Y>> multi2(
      Func5<A, B, C, D, E, Returns2<X, Y>> function) {
    return new MultiTask5<>(backend(), TaskTemplate.of(function, 2));
  }

  /** A task of six arguments with two results. */
  public final <A, B, C, D, E, F, X, Y> MultiTask6<A, B, C, D, E, F, DFut2<X, Y>> multi2(
      Func6<A, B, C, D, E, F, Returns2<X, Y>> function) {
    return new MultiTask6<>(backend(), TaskTemplate.of(function, 2));
  }

  /** A task of no arguments with three results. */
  public final <X, Y, Z> MultiTask0<DFut3<X, Y, Z>> multi3(Func0<Returns3<X, Y, Z>> function) {
    return new MultiTask0<>(backend(), TaskTemplate.of(function, 3));
  }

  /** A task of one argument with three results. */
  public final <A, X, Y, Z> MultiTask1<A, DFut3<X, Y, Z>> multi3(
      Func1<A, Returns3<X, Y, Z>> function) {
    return new MultiTask1<>(backend(), TaskTemplate.of(function, 3));
  }

  /** A task of two arguments with three results. */
  public final <A, B, X, Y, Z> MultiTask2<A, B, DFut3<X, Y, Z>> multi3(
      Func2<A, B, Returns3<X, Y, Z>> function) {
    return new MultiTask2<>(backend(), TaskTemplate.of(function, 3));
  }

  /** A task of three arguments with three results. */
  public final <A, B, C, X, Y, Z> MultiTask3<A, B, C, DFut3<X, Y, Z>> multi3(
      Func3<A, B, C, Returns3<X, Y, Z>> function) {
    return new MultiTask3<>(backend(), TaskTemplate.of(function, 3));
  }

  /** A task of four arguments with three results. */
  public final <A, B, C, D, X, Y, Z> MultiTask4<A, B, C, D, DFut3<X, Y, Z>> multi3(
      Func4<A, B, C, D, Returns3<X, Y, Z>> function) {
    return new MultiTask4<>(backend(), TaskTemplate.of(function, 3));
  }

  /** A task of five arguments with three results. */
  public final <A, B, C, D, E, X, Y, Z> MultiTask5<A, B, C, D, E, DFut3<X, Y, Z>> multi3(
      Func5<A, B, C, D, E, Returns3<X, Y, Z>> function) {
    return new MultiTask5<>(backend(), TaskTemplate.of(function, 3));
  }

  /** A task of six arguments with three results. */
  public final <A, B, C, D, E, F, X, Y, Z> MultiTask6<A, B, C, D, E, F, DFut3<X, Y, Z>> multi3(
      Func6<A, B, C, D, E, F, Returns3<X, Y, Z>> function) {
    return new MultiTask6<>(backend(), TaskTemplate.of(function, 3));
  }

  /** A task of no arguments with four results. */
  public final <X, Y, Z, W> MultiTask0<DFut4<X, Y, Z, W>> multi4(
      Func0<Returns4<X, Y, Z, W>> function) {
    return new MultiTask0<>(backend(), TaskTemplate.of(function, 4));
  }

  /** A task of one argument with four results. */
  public final <A, X, Y, Z, W> MultiTask1<A, DFut4<X, Y, Z, W>> multi4(
      Func1<A, Returns4<X, Y, Z, W>> function) {
    return new MultiTask1<>(backend(), TaskTemplate.of(function, 4));
  }

  /** A task of two arguments with four results. */
  public final <A, B, X, Y, Z, W> MultiTask2<A, B, DFut4<X, Y, Z, W>> multi4(
      Func2<A, B, Returns4<X, Y, Z, W>> function) {
    return new MultiTask2<>(backend(), TaskTemplate.of(function, 4));
  }

  /** A task of three arguments with four results. */
  public final <A, B, C, X, Y, Z, W> MultiTask3<A, B, C, DFut4<X, Y, Z, W>> multi4(
      Func3<A, B, C, Returns4<X, Y, Z, W>> function) {
    return new MultiTask3<>(backend(), TaskTemplate.of(function, 4));
  }

  /** A task of four arguments with four results. */
  public final <A, B, C, D, X, Y, Z, W> MultiTask4<A, B, C, D, DFut4<X, Y, Z, W>> multi4(
      Func4<A, B, C, D, Returns4<X, Y, Z, W>> function) {
    return new MultiTask4<>(backend(), TaskTemplate.of(function, 4));
  }

  /** A task of five arguments with four results. */
  public final <A, B, C, D, E, X, Y, Z, W> MultiTask5<A, B, C, D, E, DFut4<X, Y, Z, W>> multi4(
      Func5<A, B, C, D, E, Returns4<X, Y, Z, W>> function) {
    return new MultiTask5<>(backend(), TaskTemplate.of(function, 4));
  }

  /** A task of six arguments with four results. */
  public final <A, B, C, D, E, F, X, Y, Z, W>
      MultiTask6<A, B, C, D, E, F, DFut4<X, Y, Z, W>> multi4(
          Func6<A, B, C, D, E, F, Returns4<X, Y, Z, W>> function) {
    return new MultiTask6<>(backend(), TaskTemplate.of(function, 4));
  }

  /**
   * Stores a value and returns its future. It has no lineage: when it is lost it cannot be rebuilt.
   *
   * @throws SerializationException when the value cannot travel
   * @throws StoreFullException when the node's store has no room for it within its bound
   * @throws SystemClosedException when the context's worker was closed
   */
  public final <T> DFut<T> put(T value) {
    return backend().put(value);
  }

  /** A future that is completed by hand. */
  public final <T> DPromise<T> promise() {
    return backend().promise();
  }

  /**
   * Waits until {@code count} of the futures are settled (with a value or a failure) or the time is
   * up, and returns what there is then. A future that stands in the collection twice is counted at
   * each place.
   *
   * @throws IllegalArgumentException when count is below 1 or above the number of futures (none and
   *     zero: two empty lists), or the timeout is negative
   * @throws NullPointerException when the collection, an element or the timeout is {@code null}
   * @throws ReleasedException when a handle is, or is meanwhile, released
   * @throws IllegalStateException on a Pekko dispatcher thread when it would have to wait
   */
  public final <T> WaitResult<T> await(
      Collection<? extends DFut<? extends T>> futures, int count, Duration timeout) {
    return backend().await(futures, count, timeout);
  }

  /**
   * An actor made by a constructor (or a factory method): nothing is created before {@code create}.
   * Constructor arguments take values and references like a task's; the overloads up to six
   * arguments behave alike.
   */
  public final <T extends DFutActor<?>> ActorBuilder<T> actor(Func0<T> constructor) {
    return new ActorBuilder<>(backend(), TaskTemplate.of(constructor, 1));
  }

  /** An actor whose constructor takes one argument; see {@link #actor(Func0)}. */
  public final <P1, T extends DFutActor<?>> ActorBuilder<T> actor(Func1<P1, T> constructor, P1 p1) {
    return new ActorBuilder<>(backend(), TaskTemplate.of(constructor, 1), TaskOptions.value(p1));
  }

  /**
   * An actor whose constructor takes one argument, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func1<P1, T> constructor, Arg<? extends P1> p1) {
    return new ActorBuilder<>(backend(), TaskTemplate.of(constructor, 1), p1);
  }

  /** An actor whose constructor takes two arguments; see {@link #actor(Func0)}. */
  public final <P1, P2, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func2<P1, P2, T> constructor, P1 p1, P2 p2) {
    return new ActorBuilder<>(
        backend(), TaskTemplate.of(constructor, 1), TaskOptions.value(p1), TaskOptions.value(p2));
  }

  /**
   * An actor whose constructor takes two arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func2<P1, P2, T> constructor, P1 p1, Arg<? extends P2> p2) {
    return new ActorBuilder<>(
        backend(), TaskTemplate.of(constructor, 1), TaskOptions.value(p1), p2);
  }

  /**
   * An actor whose constructor takes two arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func2<P1, P2, T> constructor, Arg<? extends P1> p1, P2 p2) {
    return new ActorBuilder<>(
        backend(), TaskTemplate.of(constructor, 1), p1, TaskOptions.value(p2));
  }

  /**
   * An actor whose constructor takes two arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func2<P1, P2, T> constructor, Arg<? extends P1> p1, Arg<? extends P2> p2) {
    return new ActorBuilder<>(backend(), TaskTemplate.of(constructor, 1), p1, p2);
  }

  /** An actor whose constructor takes three arguments; see {@link #actor(Func0)}. */
  public final <P1, P2, P3, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func3<P1, P2, P3, T> constructor, P1 p1, P2 p2, P3 p3) {
    return new ActorBuilder<>(
        backend(),
        TaskTemplate.of(constructor, 1),
        TaskOptions.value(p1),
        TaskOptions.value(p2),
        TaskOptions.value(p3));
  }

  /**
   * An actor whose constructor takes three arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, P3, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func3<P1, P2, P3, T> constructor, P1 p1, P2 p2, Arg<? extends P3> p3) {
    return new ActorBuilder<>(
        backend(),
        TaskTemplate.of(constructor, 1),
        TaskOptions.value(p1),
        TaskOptions.value(p2),
        p3);
  }

  /**
   * An actor whose constructor takes three arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, P3, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func3<P1, P2, P3, T> constructor, P1 p1, Arg<? extends P2> p2, P3 p3) {
    return new ActorBuilder<>(
        backend(),
        TaskTemplate.of(constructor, 1),
        TaskOptions.value(p1),
        p2,
        TaskOptions.value(p3));
  }

  /**
   * An actor whose constructor takes three arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, P3, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func3<P1, P2, P3, T> constructor, P1 p1, Arg<? extends P2> p2, Arg<? extends P3> p3) {
    return new ActorBuilder<>(
        backend(), TaskTemplate.of(constructor, 1), TaskOptions.value(p1), p2, p3);
  }

  /**
   * An actor whose constructor takes three arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, P3, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func3<P1, P2, P3, T> constructor, Arg<? extends P1> p1, P2 p2, P3 p3) {
    return new ActorBuilder<>(
        backend(),
        TaskTemplate.of(constructor, 1),
        p1,
        TaskOptions.value(p2),
        TaskOptions.value(p3));
  }

  /**
   * An actor whose constructor takes three arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, P3, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func3<P1, P2, P3, T> constructor, Arg<? extends P1> p1, P2 p2, Arg<? extends P3> p3) {
    return new ActorBuilder<>(
        backend(), TaskTemplate.of(constructor, 1), p1, TaskOptions.value(p2), p3);
  }

  /**
   * An actor whose constructor takes three arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, P3, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func3<P1, P2, P3, T> constructor, Arg<? extends P1> p1, Arg<? extends P2> p2, P3 p3) {
    return new ActorBuilder<>(
        backend(), TaskTemplate.of(constructor, 1), p1, p2, TaskOptions.value(p3));
  }

  /**
   * An actor whose constructor takes three arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, P3, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func3<P1, P2, P3, T> constructor,
      Arg<? extends P1> p1,
      Arg<? extends P2> p2,
      Arg<? extends P3> p3) {
    return new ActorBuilder<>(backend(), TaskTemplate.of(constructor, 1), p1, p2, p3);
  }

  /** An actor whose constructor takes four arguments; see {@link #actor(Func0)}. */
  public final <P1, P2, P3, P4, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func4<P1, P2, P3, P4, T> constructor, P1 p1, P2 p2, P3 p3, P4 p4) {
    return new ActorBuilder<>(
        backend(),
        TaskTemplate.of(constructor, 1),
        TaskOptions.value(p1),
        TaskOptions.value(p2),
        TaskOptions.value(p3),
        TaskOptions.value(p4));
  }

  /**
   * An actor whose constructor takes four arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, P3, P4, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func4<P1, P2, P3, P4, T> constructor,
      Arg<? extends P1> p1,
      Arg<? extends P2> p2,
      Arg<? extends P3> p3,
      Arg<? extends P4> p4) {
    return new ActorBuilder<>(backend(), TaskTemplate.of(constructor, 1), p1, p2, p3, p4);
  }

  /** An actor whose constructor takes five arguments; see {@link #actor(Func0)}. */
  public final <P1, P2, P3, P4, P5, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func5<P1, P2, P3, P4, P5, T> constructor, P1 p1, P2 p2, P3 p3, P4 p4, P5 p5) {
    return new ActorBuilder<>(
        backend(),
        TaskTemplate.of(constructor, 1),
        TaskOptions.value(p1),
        TaskOptions.value(p2),
        TaskOptions.value(p3),
        TaskOptions.value(p4),
        TaskOptions.value(p5));
  }

  /**
   * An actor whose constructor takes five arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, P3, P4, P5, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func5<P1, P2, P3, P4, P5, T> constructor,
      Arg<? extends P1> p1,
      Arg<? extends P2> p2,
      Arg<? extends P3> p3,
      Arg<? extends P4> p4,
      Arg<? extends P5> p5) {
    return new ActorBuilder<>(backend(), TaskTemplate.of(constructor, 1), p1, p2, p3, p4, p5);
  }

  /** An actor whose constructor takes six arguments; see {@link #actor(Func0)}. */
  public final <P1, P2, P3, P4, P5, P6, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func6<P1, P2, P3, P4, P5, P6, T> constructor, P1 p1, P2 p2, P3 p3, P4 p4, P5 p5, P6 p6) {
    return new ActorBuilder<>(
        backend(),
        TaskTemplate.of(constructor, 1),
        TaskOptions.value(p1),
        TaskOptions.value(p2),
        TaskOptions.value(p3),
        TaskOptions.value(p4),
        TaskOptions.value(p5),
        TaskOptions.value(p6));
  }

  /**
   * An actor whose constructor takes six arguments, references among them; see {@link
   * #actor(Func0)}.
   */
  public final <P1, P2, P3, P4, P5, P6, T extends DFutActor<?>> ActorBuilder<T> actor(
      Func6<P1, P2, P3, P4, P5, P6, T> constructor,
      Arg<? extends P1> p1,
      Arg<? extends P2> p2,
      Arg<? extends P3> p3,
      Arg<? extends P4> p4,
      Arg<? extends P5> p5,
      Arg<? extends P6> p6) {
    return new ActorBuilder<>(backend(), TaskTemplate.of(constructor, 1), p1, p2, p3, p4, p5, p6);
  }

  /** The living actor of that name and class in the system's namespace, wherever it is. */
  public final <A extends DFutActor<?>> Optional<ActorHandle<A>> getActor(
      Class<A> type, String name) {
    return backend().findActor(type, name);
  }

  /**
   * Ends an actor for good: the call it runs is interrupted, calls in flight fail with {@link
   * ActorDiedException}.
   */
  public final void kill(ActorHandle<?> actor) {
    backend().kill(actor, false);
  }

  /**
   * Ends an actor: as {@link #kill(ActorHandle)}, or, when {@code restart} is true, as a crash of
   * its worker would, so that it is made anew if {@link ActorBuilder#maxRestarts} allows that.
   */
  public final void kill(ActorHandle<?> actor, boolean restart) {
    backend().kill(actor, restart);
  }

  /**
   * Cancels the task that makes an object. A queued task never runs; a running one sees {@link
   * #isCancelled()} and is interrupted, and so are the tasks that it submitted or still submits;
   * detached actors that it made stay. Either way its results are {@link TaskCancelledException}.
   * Does not wait: what is queued at a worker may begin before the word of it is there.
   *
   * @return false when the object's fate was settled already
   */
  public final boolean cancel(DFut<?> future) {
    return backend().cancel(future);
  }

  /**
   * The same through a borrowed reference: the owner is asked to cancel.
   *
   * @return false when the object's fate was known here already
   */
  public final boolean cancel(SharedDFut<?> future) {
    return backend().cancel(future);
  }

  /**
   * Runs a body and releases the handles that it created in this context, apart from those that it
   * returns (as the result itself, in a collection, map, array, {@link Optional} or record).
   */
  public final <R> R scope(Supplier<R> body) {
    return backend().scope(body);
  }

  /** Runs a body and releases the handles that it created in this context. */
  public final void scope(Runnable body) {
    backend()
        .scope(
            () -> {
              body.run();
              return null;
            });
  }

  /** The job that this context belongs to. */
  public final JobId job() {
    return backend().job();
  }

  /** The node that this context's worker lives on. */
  public final NodeId node() {
    return backend().node();
  }

  /**
   * The task that runs in this context; empty in a driver, a typed behaviour, and an actor's typed
   * messages.
   */
  public final Optional<TaskId> taskId() {
    return backend().task();
  }

  /** How often the running task was started before, 0 the first time. */
  public final int attempt() {
    return backend().attempt();
  }

  /** The actor that this context belongs to, if any. */
  public final Optional<ActorId> actorId() {
    return backend().actor();
  }

  /**
   * Whether the running task was cancelled, or its time is up: long computations ask now and then
   * and stop.
   */
  public final boolean isCancelled() {
    return backend().isCancelled();
  }
}
