package io.dfut;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;

/**
 * A read-only window on the bytes of a value, without a copy where the value is in this node's
 * store. The object cannot be evicted while the view is open. Thread-safe; after {@link #close()}
 * every use throws {@link IllegalStateException}.
 */
public interface ObjectView extends AutoCloseable {
  /** The number of bytes. */
  long size();

  /**
   * The bytes as a read-only buffer of big-endian order.
   *
   * @throws IllegalStateException when the value is larger than a buffer can be; use {@link
   *     #segment()}
   */
  ByteBuffer buffer();

  /** The bytes as a read-only segment. */
  MemorySegment segment();

  /** The bytes for Agrona's flyweights, bounds-checked, never able to touch memory that is gone. */
  DirectBuffer directBuffer();

  /** Unpins the object; later calls do nothing. */
  @Override
  void close();
}
