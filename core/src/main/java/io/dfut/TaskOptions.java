package io.dfut;

import io.dfut.internal.api.ContextBackend;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.TaskTemplate;
import java.time.Duration;
import java.util.Objects;

/**
 * The options of a task. Each returns a new task and leaves this one as it is. Immutable and
 * thread-safe.
 *
 * @param <S> the type of task that the options return
 */
public abstract sealed class TaskOptions<S>
    permits Submission0,
        Submission1,
        Submission2,
        Submission3,
        Submission4,
        Submission5,
        Submission6 {
  final ContextBackend backend;
  final TaskTemplate template;

  TaskOptions(ContextBackend backend, TaskTemplate template) {
    this.backend = backend;
    this.template = template;
  }

  abstract S with(TaskTemplate changed);

  /**
   * Keeps a future that was passed as a plain value apart from one passed as an argument: the codec
   * refuses it.
   */
  static Object value(Object value) {
    return value instanceof Arg<?> ? new Arg.Value<>(value) : value;
  }

  /**
   * A name for errors, inspection and logs; without one, class and method name the task.
   *
   * @throws IllegalArgumentException when the name is blank
   */
  public final S named(String name) {
    return with(template.named(name));
  }

  /**
   * How many CPUs the task holds while it runs; 1 by default, fractions in steps of 0.0001, 0 for a
   * task that only waits.
   *
   * @throws IllegalArgumentException when the amount is negative, not finite, or finer than the
   *     step
   */
  public final S cpus(double amount) {
    return with(template.resource("CPU", amount));
  }

  /**
   * How much of a named resource the task holds while it runs. {@code resource("role:NAME", 1)}
   * asks for a node with the Pekko role of that name, of which there is no end.
   *
   * @throws IllegalArgumentException when the name is blank or the amount is negative, not finite,
   *     or finer than 0.0001
   */
  public final S resource(String name, double amount) {
    return with(template.resource(name, amount));
  }

  /**
   * How often the task is started again after a system failure (a worker or node died, an argument
   * was lost). 3 by default, −1 without bound. The task must be idempotent unless this is 0. Unless
   * it is 0 the task is also started again when its code runs out of memory, as often as {@code
   * dfut.tasks.out-of-memory-retries} says, which is not counted here.
   *
   * @throws IllegalArgumentException below −1
   */
  public final S maxRetries(int retries) {
    return with(template.maxRetries(retries));
  }

  /**
   * Also retries, within {@link #maxRetries(int)}, when the task's code throws this type or a
   * subtype. Repeatable.
   */
  public final S retryOn(Class<? extends Throwable> type) {
    return with(template.retryOn(Objects.requireNonNull(type, "type")));
  }

  /**
   * How long the task may take from its submission; afterwards its results are {@link
   * TaskTimeoutException} and it is interrupted. Tasks that it submits inherit what is left of it.
   *
   * @throws IllegalArgumentException when the time is zero or negative
   */
  public final S timeout(Duration timeout) {
    return with(template.timeout(timeout));
  }

  /** Runs the task on this node and no other. */
  public final S on(NodeId node) {
    return with(template.placed(new Placement.On(Objects.requireNonNull(node, "node"))));
  }

  /**
   * Runs the task on a node with room that is drawn at random, instead of filling the local one
   * first, and wherever its arguments are.
   */
  public final S spread() {
    return with(template.placed(new Placement.Spread()));
  }

  /**
   * Prefers the node that holds this object, which need not be an argument, unless it is full. An
   * object that is not there yet, or of which the caller has not heard where it is, says nothing.
   */
  public final S near(DFut<?> object) {
    return with(template.placed(new Placement.Near(Objects.requireNonNull(object, "object").id())));
  }
}
