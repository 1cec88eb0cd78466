package io.dfut.internal.codec;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.agrona.AsciiEncoding;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/**
 * Agrona's view of a memory segment, for reading only. Every access is checked against the
 * segment's bounds and its life: memory that is gone makes it throw, where an {@code UnsafeBuffer}
 * would read what is there by then, or crash the JVM. For the same reason it gives away neither
 * address nor array, and copies into other buffers go by way of the heap. Thread-safe as far as the
 * segment is.
 *
 * <p>The segment may be what keeps a stored object pinned, until it becomes unreachable. So every
 * read ends with a fence: without one the compiler may take the buffer for unreachable before its
 * last read is done, and the bytes read would be another object's.
 */
public final class SegmentBuffer implements DirectBuffer {
  private static final ValueLayout.OfLong LONG_LE =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG_BE =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfInt INT_LE =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT_BE =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfShort SHORT_LE =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT_BE =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /** What is copied at once into a buffer of another kind. */
  private static final int CHUNK_BYTES = 8 * 1024;

  private final MemorySegment segment;
  private final int capacity;

  /**
   * A buffer on the whole segment, which it keeps reachable: this very instance if it is read-only.
   *
   * @throws IllegalArgumentException when the segment is larger than a buffer can be
   */
  public SegmentBuffer(MemorySegment segment) {
    if (segment.byteSize() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a DirectBuffer cannot show " + segment.byteSize() + " bytes: use the MemorySegment");
    }
    this.segment = segment.isReadOnly() ? segment : segment.asReadOnly();
    this.capacity = (int) segment.byteSize();
  }

  /**
   * The memory, read-only. Slices of it do not keep it reachable: whoever reads through one holds
   * this buffer meanwhile.
   */
  public MemorySegment segment() {
    return segment;
  }

  private static UnsupportedOperationException readOnlyWindow() {
    return new UnsupportedOperationException(
        "this buffer shows a stored value and cannot be pointed elsewhere");
  }

  @Override
  public void wrap(byte[] buffer) {
    throw readOnlyWindow();
  }

  @Override
  public void wrap(byte[] buffer, int offset, int length) {
    throw readOnlyWindow();
  }

  @Override
  public void wrap(ByteBuffer buffer) {
    throw readOnlyWindow();
  }

  @Override
  public void wrap(ByteBuffer buffer, int offset, int length) {
    throw readOnlyWindow();
  }

  @Override
  public void wrap(DirectBuffer buffer) {
    throw readOnlyWindow();
  }

  @Override
  public void wrap(DirectBuffer buffer, int offset, int length) {
    throw readOnlyWindow();
  }

  @Override
  public void wrap(long address, int length) {
    throw readOnlyWindow();
  }

  /** Refuses: whoever reads through an address is not stopped when the memory is gone. */
  @Override
  public long addressOffset() {
    throw new UnsupportedOperationException(
        "this buffer does not give away its address (do not wrap it in an UnsafeBuffer): read"
            + " through it, or copy it");
  }

  @Override
  public byte[] byteArray() {
    return null;
  }

  @Override
  public ByteBuffer byteBuffer() {
    return null;
  }

  @Override
  public int wrapAdjustment() {
    return 0;
  }

  @Override
  public int capacity() {
    return capacity;
  }

  @Override
  public void checkLimit(int limit) {
    if (limit < 0 || limit > capacity) {
      throw new IndexOutOfBoundsException("limit=" + limit + " is beyond capacity=" + capacity);
    }
  }

  @Override
  public void boundsCheck(int index, int length) {
    if (index < 0 || length < 0 || index > capacity - length) {
      throw new IndexOutOfBoundsException(
          "index=" + index + " length=" + length + " capacity=" + capacity);
    }
  }

  private static boolean little(ByteOrder order) {
    return order == ByteOrder.LITTLE_ENDIAN;
  }

  @Override
  public long getLong(int index, ByteOrder order) {
    long value = segment.get(little(order) ? LONG_LE : LONG_BE, index);
    Reference.reachabilityFence(this);
    return value;
  }

  @Override
  public long getLong(int index) {
    long value = segment.get(ValueLayout.JAVA_LONG_UNALIGNED, index);
    Reference.reachabilityFence(this);
    return value;
  }

  @Override
  public int getInt(int index, ByteOrder order) {
    int value = segment.get(little(order) ? INT_LE : INT_BE, index);
    Reference.reachabilityFence(this);
    return value;
  }

  @Override
  public int getInt(int index) {
    int value = segment.get(ValueLayout.JAVA_INT_UNALIGNED, index);
    Reference.reachabilityFence(this);
    return value;
  }

  @Override
  public double getDouble(int index, ByteOrder order) {
    return Double.longBitsToDouble(getLong(index, order));
  }

  @Override
  public double getDouble(int index) {
    return Double.longBitsToDouble(getLong(index));
  }

  @Override
  public float getFloat(int index, ByteOrder order) {
    return Float.intBitsToFloat(getInt(index, order));
  }

  @Override
  public float getFloat(int index) {
    return Float.intBitsToFloat(getInt(index));
  }

  @Override
  public short getShort(int index, ByteOrder order) {
    short value = segment.get(little(order) ? SHORT_LE : SHORT_BE, index);
    Reference.reachabilityFence(this);
    return value;
  }

