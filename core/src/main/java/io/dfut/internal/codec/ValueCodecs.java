package io.dfut.internal.codec;

import io.dfut.DFutException;
import io.dfut.ObjectId;
import io.dfut.SerializationException;
import io.dfut.ValueCodec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.concurrent.ConcurrentHashMap;
import org.agrona.DirectBuffer;

/**
 * Turns values into bytes and back. Thread-safe. See {@code docs/codec.md} for what travels, and
 * ADR 0002 for why the format is our own.
 *
 * <p>An encoding begins with the format's version and the kind of what follows: a scalar or string;
 * bytes (arrays of primitives, buffers), which begin at the eighth byte and are never touched; a
 * value of a {@link ValueCodec}; or a graph of objects. What a program with nothing but scalars and
 * strings needs is this class alone: everything else is loaded when it is first used.
 */
public final class ValueCodecs {
  /** The version of the format. Bytes of another version are refused. */
  public static final int VERSION = 1;

  /**
   * Where the bytes proper of raw kinds begin: a multiple of the largest element, so that aligned
   * memory stays aligned.
   */
  private static final int RAW_HEADER_BYTES = 8;

  /** The kind of an object graph; all other kinds are numbers of {@link Tag}. */
  private static final int GRAPH = 64;

  /**
   * Bounds of what is encoded and decoded.
   *
   * @param depthMax objects nested in one another; what exceeds it is refused at both ends
   */
  public record Limits(int depthMax) {
    /** A chain of a million nodes: some 50 MB while it is encoded or decoded. */
    public static final Limits DEFAULT = new Limits(1_000_000);

    /** Refuses a depth below one. */
    public Limits {
      if (depthMax < 1) {
        throw new IllegalArgumentException("depthMax must be at least 1: " + depthMax);
      }
    }
  }

  /** Finds classes by their names once they are admitted; must not initialise them. */
  @FunctionalInterface
  public interface ClassLookup {
    /** The class of this binary name, never that of an array or a primitive. */
    Class<?> find(String name) throws ClassNotFoundException;
  }

  private final ClassFilter filter;
  private final ClassLookup lookup;
  private final ClassLoader codecLoader;
  private final Limits limits;

  /**
   * Admitted and found. Added when a name is first decoded; never removed, as classes are not until
   * this object is.
   */
  private final Map<String, Class<?>> found = new ConcurrentHashMap<>();

  /**
   * For values that may refer to actors.
   *
   * @param loader where classes of values, and the user's codecs, are looked for
   */
  public ValueCodecs(ClassFilter filter, ClassLoader loader, Limits limits) {
    this(filter, name -> Class.forName(name, false, loader), loader, limits);
  }

  /**
   * The same with another way to find classes.
   *
   * @param codecLoader where the user's codecs are looked for
   */
  public ValueCodecs(
      ClassFilter filter, ClassLookup lookup, ClassLoader codecLoader, Limits limits) {
    this.filter = Objects.requireNonNull(filter, "filter");
    this.lookup = Objects.requireNonNull(lookup, "lookup");
    this.codecLoader = Objects.requireNonNull(codecLoader, "codecLoader");
    this.limits = Objects.requireNonNull(limits, "limits");
  }

  Limits limits() {
    return limits;
  }

  /**
   * Whether a value needs no copy within this JVM: nobody can change it, and it holds no reference
   * to a future or an actor. {@code false} is always a safe answer, and the answer for a value that
   * would take long to look through.
   */
  public static boolean isImmutable(Object value) {
    return Immutability.isImmutable(value);
  }

  // ---------------------------------------------------------------- encode

  /**
   * The value's encoding. Later changes of the value do not change it, except for raw kinds, whose
   * bytes are copied by {@link Encoded#writeTo}.
   *
   * @throws SerializationException when something in the value cannot travel; names its class, the
   *     way to it, and what to do
   */
  public Encoded encode(Object value, References.Sink refs) {
    if (value == null) {
      return Encodings.NULL;
    }
    int tag = scalarTag(value);
    if (tag >= 0) {
      return scalar(tag, value);
    }
    tag = rawTag(value);
    if (tag >= 0) {
      byte[] header = new byte[RAW_HEADER_BYTES];
      header[0] = VERSION;
      header[1] = (byte) tag;
      if (value instanceof ByteBuffer buffer && buffer.order() == ByteOrder.LITTLE_ENDIAN) {
        header[2] = 1;
      }
      return value instanceof DirectBuffer buffer && Raw.isAddress(buffer)
          ? new Encodings.OfDirectBuffer(header, buffer)
          : new Encodings.OfRaw(header, Raw.bytes(tag, value), value);
    }
    Optional<ValueCodec> own = userCodec(value.getClass());
    Out out = new Out();
    out.u1(VERSION);
    if (own.isPresent()) {
      out.u1(Tag.USER);
      out.string(own.get().name());
      out.string(value.getClass().getName());
      out.bytes(GraphWriter.userBytes(value, own.get(), "the value itself"));
      return encoded(out, List.of());
    }
    out.u1(GRAPH);
    GraphWriter writer = new GraphWriter(this, refs, out);
    writer.write(value);
    return encoded(out, writer.references());
  }

