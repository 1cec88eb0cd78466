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
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

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
        public References.Actor actor(io.dfut.ActorHandle<?> handle) {
          throw new IllegalStateException("a reference in an immutable value: " + handle);
        }
      };

  /** Of one value that a function captured: it travels with every call. */
  private static final long CAPTURED_BYTES_MAX = 16 << 20;

  private final ValueCodecs codecs;
  private final ObjectStore store;
  private final io.dfut.NodeId self;
  private final long inlineLimit;
  private final boolean networked;
  private final Views views;
  private final Function<Object, byte[]> directEncoder;

  /**
   * @param viewsShare how much of the store may be pinned by buffers that show it, from 0 to 1
   * @param networked whether values leave the JVM
   */
  Values(
      ValueCodecs codecs,
      ObjectStore store,
      io.dfut.NodeId self,
      long inlineLimit,
      double viewsShare,
      boolean networked) {
    this.networked = networked;
    this.views = new Views((long) (store.stats().capacityBytes() * viewsShare));
    this.codecs = codecs;
    this.store = store;
    this.self = self;
    this.inlineLimit = inlineLimit;
    this.directEncoder = value -> codecs.encode(value, NO_REFERENCES).toByteArray();
  }

  /**
   * Whether the object itself may be handed to anyone in this JVM, and is surely small enough for a
   * message. Without a network there are no messages, and the size of what nobody can change does
   * not matter.
   */
  private boolean isDirect(Object value) {
    return ValueCodecs.isImmutable(value) && (!networked || isSmall(value));
  }

  private boolean isSmall(Object value) {
    return switch (value) {
      case null -> true;
      case String text -> text.length() < inlineLimit / 3;
      case java.math.BigInteger number -> number.bitLength() / 8 < inlineLimit;
      case java.math.BigDecimal number -> number.unscaledValue().bitLength() / 8 < inlineLimit;
      case Number number -> true; // boxes
      case Boolean truth -> true;
      case Character character -> true;
      case Enum<?> constant -> true;
      default -> false; // a record of long texts can be of any size: its encoding tells
    };
  }

  /**
   * A value on its way somewhere: inline if it is small, else in this node's store under the key.
   *
   * @param madeBy asked for what goes to the store, to say what fills it
   */
  Outcome keep(
      ObjectId id, int attempt, Object value, References.Sink references, Supplier<String> madeBy) {
    if (isDirect(value)) {
      return new Outcome.Inline(InlineValue.direct(value, directEncoder), List.of());
    }
    Encoded encoded = codecs.encode(value, references);
    if (encoded.bytes() <= inlineLimit) {
      return new Outcome.Inline(InlineValue.encoded(encoded.toByteArray()), encoded.references());
    }
    long bytes = store.putPrimary(new ObjectKey(id, attempt), encoded, madeBy.get());
    return new Outcome.Stored(attempt, bytes, List.of(self), encoded.references());
  }

  /**
   * The same for a value that is not an object of its own; empty when it is too large for that.
   *
   * @param captured by a function: it has to travel with it
   */
  Optional<Outcome.Inline> keepInline(Object value, References.Sink references, boolean captured) {
    if (isDirect(value)) {
      return Optional.of(new Outcome.Inline(InlineValue.direct(value, directEncoder), List.of()));
    }
    Encoded encoded = codecs.encode(value, references);
    if (captured && encoded.bytes() > CAPTURED_BYTES_MAX) {
      throw new io.dfut.SerializationException(
          "a function captured a value of "
              + encoded.bytes()
              + " bytes (a "
              + value.getClass().getName()
              + "); at most "
              + CAPTURED_BYTES_MAX
              + " travel with a function. Put it once and pass the future as an"
              + " argument.");
    }
    if (!captured && encoded.bytes() > inlineLimit) {
      return Optional.empty();
    }
    return Optional.of(
        new Outcome.Inline(InlineValue.encoded(encoded.toByteArray()), encoded.references()));
  }

  /** Decodes a value that is no object of this JVM. */
  Object decode(InlineValue value, References.Source references) {
    return codecs.decode(MemorySegment.ofArray(value.bytes()), references);
  }

  /**
   * Decodes a value out of the store. The caller holds the pin during the call and may close it
   * then: a buffer has a pin of its own, which goes when nothing made of the buffer is reachable; a
   * memory segment is on memory of its own; everything else is a copy.
   *
   * @throws io.dfut.StoreFullException when a memory segment has no memory to be on
   */
  Object decode(ObjectKey key, SharedPin pinned, References.Source references) {
    MemorySegment stored = pinned.bytes();
    if (ValueCodecs.isBuffer(stored)) {
      Optional<Object> shown = views.show(key, pinned);
      if (shown.isPresent()) {
        return shown.get();
      }
      byte[] copy = stored.toArray(ValueLayout.JAVA_BYTE);
      return codecs.decode(MemorySegment.ofArray(copy), references);
    }
    if (ValueCodecs.showsItsBytes(stored)) {
      return codecs.decode(own(key, pinned), references);
    }
    return codecs.decode(stored, references);
  }

  /** Slices of a segment keep nothing but its scope, so no pin can follow them. */
  private static MemorySegment own(ObjectKey key, SharedPin pinned) {
    try {
      return pinned.own();
    } catch (OutOfMemoryError e) {
      throw new io.dfut.StoreFullException(
          "the value of "
              + key.id()
              + ", a memory segment of "
              + pinned.bytes().byteSize()
              + " bytes, needs as much memory of its own, and the JVM has none left ("
              + e.getMessage()
              + "); read it through view(), store it as a ByteBuffer, or raise"
              + " -XX:MaxDirectMemorySize",
          e);
    }
  }

  Optional<MemorySegment> rawBytes(MemorySegment encoded) {
    return ValueCodecs.rawBytes(encoded);
  }
}