  @Override
  public short getShort(int index) {
    short value = segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, index);
    Reference.reachabilityFence(this);
    return value;
  }

  @Override
  public char getChar(int index, ByteOrder order) {
    return (char) getShort(index, order);
  }

  @Override
  public char getChar(int index) {
    return (char) getShort(index);
  }

  @Override
  public byte getByte(int index) {
    byte value = segment.get(ValueLayout.JAVA_BYTE, index);
    Reference.reachabilityFence(this);
    return value;
  }

  @Override
  public void getBytes(int index, byte[] dst) {
    getBytes(index, dst, 0, dst.length);
  }

  @Override
  public void getBytes(int index, byte[] dst, int offset, int length) {
    boundsCheck(index, length);
    MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, index, dst, offset, length);
    Reference.reachabilityFence(this);
  }

  /**
   * By way of the heap: an {@code UnsafeBuffer} copies from the address of a buffer without asking
   * whether the memory is still there.
   */
  @Override
  public void getBytes(int index, MutableDirectBuffer dstBuffer, int dstIndex, int length) {
    boundsCheck(index, length);
    dstBuffer.boundsCheck(dstIndex, length);
    byte[] chunk = new byte[Math.min(length, CHUNK_BYTES)];
    for (int at = 0; at < length; at += chunk.length) {
      int count = Math.min(chunk.length, length - at);
      getBytes(index + at, chunk, 0, count);
      dstBuffer.putBytes(dstIndex + at, chunk, 0, count);
    }
  }

  @Override
  public void getBytes(int index, ByteBuffer dstBuffer, int length) {
    boundsCheck(index, length);
    dstBuffer.put(window(index, length));
    Reference.reachabilityFence(this);
  }

  @Override
  public void getBytes(int index, ByteBuffer dstBuffer, int dstOffset, int length) {
    boundsCheck(index, length);
    dstBuffer.put(dstOffset, window(index, length), 0, length);
    Reference.reachabilityFence(this);
  }

  /** Read by the JDK only, which asks whether the memory is there. */
  private ByteBuffer window(int index, int length) {
    return segment.asSlice(index, length).asByteBuffer();
  }

  @Override
  public int parseNaturalIntAscii(int index, int length) {
    return AsciiEncoding.parseIntAscii(natural(index, length), 0, length);
  }

  @Override
  public long parseNaturalLongAscii(int index, int length) {
    return AsciiEncoding.parseLongAscii(natural(index, length), 0, length);
  }

  private String natural(int index, int length) {
    String digits = getStringWithoutLengthAscii(index, length);
    if (digits.startsWith("-")) {
      throw new org.agrona.AsciiNumberFormatException("'-' is not a valid digit @ " + index);
    }
    return digits;
  }

  @Override
  public int parseIntAscii(int index, int length) {
    return AsciiEncoding.parseIntAscii(getStringWithoutLengthAscii(index, length), 0, length);
  }

  @Override
  public long parseLongAscii(int index, int length) {
    return AsciiEncoding.parseLongAscii(getStringWithoutLengthAscii(index, length), 0, length);
  }

  @Override
  public String getStringAscii(int index) {
    return getStringAscii(index, getInt(index));
  }

  @Override
  public int getStringAscii(int index, Appendable appendable) {
    return getStringAscii(index, getInt(index), appendable);
  }

  @Override
  public String getStringAscii(int index, ByteOrder order) {
    return getStringAscii(index, getInt(index, order));
  }

  @Override
  public int getStringAscii(int index, Appendable appendable, ByteOrder order) {
    return getStringAscii(index, getInt(index, order), appendable);
  }

  @Override
  public String getStringAscii(int index, int length) {
    return getStringWithoutLengthAscii(index + STR_HEADER_LEN, length);
  }

  @Override
  public int getStringAscii(int index, int length, Appendable appendable) {
    return getStringWithoutLengthAscii(index + STR_HEADER_LEN, length, appendable);
  }

  @Override
  public String getStringWithoutLengthAscii(int index, int length) {
    return new String(copy(index, length), StandardCharsets.US_ASCII);
  }

  @Override
  public int getStringWithoutLengthAscii(int index, int length, Appendable appendable) {
    boundsCheck(index, length);
    try {
      for (int i = 0; i < length; i++) {
        byte b = getByte(index + i);
        appendable.append(b < 0 ? '?' : (char) b);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return length;
  }

  @Override
  public String getStringUtf8(int index) {
    return getStringUtf8(index, getInt(index));
  }

  @Override
  public String getStringUtf8(int index, ByteOrder order) {
    return getStringUtf8(index, getInt(index, order));
  }

  @Override
  public String getStringUtf8(int index, int length) {
    return getStringWithoutLengthUtf8(index + STR_HEADER_LEN, length);
  }

  @Override
  public String getStringWithoutLengthUtf8(int index, int length) {
    return new String(copy(index, length), StandardCharsets.UTF_8);
  }

  private byte[] copy(int index, int length) {
    boundsCheck(index, length);
    byte[] bytes = new byte[length];
    MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, index, bytes, 0, length);
    Reference.reachabilityFence(this);
    return bytes;
  }

  /** By unsigned bytes, then by length. */
  @Override
  public int compareTo(DirectBuffer that) {
    int common = Math.min(capacity, that.capacity());
    for (int i = 0; i < common; i++) {
      int difference = Byte.compareUnsigned(getByte(i), that.getByte(i));
      if (difference != 0) {
        return difference;
      }
    }
    return Integer.compare(capacity, that.capacity());
  }

  @Override
  public boolean equals(Object other) {
    if (!(other instanceof SegmentBuffer that)) {
      return false;
    }
    boolean same = segment.mismatch(that.segment) < 0;
    Reference.reachabilityFence(this);
    Reference.reachabilityFence(that);
    return same;
  }

  @Override
  public int hashCode() {
    int hash = 1;
    for (int i = 0; i < capacity; i++) {
      hash = 31 * hash + getByte(i);
    }
    return hash;
  }

  @Override
  public String toString() {
    return "SegmentBuffer[" + capacity + " bytes]";
  }
}
