package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.ThrownError;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * Derives the {@link Shape} of a message from its declaration, so that a new message or field is
 * carried without a line of code and cannot be forgotten. A record is its components one after the
 * other; a sealed interface is the simple name of the record, then that. Only types reachable from
 * the declared one can ever be made: no class name travels. Thread-safe.
 *
 * <p>Shapes are made at first use, since a node that never says a word does not need them.
 */
final class Shapes {
  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();
  private static final Map<Type, Shape> SHAPES = new ConcurrentHashMap<>();

  private Shapes() {}

  /**
   * The shape of a type.
   *
   * @throws IllegalStateException when it, or a part of it, is of a kind that cannot be carried
   */
  static Shape of(Type type) {
    Shape known = SHAPES.get(type);
    if (known != null) {
      return known;
    }
    Shape made = make(type);
    known = SHAPES.putIfAbsent(type, made);
    return known == null ? made : known;
  }

  /** The records below a sealed interface, by the names under which they travel. */
  static Map<String, Class<?>> records(Class<?> sealed) {
    Map<String, Class<?>> byName = new LinkedHashMap<>();
    leaves(sealed)
        .forEach(
            leaf -> {
              Class<?> other = byName.put(leaf.getSimpleName(), leaf);
              if (other != null) {
                throw new IllegalStateException(
                    "two kinds of " + sealed.getName() + " have one name: " + other + ", " + leaf);
              }
            });
    return byName;
  }

  private static Stream<Class<?>> leaves(Class<?> type) {
    return type.isSealed()
        ? Arrays.stream(type.getPermittedSubclasses()).flatMap(Shapes::leaves)
        : Stream.of(type);
  }

  private static Shape make(Type type) {
    if (type instanceof ParameterizedType generic) {
      return parameterized((Class<?>) generic.getRawType(), generic.getActualTypeArguments());
    }
    if (!(type instanceof Class<?> plain)) {
      throw new IllegalStateException("cannot be carried by a message: " + type);
    }
    if (plain == long.class || plain == Long.class) {
      return new LongShape();
    } else if (plain == int.class || plain == Integer.class) {
      return new IntShape();
    } else if (plain == boolean.class || plain == Boolean.class) {
      return new BooleanShape();
    } else if (plain == double.class || plain == Double.class) {
      return new DoubleShape();
    } else if (plain == String.class) {
      return new TextShape();
    } else if (plain == NodeId.class) {
      return new NodeShape();
    } else if (plain == InlineValue.class) {
      return new InlineValueShape();
    } else if (plain == ThrownError.class) {
      return new ThrownErrorShape();
    } else if (plain == InetSocketAddress.class) {
      return new AddressShape();
    } else if (plain.isEnum()) {
      return new EnumShape(plain);
    } else if (plain.isSealed()) {
      return new SealedShape(plain);
    }
    return HotShapes.of(plain).orElseGet(() -> derived(plain));
  }

  /** The shape of a record by its declaration. */
  static Shape derived(Class<?> plain) {
    if (plain.isRecord()) {
      return new RecordShape(plain);
    }
    throw new IllegalStateException("cannot be carried by a message: " + plain.getName());
  }

  private static Shape parameterized(Class<?> raw, Type[] arguments) {
    if (raw == List.class) {
      return new ListOf<>(of(arguments[0]));
    } else if (raw == Set.class) {
      return new SetShape(of(arguments[0]));
    } else if (raw == Optional.class) {
      return new OptionalShape(of(arguments[0]));
    } else if (raw == Map.class) {
      return new MapShape(of(arguments[0]), of(arguments[1]), false);
    } else if (raw == SortedMap.class) {
      return new MapShape(of(arguments[0]), of(arguments[1]), true);
    }
    throw new IllegalStateException("cannot be carried by a message: " + raw.getName());
  }

