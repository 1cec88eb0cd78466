package io.dfut.internal.drain;

import io.dfut.internal.spi.ObjectKey;

/** What happens to {@link DrainMachine}. */
public sealed interface DrainInput {
  /** The node is to leave. Again: nothing. */
  record Begun() implements DrainInput {}

  /** What is still here; answers {@link DrainEffect.Look}. */
  record Looked(Seen seen) implements DrainInput {}

  /** An owner says that the primary is elsewhere. */
  record CopySafe(ObjectKey key) implements DrainInput {}
}
