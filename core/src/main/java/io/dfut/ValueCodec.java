package io.dfut;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;

/**
 * The SPI for a user's own encoding of a type. Implementations are found by {@link
 * java.util.ServiceLoader} on every node and asked in the order in which the loader gives them; the
 * first that {@link #handles} a value's class encodes it. The name of the codec travels with the
 * bytes, so the same codec must be on the class path of every node that reads the value.
 * Implementations are thread-safe.
 *
 * <p>A value with a codec of its own cannot contain references ({@link SharedDFut}, {@link
 * ActorHandle}): the system would not see them and could not keep their objects alive.
 */
public interface ValueCodec {
  /** The name under which the encoding travels; the same on every node and stable over versions. */
  String name();

  /** Whether values of exactly this class are encoded by this codec. */
  boolean handles(Class<?> type);

  /**
   * Writes one value.
   *
   * @throws IOException when the value cannot be written; the user sees a {@link
   *     SerializationException}
   */
  void encode(Object value, DataOutput out) throws IOException;

  /**
   * Reads what {@link #encode} wrote.
   *
   * @throws IOException when the bytes are not a value of this codec; the user sees a {@link
   *     SerializationException}
   */
  Object decode(DataInput in) throws IOException;
}