  private static Encoded encoded(Out out, List<ObjectId> references) {
    return out.isOneChunk()
        ? new Encodings.OfArray(out.chunk(), (int) out.bytes(), references)
        : new Encodings.OfChunks(out.chunks(), out.bytes(), references);
  }

  private static int scalarTag(Object value) {
    // A chain, not a switch on types: that would load the machinery of pattern switches for the
    // first value of a JVM.
    if (value instanceof String) {
      return Tag.STRING;
    }
    if (value instanceof Integer) {
      return Tag.INT;
    }
    if (value instanceof Long) {
      return Tag.LONG;
    }
    if (value instanceof Double) {
      return Tag.DOUBLE;
    }
    if (value instanceof Boolean) {
      return Tag.TRUE;
    }
    if (value instanceof Float) {
      return Tag.FLOAT;
    }
    if (value instanceof Character) {
      return Tag.CHAR;
    }
    if (value instanceof Short) {
      return Tag.SHORT;
    }
    return value instanceof Byte ? Tag.BYTE : -1;
  }

  private static int rawTag(Object value) {
    Class<?> type = value.getClass();
    if (type.isArray()) {
      Class<?> component = type.getComponentType();
      if (!component.isPrimitive()) {
        return -1;
      }
      return component == byte.class
          ? Tag.BYTES
          : component == int.class
              ? Tag.INTS
              : component == long.class
                  ? Tag.LONGS
                  : component == double.class
                      ? Tag.DOUBLES
                      : component == float.class
                          ? Tag.FLOATS
                          : component == char.class
                              ? Tag.CHARS
                              : component == short.class ? Tag.SHORTS : Tag.BOOLEANS;
    }
    if (value instanceof ByteBuffer) {
      return Tag.BYTE_BUFFER;
    }
    if (value instanceof MemorySegment) {
      return Tag.SEGMENT;
    }
    return value instanceof DirectBuffer ? Tag.DIRECT_BUFFER : -1;
  }

  @SuppressWarnings(
      "deprecation") // String.getBytes(int, int, byte[], int) is the only copy of Latin-1 without a
  // second array
  private static Encoded scalar(int tag, Object value) {
    if (tag == Tag.STRING) {
      String string = (String) value;
      int length = string.length();
      byte[] bytes;
      if (Out.isLatin1(string)) {
        bytes = new byte[3 + length];
        string.getBytes(0, length, bytes, 3);
      } else {
        bytes = new byte[Math.addExact(3, Math.multiplyExact(2, length))];
        bytes[2] = 1;
        for (int i = 0; i < length; i++) {
          char c = string.charAt(i);
          bytes[3 + 2 * i] = (byte) c;
          bytes[4 + 2 * i] = (byte) (c >>> 8);
        }
      }
      return done(bytes, tag);
    }
    return switch (tag) {
      case Tag.INT -> number(tag, (Integer) value, 4);
      case Tag.LONG -> number(tag, (Long) value, 8);
      case Tag.DOUBLE -> number(tag, Double.doubleToRawLongBits((Double) value), 8);
      case Tag.TRUE -> done(new byte[2], (Boolean) value ? Tag.TRUE : Tag.FALSE);
      case Tag.FLOAT -> number(tag, Float.floatToRawIntBits((Float) value), 4);
      case Tag.CHAR -> number(tag, (Character) value, 2);
      case Tag.SHORT -> number(tag, (Short) value, 2);
      case Tag.BYTE -> number(tag, (Byte) value, 1);
      default -> throw new IllegalStateException("not a scalar: " + tag);
    };
  }

  private static Encoded number(int tag, long value, int size) {
    byte[] bytes = new byte[2 + size];
    for (int i = 0; i < size; i++) {
      bytes[2 + i] = (byte) (value >>> (8 * i));
    }
    return done(bytes, tag);
  }

