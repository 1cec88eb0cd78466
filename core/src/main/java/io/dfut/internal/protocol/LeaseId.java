package io.dfut.internal.protocol;

import io.dfut.WorkerId;
import java.util.Objects;

/**
 * A lease, or the request for one: the right of a task owner to push tasks to one worker. Minted by
 * the owner, so that a repeated request is known to be the same.
 */
public record LeaseId(WorkerId owner, long sequence) {
  public LeaseId {
    Objects.requireNonNull(owner, "owner");
  }

  @Override
  public String toString() {
    return "lease-" + sequence + "/" + owner;
  }
}
