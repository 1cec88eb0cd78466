package io.dfut.internal.task;

import io.dfut.ActorDiedException;
import io.dfut.ActorUnavailableException;
import io.dfut.DFutException;
import io.dfut.GetTimeoutException;
import io.dfut.InfeasibleResourcesException;
import io.dfut.NodeFailedException;
import io.dfut.ObjectLostException;
import io.dfut.OwnerDiedException;
import io.dfut.ReleasedException;
import io.dfut.SerializationException;
import io.dfut.StoreFullException;
import io.dfut.SystemClosedException;
import io.dfut.TaskCancelledException;
import io.dfut.TaskFailedException;
import io.dfut.TaskNotAllowedException;
import io.dfut.TaskTimeoutException;
import io.dfut.WorkerCrashedException;
import java.util.Objects;
import java.util.Optional;

/**
 * Why an object has no value: an error as a value, which travels to whoever asks. Immutable.
 *
 * @param kind which exception it becomes
 * @param message complete: what happened to what, where, why, and the way out
 * @param cause what user code threw, if that is what happened
 * @param attempts how often the task was started, where that matters
 * @param detail the cause of death, or the name of the {@link ObjectLostException.Reason}
 */
public record Failure(
    Kind kind, String message, Optional<ThrownError> cause, int attempts, String detail) {
  /** One per exception that {@code get} can throw because of the object itself. */
  public enum Kind {
    TASK_FAILED,
    WORKER_CRASHED,
    NODE_FAILED,
    OBJECT_LOST,
    OWNER_DIED,
    ACTOR_DIED,
    ACTOR_UNAVAILABLE,
    CANCELLED,
    TASK_TIMEOUT,
    STORE_FULL,
    INFEASIBLE,
    NOT_ALLOWED,
    SERIALIZATION,
    RELEASED,
    CLOSED
  }

  public Failure {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(message, "message");
    Objects.requireNonNull(cause, "cause");
    Objects.requireNonNull(detail, "detail");
  }

  public static Failure of(Kind kind, String message) {
    return new Failure(kind, message, Optional.empty(), 0, "");
  }

  public static Failure caused(Kind kind, String message, ThrownError cause) {
    return new Failure(kind, message, Optional.of(cause), 0, "");
  }

  public static Failure died(Kind kind, String message, int attempts, String causeOfDeath) {
    return new Failure(kind, message, Optional.empty(), attempts, causeOfDeath);
  }

  public static Failure lost(ObjectLostException.Reason reason, String message) {
    return new Failure(Kind.OBJECT_LOST, message, Optional.empty(), 0, reason.name());
  }

  /**
   * What an exception of ours, thrown while a task was prepared or its result was stored, is as a
   * value.
   */
  public static Failure of(DFutException e) {
    Kind kind =
        switch (e) {
          case TaskFailedException t -> Kind.TASK_FAILED;
          case WorkerCrashedException t -> Kind.WORKER_CRASHED;
          case NodeFailedException t -> Kind.NODE_FAILED;
          case ObjectLostException t -> Kind.OBJECT_LOST;
          case OwnerDiedException t -> Kind.OWNER_DIED;
          case ActorDiedException t -> Kind.ACTOR_DIED;
          case ActorUnavailableException t -> Kind.ACTOR_UNAVAILABLE;
          case TaskCancelledException t -> Kind.CANCELLED;
          case GetTimeoutException t -> Kind.TASK_TIMEOUT;
          case TaskTimeoutException t -> Kind.TASK_TIMEOUT;
          case StoreFullException t -> Kind.STORE_FULL;
          case InfeasibleResourcesException t -> Kind.INFEASIBLE;
          case io.dfut.BackpressureException t -> Kind.STORE_FULL;
          case TaskNotAllowedException t -> Kind.NOT_ALLOWED;
          case SerializationException t -> Kind.SERIALIZATION;
          case ReleasedException t -> Kind.RELEASED;
          case SystemClosedException t -> Kind.CLOSED;
        };
    String detail = e instanceof ObjectLostException lost ? lost.reason().name() : "";
    Optional<ThrownError> cause = Optional.ofNullable(e.getCause()).map(ThrownError::of);
    return new Failure(kind, String.valueOf(e.getMessage()), cause, 0, detail);
  }

  /** Whether a read of what a dead worker owned began it, here or in a task that failed before. */
  public boolean comesOfADeadOwner() {
    if (kind == Kind.OWNER_DIED) {
      return true;
    }
    Optional<ThrownError> next = cause;
    while (next.isPresent()) {
      if (next.get().className().equals(OwnerDiedException.class.getName())) {
        return true;
      }
      next = next.get().cause();
    }
    return false;
  }

  /**
   * A new exception for one caller of {@code get}.
   *
   * @param classes how the causes' classes are found; those that are not admitted stay text
   */
  public DFutException toException(ThrownError.Classes classes) {
    Throwable thrown = cause.map(error -> error.toThrowable(classes)).orElse(null);
    return switch (kind) {
      case TASK_FAILED -> new TaskFailedException(message, thrown);
      case WORKER_CRASHED -> new WorkerCrashedException(message, attempts, detail, thrown);
      case NODE_FAILED -> new NodeFailedException(message, attempts, detail, thrown);
      case OBJECT_LOST -> new ObjectLostException(message, reason(), thrown);
      case OWNER_DIED -> new OwnerDiedException(message, thrown);
      case ACTOR_DIED -> new ActorDiedException(message, thrown);
      case ACTOR_UNAVAILABLE -> new ActorUnavailableException(message, thrown);
      case CANCELLED -> new TaskCancelledException(message, thrown);
      case TASK_TIMEOUT -> new TaskTimeoutException(message, thrown);
      case STORE_FULL -> new StoreFullException(message, thrown);
      case INFEASIBLE -> new InfeasibleResourcesException(message, thrown);
      case NOT_ALLOWED -> new TaskNotAllowedException(message, thrown);
      case SERIALIZATION -> new SerializationException(message, thrown);
      case RELEASED -> new ReleasedException(message, thrown);
      case CLOSED -> new SystemClosedException(message, thrown);
    };
  }

  private ObjectLostException.Reason reason() {
    return detail.isEmpty()
        ? ObjectLostException.Reason.UNKNOWN
        : ObjectLostException.Reason.valueOf(detail);
  }
}