  private static Encoded done(byte[] bytes, int tag) {
    bytes[0] = VERSION;
    bytes[1] = (byte) tag;
    return new Encodings.OfArray(bytes, bytes.length, List.of());
  }

  // ---------------------------------------------------------------- decode

  /**
   * The value of an encoding. Buffers and memory segments are read-only and show {@code bytes}
   * itself, which must stay as long as they do ({@link #showsItsBytes}); everything else is a copy.
   *
   * @throws SerializationException when a class is not admitted or differs, when the format's
   *     version is another, or when the bytes are not an encoding at all; no handle asked of {@code
   *     refs} stays open then
   */
  public Object decode(MemorySegment bytes, References.Source refs) {
    int kind = kind(bytes);
    if (isRaw(kind)) {
      return raw(kind, bytes);
    }
    In in = new In(bytes, 2);
    GraphReader reader = null;
    try {
      if (kind == GRAPH) {
        reader = new GraphReader(this, refs, in);
        return reader.read();
      }
      if (kind == Tag.USER) {
        String name = in.string();
        String className = in.string();
        return GraphReader.userValue(
            this, name, className, in.bytes(Math.toIntExact(in.remaining())));
      }
      Object value = scalar(kind, in);
      if (in.remaining() > 0) {
        throw new Malformed(in.remaining() + " bytes follow the value");
      }
      return value;
    } catch (Exception | LinkageError | StackOverflowError | AssertionError e) {
      if (reader != null) {
        reader.abandon();
      }
      if (e instanceof DFutException known) {
        throw known;
      }
      if (e instanceof IllegalStateException gone && !bytes.scope().isAlive()) {
        throw gone; // the store was closed meanwhile: nothing is wrong with the bytes
      }
      throw malformed(
          bytes,
          (e instanceof Malformed ? e.getMessage() : e.toString())
              + " (at byte "
              + in.position()
              + ")",
          e);
    }
  }

  private static SerializationException malformed(
      MemorySegment bytes, String why, Throwable cause) {
    return new SerializationException(
        "these "
            + bytes.byteSize()
            + " bytes are not a value that was encoded here or on another node: "
            + why,
        cause);
  }

