package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.task.FunctionRef;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.ThrownError;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Makes values of any type that a message can have, from its declaration, so that a new message is
 * covered without being listed. The numbers come from a seed.
 */
final class Samples {
  private final Random random;

  Samples(long seed) {
    random = new Random(seed);
  }

  /** One value of each record below a sealed interface. */
  List<Object> ofEach(Class<?> sealed) {
    List<Object> values = new ArrayList<>();
    for (Class<?> kind : Shapes.records(sealed).values()) {
      values.add(of(kind));
    }
    return values;
  }

  Object of(Type type) {
    if (type instanceof ParameterizedType generic) {
      Type[] arguments = generic.getActualTypeArguments();
      Class<?> raw = (Class<?>) generic.getRawType();
      if (raw == List.class) {
        return random.nextInt(4) == 0 ? List.of() : List.of(of(arguments[0]), of(arguments[0]));
      } else if (raw == Set.class) {
        return Set.of(of(arguments[0]));
      } else if (raw == Optional.class) {
        return random.nextBoolean() ? Optional.of(of(arguments[0])) : Optional.empty();
      } else if (raw == Map.class) {
        return Map.of(of(arguments[0]), of(arguments[1]));
      } else if (raw == SortedMap.class) {
        return new TreeMap<>(Map.of(of(arguments[0]), of(arguments[1])));
      }
      throw new IllegalArgumentException("no sample of " + type);
    }
    Class<?> plain = (Class<?>) type;
    if (plain == long.class || plain == Long.class) {
      return random.nextLong() >>> 1 >>> random.nextInt(63);
    } else if (plain == int.class || plain == Integer.class) {
      return 1 + random.nextInt(1 << 16 >> random.nextInt(16));
    } else if (plain == boolean.class) {
      return random.nextBoolean();
    } else if (plain == double.class) {
      return random.nextDouble();
    } else if (plain == String.class) {
      return text();
    } else if (plain == NodeId.class) {
      return new NodeId("10.0.0." + random.nextInt(4), 25_520, random.nextInt(3) - 1L);
    } else if (plain == InlineValue.class) {
      byte[] bytes = new byte[random.nextInt(300)];
      random.nextBytes(bytes);
      return random.nextBoolean()
          ? InlineValue.encoded(bytes)
          : InlineValue.direct("direct", object -> bytes);
    } else if (plain == FunctionRef.class) {
      FunctionRef.Descriptor descriptor = (FunctionRef.Descriptor) of(FunctionRef.Descriptor.class);
      return random.nextBoolean()
          ? FunctionRef.described(descriptor)
          : FunctionRef.local(descriptor, new Object());
    } else if (plain == ThrownError.class) {
      Exception error = new IllegalStateException(text(), new RuntimeException(text()));
      error.addSuppressed(new ArithmeticException());
      return ThrownError.of(error);
    } else if (plain == InetSocketAddress.class) {
      return InetSocketAddress.createUnresolved("10.0.0.1", 4711);
    } else if (plain.isEnum()) {
      Object[] constants = plain.getEnumConstants();
      return constants[random.nextInt(constants.length)];
    } else if (plain.isRecord()) {
      return record(plain);
    } else if (plain.isSealed()) {
      List<Class<?>> kinds = List.copyOf(Shapes.records(plain).values());
      return of(kinds.get(random.nextInt(kinds.size())));
    }
    throw new IllegalArgumentException("no sample of " + type);
  }

  private String text() {
    return switch (random.nextInt(4)) {
      case 0 -> "text";
      case 1 -> "com.acme.Images";
      case 2 -> "ünïcödé \uD83D\uDE80 " + random.nextInt(100);
      default -> "x".repeat(random.nextInt(2 * WireWriter.TABLE_TEXT_MAX));
    };
  }

  private Object record(Class<?> type) {
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    Object[] values = new Object[components.length];
    for (int attempt = 0; ; attempt++) {
      for (int i = 0; i < components.length; i++) {
        types[i] = components[i].getType();
        values[i] = of(components[i].getGenericType());
      }
      try {
        var constructor = type.getDeclaredConstructor(types);
        constructor.setAccessible(true);
        return constructor.newInstance(values);
      } catch (java.lang.reflect.InvocationTargetException e) {
        // A constructor refuses nonsense, an empty list of sources for example; with other values
        // it will not.
        if (attempt == 50) {
          throw new AssertionError("no sample of " + type + " is accepted", e.getCause());
        }
      } catch (ReflectiveOperationException e) {
        throw new AssertionError(type.getName(), e);
      }
    }
  }

  /** What must be the same after a round trip: everything but what stays in its JVM. */
  static String described(Object value) {
    return switch (value) {
      case InlineValue inline -> "bytes" + java.util.Arrays.toString(inline.bytes());
      case FunctionRef function -> "function" + described(function.descriptor());
      case ThrownError error ->
          "error("
              + error.className()
              + ","
              + error.text()
              + ","
              + error.frames()
              + ","
              + described(error.cause())
              + ","
              + described(error.suppressed())
              + ")";
      case Optional<?> optional -> optional.map(Samples::described).orElse("none");
      case List<?> list -> list.stream().map(Samples::described).toList().toString();
      case Record each when !(each instanceof NodeId) -> describedRecord(each);
      default -> String.valueOf(value);
    };
  }

  private static String describedRecord(Record value) {
    StringBuilder text = new StringBuilder(value.getClass().getSimpleName()).append('(');
    for (RecordComponent component : value.getClass().getRecordComponents()) {
      try {
        component.getAccessor().setAccessible(true);
        text.append(described(component.getAccessor().invoke(value))).append(';');
      } catch (ReflectiveOperationException e) {
        throw new AssertionError(e);
      }
    }
    return text.append(')').toString();
  }
}
