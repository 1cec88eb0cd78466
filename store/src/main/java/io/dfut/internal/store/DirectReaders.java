package io.dfut.internal.store;

import io.dfut.internal.spi.ObjectKey;

/**
 * Whoever reads a store's blocks without asking its table: other JVMs of the host (ADR 0014). The
 * table says what may be read so, and asks before it gives a block to somebody else. Called by the
 * table only, one call at a time; neither blocks.
 */
interface DirectReaders {
  /** There are none. */
  DirectReaders NONE =
      new DirectReaders() {
        @Override
        public boolean publish(ObjectKey key, Block block, long bytes) {
          return false;
        }

        @Override
        public boolean withdraw(ObjectKey key) {
          return true;
        }
      };

  /**
   * From now on the object may be read where it is; it is not published already, and nobody is left
   * who read it when it was.
   *
   * @return false when it cannot be offered, which only makes reading it slower
   */
  boolean publish(ObjectKey key, Block block, long bytes);

  /**
   * From now on nobody begins to read the object.
   *
   * @return whether nobody is reading it either; when not, ask again later
   */
  boolean withdraw(ObjectKey key);
}
