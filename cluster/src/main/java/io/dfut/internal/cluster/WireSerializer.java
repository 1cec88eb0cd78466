package io.dfut.internal.cluster;

import com.typesafe.config.Config;
import java.io.NotSerializableException;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.serialization.SerializerWithStringManifest;

/**
 * Puts {@link WireCodec} where Pekko finds it. The manifest says which kind of {@link Wire} it is.
 * Thread-safe.
 */
public final class WireSerializer extends SerializerWithStringManifest {
  /** As in {@code pekko.actor.serialization-identifiers}; part of the wire format. */
  static final int IDENTIFIER = 0x0DF07;

  /** What Pekko itself puts before a message in a frame: paths, manifest, header; with room. */
  private static final int FRAME_RESERVE_BYTES = 4096;

  private final WireCodec codec;

  /** Called by Pekko. */
  public WireSerializer(ExtendedActorSystem system) {
    this(codec(system.settings().config()));
  }

  /** The format as an {@code ActorSystem} is configured for it. */
  static WireCodec codec(Config config) {
    long frame = config.getBytes("pekko.remote.artery.advanced.maximum-frame-size");
    return new WireCodec(
        config.getInt(Terms.WIRE_VERSION_KEY), Math.toIntExact(frame - FRAME_RESERVE_BYTES));
  }

  WireSerializer(WireCodec codec) {
    this.codec = codec;
  }

  @Override
  public int identifier() {
    return IDENTIFIER;
  }

  @Override
  public String manifest(Object wire) {
    return switch ((Wire) wire) {
      case Wire.Flush flush -> "B";
      case Wire.Batch batch -> "B";
      case Wire.Acknowledgement it -> "K";
      case Wire.Inquiry inquiry -> "I";
      case Wire.Answer answer -> "A";
      case Wire.Hello hello -> "H";
      case Wire.Welcome welcome -> "W";
      case Wire.Refused refused -> "R";
      case Wire.Goodbye goodbye -> "G";
      case Wire.DeathReport report -> "D";
      case Wire.Foreign foreign -> throw notSent(foreign);
    };
  }

  @Override
  public byte[] toBinary(Object wire) {
    try {
      return switch ((Wire) wire) {
        case Wire.Flush(Outbox outbox) -> outbox.drain(codec);
        case Wire.Batch batch -> codec.encodeBatch(batch);
        case Wire.Acknowledgement it -> codec.encodeAcknowledgement(it);
        case Wire.Inquiry(Wire.Preamble from) -> codec.encodePreamble(from);
        case Wire.Answer(Wire.Preamble from) -> codec.encodePreamble(from);
        case Wire.Hello hello -> codec.encodeGreeting(hello.from(), hello.info());
        case Wire.Welcome welcome -> codec.encodeGreeting(welcome.from(), welcome.info());
        case Wire.Refused refused -> codec.encodeRefusal(refused);
        case Wire.Goodbye goodbye -> codec.encodeGoodbye(goodbye);
        case Wire.DeathReport report -> codec.encodeDeathReport(report);
        case Wire.Foreign foreign -> throw notSent(foreign);
      };
    } catch (NotSerializableException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  @Override
  public Object fromBinary(byte[] bytes, String manifest) throws NotSerializableException {
    return switch (manifest) {
      case "B" -> codec.decodeBatch(bytes);
      case "K" -> codec.decodeAcknowledgement(bytes);
      case "I" -> new Wire.Inquiry(codec.decodePreamble(bytes));
      case "A" -> new Wire.Answer(codec.decodePreamble(bytes));
      case "H" -> codec.decodeHello(bytes);
      case "W" -> codec.decodeWelcome(bytes);
      case "R" -> codec.decodeRefusal(bytes);
      case "G" -> codec.decodeGoodbye(bytes);
      case "D" -> codec.decodeDeathReport(bytes);
      default ->
          throw new NotSerializableException(
              "refused a message of the unknown kind " + Shapes.printable(manifest));
    };
  }

  private static IllegalStateException notSent(Wire wire) {
    return new IllegalStateException("never sent: " + wire);
  }
}
