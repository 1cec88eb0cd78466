package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.spi.PeerInfo;
import java.io.IOException;
import java.io.NotSerializableException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The wire format: bytes from and to {@link Wire}. The first byte is the version; then come fixed
 * fields, then what {@link WireWriter} writes. Thread-safe.
 *
 * <p>Whatever is wrong with received bytes ends in a {@link NotSerializableException} that says
 * what, and nothing of the envelope is used.
 */
final class WireCodec {
  /** Of one envelope. The count is sent as two bytes. */
  static final int MESSAGES_MAX = 0xFFFF;

  private static final int BATCH_HEADER = 1 + 4 * Long.BYTES + Short.BYTES;

  private static final int ACKNOWLEDGEMENT_BYTES = 1 + 3 * Long.BYTES + 1;

  private static final int PREAMBLE_MIN =
      1 + Integer.BYTES + Long.BYTES + Short.BYTES + Short.BYTES;

  private static final int HOST_BYTES_MAX = 255;

  private static final Shape MESSAGE = Shapes.of(NodeMessage.class);
  private static final Shape INFO = Shapes.of(PeerInfo.class);
  private static final Shape NODE = Shapes.of(NodeId.class);
  private static final Shape EVIDENCE = Shapes.of(ProofMachine.Evidence.class);

  /** Of a message that is cut up; larger ones are refused by whoever would send them. */
  static final int WHOLE_BYTES_MAX = 256 << 20;

  private final int version;
  private final int envelopeBytesMax;

  /**
   * @param version of this node
   * @param envelopeBytesMax of one envelope: the frame size of the transport less what it needs
   */
  WireCodec(int version, int envelopeBytesMax) {
    this.version = version;
    this.envelopeBytesMax = envelopeBytesMax;
  }

  /** The bytes of one message, to be cut up. */
  byte[] encodeWhole(NodeMessage message) throws IOException {
    WireWriter writer = new WireWriter(WHOLE_BYTES_MAX);
    MESSAGE.write(message, writer);
    if (writer.size() > WHOLE_BYTES_MAX) {
      throw new IOException("the message has more than " + WHOLE_BYTES_MAX + " bytes");
    }
    return writer.toByteArray();
  }

  /** A message that was put together again. */
  NodeMessage decodeWhole(byte[] bytes) throws NotSerializableException {
    try {
      WireReader reader = new WireReader(bytes, 0);
      NodeMessage message = (NodeMessage) MESSAGE.read(reader);
      reader.end();
      return message;
    } catch (IOException | RuntimeException e) {
      throw refuse("refused a message in pieces", e);
    }
  }

  /** An envelope in the making. Not thread-safe. */
  final class BatchWriter {
    private final WireWriter writer = new WireWriter(envelopeBytesMax - BATCH_HEADER);
    private int count;

    int count() {
      return count;
    }

    /**
     * Adds a message if the envelope stays within its limit. After false, and after an exception,
     * the envelope is as it was.
     *
     * @throws RuntimeException when the message cannot be written, for example since a user's
     *     encoder threw
     * @throws IOException the same
     */
    boolean add(NodeMessage message) throws IOException {
      if (count == MESSAGES_MAX) {
        return false;
      }
      WireWriter.Mark before = writer.mark();
      boolean added = false;
      try {
        MESSAGE.write(message, writer);
        added = BATCH_HEADER + writer.size() <= envelopeBytesMax;
      } catch (WireWriter.FullException e) {
        // as if it had been measured before
      } finally {
        if (added) {
          count++;
        } else {
          writer.rollBack(before);
        }
      }
      return added;
    }

    byte[] body() {
      return writer.toByteArray();
    }
  }

  BatchWriter batch() {
    return new BatchWriter();
  }

  /** The bytes of a {@link Wire.Batch} whose messages are written already. */
  byte[] envelope(long from, long to, long acknowledged, SendWindow.Sent content) {
    return ByteBuffer.allocate(BATCH_HEADER + content.body().length)
        .put((byte) version)
        .putLong(from)
        .putLong(to)
        .putLong(content.number())
        .putLong(acknowledged)
        .putShort((short) content.count())
        .put(content.body())
        .array();
  }

  byte[] encodeAcknowledgement(Wire.Acknowledgement it) {
    return ByteBuffer.allocate(ACKNOWLEDGEMENT_BYTES)
        .put((byte) version)
        .putLong(it.from())
        .putLong(it.to())
        .putLong(it.received())
        .put((byte) (it.missing() ? 1 : 0))
        .array();
  }

