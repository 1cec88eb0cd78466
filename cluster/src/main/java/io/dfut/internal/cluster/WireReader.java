package io.dfut.internal.cluster;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.cbor.CBORFactory;
import io.dfut.NodeId;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

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
  private static final ConcurrentHashMap<NodeId, NodeId> NODES = new ConcurrentHashMap<>();

  private static final int NODES_MAX = 4096;

  private final JsonParser parser;
  private final int length;
  private final List<String> texts = new ArrayList<>();
  private final List<NodeId> nodes = new ArrayList<>();
  private int depth;

  WireReader(CBORFactory factory, byte[] bytes, int from) throws IOException {
    parser = factory.createParser(bytes, from, bytes.length - from);
    length = bytes.length - from;
  }

  /** The shared object equal to this one. */
  static NodeId intern(NodeId node) {
    NodeId known = NODES.get(node);
    if (known != null) {
      return known;
    }
    if (NODES.size() >= NODES_MAX) {
      return node;
    }
    known = NODES.putIfAbsent(node, node);
    return known == null ? node : known;
  }

  long readLong() throws IOException {
    expect(JsonToken.VALUE_NUMBER_INT, parser.nextToken());
    return parser.getLongValue();
  }

  int readInt() throws IOException {
    expect(JsonToken.VALUE_NUMBER_INT, parser.nextToken());
    return parser.getIntValue();
  }

  double readDouble() throws IOException {
    expect(JsonToken.VALUE_NUMBER_FLOAT, parser.nextToken());
    return parser.getDoubleValue();
  }

  boolean readBoolean() throws IOException {
    JsonToken token = parser.nextToken();
    if (token != JsonToken.VALUE_TRUE) {
      expect(JsonToken.VALUE_FALSE, token);
    }
    return token == JsonToken.VALUE_TRUE;
  }

  byte[] readBytes() throws IOException {
    expect(JsonToken.VALUE_EMBEDDED_OBJECT, parser.nextToken());
    return parser.getBinaryValue();
  }

  /** How many elements follow; each takes a byte or more, so there cannot be more than bytes. */
  int readCount() throws IOException {
    int count = readInt();
    if (count < 0 || count > length) {
      throw new IOException(count + " elements in a message of " + length + " bytes");
    }
    return count;
  }

  String readText() throws IOException {
    JsonToken token = parser.nextToken();
    if (token == JsonToken.VALUE_NUMBER_INT) {
      return known(texts, parser.getIntValue(), "text");
    }
    expect(JsonToken.VALUE_STRING, token);
    String text = parser.getText();
    if (text.length() <= WireWriter.TABLE_TEXT_MAX) {
      texts.add(text);
    }
    return text;
  }

  NodeId readNode() throws IOException {
    JsonToken token = parser.nextToken();
    if (token == JsonToken.VALUE_NUMBER_INT) {
      return known(nodes, parser.getIntValue(), "node");
    }
    expect(JsonToken.VALUE_STRING, token);
    NodeId node = intern(new NodeId(parser.getText(), readInt(), readLong()));
    nodes.add(node);
    return node;
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
    JsonToken token = parser.nextToken();
    if (token != null) {
      throw new IOException("more than was announced: " + token);
    }
  }

  private static <T> T known(List<T> table, int index, String what) throws IOException {
    if (index < 0 || index >= table.size()) {
      throw new IOException(what + " number " + index + " of " + table.size());
    }
    return table.get(index);
  }

  private static void expect(JsonToken expected, JsonToken found) throws IOException {
    if (found != expected) {
      throw new IOException(
          "expected " + expected + ", found " + (found == null ? "the end" : found));
    }
  }
}
