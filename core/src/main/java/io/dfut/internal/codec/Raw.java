package io.dfut.internal.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.agrona.DirectBuffer;

/**
 * Values that are nothing but bytes. Elements of more than one byte are little-endian, whatever the
 * machine.
 */
final class Raw {
  private Raw() {}

  private static final boolean IS_LITTLE_ENDIAN =
      ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

  /**
   * The value's bytes, in place where the machine keeps them in our order. The caller keeps the
   * value reachable while it reads them: it may pin them, and they alone do not.
   */
  static MemorySegment bytes(int tag, Object value) {
    return switch (tag) {
      case Tag.BYTES -> MemorySegment.ofArray((byte[]) value);
      case Tag.BOOLEANS -> {
        boolean[] booleans = (boolean[]) value;
        byte[] bytes = new byte[booleans.length];
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] = (byte) (booleans[i] ? 1 : 0);
        }
        yield MemorySegment.ofArray(bytes);
      }
      case Tag.SHORTS -> ordered(MemorySegment.ofArray((short[]) value), 2);
      case Tag.CHARS -> ordered(MemorySegment.ofArray((char[]) value), 2);
      case Tag.INTS -> ordered(MemorySegment.ofArray((int[]) value), 4);
      case Tag.FLOATS -> ordered(MemorySegment.ofArray((float[]) value), 4);
      case Tag.LONGS -> ordered(MemorySegment.ofArray((long[]) value), 8);
      case Tag.DOUBLES -> ordered(MemorySegment.ofArray((double[]) value), 8);
      case Tag.BYTE_BUFFER -> MemorySegment.ofBuffer((ByteBuffer) value);
      case Tag.SEGMENT -> (MemorySegment) value;
      case Tag.DIRECT_BUFFER -> bytes((DirectBuffer) value);
      default -> throw new IllegalStateException("not a raw kind: " + tag);
    };
  }

  /** Whether nobody but the buffer itself knows where its bytes are. */
  static boolean isAddress(DirectBuffer buffer) {
    return !(buffer instanceof SegmentBuffer)
        && buffer.byteArray() == null
        && buffer.byteBuffer() == null;
  }

  private static MemorySegment bytes(DirectBuffer buffer) {
    if (buffer instanceof SegmentBuffer ours) {
      return ours.segment();
    }
    // In place where the buffer says what it wraps; an address without an owner is copied instead
    // of trusted.
    if (buffer.byteArray() != null) {
      return MemorySegment.ofArray(buffer.byteArray())
          .asSlice(buffer.wrapAdjustment(), buffer.capacity());
    }
    if (buffer.byteBuffer() != null) {
      ByteBuffer all = buffer.byteBuffer().duplicate().clear();
      return MemorySegment.ofBuffer(all).asSlice(buffer.wrapAdjustment(), buffer.capacity());
    }
    byte[] copy = new byte[buffer.capacity()];
    buffer.getBytes(0, copy);
    return MemorySegment.ofArray(copy);
  }

  private static MemorySegment ordered(MemorySegment elements, int size) {
    if (IS_LITTLE_ENDIAN) {
      return elements;
    }
    byte[] swapped = new byte[Math.toIntExact(elements.byteSize())];
    for (int i = 0; i < swapped.length; i++) {
      swapped[i] = elements.get(ValueLayout.JAVA_BYTE, i / size * size + (size - 1 - i % size));
    }
    return MemorySegment.ofArray(swapped);
  }

  /** Elements of a tag's array type; 1 for buffers. */
  static int elementBytes(int tag) {
    return switch (tag) {
      case Tag.SHORTS, Tag.CHARS -> 2;
      case Tag.INTS, Tag.FLOATS -> 4;
      case Tag.LONGS, Tag.DOUBLES -> 8;
      default -> 1;
    };
  }

  /** A primitive array of these bytes. */
  static Object array(int tag, MemorySegment bytes) {
    int size = elementBytes(tag);
    long length = bytes.byteSize() / size;
    if (length * size != bytes.byteSize()) {
      throw new Malformed(bytes.byteSize() + " bytes are no whole number of elements of " + size);
    }
    if (length > Integer.MAX_VALUE - 8) {
      throw new Malformed("an array of " + length + " elements is larger than arrays can be");
    }
    int count = (int) length;
    return switch (tag) {
      case Tag.BYTES -> {
        byte[] array = new byte[count];
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, 0, array, 0, count);
        yield array;
      }
      case Tag.BOOLEANS -> {
        byte[] array = new byte[count];
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, 0, array, 0, count);
        boolean[] booleans = new boolean[count];
        for (int i = 0; i < count; i++) {
          booleans[i] = array[i] != 0;
        }
        yield booleans;
      }
      case Tag.SHORTS -> fill(bytes, ValueLayout.JAVA_SHORT_UNALIGNED, new short[count], count);
      case Tag.CHARS -> fill(bytes, ValueLayout.JAVA_CHAR_UNALIGNED, new char[count], count);
      case Tag.INTS -> fill(bytes, ValueLayout.JAVA_INT_UNALIGNED, new int[count], count);
      case Tag.LONGS -> fill(bytes, ValueLayout.JAVA_LONG_UNALIGNED, new long[count], count);
      case Tag.FLOATS -> fill(bytes, ValueLayout.JAVA_FLOAT_UNALIGNED, new float[count], count);
      case Tag.DOUBLES -> fill(bytes, ValueLayout.JAVA_DOUBLE_UNALIGNED, new double[count], count);
      default -> throw new IllegalStateException("not an array: " + tag);
    };
  }

  private static Object fill(MemorySegment bytes, ValueLayout layout, Object array, int count) {
    MemorySegment.copy(bytes, layout.withOrder(ByteOrder.LITTLE_ENDIAN), 0, array, 0, count);
    return array;
  }
}
