package io.dfut.internal.ownership;

/**
 * The numbers that govern a worker's machine, from the configuration.
 *
 * @param leaseIdleNanos how long an idle lease is kept
 * @param tasksInFlightMax tasks pushed to one worker at a time
 * @param leaseRequestsMax requests for leases of one shape under way at a time
 */
public record WorkerLimits(long leaseIdleNanos, int tasksInFlightMax, int leaseRequestsMax) {
  public WorkerLimits {
    if (leaseIdleNanos < 0 || tasksInFlightMax < 1 || leaseRequestsMax < 1) {
      throw new IllegalArgumentException(
          "limits: " + leaseIdleNanos + ", " + tasksInFlightMax + ", " + leaseRequestsMax);
    }
  }
}
