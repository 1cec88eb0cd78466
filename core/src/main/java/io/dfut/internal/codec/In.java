package io.dfut.internal.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Reads what {@link Out} wrote, from memory of any kind, through a window on the heap: single bytes
 * are then read from an array, and memory that is unmapped meanwhile can only make the next refill
 * throw. Every length is compared with what is left before anything is allocated for it. Not
 * thread-safe.
 */
final class In {
  private static final int WINDOW_BYTES = 64 * 1024;

  private final MemorySegment source;
  private final long end;

  /** Where in the source the window begins. */
  private long base;

  private final byte[] window;
  private int at;
  private int limit;

  In(MemorySegment source, long from) {
    this.source = source;
    this.end = source.byteSize();
    this.base = from;
    this.window = new byte[(int) Math.min(WINDOW_BYTES, Math.max(0, end - from))];
  }

  long position() {
    return base + at;
  }

  long remaining() {
    return end - base - at;
  }

  private void need(int count) {
    if (limit - at >= count) {
      return;
    }
    if (remaining() < count) {
      throw new Malformed("it ends too early");
    }
    base += at;
    at = 0;
    limit = (int) Math.min(window.length, end - base);
    MemorySegment.copy(source, ValueLayout.JAVA_BYTE, base, window, 0, limit);
  }

  int u1() {
    if (at == limit) {
      need(1);
    }
    return window[at++] & 0xFF;
  }

  int u2() {
    need(2);
    int value = (window[at] & 0xFF) | (window[at + 1] & 0xFF) << 8;
    at += 2;
    return value;
  }

  int u4() {
    need(4);
    int value = 0;
    for (int i = 0; i < 4; i++) {
      value |= (window[at++] & 0xFF) << (8 * i);
    }
    return value;
  }

  long u8() {
    need(8);
    long value = 0;
    for (int i = 0; i < 8; i++) {
      value |= (window[at++] & 0xFFL) << (8 * i);
    }
    return value;
  }

  long varint() {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      int b = u1();
      value |= (b & 0x7FL) << shift;
      if (b < 0x80) {
        return value;
      }
    }
    throw new Malformed("a number has more than ten bytes");
  }

  long zigzag() {
    long value = varint();
    return (value >>> 1) ^ -(value & 1);
  }

  int zigzagInt() {
    long value = zigzag();
    if (value != (int) value) {
      throw new Malformed("a number is no int: " + value);
    }
    return (int) value;
  }

  /** A count of items of at least so many bytes each. */
  int count(int bytesEach) {
    long count = varint();
    if (count < 0 || count > Integer.MAX_VALUE - 8 || count > remaining() / bytesEach) {
      throw new Malformed(
          "it claims "
              + Long.toUnsignedString(count)
              + " items where "
              + remaining()
              + " bytes are left");
    }
    return (int) count;
  }

  String string() {
    return string(Integer.MAX_VALUE - 8);
  }

  String string(int lengthMax) {
    long header = varint();
    boolean wide = (header & 1) != 0;
    long length = header >>> 1;
    if (length > lengthMax || length > (wide ? remaining() / 2 : remaining())) {
      throw new Malformed(
          "it claims a string of " + length + " chars where " + remaining() + " bytes are left");
    }
    int chars = (int) length;
    if (wide) {
      char[] value = new char[chars];
      for (int i = 0; i < chars; i++) {
        value[i] = (char) u2();
      }
      return new String(value);
    }
    if (chars <= window.length) {
      need(chars);
      String value = new String(window, at, chars, StandardCharsets.ISO_8859_1);
      at += chars;
      return value;
    }
    return new String(bytes(chars), StandardCharsets.ISO_8859_1);
  }

  byte[] bytes(int count) {
    if (count > remaining()) {
      throw new Malformed("it claims " + count + " bytes where " + remaining() + " are left");
    }
    byte[] value = new byte[count];
    MemorySegment.copy(source, ValueLayout.JAVA_BYTE, position(), value, 0, count);
    skip(count);
    return value;
  }

  /** The next bytes, in place. */
  MemorySegment slice(long count) {
    if (count < 0 || count > remaining()) {
      throw new Malformed("it claims " + count + " bytes where " + remaining() + " are left");
    }
    MemorySegment slice = source.asSlice(position(), count);
    skip(count);
    return slice;
  }

  private void skip(long count) {
    if (count <= limit - at) {
      at += (int) count;
    } else {
      base += at + count;
      at = 0;
      limit = 0;
    }
  }
}
