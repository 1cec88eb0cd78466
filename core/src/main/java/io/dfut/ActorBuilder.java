package io.dfut;

import io.dfut.internal.api.ActorTemplate;
import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.api.TaskTemplate;
import io.dfut.internal.task.TaskSpec;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * The options of an actor that is not created yet. Each returns a new builder. Immutable and
 * thread-safe.
 *
 * @param <A> the actor's class
 */
public final class ActorBuilder<A extends DFutActor<?>> {
  /** Timers of an actor system do not run much longer. */
  private static final Duration CHECKPOINTS_MAX = Duration.ofDays(10);

  private final ContextBackend backend;
  private final ActorTemplate template;
  private final Object[] arguments;

  ActorBuilder(ContextBackend backend, TaskTemplate constructor, Object... arguments) {
    TaskTemplate creation =
        new TaskTemplate(
            constructor.function(),
            1,
            Optional.empty(),
            Resources.NONE,
            TaskTemplate.MAX_RETRIES_DEFAULT,
            constructor.retryOn(),
            Optional.empty(),
            constructor.placement(),
            Optional.empty());
    this(
        backend,
        new ActorTemplate(
            creation,
            Optional.empty(),
            1,
            false,
            TaskSpec.Restarts.NONE,
            TaskSpec.Checkpoints.DEFAULT,
            0),
        arguments);
  }

  private ActorBuilder(ContextBackend backend, ActorTemplate template, Object[] arguments) {
    this.backend = backend;
    this.template = template;
    this.arguments = arguments;
  }

  private ActorBuilder<A> with(ActorTemplate other) {
    return new ActorBuilder<>(backend, other, arguments);
  }

  private ActorBuilder<A> with(TaskTemplate creation) {
    return with(template.creation(creation));
  }

  /**
   * A name in the system's namespace, under which {@link DFutContext#getActor} finds it. Free again
   * once the actor is dead.
   *
   * @throws IllegalArgumentException when the name is blank
   */
  public ActorBuilder<A> named(String name) {
    Objects.requireNonNull(name, "name");
    if (name.isBlank()) {
      throw new IllegalArgumentException("the actor's name is blank");
    }
    return with(template.named(name));
  }

  /**
   * CPUs that the actor holds for its whole life; 0 by default. One that holds none is put on a
   * node with a CPU free all the same, if there is one. See {@link TaskOptions#cpus}.
   */
  public ActorBuilder<A> cpus(double amount) {
    return with(template.creation().resource(Resources.CPU, amount));
  }

  /** A named resource that the actor holds for its whole life. See {@link TaskOptions#resource}. */
  public ActorBuilder<A> resource(String name, double amount) {
    return with(template.creation().resource(name, amount));
  }

  /**
   * How many of the actor's methods may run at a time; 1 by default. With more, the class must be
   * thread-safe, and calls start in order but may end out of order.
   *
   * @throws IllegalArgumentException below 1
   */
  public ActorBuilder<A> maxConcurrency(int methods) {
    if (methods < 1) {
      throw new IllegalArgumentException(
          "maxConcurrency is " + methods + "; it must be at least 1");
    }
    return with(template.maxConcurrency(methods));
  }

  /**
   * How many calls a caller, a task or another actor or a driver, may have submitted that have not
   * ended; no bound by default. One more is refused by {@code submit}, with a {@link
   * BackpressureException}: it does not wait, and nothing is sent. So a caller that is faster than
   * the actor notices. Holds for every handle on this actor, wherever it goes.
   *
   * @throws IllegalArgumentException below 1
   */
  public ActorBuilder<A> maxPendingCalls(int calls) {
    if (calls < 1) {
      throw new IllegalArgumentException("maxPendingCalls is " + calls + "; it must be at least 1");
    }
    return with(template.maxPendingCalls(calls));
  }

  /**
   * How often the actor is made anew when it dies with its worker or node, or by {@link
   * DFutContext#kill(io.dfut.ActorHandle, boolean)}: 0 by default, −1 for no bound. Its constructor
   * runs again, with the same arguments, where there is room; what it had in its fields is gone
   * ({@link DFutActor#isRestarted()} tells), unless it is {@link Checkpointed}. While it is being
   * made, and for calls that were in flight, callers get {@link ActorUnavailableException}, unless
   * {@link #maxTaskRetries} lets them wait.
   *
   * <p>The actor's owner, who created it, makes it anew: with the owner gone, nobody does, not even
   * a detached one.
   *
   * @throws IllegalArgumentException below −1
   */
  public ActorBuilder<A> maxRestarts(int restarts) {
    return with(
        template.restarts(
            new TaskSpec.Restarts(
                bound("maxRestarts", restarts), template.restarts().taskRetries())));
  }

