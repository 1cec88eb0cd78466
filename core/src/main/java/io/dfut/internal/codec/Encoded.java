package io.dfut.internal.codec;

import io.dfut.ObjectId;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A value in the form in which it is stored and sent: a format version, the kind of encoding, and
 * its bytes. Raw kinds (byte arrays, buffers, segments, primitive arrays) are not copied until
 * {@link #writeTo} puts them into place, so that a large value is written once, straight into the
 * store. Immutable as long as the value behind a raw kind is left alone; thread-safe.
 */
public interface Encoded {
  /** The size of what {@link #writeTo} writes. */
  long bytes();

  /**
   * Writes the whole encoding at the start of {@code target}.
   *
   * @throws IndexOutOfBoundsException when the target is smaller than {@link #bytes()}
   */
  void writeTo(MemorySegment target);

  /** The references found in the value, each once, in the order of their first appearance. */
  List<ObjectId> references();

  /** The encoding as an array of its own, for values small enough to travel in a message. */
  default byte[] toByteArray() {
    byte[] array = new byte[Math.toIntExact(bytes())];
    writeTo(MemorySegment.ofArray(array));
    return array;
  }
}
