package io.dfut.internal.api;

import io.dfut.internal.task.TaskSpec;
import java.util.Optional;

/**
 * An actor as the user describes it.
 *
 * @param creation the constructor as a task, with what the actor holds and where it should live
 * @param name its name in the namespace, if any
 * @param maxConcurrency how many methods may run at a time
 * @param detached whether it outlives its handles and its owner
 * @param restarts how often it comes back, and its calls
 * @param checkpoints when its state is saved
 * @param maxPendingCalls how many calls a caller may have under way; 0 for no bound
 */
public record ActorTemplate(
    TaskTemplate creation,
    Optional<String> name,
    int maxConcurrency,
    boolean detached,
    TaskSpec.Restarts restarts,
    TaskSpec.Checkpoints checkpoints,
    int maxPendingCalls) {

  public ActorTemplate creation(TaskTemplate other) {
    return new ActorTemplate(
        other, name, maxConcurrency, detached, restarts, checkpoints, maxPendingCalls);
  }

  public ActorTemplate named(String newName) {
    return new ActorTemplate(
        creation,
        Optional.of(newName),
        maxConcurrency,
        detached,
        restarts,
        checkpoints,
        maxPendingCalls);
  }

  public ActorTemplate maxConcurrency(int methods) {
    return new ActorTemplate(
        creation, name, methods, detached, restarts, checkpoints, maxPendingCalls);
  }

  public ActorTemplate outlivingItsOwner() {
    return new ActorTemplate(
        creation, name, maxConcurrency, true, restarts, checkpoints, maxPendingCalls);
  }

  public ActorTemplate restarts(TaskSpec.Restarts other) {
    return new ActorTemplate(
        creation, name, maxConcurrency, detached, other, checkpoints, maxPendingCalls);
  }

  public ActorTemplate checkpoints(TaskSpec.Checkpoints other) {
    return new ActorTemplate(
        creation, name, maxConcurrency, detached, restarts, other, maxPendingCalls);
  }

  public ActorTemplate maxPendingCalls(int calls) {
    return new ActorTemplate(
        creation, name, maxConcurrency, detached, restarts, checkpoints, calls);
  }
}