  Wire.Acknowledgement decodeAcknowledgement(byte[] bytes) throws NotSerializableException {
    try {
      ByteBuffer fields = header(bytes, ACKNOWLEDGEMENT_BYTES);
      requireVersion(Byte.toUnsignedInt(fields.get()));
      Wire.Acknowledgement it =
          new Wire.Acknowledgement(
              fields.getLong(), fields.getLong(), fields.getLong(), fields.get() != 0);
      if (it.received() < 0 || fields.hasRemaining()) {
        throw new IOException("not an acknowledgement");
      }
      return it;
    } catch (IOException | RuntimeException e) {
      throw refuse("refused an acknowledgement", e);
    }
  }

  private void requireVersion(int version) throws IOException {
    if (version != this.version) {
      throw new IOException(
          "it is of wire version "
              + version
              + ", this node speaks version "
              + this.version
              + "; run the same version of DFut on all nodes");
    }
  }

  int envelopeBytesMax() {
    return envelopeBytesMax;
  }

  byte[] encodeBatch(Wire.Batch batch) throws NotSerializableException {
    try {
      BatchWriter writer = batch();
      for (NodeMessage message : batch.messages()) {
        if (!writer.add(message)) {
          throw new IOException("the batch is over " + envelopeBytesMax + " bytes");
        }
      }
      return envelope(
          batch.from(),
          batch.to(),
          batch.acknowledged(),
          new SendWindow.Sent(batch.number(), writer.count(), writer.body()));
    } catch (IOException e) {
      throw refuse("cannot send a batch", e);
    }
  }

  Wire.Batch decodeBatch(byte[] bytes) throws NotSerializableException {
    try {
      ByteBuffer header = header(bytes, BATCH_HEADER);
      requireVersion(Byte.toUnsignedInt(header.get()));
      long from = header.getLong();
      long to = header.getLong();
      long number = header.getLong();
      long acknowledged = header.getLong();
      if (number < 0 || acknowledged < 0) {
        throw new IOException("an envelope numbered " + number + ", after " + acknowledged);
      }
      int count = Short.toUnsignedInt(header.getShort());
      WireReader reader = new WireReader(bytes, BATCH_HEADER);
      List<NodeMessage> messages = new ArrayList<>(Math.min(count, 64));
      for (int i = 0; i < count; i++) {
        messages.add((NodeMessage) MESSAGE.read(reader));
      }
      reader.end();
      return new Wire.Batch(from, to, number, acknowledged, messages);
    } catch (IOException | RuntimeException e) {
      throw refuse("refused a batch of messages", e);
    }
  }

  /** A preamble and nothing else. */
  byte[] encodePreamble(Wire.Preamble preamble) {
    return withBody(preamble, new byte[0]);
  }

  byte[] encodeGreeting(Wire.Preamble preamble, PeerInfo info) throws NotSerializableException {
    try {
      WireWriter writer = new WireWriter(envelopeBytesMax);
      INFO.write(info, writer);
      return withBody(preamble, writer.toByteArray());
    } catch (IOException e) {
      throw refuse("cannot send a greeting", e);
    }
  }

  byte[] encodeRefusal(Wire.Refused refused) {
    return withBody(refused.from(), refused.reason().getBytes(StandardCharsets.UTF_8));
  }

  byte[] encodeGoodbye(Wire.Goodbye goodbye) {
    return withBody(goodbye.from(), goodbye.cause().getBytes(StandardCharsets.UTF_8));
  }

  Wire.Preamble decodePreamble(byte[] bytes) throws NotSerializableException {
    try {
      return preamble(header(bytes, PREAMBLE_MIN));
    } catch (IOException | RuntimeException e) {
      throw refuse("refused a handshake", e);
    }
  }

  /** A hello, or what could be read of it when it is of another version. */
  Wire decodeHello(byte[] bytes) throws NotSerializableException {
    Wire.Preamble from = decodePreamble(bytes);
    return from.version() == version
        ? new Wire.Hello(from, decodeInfo(bytes, from))
        : new Wire.Foreign(from);
  }

  Wire decodeWelcome(byte[] bytes) throws NotSerializableException {
    Wire.Preamble from = decodePreamble(bytes);
    return from.version() == version
        ? new Wire.Welcome(from, decodeInfo(bytes, from))
        : new Wire.Foreign(from);
  }

  Wire.Refused decodeRefusal(byte[] bytes) throws NotSerializableException {
    Wire.Preamble from = decodePreamble(bytes);
    return new Wire.Refused(from, text(bytes, from));
  }

