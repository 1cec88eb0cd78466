package io.dfut.internal.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ValueCodecsLoadingTest {
  /** Defines the library's classes itself and notes every class that is asked of it. */
  private static final class Noting extends ClassLoader {
    final Set<String> asked = new LinkedHashSet<>();

    Noting() {
      super(ValueCodecsLoadingTest.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      asked.add(name);
      if (!name.startsWith("io.dfut.internal.codec.")) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> known = findLoadedClass(name);
        return known != null ? known : define(name);
      }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
      try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
        if (in == null) {
          throw new ClassNotFoundException(name);
        }
        byte[] bytes = in.readAllBytes();
        return defineClass(name, bytes, 0, bytes.length);
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
  }

  /** Runs in the noting loader. */
  static final class Probe {
    private Probe() {}

    public static void scalars() {
      ValueCodecs codecs =
          new ValueCodecs(
              ClassFilter.everything(), Probe.class.getClassLoader(), ValueCodecs.Limits.DEFAULT);
      for (Object value : List.of(1, 2L, "text", true, 1.5, 'c')) {
        ValueCodecs.isImmutable(value);
        byte[] bytes = codecs.encode(value, null).toByteArray();
        if (!codecs.decode(MemorySegment.ofArray(bytes), null).equals(value)) {
          throw new AssertionError(value);
        }
      }
    }
  }

  @Test
  void aProgramWithScalarsAndStringsLoadsNothingThatItDoesNotNeed() throws Exception {
    Noting loader = new Noting();
    Method scalars = Class.forName(Probe.class.getName(), true, loader).getMethod("scalars");
    scalars.setAccessible(true);
    scalars.invoke(null);
    assertThat(loader.asked)
        .contains(ValueCodecs.class.getName())
        .doesNotContain(Shape.class.getName(), SegmentBuffer.class.getName())
        .noneMatch(
            name -> name.startsWith("com.fasterxml.") || name.startsWith("org.apache.fory."));
  }
}
