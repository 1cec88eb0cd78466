package io.dfut.internal.cluster;

import java.io.IOException;

/**
 * How one Java type is written to the wire and read from it. Immutable and thread-safe; made by
 * {@link Shapes} and kept for the life of the JVM.
 */
interface Shape {
  /** Writes a value of this type; never null. */
  void write(Object value, WireWriter out) throws IOException;

  /**
   * Reads a value of this type.
   *
   * @throws IOException when the bytes are not what {@link #write} makes
   * @throws RuntimeException when they are, but a record's constructor refuses the values
   */
  Object read(WireReader in) throws IOException;
}
