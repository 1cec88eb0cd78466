package io.dfut.internal.cluster;

import io.dfut.NodeId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes one envelope: a sequence of scalars, of which {@link WireReader} knows what they are. What
 * is written more than once in an envelope, names, ids of nodes and workers, functions, is written
 * in full the first time and as a number after that, so a batch of pushes of one task carries its
 * class, method and line once. Not thread-safe.
 */
final class WireWriter {
  /** Longer texts, messages of errors for example, are seldom repeated and not worth a look-up. */
  static final int TABLE_TEXT_MAX = 512;

  /** What comes is new, and will be known by the next number. */
  static final int NEW = 0;

  /** What comes is new, and gets no number. */
  static final int ONCE = 1;

  /** The number of what is known is written with so much added. */
  static final int KNOWN = 2;

  private static final int VARINT_BYTES_MAX = 10;

  private final int bytesMax;
  private byte[] bytes = new byte[1024];
  private int size;

  /** The numbers of what was written. */
  private final Map<Object, Integer> known = new HashMap<>();

  /**
   * @param bytesMax what cannot fit is refused before memory is taken for it
   */
  WireWriter(int bytesMax) {
    this.bytesMax = bytesMax;
  }

  /** A place to which {@link #rollBack} can return. */
  record Mark(int size, int known) {}

  Mark mark() {
    return new Mark(size, known.size());
  }

  /** Forgets everything written since, numbers included. */
  void rollBack(Mark mark) {
    size = mark.size();
    if (known.size() > mark.known()) {
      known.values().removeIf(number -> number >= mark.known());
    }
  }

  /** How much has been written. */
  int size() {
    return size;
  }

  /** What was written. */
  byte[] toByteArray() {
    return Arrays.copyOf(bytes, size);
  }

  private void room(int more) throws IOException {
    if (more > bytes.length - size) {
      long needed = (long) size + more;
      if (needed > (long) bytesMax + VARINT_BYTES_MAX) {
        throw new FullException("more than " + bytesMax + " bytes");
      }
      bytes = Arrays.copyOf(bytes, (int) Math.min(Math.max(needed, 2L * bytes.length), arrayMax()));
    }
  }

  private long arrayMax() {
    return Math.min((long) bytesMax + VARINT_BYTES_MAX, Integer.MAX_VALUE - 8);
  }

  /** There is no room for what was to be written. */
  static final class FullException extends IOException {
    private static final long serialVersionUID = 1L;

    FullException(String message) {
      super(message);
    }
  }

  /** Seven bits a byte, the lowest first; all but the last have the eighth set. */
  private void writeVarint(long value) throws IOException {
    room(VARINT_BYTES_MAX);
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      bytes[size++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    bytes[size++] = (byte) rest;
  }

  /** Small numbers of either sign are short. */
  void writeLong(long value) throws IOException {
    writeVarint((value << 1) ^ (value >> 63));
  }

  /** A number that is not negative: a length, or what stands for one of several kinds. */
  void writeCount(int count) throws IOException {
    writeVarint(count);
  }

  void writeDouble(double value) throws IOException {
    room(Double.BYTES);
    long bits = Double.doubleToRawLongBits(value);
    for (int shift = 56; shift >= 0; shift -= 8) {
      bytes[size++] = (byte) (bits >>> shift);
    }
  }

  void writeBoolean(boolean value) throws IOException {
    writeCount(value ? 1 : 0);
  }

  void writeBytes(byte[] value) throws IOException {
    writeCount(value.length);
    room(value.length);
    System.arraycopy(value, 0, bytes, size, value.length);
    size += value.length;
  }

  /**
   * Writes the number of an equal value that was written before, if there was one; else what the
   * caller has to write now, and to {@link #remember} after that.
   *
   * @return whether it was known
   */
  boolean writeKnown(Object value) throws IOException {
    Integer number = known.get(value);
    writeCount(number == null ? NEW : number + KNOWN);
    return number != null;
  }

  /** A value has been written in full, what is in it included. */
  void remember(Object value) {
    known.put(value, known.size());
  }

  /** A text, or the number of an earlier equal one. */
  void writeText(String value) throws IOException {
    if (value.length() > TABLE_TEXT_MAX) {
      writeCount(ONCE);
      writeBytes(value.getBytes(StandardCharsets.UTF_8));
    } else if (!writeKnown(value)) {
      writeBytes(value.getBytes(StandardCharsets.UTF_8));
      remember(value);
    }
  }

  /** Host, port and incarnation, or the number of an earlier equal node. */
  void writeNode(NodeId node) throws IOException {
    if (!writeKnown(node)) {
      writeText(node.host());
      writeLong(node.port());
      writeLong(node.incarnation());
      remember(node);
    }
  }
}
