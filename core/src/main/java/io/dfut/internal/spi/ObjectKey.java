package io.dfut.internal.spi;

import io.dfut.ObjectId;
import java.util.Objects;

/**
 * What a copy in a store is kept under: bytes of two executions of one task are never mixed.
 *
 * @param id the object
 * @param attempt the attempt of the task that made these bytes, counted from zero; 0 for a put
 */
public record ObjectKey(ObjectId id, int attempt) {
  /** Refuses a missing id and a negative attempt. */
  public ObjectKey {
    Objects.requireNonNull(id, "id");
    if (attempt < 0) {
      throw new IllegalArgumentException("negative attempt: " + attempt);
    }
  }

  @Override
  public String toString() {
    return id + "~" + attempt;
  }
}
