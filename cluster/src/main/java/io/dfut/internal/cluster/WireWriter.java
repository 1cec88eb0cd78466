package io.dfut.internal.cluster;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.dataformat.cbor.CBORFactory;
import io.dfut.NodeId;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * Writes one envelope: a sequence of CBOR scalars. What is written more than once in an envelope,
 * names and node ids, is written in full the first time and as a number after that, so a batch of
 * pushes of one task carries its class, method and line once. Not thread-safe.
 */
final class WireWriter {
  /** Longer texts, messages of errors for example, are seldom repeated and not worth a look-up. */
  static final int TABLE_TEXT_MAX = 512;

  /** An output that can forget its end. */
  private static final class Bytes extends ByteArrayOutputStream {
    Bytes() {
      super(1024);
    }

    void truncate(int length) {
      count = length;
    }
  }

  private final Bytes bytes = new Bytes();
  private final JsonGenerator generator;
  private final Map<String, Integer> texts = new HashMap<>();
  private final Map<NodeId, Integer> nodes = new HashMap<>();

  WireWriter(CBORFactory factory) throws IOException {
    generator = factory.createGenerator(bytes);
  }

  /** A place to which {@link #rollBack} can return. */
  record Mark(int length, int texts, int nodes) {}

  Mark mark() throws IOException {
    generator.flush();
    return new Mark(bytes.size(), texts.size(), nodes.size());
  }

  /** Forgets everything written since, names and nodes included. */
  void rollBack(Mark mark) throws IOException {
    generator.flush();
    bytes.truncate(mark.length());
    texts.values().removeIf(index -> index >= mark.texts());
    nodes.values().removeIf(index -> index >= mark.nodes());
  }

  /** How much has been written. */
  int size() throws IOException {
    generator.flush();
    return bytes.size();
  }

  /** What was written; the last call. */
  byte[] toByteArray() throws IOException {
    generator.close(); // gives its buffers back for the next envelope
    return bytes.toByteArray();
  }

  void writeLong(long value) throws IOException {
    generator.writeNumber(value);
  }

  void writeDouble(double value) throws IOException {
    generator.writeNumber(value);
  }

  void writeBoolean(boolean value) throws IOException {
    generator.writeBoolean(value);
  }

  void writeBytes(byte[] value) throws IOException {
    generator.writeBinary(value);
  }

  /** A text, or the number of an earlier equal one. */
  void writeText(String value) throws IOException {
    if (value.length() > TABLE_TEXT_MAX) {
      generator.writeString(value);
      return;
    }
    Integer known = texts.putIfAbsent(value, texts.size());
    if (known == null) {
      generator.writeString(value);
    } else {
      generator.writeNumber(known.intValue());
    }
  }

  /** Host, port and incarnation, or the number of an earlier equal node. */
  void writeNode(NodeId node) throws IOException {
    Integer known = nodes.putIfAbsent(node, nodes.size());
    if (known == null) {
      generator.writeString(node.host());
      generator.writeNumber(node.port());
      generator.writeNumber(node.incarnation());
    } else {
      generator.writeNumber(known.intValue());
    }
  }
}
