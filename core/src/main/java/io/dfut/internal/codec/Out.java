package io.dfut.internal.codec;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Collects an encoding in chunks, so that a large value is neither copied while it grows nor
 * limited to the size of an array. Numbers are little-endian. Not thread-safe.
 */
final class Out {
  private static final int CHUNK_BYTES_MAX = 256 * 1024;

  /** An array of at least so many bytes gets a chunk of its own size. */
  private static final int BULK_BYTES = 16 * 1024;

  private byte[] chunk = new byte[256];
  private int at;
  private List<MemorySegment> full = List.of();
  private long fullBytes;

  long bytes() {
    return fullBytes + at;
  }

  /** The chunks in order; the last may have room left that does not count. */
  List<MemorySegment> chunks() {
    List<MemorySegment> all = new ArrayList<>(full);
    all.add(MemorySegment.ofArray(chunk).asSlice(0, at));
    return all;
  }

  /** Whether {@link #chunk()} holds everything. */
  boolean isOneChunk() {
    return full.isEmpty();
  }

  byte[] chunk() {
    return chunk;
  }

  private void room(int count) {
    if (chunk.length - at >= count) {
      return;
    }
    if (chunk.length < CHUNK_BYTES_MAX) {
      byte[] wider = new byte[Math.max(chunk.length * 2, at + count)];
      System.arraycopy(chunk, 0, wider, 0, at);
      chunk = wider;
    } else {
      seal();
      chunk = new byte[Math.max(CHUNK_BYTES_MAX, count)];
    }
  }

  private void seal() {
    if (at > 0) {
      if (full.isEmpty()) {
        full = new ArrayList<>();
      }
      full.add(MemorySegment.ofArray(chunk).asSlice(0, at));
      fullBytes += at;
      at = 0;
    }
  }

  void u1(int value) {
    if (at == chunk.length) {
      room(1);
    }
    chunk[at++] = (byte) value;
  }

  void u2(int value) {
    room(2);
    chunk[at++] = (byte) value;
    chunk[at++] = (byte) (value >>> 8);
  }

  void u4(int value) {
    room(4);
    for (int i = 0; i < 4; i++) {
      chunk[at++] = (byte) (value >>> (8 * i));
    }
  }

  void u8(long value) {
    room(8);
    for (int i = 0; i < 8; i++) {
      chunk[at++] = (byte) (value >>> (8 * i));
    }
  }

  /** Seven bits a byte, low ones first: at most ten bytes. */
  void varint(long value) {
    room(10);
    while ((value & ~0x7FL) != 0) {
      chunk[at++] = (byte) (value | 0x80);
      value >>>= 7;
    }
    chunk[at++] = (byte) value;
  }

  void zigzag(long value) {
    varint((value << 1) ^ (value >> 63));
  }

  /** A length in chars, doubled, plus 1 when two bytes a char follow rather than one. */
  @SuppressWarnings(
      "deprecation") // String.getBytes(int, int, byte[], int) is the only copy of Latin-1 without a
  // second array
  void string(String value) {
    int length = value.length();
    boolean wide = !isLatin1(value);
    varint(((long) length << 1) | (wide ? 1 : 0));
    if (!wide) {
      if (length < BULK_BYTES) {
        room(length);
        value.getBytes(0, length, chunk, at);
        at += length;
      } else {
        own(value.getBytes(StandardCharsets.ISO_8859_1));
      }
    } else {
      for (int from = 0; from < length; ) {
        int to = Math.min(length, from + BULK_BYTES);
        room((to - from) * 2);
        for (; from < to; from++) {
          char c = value.charAt(from);
          chunk[at++] = (byte) c;
          chunk[at++] = (byte) (c >>> 8);
        }
      }
    }
  }

  static boolean isLatin1(String value) {
    int all = 0;
    for (int i = 0, length = value.length(); i < length; i++) {
      all |= value.charAt(i);
    }
    return all < 0x100;
  }

  void bytes(byte[] value) {
    if (value.length >= BULK_BYTES) {
      own(value.clone());
    } else {
      room(value.length);
      System.arraycopy(value, 0, chunk, at, value.length);
      at += value.length;
    }
  }

  /** Copies all of {@code source}: an encoding never sees what happens to the value later. */
  void segment(MemorySegment source) {
    long size = source.byteSize();
    for (long from = 0; from < size; ) {
      int count = (int) Math.min(size - from, 64 << 20);
      if (count >= BULK_BYTES) {
        byte[] copy = new byte[count];
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, from, copy, 0, count);
        own(copy);
      } else {
        room(count);
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, from, chunk, at, count);
        at += count;
      }
      from += count;
    }
  }

  private void own(byte[] array) {
    seal();
    if (full.isEmpty()) {
      full = new ArrayList<>();
    }
    full.add(MemorySegment.ofArray(array));
    fullBytes += array.length;
    // The sealed chunk's array is part of the result now.
    chunk = new byte[1024];
  }
}
