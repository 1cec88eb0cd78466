package io.dfut;

import java.util.List;

/**
 * What {@code await} found.
 *
 * @param <T> the type of the futures' values
 * @param ready settled futures (failed ones are settled), at most as many as were asked for, in the
 *     order given
 * @param pending all the others, in the order given
 */
public record WaitResult<T>(List<DFut<T>> ready, List<DFut<T>> pending) {
  /** Copies both lists. */
  public WaitResult {
    ready = List.copyOf(ready);
    pending = List.copyOf(pending);
  }
}
