package io.dfut;

/**
 * The root of everything that this library throws at its users, apart from {@link
 * IllegalArgumentException} for arguments that can never be right. Each message names the task,
 * object or actor, the node, the cause and the way out.
 */
public abstract sealed class DFutException extends RuntimeException
    permits ActorDiedException,
        ActorUnavailableException,
        BackpressureException,
        GetTimeoutException,
        InfeasibleResourcesException,
        NodeFailedException,
        ObjectLostException,
        OwnerDiedException,
        ReleasedException,
        SerializationException,
        StoreFullException,
        SystemClosedException,
        TaskCancelledException,
        TaskFailedException,
        TaskNotAllowedException,
        TaskTimeoutException,
        WorkerCrashedException {
  private static final long serialVersionUID = 1L;

  DFutException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * Whether the same call may succeed when it is made again without any change to program or
   * configuration.
   */
  public abstract boolean retryable();
}
