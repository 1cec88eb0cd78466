package io.dfut.internal.store;

import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.store.DataFrames.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The bytes by which a reader asks a node of the same host to keep an object where it is. They
 * travel over data connections, between pulls; what {@link DataFrames} says of trust holds here
 * too.
 *
 * <pre>
 *   reader  hold      length:2 { kind:1 number:8 bytes:8 share key }
 *   source  answer    status:1 bytes:8, and if FOUND
 *                     length:2 { offset:8 slabBytes:8 file:2+n share }
 *   reader  release   length:2 { kind:1 share count:2 number:8 ... }
 *   source  answer    status:1 count:8
 *           share     directory:2+n proof:2+n
 * </pre>
 */
final class HoldFrames {
  /** Kinds of requests, beside {@link DataFrames}'s pull. */
  static final byte KIND_HOLD = 2;

  static final byte KIND_RELEASE = 3;

  /** Answer to a hold: this object cannot be held (now), so pull it. */
  static final byte NOT_HELD = 4;

  /** Answer to a hold: we share no memory, whatever object it is. */
  static final byte NOT_SHARED = 5;

  static final byte RELEASED = 6;

  /** Holds that are released at once. */
  static final int RELEASES_MAX = 32;

  static final int HELD_MAX = 1024;
  private static final int FILE_MAX = 32;

  private HoldFrames() {}

  /**
   * A reader wants to read an object where it is.
   *
   * @param number by which the reader will release it; it uses each once
   * @param reader who holds it
   */
  record Hold(long number, ObjectKey key, long bytes, Share reader) {}

  /** A reader has let these go. */
  record Release(Share reader, List<Long> numbers) {
    Release {
      numbers = List.copyOf(numbers);
    }
  }

  /** Where a held object is. */
  record Held(long offset, long slabBytes, String file, Share source) {}

  private static void put(ByteBuffer frame, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    frame.putShort((short) bytes.length).put(bytes);
  }

  private static String text(ByteBuffer frame, int max)
      throws CharacterCodingException, ProtocolException {
    int bytes = Short.toUnsignedInt(frame.getShort());
    if (bytes > max) {
      throw new ProtocolException("a text of " + bytes + " bytes");
    }
    ByteBuffer text = frame.slice(frame.position(), bytes);
    frame.position(frame.position() + bytes);
    return StandardCharsets.UTF_8.newDecoder().decode(text).toString();
  }

  private static void put(ByteBuffer frame, Share share) {
    put(frame, share.directory());
    put(frame, share.proof());
  }

  private static Share share(ByteBuffer frame) throws CharacterCodingException, ProtocolException {
    return new Share(text(frame, Share.DIRECTORY_MAX), text(frame, Share.PROOF_MAX));
  }

  private static ByteBuffer finish(ByteBuffer frame) {
    return frame.putShort(0, (short) (frame.position() - 2)).flip();
  }

  static ByteBuffer encode(Hold hold) throws ProtocolException {
    ByteBuffer frame = ByteBuffer.allocate(DataFrames.REQUEST_MAX + 2).position(2);
    frame.put(KIND_HOLD).putLong(hold.number()).putLong(hold.bytes());
    put(frame, hold.reader());
    DataFrames.put(frame, hold.key());
    return finish(frame);
  }

  static Hold decodeHold(ByteBuffer body) throws ProtocolException {
    try {
      body.get();
      long number = body.getLong();
      long bytes = body.getLong();
      Share reader = share(body);
      Hold hold = new Hold(number, DataFrames.key(body), bytes, reader);
      if (body.hasRemaining() || bytes < 0) {
        throw new ProtocolException(body.remaining() + " bytes behind " + hold);
      }
      return hold;
    } catch (RuntimeException | CharacterCodingException malformed) {
      throw new ProtocolException("malformed hold: " + malformed);
    }
  }

  static ByteBuffer encode(Release release) {
    ByteBuffer frame = ByteBuffer.allocate(DataFrames.REQUEST_MAX + 2).position(2);
    frame.put(KIND_RELEASE);
    put(frame, release.reader());
    frame.putShort((short) release.numbers().size());
    release.numbers().forEach(frame::putLong);
    return finish(frame);
  }

  static Release decodeRelease(ByteBuffer body) throws ProtocolException {
    try {
      body.get();
      Share reader = share(body);
      int count = Short.toUnsignedInt(body.getShort());
      if (count > RELEASES_MAX) {
        throw new ProtocolException(count + " releases at once");
      }
      List<Long> numbers = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        numbers.add(body.getLong());
      }
      if (body.hasRemaining()) {
        throw new ProtocolException(body.remaining() + " bytes behind the releases");
      }
      return new Release(reader, numbers);
    } catch (RuntimeException | CharacterCodingException malformed) {
      throw new ProtocolException("malformed release: " + malformed);
    }
  }

  static ByteBuffer encode(Held held) {
    ByteBuffer frame = ByteBuffer.allocate(HELD_MAX + 2).position(2);
    frame.putLong(held.offset()).putLong(held.slabBytes());
    put(frame, held.file());
    put(frame, held.source());
    return finish(frame);
  }

  static Held decodeHeld(ByteBuffer body) throws ProtocolException {
    try {
      Held held = new Held(body.getLong(), body.getLong(), text(body, FILE_MAX), share(body));
      if (body.hasRemaining()
          || held.offset() < 0
          || held.slabBytes() < 0
          || !SharedDirectory.isSlabName(held.file())) {
        throw new ProtocolException("no place of an object: " + held);
      }
      return held;
    } catch (RuntimeException | CharacterCodingException malformed) {
      throw new ProtocolException("malformed place of an object: " + malformed);
    }
  }
}
