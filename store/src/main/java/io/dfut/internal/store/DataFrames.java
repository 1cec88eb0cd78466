package io.dfut.internal.store;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.spi.ObjectKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * The bytes that go over a data connection, big-endian. Nothing that a peer says is believed: every
 * length is checked against a bound before memory is taken, and what does not fit ends the
 * connection.
 *
 * <pre>
 *   puller  hello    magic:4 version:2 length:2 token:length
 *   source  welcome  magic:4 version:2 verdict:1
 *   puller  request  length:2 { kind:1 host:2+n port:4 incarnation:8 worker:8 sequence:8 index:4 attempt:4
 *                               bytes:8 from:8 prefixCrc:4 chunk:4 memory:1 }
 *   source  answer   status:1 bytes:8, and if FOUND the bytes [from, bytes) as chunks:
 *           chunk    length:4 crc32c:4 payload:length
 * </pre>
 *
 * Other kinds of requests are in {@link HoldFrames}. All chunks but the last are as long as the
 * request says. After the answer the next request may follow. A later version may change everything
 * behind {@code version:2}.
 */
final class DataFrames {
  /** {@code DFDP}. */
  static final int MAGIC = 0x44_46_44_50;

  static final short VERSION = 3;
  static final int HELLO_HEAD_BYTES = 8;
  static final int WELCOME_BYTES = 7;
  static final int ANSWER_BYTES = 9;
  static final int CHUNK_HEAD_BYTES = 8;
  static final int TOKEN_MAX = 256;
  static final int REQUEST_MAX = 1024;
  static final int CHUNK_MIN = 4 * 1024;
  static final int CHUNK_MAX = 16 * 1024 * 1024;

  /**
   * The first two bytes of a Java serialisation stream: somebody tries whether we would read one.
   */
  static final short JAVA_STREAM = (short) 0xACED;

  /** The first two bytes of a TLS hello, and of a TLS alert: the other side speaks TLS. */
  static final short TLS_HELLO = 0x16_03;

  static final short TLS_ALERT = 0x15_03;

  static final byte KIND_PULL = 1;
  private static final int HOST_MAX = 255;

  /** Answers to a hello. */
  static final byte WELCOME = 0;

  static final byte WRONG_VERSION = 1;
  static final byte WRONG_TOKEN = 2;
  static final byte NO_TLS = 3;

  /** Answers to a request. */
  static final byte FOUND = 0;

  static final byte NOT_HERE = 1;
  static final byte SIZE_DIFFERS = 2;
  static final byte PREFIX_DIFFERS = 3;
  static final byte ON_DISK = 4;

  private DataFrames() {}

  /** A peer said what no peer of ours says. The connection must be closed. */
  static final class ProtocolException extends IOException {
    ProtocolException(String message) {
      super(message);
    }
  }

  /**
   * What a puller wants.
   *
   * @param bytes the size that it was told
   * @param fromBytes where to begin; the bytes before arrived from another source
   * @param prefixCrc the CRC32C of these bytes
   * @param chunkBytes how long chunks shall be
   * @param fromMemory not when it would have to be read from disk
   */
  record Request(
      ObjectKey key,
      long bytes,
      long fromBytes,
      int prefixCrc,
      int chunkBytes,
      boolean fromMemory) {}

  static ByteBuffer hello(byte[] token) {
    return ByteBuffer.allocate(HELLO_HEAD_BYTES + token.length)
        .putInt(MAGIC)
        .putShort(VERSION)
        .putShort((short) token.length)
        .put(token)
        .flip();
  }

  static ByteBuffer welcome(byte verdict) {
    return ByteBuffer.allocate(WELCOME_BYTES).putInt(MAGIC).putShort(VERSION).put(verdict).flip();
  }

  static ByteBuffer answer(byte status, long bytes) {
    return ByteBuffer.allocate(ANSWER_BYTES).put(status).putLong(bytes).flip();
  }

  static ByteBuffer encode(Request request) throws ProtocolException {
    ByteBuffer frame = ByteBuffer.allocate(REQUEST_MAX);
    frame.position(2);
    frame.put(KIND_PULL);
    put(frame, request.key());
    frame
        .putLong(request.bytes())
        .putLong(request.fromBytes())
        .putInt(request.prefixCrc())
        .putInt(request.chunkBytes())
        .put((byte) (request.fromMemory() ? 1 : 0));
    frame.putShort(0, (short) (frame.position() - 2));
    return frame.flip();
  }

  /** Appends a key. */
  static void put(ByteBuffer frame, ObjectKey key) throws ProtocolException {
    ObjectId id = key.id();
    NodeId node = id.owner().node();
    byte[] host = node.host().getBytes(StandardCharsets.UTF_8);
    if (host.length > HOST_MAX) {
      throw new ProtocolException("host name of " + host.length + " bytes: " + node);
    }
    frame.putShort((short) host.length).put(host).putInt(node.port()).putLong(node.incarnation());
    frame
        .putLong(id.owner().sequence())
        .putLong(id.sequence())
        .putInt(id.index())
        .putInt(key.attempt());
  }

  /** Reads a key; what is wrong with it is thrown as it comes. */
  static ObjectKey key(ByteBuffer body) throws ProtocolException, CharacterCodingException {
    int hostBytes = Short.toUnsignedInt(body.getShort());
    if (hostBytes > HOST_MAX) {
      throw new ProtocolException("host name of " + hostBytes + " bytes");
    }
    ByteBuffer name = body.slice(body.position(), hostBytes);
    String host = StandardCharsets.UTF_8.newDecoder().decode(name).toString();
    body.position(body.position() + hostBytes);
    NodeId node = new NodeId(host, body.getInt(), body.getLong());
    WorkerId owner = new WorkerId(node, body.getLong());
    return new ObjectKey(new ObjectId(owner, body.getLong(), body.getInt()), body.getInt());
  }

  /** Reads a request's body; whatever is wrong with it ends as a {@link ProtocolException}. */
  static Request decode(ByteBuffer body) throws ProtocolException {
    try {
      byte kind = body.get();
      if (kind != KIND_PULL) {
        throw new ProtocolException("unknown kind of request: " + kind);
      }
      ObjectKey key = key(body);
      Request request =
          new Request(
              key, body.getLong(), body.getLong(), body.getInt(), body.getInt(), body.get() != 0);
      if (body.hasRemaining()) {
        throw new ProtocolException(body.remaining() + " bytes behind the request");
      }
      if (request.bytes() < 0 || request.fromBytes() < 0 || request.fromBytes() > request.bytes()) {
        throw new ProtocolException("bytes " + request.fromBytes() + " to " + request.bytes());
      }
      if (request.chunkBytes() < CHUNK_MIN || request.chunkBytes() > CHUNK_MAX) {
        throw new ProtocolException("chunks of " + request.chunkBytes() + " bytes");
      }
      return request;
    } catch (RuntimeException | CharacterCodingException malformed) {
      throw new ProtocolException("malformed request: " + malformed);
    }
  }
}
