package io.dfut.internal.lease;

/**
 * The numbers that govern a node's scheduler, from the configuration.
 *
 * @param hopsMax redirections after which a request waits where it is
 * @param infeasibleNanos how long a request that no node can ever hold waits for one to join
 * @param tenureNanos how long a lease is left alone while others wait
 * @param idleWorkersMax workers kept warm without a lease
 * @param awayMax leases whose shares are lent out while the arguments of their tasks are on their
 *     way; more keep theirs
 * @param packThreshold share of this node's resources in use from which on a task goes to a node
 *     that is used less, though it would fit here
 */
public record LeaseLimits(
    int hopsMax,
    long infeasibleNanos,
    long tenureNanos,
    int idleWorkersMax,
    int awayMax,
    double packThreshold) {
  public LeaseLimits {
    if (hopsMax < 0
        || infeasibleNanos < 0
        || tenureNanos < 0
        || idleWorkersMax < 0
        || awayMax < 0
        || !(packThreshold >= 0 && packThreshold <= 1)) {
      throw new IllegalArgumentException(
          "limits: "
              + hopsMax
              + ", "
              + infeasibleNanos
              + ", "
              + tenureNanos
              + ", "
              + idleWorkersMax
              + ", "
              + awayMax
              + ", "
              + packThreshold);
    }
  }
}