  /** The kind, once the version is right. */
  private static int kind(MemorySegment bytes) {
    if (bytes.byteSize() < 2) {
      throw malformed(bytes, "an encoding has at least 2", null);
    }
    byte[] header = new byte[2];
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, 0, header, 0, 2);
    if (header[0] != VERSION) {
      throw new SerializationException(
          "a value of format version "
              + (header[0] & 0xFF)
              + " cannot be read by this node, which has version "
              + VERSION
              + ": run the same version of the library on all nodes");
    }
    int kind = header[1] & 0xFF;
    if (isRaw(kind) && bytes.byteSize() < RAW_HEADER_BYTES) {
      throw malformed(bytes, "an encoding of this kind has at least " + RAW_HEADER_BYTES, null);
    }
    return kind;
  }

  private static boolean isRaw(int kind) {
    return kind >= Tag.BOOLEANS && kind <= Tag.DIRECT_BUFFER;
  }

  private static Object scalar(int kind, In in) {
    return switch (kind) {
      case Tag.NULL -> null;
      case Tag.FALSE -> Boolean.FALSE;
      case Tag.TRUE -> Boolean.TRUE;
      case Tag.BYTE -> (byte) in.u1();
      case Tag.SHORT -> (short) in.u2();
      case Tag.CHAR -> (char) in.u2();
      case Tag.INT -> in.u4();
      case Tag.LONG -> in.u8();
      case Tag.FLOAT -> Float.intBitsToFloat(in.u4());
      case Tag.DOUBLE -> Double.longBitsToDouble(in.u8());
      case Tag.STRING -> {
        boolean wide = in.u1() != 0;
        if (in.remaining() > Integer.MAX_VALUE - 8) {
          throw new Malformed(
              "a string of " + in.remaining() + " bytes is longer than strings can be");
        }
        byte[] bytes = in.bytes((int) in.remaining());
        if (!wide) {
          yield new String(bytes, StandardCharsets.ISO_8859_1);
        }
        if (bytes.length % 2 != 0) {
          throw new Malformed("half a char");
        }
        char[] chars = new char[bytes.length / 2];
        for (int i = 0; i < chars.length; i++) {
          chars[i] = (char) ((bytes[2 * i] & 0xFF) | (bytes[2 * i + 1] & 0xFF) << 8);
        }
        yield new String(chars);
      }
      default -> throw new Malformed("there is no kind " + kind);
    };
  }

  private static Object raw(int kind, MemorySegment bytes) {
    return raw(kind, bytes, bytes.asSlice(RAW_HEADER_BYTES).asReadOnly());
  }

  private static Object raw(int kind, MemorySegment bytes, MemorySegment proper) {
    try {
      return switch (kind) {
        case Tag.SEGMENT -> proper;
        case Tag.DIRECT_BUFFER -> new SegmentBuffer(proper);
        case Tag.BYTE_BUFFER -> {
          byte[] order = new byte[1];
          MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, 2, order, 0, 1);
          yield proper
              .asByteBuffer()
              .order(order[0] == 0 ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        }
        default -> Raw.array(kind, proper);
      };
    } catch (Malformed | IllegalArgumentException | UnsupportedOperationException e) {
      throw malformed(bytes, String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * The bytes proper of an encoded array of primitives (little-endian), buffer or memory segment,
   * in place and read-only; empty for values that have no bytes of their own.
   *
   * @throws SerializationException when the bytes are no encoding of this version
   */
  public static Optional<MemorySegment> rawBytes(MemorySegment encoded) {
    return isRaw(kind(encoded))
        ? Optional.of(encoded.asSlice(RAW_HEADER_BYTES).asReadOnly())
        : Optional.empty();
  }

  /**
   * The value of a buffer's encoding, made on a segment that {@link #rawBytes} gave for it. The
   * value, and every buffer that is made of it (slices, duplicates, views of other types), keep
   * that very instance reachable; a {@link MemorySegment} made of it does not.
   *
   * @param encoded of a kind that {@link #isBuffer}
   */
  public static Object buffer(MemorySegment encoded, MemorySegment rawBytes) {
    int kind = kind(encoded);
    if (kind != Tag.BYTE_BUFFER && kind != Tag.DIRECT_BUFFER) {
      throw new IllegalArgumentException("not the encoding of a buffer but of kind " + kind);
    }
    return raw(kind, encoded, rawBytes);
  }

  /**
   * Whether it is the encoding of a {@link ByteBuffer} or of a {@link DirectBuffer}.
   *
   * @throws SerializationException when the bytes are no encoding of this version
   */
  public static boolean isBuffer(MemorySegment encoded) {
    int kind = kind(encoded);
    return kind == Tag.BYTE_BUFFER || kind == Tag.DIRECT_BUFFER;
  }

  /**
   * Whether what {@link #decode} returns shows the encoding's own memory, so that this has to stay
   * as it is for as long as the value is used: buffers and memory segments that are the value
   * itself (within others they are copied).
   *
   * @throws SerializationException when the bytes are no encoding of this version
   */
  public static boolean showsItsBytes(MemorySegment encoded) {
    int kind = kind(encoded);
    return kind == Tag.BYTE_BUFFER || kind == Tag.SEGMENT || kind == Tag.DIRECT_BUFFER;
  }

  // ---------------------------------------------------------------- classes by name

  /**
   * Throws what the filter says unless the class of this name (an array's, too) may be named by a
   * value.
   */
  void checkAdmitted(String name) {
    String element = elementName(name);
    if (!element.startsWith("java.") && !isOurs(element) && !filter.admits(element)) {
      throw new SerializationException(filter.refusal(element));
    }
  }

  /** Ids, results and errors of the public face. */
  private static boolean isOurs(String name) {
    return name.startsWith("io.dfut.") && name.indexOf('.', 8) < 0;
  }

  /**
   * The class of this name, admitted and not initialised.
   *
   * @param jdk whether the JDK's own classes ({@code java.*}) are admitted whatever the filter
   *     says: the caller makes sure that no instance of them is made other than of an enum or a
   *     throwable
   */
  Class<?> load(String name, boolean jdk) {
    Class<?> known = found.get(name);
    if (known != null && (jdk || !name.startsWith("java."))) {
      return known;
    }
    String element = elementName(name);
    boolean isJdk = element.startsWith("java.");
    if (!(isJdk && jdk)
        && !isOurs(element)
        && !filter.admits(element)
        && primitive(element) == null) {
      throw new SerializationException(filter.refusal(element));
    }
    try {
      Class<?> type = primitive(element);
      if (type == null) {
        type =
            isJdk
                ? Class.forName(element, false, ClassLoader.getPlatformClassLoader())
                : lookup.find(element);
      }
      for (int i = 0; i < name.length() && name.charAt(i) == '['; i++) {
        type = type.arrayType();
      }
      if (!type.getName().equals(name)) {
        throw new Malformed("looking for class " + name + " found " + type.getName());
      }
      found.putIfAbsent(name, type);
      return type;
    } catch (ClassNotFoundException | LinkageError e) {
      throw new SerializationException(
          "class "
              + element
              + " of a value is not on the class path of "
              + filter.place()
              + " ("
              + e
              + "): start that node with --app and the application's jar",
          e);
    }
  }

  /** The name without the array; of {@code [[I} it is {@code int}. */
  private static String elementName(String name) {
    int dimensions = 0;
    while (dimensions < name.length() && name.charAt(dimensions) == '[') {
      dimensions++;
    }
    String element = name.substring(dimensions);
    if (dimensions > 0) {
      boolean isReference = element.startsWith("L") && element.endsWith(";");
      element = isReference ? element.substring(1, element.length() - 1) : primitiveOfCode(element);
    }
    if (dimensions > 255 || element.isEmpty()) {
      throw new Malformed("no class has the name " + name);
    }
    for (int i = 0; i < element.length(); i++) {
      char c = element.charAt(i);
      if (c == '/' || c == ';' || c == '[' || c == '\\' || c < ' ') {
        throw new Malformed("no class has the name " + name);
      }
    }
    return element;
  }

  private static String primitiveOfCode(String code) {
    return switch (code) {
      case "Z" -> "boolean";
      case "B" -> "byte";
      case "S" -> "short";
      case "C" -> "char";
      case "I" -> "int";
      case "J" -> "long";
      case "F" -> "float";
      case "D" -> "double";
      default -> "";
    };
  }

  private static Class<?> primitive(String name) {
    return switch (name) {
      case "boolean" -> boolean.class;
      case "byte" -> byte.class;
      case "short" -> short.class;
      case "char" -> char.class;
      case "int" -> int.class;
      case "long" -> long.class;
      case "float" -> float.class;
      case "double" -> double.class;
      case "void" -> void.class;
      default -> null;
    };
  }

  // ---------------------------------------------------------------- the user's codecs

  /**
   * All of the user's codecs, found when the first value needs one that is neither scalar nor raw.
   */
  private volatile List<ValueCodec> userCodecs;

  private final ClassValue<Optional<ValueCodec>> userCodecByClass =
      new ClassValue<>() {
        @Override
        protected Optional<ValueCodec> computeValue(Class<?> type) {
          for (ValueCodec codec : userCodecs()) {
            if (codec.handles(type)) {
              return Optional.of(codec);
            }
          }
          return Optional.empty();
        }
      };

  private List<ValueCodec> userCodecs() {
    List<ValueCodec> codecs = userCodecs;
    if (codecs == null) {
      synchronized (this) {
        codecs = userCodecs;
        if (codecs == null) {
          codecs = findUserCodecs();
          userCodecs = codecs;
        }
      }
    }
    return codecs;
  }

  private List<ValueCodec> findUserCodecs() {
    List<ValueCodec> codecs = new ArrayList<>();
    try {
      for (ValueCodec codec : ServiceLoader.load(ValueCodec.class, codecLoader)) {
        for (ValueCodec other : codecs) {
          if (other.name().equals(codec.name())) {
            throw new SerializationException(
                "ValueCodec "
                    + codec.getClass().getName()
                    + " has the name of "
                    + other.getClass().getName()
                    + ", \""
                    + codec.name()
                    + "\": give it another");
          }
        }
        codecs.add(codec);
      }
    } catch (ServiceConfigurationError e) {
      throw new SerializationException(
          "the ValueCodecs on the class path cannot be loaded: " + e.getMessage(), e);
    }
    return Collections.unmodifiableList(codecs);
  }

  Optional<ValueCodec> userCodec(Class<?> type) {
    return userCodecs().isEmpty() ? Optional.empty() : userCodecByClass.get(type);
  }

  ValueCodec userCodec(String name) {
    for (ValueCodec codec : userCodecs()) {
      if (codec.name().equals(name)) {
        return codec;
      }
    }
    throw new SerializationException(
        "a value was encoded by ValueCodec \""
            + name
            + "\", which is not on the class path of "
            + filter.place()
            + ": start that node with --app and the application's jar");
  }
}
