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
 */
public record WorkerLimits(
    long leaseIdleNanos,
    int tasksInFlightMax,
    int tasksInFlightRemoteMax,
    int leaseRequestsMax,
    long handoverGraceNanos,
    long messageTransitNanos,
    long lineageBytesMax) {
  public WorkerLimits {
    if (leaseIdleNanos < 0
        || tasksInFlightMax < 1
        || tasksInFlightRemoteMax < 1
        || leaseRequestsMax < 1
        || handoverGraceNanos < 0
        || messageTransitNanos < 1
        || lineageBytesMax < 0) {
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
              + lineageBytesMax);
    }
  }
}
