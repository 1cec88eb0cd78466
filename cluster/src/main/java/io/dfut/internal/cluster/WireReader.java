package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.task.Sharing;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads what {@link WireWriter} wrote. What it reads is not trusted: every number is checked
 * against what is left of the bytes before memory is taken for it, and values may nest only so
 * deep. Not thread-safe.
 */
final class WireReader {
  /** Deeper than any message of ours: causes of an error, themselves bounded, are the deepest. */
  static final int DEPTH_MAX = 128;

  /**
   * Nodes seen on the wire, so that the thousands of ids in a table share one object. Nodes are
   * few; when this many were seen, later ones are not shared, so a hostile sender cannot fill it.
   */
  private static final Sharing<NodeId> NODES = new Sharing<>(4096);

  private final byte[] bytes;
  private int at;

  /** What was written in full, by its number. */
  private final List<Object> known = new ArrayList<>();

  private int depth;

  WireReader(byte[] bytes, int from) {
    this.bytes = bytes;
    this.at = from;
  }

  /** The shared object equal to this one. */
  static NodeId intern(NodeId node) {
    return NODES.of(node);
  }

  private int left() {
    return bytes.length - at;
  }

  private byte next() throws IOException {
    if (at == bytes.length) {
      throw new IOException("it ends in the middle");
    }
    return bytes[at++];
  }

  private long readVarint() throws IOException {
    byte first = next();
    if (first >= 0) {
      return first;
    }
    long value = first & 0x7F;
    for (int shift = 7; shift < 64; shift += 7) {
      byte more = next();
      value |= (long) (more & 0x7F) << shift;
      if (more >= 0) {
        if (shift == 63 && more > 1) {
          break;
        }
        return value;
      }
    }
    throw new IOException("a number of more than 64 bits");
  }

  long readLong() throws IOException {
    long coded = readVarint();
    return (coded >>> 1) ^ -(coded & 1);
  }

  int readInt() throws IOException {
    long value = readLong();
    if (value != (int) value) {
      throw new IOException(value + " where a number of 32 bits is expected");
    }
    return (int) value;
  }

  double readDouble() throws IOException {
    long bits = 0;
    for (int i = 0; i < Double.BYTES; i++) {
      bits = bits << 8 | next() & 0xFF;
    }
    return Double.longBitsToDouble(bits);
  }

  boolean readBoolean() throws IOException {
    return readChoice(2) == 1;
  }

  /** Which of so many. */
  int readChoice(int count) throws IOException {
    long choice = readVarint();
    if (choice < 0 || choice >= count) {
      throw new IOException(choice + " where there are " + count + " to choose from");
    }
    return (int) choice;
  }

  byte[] readBytes() throws IOException {
    int length = readCount();
    at += length;
    return Arrays.copyOfRange(bytes, at - length, at);
  }

  /** How many elements follow; each takes a byte or more, so there cannot be more than bytes. */
  int readCount() throws IOException {
    long count = readVarint();
    if (count < 0 || count > left()) {
      throw new IOException(count + " elements in a message with " + left() + " bytes left");
    }
    return (int) count;
  }

  /**
   * A value that was read before; null when one follows that the caller has to read now, and to
   * {@link #remember} after that.
   */
  <T> T readKnown(Class<T> type) throws IOException {
    int number = readNumber();
    if (number == WireWriter.ONCE) {
      throw new IOException("a " + type.getSimpleName() + " that gets no number");
    }
    return number == WireWriter.NEW ? null : known(number, type);
  }

  private int readNumber() throws IOException {
    return readChoice(known.size() + WireWriter.KNOWN);
  }

  private <T> T known(int number, Class<T> type) throws IOException {
    Object value = known.get(number - WireWriter.KNOWN);
    if (!type.isInstance(value)) {
      throw new IOException(
          "a " + value.getClass().getSimpleName() + " instead of a " + type.getSimpleName());
    }
    return type.cast(value);
  }

  /** A value has been read in full; gives it back. */
  <T> T remember(T value) {
    known.add(value);
    return value;
  }

  String readText() throws IOException {
    int number = readNumber();
    if (number >= WireWriter.KNOWN) {
      return known(number, String.class);
    }
    int length = readCount();
    at += length;
    String text = new String(bytes, at - length, length, StandardCharsets.UTF_8);
    return number == WireWriter.ONCE ? text : remember(text);
  }

  NodeId readNode() throws IOException {
    NodeId node = readKnown(NodeId.class);
    return node != null ? node : remember(intern(new NodeId(readText(), readInt(), readLong())));
  }

  /** To be called before the parts of a value are read, and {@link #leave} after. */
  void enter() throws IOException {
    if (++depth > DEPTH_MAX) {
      throw new IOException("values nested deeper than " + DEPTH_MAX);
    }
  }

  void leave() {
    depth--;
  }

  /** Refuses bytes after the last value. */
  void end() throws IOException {
    if (left() > 0) {
      throw new IOException(left() + " bytes more than was announced");
    }
  }
}
