package io.dfut.internal.protocol;

import io.dfut.ObjectId;
import java.util.Objects;

/**
 * A reference on its way inside a message. The sender counts it until the owner knows the receiver
 * (or the receiver is the owner): there is no moment in which nobody is counted.
 *
 * @param object what is referred to
 * @param id minted by the sender; 0 where the sender's own count covers the receiver (first-hand
 *     borrowing)
 */
public record Transit(ObjectId object, long id) {
  public Transit {
    Objects.requireNonNull(object, "object");
  }
}
