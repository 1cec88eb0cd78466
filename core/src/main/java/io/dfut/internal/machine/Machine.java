package io.dfut.internal.machine;

import java.util.function.Consumer;

/**
 * A protocol as a plain deterministic object: input and time in, state change and effects out. A
 * machine reads no clock, starts no thread, does no I/O, draws no randomness that it was not given,
 * and imports no Pekko. Not thread-safe: one actor, or one simulator, drives it.
 *
 * @param <I> what may happen to it
 * @param <E> what it wants done
 */
public interface Machine<I, E> {
  /**
   * One step. Effects are handed over in the order in which they must be carried out.
   *
   * @param nowNanos a monotonic time, from the clock or from the simulator
   */
  void step(I input, long nowNanos, Consumer<? super E> effects);
}
