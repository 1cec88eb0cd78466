package io.dfut.internal.runtime;

import io.dfut.ObjectId;
import io.dfut.internal.codec.Encoded;
import io.dfut.internal.codec.References;
import io.dfut.internal.codec.ValueCodecs;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Between values as the user sees them and as the system keeps them: inline or in the node's store.
 * Thread-safe.
 */
final class Values {
  /** No reference occurs in a value that is known to be immutable. */
  private static final References.Sink NO_REFERENCES =
      new References.Sink() {
        @Override
        public ObjectId shared(io.dfut.SharedDFut<?> handle) {
          throw new IllegalStateException("a reference in an immutable value: " + handle);
        }

        @Override
        public io.dfut.ActorId actor(io.dfut.ActorHandle<?> handle) {
          throw new IllegalStateException("a reference in an immutable value: " + handle);
        }
      };

  private final ValueCodecs codecs;
  private final ObjectStore store;
  private final io.dfut.NodeId self;
  private final long inlineLimit;
  private final Function<Object, byte[]> directEncoder;

  Values(ValueCodecs codecs, ObjectStore store, io.dfut.NodeId self, long inlineLimit) {
    this.codecs = codecs;
    this.store = store;
    this.self = self;
    this.inlineLimit = inlineLimit;
    this.directEncoder = value -> codecs.encode(value, NO_REFERENCES).toByteArray();
  }

  /**
   * Whether the object itself may be handed to anyone in this JVM, and is small enough to be sent
   * in a message.
   */
  boolean isDirect(Object value) {
    return ValueCodecs.isImmutable(value) && isSmall(value);
  }

  private boolean isSmall(Object value) {
    return switch (value) {
      case String text -> text.length() < inlineLimit / 3;
      case java.math.BigInteger number -> number.bitLength() / 8 < inlineLimit;
      case null, default -> true; // records of long texts travel whole when they leave the JVM
    };
  }

  /**
   * A value on its way somewhere: inline if it is small, else in this node's store under the key.
   */
  Outcome keep(ObjectId id, int attempt, Object value, References.Sink references) {
    if (isDirect(value)) {
      return new Outcome.Inline(InlineValue.direct(value, directEncoder), List.of());
    }
    Encoded encoded = codecs.encode(value, references);
    if (encoded.bytes() <= inlineLimit) {
      return new Outcome.Inline(InlineValue.encoded(encoded.toByteArray()), encoded.references());
    }
    long bytes = store.putPrimary(new ObjectKey(id, attempt), encoded);
    return new Outcome.Stored(attempt, bytes, List.of(self), encoded.references());
  }

  /** The same for a value that cannot be an object of its own; large ones are encoded too. */
  Optional<Outcome.Inline> keepInline(
      Object value, References.Sink references, boolean whateverSize) {
    if (isDirect(value)) {
      return Optional.of(new Outcome.Inline(InlineValue.direct(value, directEncoder), List.of()));
    }
    Encoded encoded = codecs.encode(value, references);
    if (encoded.bytes() > inlineLimit && !whateverSize) {
      return Optional.empty();
    }
    return Optional.of(
        new Outcome.Inline(InlineValue.encoded(encoded.toByteArray()), encoded.references()));
  }

  Object decode(InlineValue value, References.Source references) {
    return value.isDirect()
        ? value.object()
        : codecs.decode(MemorySegment.ofArray(value.bytes()), references);
  }

  /**
   * Decodes a value out of the store. What it gives does not point into the store: the pin can be
   * closed afterwards.
   */
  Object decode(MemorySegment stored, References.Source references) {
    Object value = codecs.decode(stored, references);
    if (value instanceof java.nio.Buffer
        || value instanceof MemorySegment
        || value instanceof org.agrona.DirectBuffer) {
      // It looks into memory that is unpinned behind its back: it gets a copy (a view does not).
      byte[] copy = stored.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
      return codecs.decode(MemorySegment.ofArray(copy), references);
    }
    return value;
  }

  Optional<MemorySegment> rawBytes(MemorySegment encoded) {
    return ValueCodecs.rawBytes(encoded);
  }
}
