package io.dfut.internal.cluster;

import io.dfut.internal.protocol.NodeMessage.Part;
import io.dfut.internal.task.InlineValue;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Puts messages together that came in pieces from one peer. Pieces of one message come in order and
 * uninterrupted; when the transport lost one, the rest of that message is dropped, as a whole
 * message would have been. Bounded by the largest message; memory is taken as pieces come, not as
 * they are announced. Not thread-safe.
 */
final class Pieces {
  private static final int COUNT_MAX = WireCodec.WHOLE_BYTES_MAX / 1024;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(0);
  private long message = -1;
  private int next;

  /** Cuts a message's bytes up. */
  static List<Part> cut(long message, byte[] bytes, int pieceBytes) {
    int count = Math.ceilDiv(bytes.length, pieceBytes);
    List<Part> parts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int from = i * pieceBytes;
      byte[] piece = Arrays.copyOfRange(bytes, from, Math.min(bytes.length, from + pieceBytes));
      parts.add(new Part(message, i, count, InlineValue.encoded(piece)));
    }
    return parts;
  }

  /** The whole message's bytes with its last piece. */
  Optional<byte[]> add(Part part) {
    if (part.index() == 0) {
      bytes.reset();
      message = part.message();
      next = 0;
    }
    boolean fits =
        part.message() == message
            && part.index() == next
            && part.count() <= COUNT_MAX
            && bytes.size() + part.bytes().bytes().length <= WireCodec.WHOLE_BYTES_MAX;
    if (!fits) {
      bytes.reset();
      message = -1;
      return Optional.empty();
    }
    bytes.writeBytes(part.bytes().bytes());
    next++;
    if (next < part.count()) {
      return Optional.empty();
    }
    byte[] whole = bytes.toByteArray();
    bytes.reset();
    message = -1;
    return Optional.of(whole);
  }
}
