package io.dfut;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.agrona.DirectBuffer;

/**
 * A read-only window on the bytes of a value, without a copy where the value is in this node's
 * store. The object cannot be evicted while the view is open. Thread-safe; after {@link #close()}
 * every method throws {@link IllegalStateException}.
 *
 * <p>Buffers and segments that were taken from it must not be used after {@link #close()}: the
 * memory may hold another object by then, whose bytes they would show. They never reach memory that
 * is gone; after the system was closed they throw {@link IllegalStateException}. Buffers that keep
 * their object by themselves are what {@link DFut#get()} gives.
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