  /**
   * How often one call is sent again when the actor died before it had answered: 0 by default, so
   * that no call runs twice; −1 for no bound. Calls are sent again in the order in which they were
   * submitted, before those that were not sent yet, and calls submitted meanwhile wait. Takes
   * effect with {@link #maxRestarts} only. What a lost incarnation returned that was too large to
   * travel with the answer is made again by such a call, too.
   *
   * @throws IllegalArgumentException below −1
   */
  public ActorBuilder<A> maxTaskRetries(int retries) {
    return with(
        template.restarts(
            new TaskSpec.Restarts(template.restarts().max(), bound("maxTaskRetries", retries))));
  }

  /**
   * For a {@link Checkpointed} actor that may be restarted: saves its state after so many calls and
   * messages, and not by time unless {@link #checkpointEvery(Duration)} says so too. By default it
   * is saved a second after it has been changed. One state is saved at a time: when they are due
   * faster than that, fewer are.
   *
   * @throws IllegalArgumentException below 1
   */
  public ActorBuilder<A> checkpointEvery(int calls) {
    if (calls < 1) {
      throw new IllegalArgumentException(
          "checkpointEvery is " + calls + " calls; it must be at least 1");
    }
    return with(template.checkpoints(new TaskSpec.Checkpoints(calls, byTime())));
  }

  /**
   * For a {@link Checkpointed} actor that may be restarted: saves its state so long after it has
   * been changed by a call or message, and not by their number unless {@link #checkpointEvery(int)}
   * says so too. More than ten days count as ten.
   *
   * @throws IllegalArgumentException when it is not above 0
   */
  public ActorBuilder<A> checkpointEvery(Duration time) {
    Objects.requireNonNull(time, "time");
    if (!time.isPositive()) {
      throw new IllegalArgumentException("checkpointEvery is " + time + "; it must be above 0");
    }
    Duration bounded = time.compareTo(CHECKPOINTS_MAX) > 0 ? CHECKPOINTS_MAX : time;
    return with(
        template.checkpoints(
            new TaskSpec.Checkpoints(template.checkpoints().everyCalls(), bounded.toNanos())));
  }

  /**
   * For a {@link Checkpointed} actor that may be restarted: saves its state only when {@link
   * DFutActor#saveCheckpoint()} asks, and when the actor moves as its node leaves.
   */
  public ActorBuilder<A> checkpointOnDemand() {
    return with(template.checkpoints(TaskSpec.Checkpoints.ON_DEMAND));
  }

  /** The time that was asked for; the default is for those who ask for nothing. */
  private long byTime() {
    TaskSpec.Checkpoints now = template.checkpoints();
    return now == TaskSpec.Checkpoints.DEFAULT ? 0 : now.everyNanos();
  }

  private static int bound(String what, int times) {
    if (times < -1) {
      throw new IllegalArgumentException(
          what + " is " + times + "; it must be −1 (no bound), 0 or more");
    }
    return times;
  }

  /**
   * Lets the actor outlive its handles and its owner: it ends when it is killed, or with its node.
   */
  public ActorBuilder<A> detached() {
    return with(template.outlivingItsOwner());
  }

  /** Creates the actor on this node and no other. */
  public ActorBuilder<A> on(NodeId node) {
    return with(template.creation().placed(new Placement.On(Objects.requireNonNull(node, "node"))));
  }

  /** Creates the actor on a random node with room. */
  public ActorBuilder<A> spread() {
    return with(template.creation().placed(new Placement.Spread()));
  }

  /** Prefers the node that holds this object. */
  public ActorBuilder<A> near(DFut<?> object) {
    return with(
        template
            .creation()
            .placed(new Placement.Near(Objects.requireNonNull(object, "object").id())));
  }

  /**
   * Starts the creation and returns at once. A constructor that throws surfaces in the calls.
   *
   * @throws IllegalArgumentException when the name is taken, naming its holder
   */
  public ActorHandle<A> create() {
    return backend.create(template, arguments, false);
  }

  /**
   * The living actor of that name, or a new one.
   *
   * @throws IllegalStateException when the actor has no name
   */
  public ActorHandle<A> createOrGet() {
    if (template.name().isEmpty()) {
      throw new IllegalStateException("createOrGet needs a name: call named(…) first");
    }
    return backend.create(template, arguments, true);
  }
}
