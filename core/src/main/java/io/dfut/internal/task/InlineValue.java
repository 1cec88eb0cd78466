package io.dfut.internal.task;

import java.util.function.Function;

/**
 * A value small enough to travel in a message: an immutable object as it is, encoded only when it
 * leaves the JVM, or an encoding, decoded anew for everyone who asks. Thread-safe.
 */
public final class InlineValue {
  private final Object direct;
  private final Function<Object, byte[]> encoder;
  private volatile byte[] encoded;

  private InlineValue(Object direct, Function<Object, byte[]> encoder, byte[] encoded) {
    this.direct = direct;
    this.encoder = encoder;
    this.encoded = encoded;
  }

  /** An immutable object; {@code encoder} is called when it has to leave the JVM. */
  public static InlineValue direct(Object immutable, Function<Object, byte[]> encoder) {
    return new InlineValue(immutable, encoder, null);
  }

  /** An encoding, which the caller must not change any more. */
  public static InlineValue encoded(byte[] bytes) {
    return new InlineValue(null, null, bytes);
  }

  /** Whether {@link #object()} may be handed to anyone as it is. */
  public boolean isDirect() {
    return encoder != null;
  }

  /** The object; only of a direct value. */
  public Object object() {
    if (encoder == null) {
      throw new IllegalStateException("an encoded value has no object");
    }
    return direct;
  }

  /** The encoding; not to be changed. */
  public byte[] bytes() {
    byte[] bytes = encoded;
    if (bytes == null) {
      bytes = encoder.apply(direct);
      encoded = bytes;
    }
    return bytes;
  }

  /**
   * The size of the encoding, or about that of a direct value that was never encoded: exact for
   * texts, a small constant for others.
   */
  public int approximateBytes() {
    byte[] bytes = encoded;
    if (bytes != null) {
      return bytes.length;
    }
    return direct instanceof String text ? 16 + text.length() : 16;
  }

  @Override
  public String toString() {
    return isDirect() ? "a direct value" : encoded.length + " bytes";
  }
}
