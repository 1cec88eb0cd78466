package io.dfut.internal.ownership;

/**
 * The numbers that govern a worker's machine, from the configuration.
 *
 * @param leaseIdleNanos how long an idle lease is kept
 * @param tasksInFlightMax tasks pushed to one worker at a time
 * @param tasksInFlightRemoteMax the same to one of another node, where it runs them fast
 * @param leaseRequestsMax requests for leases of one shape under way at a time
 * @param handoverGraceNanos how long a value stays for whoever a dead worker may have handed a
 *     reference to
 * @param messageTransitNanos how long a reference in somebody's own message is counted for the
 *     message's receiver
 * @param lineageBytesMax of descriptions kept for rebuilding, and of values that only they keep
 * @param outOfMemoryRetries how often a task whose body ran out of memory is run again, beside its
 *     other retries; −1 for no bound
 */
public record WorkerLimits(
    long leaseIdleNanos,
    int tasksInFlightMax,
    int tasksInFlightRemoteMax,
    int leaseRequestsMax,
    long handoverGraceNanos,
    long messageTransitNanos,
    long lineageBytesMax,
    int outOfMemoryRetries) {
  public WorkerLimits {
    if (leaseIdleNanos < 0
        || tasksInFlightMax < 1
        || tasksInFlightRemoteMax < 1
        || leaseRequestsMax < 1
        || handoverGraceNanos < 0
        || messageTransitNanos < 1
        || lineageBytesMax < 0
        || outOfMemoryRetries < -1) {
      throw new IllegalArgumentException(
          "limits: "
              + leaseIdleNanos
              + ", "
              + tasksInFlightMax
              + ", "
              + tasksInFlightRemoteMax
              + ", "
              + leaseRequestsMax
              + ", "
              + handoverGraceNanos
              + ", "
              + messageTransitNanos
              + ", "
              + lineageBytesMax
              + ", "
              + outOfMemoryRetries);
    }
  }
}
