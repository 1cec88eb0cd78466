package io.dfut.internal.store;

import io.dfut.ObjectId;
import io.dfut.internal.codec.Encoded;
import io.dfut.internal.spi.ObjectStore.Pinned;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;

/** Values for tests whose every byte follows from a number, so that a wrong one is noticed. */
record Values(byte[] content) implements Encoded {
  static Values of(int number, int bytes) {
    byte[] content = new byte[bytes];
    new Random(number).nextBytes(content);
    return new Values(content);
  }

  @Override
  public long bytes() {
    return content.length;
  }

  @Override
  public void writeTo(MemorySegment target) {
    MemorySegment.copy(content, 0, target, ValueLayout.JAVA_BYTE, 0, content.length);
  }

  @Override
  public List<ObjectId> references() {
    return List.of();
  }

  /** Whether exactly this value is there. */
  boolean isIn(Pinned pinned) {
    return isIn(pinned.bytes());
  }

  /** Whether exactly this value is there. */
  boolean isIn(MemorySegment bytes) {
    return bytes.mismatch(segment()) == -1;
  }

  /** The value's bytes. */
  MemorySegment segment() {
    return MemorySegment.ofArray(content);
  }

  /** Fails unless exactly this value is there. */
  static void assertIs(MemorySegment there, int number, int bytes) {
    long wrong = there.mismatch(MemorySegment.ofArray(of(number, bytes).content));
    if (wrong != -1) {
      throw new AssertionError("value " + number + " differs at " + wrong + " of " + bytes);
    }
  }
}
