package io.dfut.internal.api;

import io.dfut.ActorHandle;
import io.dfut.NodeId;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A task as the user describes it, before it is submitted: the function and the options. Immutable.
 *
 * @param function a {@code FuncN} or {@code ProcN}
 * @param results how many results it has, 1 to 4
 * @param name the user's name for it, empty when class and method are to name it
 * @param resources what it holds while it runs
 * @param maxRetries −1 for no bound
 * @param retryOn application failures that are retried too
 * @param timeout from submission, if any
 * @param placement where it should run
 * @param actor the actor whose method it is, if any
 */
public record TaskTemplate(
    Serializable function,
    int results,
    Optional<String> name,
    Resources resources,
    int maxRetries,
    List<Class<? extends Throwable>> retryOn,
    Optional<Duration> timeout,
    Placement placement,
    Optional<ActorHandle<?>> actor) {
  /** System failures are retried this often unless the task says otherwise. */
  public static final int MAX_RETRIES_DEFAULT = 3;

  public TaskTemplate {
    Objects.requireNonNull(function, "function");
    if (results < 1 || results > 4) {
      throw new IllegalArgumentException("results: " + results);
    }
    retryOn = List.copyOf(retryOn);
  }

  /** A task with every option at its default. */
  public static TaskTemplate of(Serializable function, int results) {
    return new TaskTemplate(
        function,
        results,
        Optional.empty(),
        Resources.ONE_CPU,
        MAX_RETRIES_DEFAULT,
        List.of(),
        Optional.empty(),
        new Placement.Anywhere(),
        Optional.empty());
  }

  /**
   * A call of an actor's method: it holds no resources, and is not repeated unless the actor says
   * so.
   */
  public static TaskTemplate ofActor(ActorHandle<?> actor, Serializable method, int results) {
    return new TaskTemplate(
        method,
        results,
        Optional.empty(),
        Resources.NONE,
        0,
        List.of(),
        Optional.empty(),
        new Placement.Anywhere(),
        Optional.of(actor));
  }

  public TaskTemplate named(String newName) {
    Objects.requireNonNull(newName, "name");
    if (newName.isBlank()) {
      throw new IllegalArgumentException("the task's name is blank");
    }
    return new TaskTemplate(
        function,
        results,
        Optional.of(newName),
        resources,
        maxRetries,
        retryOn,
        timeout,
        placement,
        actor);
  }

  public TaskTemplate resource(String resource, double amount) {
    refuseForActor(
        "resources are held by the actor, not by its calls: give them to the actor's builder");
    return new TaskTemplate(
        function,
        results,
        name,
        resources.with(resource, amount),
        maxRetries,
        retryOn,
        timeout,
        placement,
        actor);
  }

  public TaskTemplate maxRetries(int retries) {
    if (retries != 0) {
      refuseForActor(
          "an actor's calls are not repeated: they change its state, and may have run already");
    }
    if (retries < -1) {
      throw new IllegalArgumentException(
          "maxRetries is " + retries + "; it must be −1 (no bound), 0 or more");
    }
    return new TaskTemplate(
        function, results, name, resources, retries, retryOn, timeout, placement, actor);
  }

  public TaskTemplate retryOn(Class<? extends Throwable> type) {
    refuseForActor(
        "an actor's calls are not repeated: catch the exception in the method, or submit the call"
            + " again");
    List<Class<? extends Throwable>> more = new ArrayList<>(retryOn);
    more.add(type);
    return new TaskTemplate(
        function, results, name, resources, maxRetries, more, timeout, placement, actor);
  }

  public TaskTemplate timeout(Duration limit) {
    Objects.requireNonNull(limit, "timeout");
    if (limit.isZero() || limit.isNegative()) {
      throw new IllegalArgumentException("timeout is " + limit + "; it must be positive");
    }
    return new TaskTemplate(
        function,
        results,
        name,
        resources,
        maxRetries,
        retryOn,
        Optional.of(limit),
        placement,
        actor);
  }

  public TaskTemplate placed(Placement where) {
    refuseForActor("an actor's calls run where the actor is: place the actor with its builder");
    if (where instanceof Placement.On(NodeId node)) {
      Objects.requireNonNull(node, "node");
    }
    return new TaskTemplate(
        function, results, name, resources, maxRetries, retryOn, timeout, where, actor);
  }

  private void refuseForActor(String why) {
    if (actor.isPresent()) {
      throw new IllegalArgumentException(why);
    }
  }
}