  private static final class LongShape implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      out.writeLong((Long) value);
    }

    @Override
    public Object read(WireReader in) throws IOException {
      return in.readLong();
    }
  }

  private static final class IntShape implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      out.writeLong((Integer) value);
    }

    @Override
    public Object read(WireReader in) throws IOException {
      return in.readInt();
    }
  }

  private static final class BooleanShape implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      out.writeBoolean((Boolean) value);
    }

    @Override
    public Object read(WireReader in) throws IOException {
      return in.readBoolean();
    }
  }

  private static final class DoubleShape implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      out.writeDouble((Double) value);
    }

    @Override
    public Object read(WireReader in) throws IOException {
      return in.readDouble();
    }
  }

  private static final class TextShape implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      out.writeText((String) value);
    }

    @Override
    public Object read(WireReader in) throws IOException {
      return in.readText();
    }
  }

  private static final class NodeShape implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      out.writeNode((NodeId) value);
    }

    @Override
    public Object read(WireReader in) throws IOException {
      return in.readNode();
    }
  }

  /**
   * The encoding of a user's value; whoever wants the value decodes it, and checks what it names.
   */
  private static final class InlineValueShape implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      out.writeBytes(((InlineValue) value).bytes());
    }

    @Override
    public Object read(WireReader in) throws IOException {
      return InlineValue.encoded(in.readBytes());
    }
  }

  private static final class ThrownErrorShape implements Shape {
    private final ListOf<ThrownError.Frame> frames = new ListOf<>(of(ThrownError.Frame.class));
    private final Shape cause = new OptionalShape(this);
    private final ListOf<ThrownError> suppressed = new ListOf<>(this);

    @Override
    public void write(Object value, WireWriter out) throws IOException {
      ThrownError error = (ThrownError) value;
      out.writeText(error.className());
      out.writeText(error.text());
      frames.write(error.frames(), out);
      cause.write(error.cause(), out);
      suppressed.write(error.suppressed(), out);
    }

    @Override
    @SuppressWarnings("unchecked") // the shape of the cause is this one
    public Object read(WireReader in) throws IOException {
      in.enter();
      ThrownError error =
          new ThrownError(
              in.readText(),
              in.readText(),
              frames.read(in),
              (Optional<ThrownError>) cause.read(in),
              suppressed.read(in));
      in.leave();
      return error;
    }
  }

  /** Never resolved here: a look-up of a name that a peer chose may block for seconds. */
  private static final class AddressShape implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      InetSocketAddress address = (InetSocketAddress) value;
      out.writeText(address.getHostString());
      out.writeLong(address.getPort());
    }

    @Override
    public Object read(WireReader in) throws IOException {
      return InetSocketAddress.createUnresolved(in.readText(), in.readInt());
    }
  }

  private static final class EnumShape implements Shape {
    private final Map<String, Object> byName = new HashMap<>();

    EnumShape(Class<?> type) {
      for (Object constant : type.getEnumConstants()) {
        byName.put(((Enum<?>) constant).name(), constant);
      }
    }

    @Override
    public void write(Object value, WireWriter out) throws IOException {
      out.writeText(((Enum<?>) value).name());
    }

    @Override
    public Object read(WireReader in) throws IOException {
      String name = in.readText();
      Object constant = byName.get(name);
      if (constant == null) {
        throw new IOException("no such constant among " + byName.keySet() + ": " + printable(name));
      }
      return constant;
    }
  }

  private record SetShape(Shape element) implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      Set<?> set = (Set<?>) value;
      out.writeCount(set.size());
      for (Object each : set) {
        element.write(each, out);
      }
    }

    @Override
    public Object read(WireReader in) throws IOException {
      int count = in.readCount();
      Set<Object> set = new java.util.HashSet<>();
      for (int i = 0; i < count; i++) {
        set.add(element.read(in));
      }
      return set;
    }
  }

  private record OptionalShape(Shape element) implements Shape {
    @Override
    public void write(Object value, WireWriter out) throws IOException {
      Optional<?> optional = (Optional<?>) value;
      out.writeBoolean(optional.isPresent());
      if (optional.isPresent()) {
        element.write(optional.get(), out);
      }
    }

    @Override
    public Object read(WireReader in) throws IOException {
      return in.readBoolean() ? Optional.of(element.read(in)) : Optional.empty();
    }
  }

  private record MapShape(Shape key, Shape value, boolean sorted) implements Shape {
    @Override
    public void write(Object map, WireWriter out) throws IOException {
      Map<?, ?> entries = (Map<?, ?>) map;
      out.writeCount(entries.size());
      for (Map.Entry<?, ?> entry : entries.entrySet()) {
        key.write(entry.getKey(), out);
        value.write(entry.getValue(), out);
      }
    }

    @Override
    public Object read(WireReader in) throws IOException {
      int count = in.readCount();
      Map<Object, Object> map = sorted ? new TreeMap<>() : new HashMap<>();
      for (int i = 0; i < count; i++) {
        map.put(key.read(in), value.read(in));
      }
      return map;
    }
  }

  /** The components in their order. */
  private static final class RecordShape implements Shape {
    private record Part(String name, MethodHandle accessor, Shape shape) {}

    private final Class<?> type;

    /** Made at first use: a record may contain itself. */
    private volatile Parts parts;

    private record Parts(MethodHandle constructor, Part[] all) {}

    RecordShape(Class<?> type) {
      this.type = type;
    }

    @Override
    public void write(Object value, WireWriter out) throws IOException {
      for (Part part : parts().all()) {
        Object component = get(part, value);
        if (component == null) {
          throw new IllegalStateException(type.getName() + "." + part.name() + " is null");
        }
        part.shape().write(component, out);
      }
    }

    private static Object get(Part part, Object value) {
      try {
        return part.accessor().invokeExact(value);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException("an accessor threw", e);
      }
    }

    @Override
    public Object read(WireReader in) throws IOException {
      in.enter();
      Parts all = parts();
      Object[] values = new Object[all.all().length];
      for (int i = 0; i < values.length; i++) {
        values[i] = all.all()[i].shape().read(in);
      }
      in.leave();
      try {
        return all.constructor().invokeExact(values);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException("a constructor threw", e);
      }
    }

    private Parts parts() {
      Parts known = parts;
      if (known == null) {
        known = makeParts();
        parts = known;
      }
      return known;
    }

    private Parts makeParts() {
      RecordComponent[] components = type.getRecordComponents();
      Part[] all = new Part[components.length];
      Class<?>[] types = new Class<?>[components.length];
      try {
        MethodHandles.Lookup lookup = MethodHandles.privateLookupIn(type, LOOKUP);
        for (int i = 0; i < all.length; i++) {
          types[i] = components[i].getType();
          MethodHandle accessor =
              lookup
                  .unreflect(components[i].getAccessor())
                  .asType(MethodType.methodType(Object.class, Object.class));
          Shape shape;
          try {
            shape = of(components[i].getGenericType());
          } catch (IllegalStateException e) {
            throw new IllegalStateException(
                type.getName() + "." + components[i].getName() + ": " + e.getMessage(), e);
          }
          all[i] = new Part(components[i].getName(), accessor, shape);
        }
        MethodHandle constructor =
            lookup
                .findConstructor(type, MethodType.methodType(void.class, types))
                .asSpreader(Object[].class, types.length)
                .asType(MethodType.methodType(Object.class, Object[].class));
        return new Parts(constructor, all);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("cannot be carried by a message: " + type.getName(), e);
      }
    }
  }

  /** One of a closed set of records: its name, then it. */
  private static final class SealedShape implements Shape {
    private final Class<?> type;
    private final Map<String, Class<?>> byName;

    SealedShape(Class<?> type) {
      this.type = type;
      byName = records(type);
    }

    @Override
    public void write(Object value, WireWriter out) throws IOException {
      Class<?> kind = value.getClass();
      out.writeText(kind.getSimpleName());
      of(kind).write(value, out);
    }

    @Override
    public Object read(WireReader in) throws IOException {
      String name = in.readText();
      Class<?> kind = byName.get(name);
      if (kind == null) {
        throw new IOException("no such " + type.getSimpleName() + ": " + printable(name));
      }
      return of(kind).read(in);
    }
  }

  /** What a peer sent, fit for a log: short and without control characters. */
  static String printable(String text) {
    return printable(text, 80);
  }

  /** The same of at most so many characters. */
  static String printable(String text, int charsMax) {
    String cut = text.length() > charsMax ? text.substring(0, charsMax) + "…" : text;
    return cut.replaceAll("\\p{Cntrl}", "?");
  }
}