  Wire.Goodbye decodeGoodbye(byte[] bytes) throws NotSerializableException {
    Wire.Preamble from = decodePreamble(bytes);
    return new Wire.Goodbye(from, text(bytes, from));
  }

  /** What comes after the preamble. */
  private static String text(byte[] bytes, Wire.Preamble from) {
    int start = preambleBytes(from);
    return new String(bytes, start, bytes.length - start, StandardCharsets.UTF_8);
  }

  byte[] encodeDeathReport(Wire.DeathReport report) throws NotSerializableException {
    try {
      WireWriter writer = new WireWriter(envelopeBytesMax);
      NODE.write(report.of(), writer);
      EVIDENCE.write(report.evidence(), writer);
      return withBody(report.from(), writer.toByteArray());
    } catch (IOException e) {
      throw refuse("cannot send a report of a death", e);
    }
  }

  Wire.DeathReport decodeDeathReport(byte[] bytes) throws NotSerializableException {
    Wire.Preamble from = decodePreamble(bytes);
    try {
      requireVersion(from.version());
      WireReader reader = new WireReader(bytes, preambleBytes(from));
      NodeId of = (NodeId) NODE.read(reader);
      ProofMachine.Evidence evidence = (ProofMachine.Evidence) EVIDENCE.read(reader);
      reader.end();
      return new Wire.DeathReport(from, of, evidence);
    } catch (IOException | RuntimeException e) {
      throw refuse("refused a report of a death", e);
    }
  }

  private PeerInfo decodeInfo(byte[] bytes, Wire.Preamble from) throws NotSerializableException {
    try {
      WireReader reader = new WireReader(bytes, preambleBytes(from));
      PeerInfo info = (PeerInfo) INFO.read(reader);
      reader.end();
      if (!info.node().equals(from.node())) {
        throw new IOException(from.node() + " introduces itself as " + info.node());
      }
      return info;
    } catch (IOException | RuntimeException e) {
      throw refuse("refused a handshake", e);
    }
  }

  private static byte[] withBody(Wire.Preamble preamble, byte[] body) {
    NodeId node = preamble.node();
    byte[] host = node.host().getBytes(StandardCharsets.UTF_8);
    if (host.length > HOST_BYTES_MAX) {
      throw new IllegalArgumentException(
          "the host's name is longer than " + HOST_BYTES_MAX + " bytes: " + node.host());
    }
    return ByteBuffer.allocate(PREAMBLE_MIN + host.length + body.length)
        .put((byte) preamble.version())
        .putInt(preamble.hopsMax())
        .putLong(node.incarnation())
        .putShort((short) node.port())
        .putShort((short) host.length)
        .put(host)
        .put(body)
        .array();
  }

  private static int preambleBytes(Wire.Preamble preamble) {
    return PREAMBLE_MIN + preamble.node().host().getBytes(StandardCharsets.UTF_8).length;
  }

  private static Wire.Preamble preamble(ByteBuffer bytes) throws IOException {
    int version = Byte.toUnsignedInt(bytes.get());
    int hopsMax = bytes.getInt();
    long incarnation = bytes.getLong();
    int port = Short.toUnsignedInt(bytes.getShort());
    int hostBytes = Short.toUnsignedInt(bytes.getShort());
    if (hostBytes > HOST_BYTES_MAX || hostBytes > bytes.remaining()) {
      throw new IOException("a host's name of " + hostBytes + " bytes");
    }
    byte[] host = new byte[hostBytes];
    bytes.get(host);
    String name = new String(host, StandardCharsets.UTF_8);
    // What is not UTF-8 would be another length when it is written again.
    if (!name.equals(Shapes.printable(name))
        || !Arrays.equals(host, name.getBytes(StandardCharsets.UTF_8))) {
      throw new IOException("not a host's name: " + Shapes.printable(name));
    }
    return new Wire.Preamble(
        version, hopsMax, WireReader.intern(new NodeId(name, port, incarnation)));
  }

  private ByteBuffer header(byte[] bytes, int least) throws IOException {
    if (bytes.length < least || bytes.length > envelopeBytesMax) {
      throw new IOException(
          bytes.length + " bytes, where " + least + " to " + envelopeBytesMax + " are expected");
    }
    return ByteBuffer.wrap(bytes);
  }

  private static NotSerializableException refuse(String what, Exception cause) {
    // What a record's constructor says may quote what was received.
    String why = String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
    NotSerializableException refusal = new NotSerializableException(what + ": " + why);
    refusal.initCause(cause);
    return refusal;
  }
}
