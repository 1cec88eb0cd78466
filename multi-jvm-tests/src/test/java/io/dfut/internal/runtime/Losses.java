package io.dfut.internal.runtime;

import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage.ReturnLease;

/** Loses what nothing but a bug of ours would lose. */
public final class Losses {
  private Losses() {}

  /**
   * The scheduler forgets a request that waits there, and its owner does not hear of it.
   *
   * @param number which of the owner's, the first is 1
   */
  public static void loseRequest(DFutSystem system, long number) {
    WorkerId owner =
        system.inspect().leases().stream()
            .filter(lease -> lease.worker().isEmpty())
            .map(Inspection.Lease::owner)
            .findFirst()
            .orElseThrow();
    ((DriverSystem) system).runtime().scheduler().post(new ReturnLease(new LeaseId(owner, number)));
  }
}
