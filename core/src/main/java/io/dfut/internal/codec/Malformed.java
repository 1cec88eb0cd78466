package io.dfut.internal.codec;

/**
 * Bytes that no encoder wrote. Never leaves this package: becomes a {@link
 * io.dfut.SerializationException}.
 */
final class Malformed extends RuntimeException {
  private static final long serialVersionUID = 1L;

  Malformed(String message) {
    // No stack trace: thrown for hostile input, where the place in our code says nothing.
    super(message, null, false, false);
  }
}
