package io.dfut;

import io.dfut.internal.api.ActorAccess;
import io.dfut.internal.runtime.ActorBehaviors;
import io.dfut.internal.runtime.ActorCell;
import io.dfut.internal.runtime.ActorHandles;
import io.dfut.internal.runtime.CurrentContext;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;

/**
 * The base class of actors: objects with state that live on one node and whose methods are called
 * from anywhere. Remote methods and typed messages share one mailbox: one runs at a time unless
 * {@link ActorBuilder#maxConcurrency} says otherwise, so the class needs no locks. Methods run on
 * virtual threads and may block in {@code get()}.
 *
 * <p>An exception of a method is the result of that call; the actor lives on. One of {@link
 * #onMessage} is logged.
 *
 * @param <M> the type of its typed messages; {@code Void} when there are none
 */
public abstract class DFutActor<M> {
  static {
    ActorAccess.install(
        new ActorAccess() {
          @Override
          @SuppressWarnings("unchecked") // the sender's ActorRef has the actor's message type
          public void onMessage(DFutActor<?> actor, Object message) throws Exception {
            ((DFutActor<Object>) actor).onMessage(message);
          }

          @Override
          public void onStart(DFutActor<?> actor) throws Exception {
            actor.onStart();
          }

          @Override
          public void onStop(DFutActor<?> actor) throws Exception {
            actor.onStop();
          }
        });
  }

  private final ActorCell cell;

  /** Called by subclasses, on the actor's own thread. */
  protected DFutActor() {
    this.cell = CurrentContext.constructing();
  }

  /**
   * The actor's context: what it submits and puts here it owns. In a method of the actor's it
   * speaks for the call that runs: tasks submitted here are cancelled with that, and inherit its
   * time.
   *
   * @throws IllegalStateException in an object that was made with {@code new} outside the system
   */
  protected final DFutContext dfut() {
    return cell.context(getClass());
  }

  /**
   * A handle on this actor, with a count of its own: close it when it has been passed on, since an
   * actor that keeps a handle on itself never ends.
   */
  protected final <A extends DFutActor<?>> ActorHandle<A> self(Class<A> type) {
    return cell.self(type.cast(this));
  }

  /**
   * Handles a typed message. Refuses unless overridden: the refusal is logged with the message's
   * class.
   */
  protected void onMessage(M message) throws Exception {
    throw new IllegalArgumentException(
        getClass().getName()
            + " does not handle messages; override onMessage to receive "
            + message.getClass());
  }

  /**
   * Called once after construction, before the first call or message. What it throws ends the
   * actor.
   */
  protected void onStart() throws Exception {}

  /**
   * Called once when the actor ends in an orderly way, after its last call. What it throws is
   * logged.
   */
  protected void onStop() throws Exception {}

  /**
   * Whether this object was made anew ({@link ActorBuilder#maxRestarts}), so that an earlier one
   * may have answered calls before.
   */
  protected final boolean isRestarted() {
    return cell.isRestarted();
  }

  /**
   * Whether a saved state was given to {@link Checkpointed#restore} of this object, and taken. True
   * from {@link #onStart()} on.
   */
  protected final boolean isRestored() {
    return cell.isRestored();
  }

  /**
   * Has the state of this actor saved after the running method; see {@link Checkpointed}. Returns
   * at once: the method's result may arrive before the state is safe. Does nothing where no state
   * is kept: in an actor that is not {@code Checkpointed}, is not made anew any more, or was
   * spawned as a behaviour.
   */
  protected final void saveCheckpoint() {
    cell.saveCheckpoint();
  }

  /** Ends this actor after the running method: that call gets its result, calls behind it fail. */
  protected final void stopSelf() {
    cell.stopSelf();
  }

  /**
   * The Pekko reference of an actor, for typed messages. Waits until the actor exists.
   *
   * @throws ActorDiedException when it could not be created, or is dead
   * @throws IllegalStateException on a Pekko dispatcher thread while its creation is still going on
   */
  public static <M> ActorRef<M> ref(ActorHandle<? extends DFutActor<M>> handle) {
    return ActorHandles.ref(handle);
  }

  /**
   * An actor as a Pekko behaviour, to be wrapped in {@code Behaviors.supervise}, given timers, and
   * spawned. The behaviour's actor is a worker with its own table; it stops when the actor does.
   * The overloads up to six constructor arguments behave alike. Constructor arguments are passed as
   * they are, without a copy.
   *
   * @throws IllegalStateException when the behaviour is started in an {@code ActorSystem} in which
   *     {@link DFutSystem#get} was never called
   */
  public static <M, T extends DFutActor<M>> Behavior<M> behavior(Func0<T> constructor) {
    return ActorBehaviors.of(() -> constructor.apply());
  }

  /** The same with 1 constructor argument. */
  public static <P1, M, T extends DFutActor<M>> Behavior<M> behavior(
      Func1<P1, T> constructor, P1 p1) {
    return ActorBehaviors.of(() -> constructor.apply(p1));
  }

  /** The same with 2 constructor arguments. */
  public static <P1, P2, M, T extends DFutActor<M>> Behavior<M> behavior(
      Func2<P1, P2, T> constructor, P1 p1, P2 p2) {
    return ActorBehaviors.of(() -> constructor.apply(p1, p2));
  }

  /** The same with 3 constructor arguments. */
  public static <P1, P2, P3, M, T extends DFutActor<M>> Behavior<M> behavior(
      Func3<P1, P2, P3, T> constructor, P1 p1, P2 p2, P3 p3) {
    return ActorBehaviors.of(() -> constructor.apply(p1, p2, p3));
  }

  /** The same with 4 constructor arguments. */
  public static <P1, P2, P3, P4, M, T extends DFutActor<M>> Behavior<M> behavior(
      Func4<P1, P2, P3, P4, T> constructor, P1 p1, P2 p2, P3 p3, P4 p4) {
    return ActorBehaviors.of(() -> constructor.apply(p1, p2, p3, p4));
  }

  /** The same with 5 constructor arguments. */
  public static <P1, P2, P3, P4, P5, M, T extends DFutActor<M>> Behavior<M> behavior(
      Func5<P1, P2, P3, P4, P5, T> constructor, P1 p1, P2 p2, P3 p3, P4 p4, P5 p5) {
    return ActorBehaviors.of(() -> constructor.apply(p1, p2, p3, p4, p5));
  }

  /** The same with 6 constructor arguments. */
  public static <P1, P2, P3, P4, P5, P6, M, T extends DFutActor<M>> Behavior<M> behavior(
      Func6<P1, P2, P3, P4, P5, P6, T> constructor, P1 p1, P2 p2, P3 p3, P4 p4, P5 p5, P6 p6) {
    return ActorBehaviors.of(() -> constructor.apply(p1, p2, p3, p4, p5, p6));
  }
}
