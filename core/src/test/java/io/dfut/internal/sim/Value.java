package io.dfut.internal.sim;

import io.dfut.ObjectId;
import java.util.List;

/**
 * A value in the simulation.
 *
 * @param tainted whether a fault, a cancellation or a death had a part in it, so that the direct
 *     evaluation says nothing about it
 */
record Value(long number, List<ObjectId> references, boolean tainted) {
  Value {
    references = List.copyOf(references);
  }
}
