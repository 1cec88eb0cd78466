package io.dfut.internal.codec;

import io.dfut.ObjectId;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.List;
import org.agrona.DirectBuffer;

/** The forms of an {@link Encoded} value: by where its bytes are. */
final class Encodings {
  private Encodings() {}

  static final Encoded NULL = new OfArray(new byte[] {ValueCodecs.VERSION, Tag.NULL}, 2, List.of());

  /** In one array, which is never written again. */
  static final class OfArray implements Encoded {
    private final byte[] array;
    private final int length;
    private final List<ObjectId> references;

    OfArray(byte[] array, int length, List<ObjectId> references) {
      this.array = array;
      this.length = length;
      this.references = references;
    }

    @Override
    public long bytes() {
      return length;
    }

    @Override
    public void writeTo(MemorySegment target) {
      MemorySegment.copy(array, 0, target, ValueLayout.JAVA_BYTE, 0, length);
    }

    @Override
    public List<ObjectId> references() {
      return references;
    }

    @Override
    public byte[] toByteArray() {
      return Arrays.copyOf(array, length);
    }
  }

  /** In several arrays, which are never written again. */
  static final class OfChunks implements Encoded {
    private final List<MemorySegment> chunks;
    private final long bytes;
    private final List<ObjectId> references;

    OfChunks(List<MemorySegment> chunks, long bytes, List<ObjectId> references) {
      this.chunks = chunks;
      this.bytes = bytes;
      this.references = references;
    }

    @Override
    public long bytes() {
      return bytes;
    }

    @Override
    public void writeTo(MemorySegment target) {
      long at = 0;
      for (MemorySegment chunk : chunks) {
        MemorySegment.copy(chunk, 0, target, at, chunk.byteSize());
        at += chunk.byteSize();
      }
    }

    @Override
    public List<ObjectId> references() {
      return references;
    }
  }

  /**
   * A header, and a buffer of Agrona's that wraps an address: how long that is valid is known to
   * the buffer alone, so it is read through its own methods.
   */
  static final class OfDirectBuffer implements Encoded {
    private static final int CHUNK_BYTES = 32 * 1024;

    private final byte[] header;
    private final DirectBuffer buffer;
    private final int capacity;

    OfDirectBuffer(byte[] header, DirectBuffer buffer) {
      this.header = header;
      this.buffer = buffer;
      this.capacity = buffer.capacity();
    }

    @Override
    public long bytes() {
      return header.length + (long) capacity;
    }

    @Override
    public void writeTo(MemorySegment target) {
      MemorySegment.copy(header, 0, target, ValueLayout.JAVA_BYTE, 0, header.length);
      byte[] chunk = new byte[Math.min(capacity, CHUNK_BYTES)];
      for (int at = 0; at < capacity; at += chunk.length) {
        int count = Math.min(chunk.length, capacity - at);
        buffer.getBytes(at, chunk, 0, count);
        MemorySegment.copy(
            chunk, 0, target, ValueLayout.JAVA_BYTE, header.length + (long) at, count);
      }
    }

    @Override
    public List<ObjectId> references() {
      return List.of();
    }
  }

  /** A header, and the value's own memory. */
  static final class OfRaw implements Encoded {
    private final byte[] header;
    private final MemorySegment proper;

    /**
     * The value. It may be a view of a stored object, which it keeps pinned as long as it is
     * reachable; its bytes alone do not.
     */
    private final Object value;

    OfRaw(byte[] header, MemorySegment proper, Object value) {
      this.header = header;
      this.proper = proper;
      this.value = value;
    }

    @Override
    public long bytes() {
      return header.length + proper.byteSize();
    }

    @Override
    public void writeTo(MemorySegment target) {
      MemorySegment.copy(header, 0, target, ValueLayout.JAVA_BYTE, 0, header.length);
      MemorySegment.copy(proper, 0, target, header.length, proper.byteSize());
      Reference.reachabilityFence(value);
    }

    @Override
    public List<ObjectId> references() {
      return List.of();
    }
  }
}
