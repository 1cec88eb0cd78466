package io.dfut.internal.explore;

import io.dfut.testing.JavaSource;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * The machines of ownership with one deliberate bug: written into their source, compiled in memory,
 * and loaded beside the right ones, with an explorer of its own.
 *
 * @param right stands in the source exactly once
 */
record Mutant(String name, String file, String right, String wrong) {
  private static final Path SOURCES =
      Path.of("src/main/java/io/dfut/internal/ownership").toAbsolutePath();

  private static final String PACKAGE = "io/dfut/internal/ownership/";

  /** The shortest path to a violation that the explorer finds with the bug in; else empty. */
  String explore(String scenario, int crashes, int repeats, int statesMax) {
    try {
      return (String)
          new Loader(compiled())
              .loadClass(Explore.class.getName())
              .getMethod("violation", String.class, int.class, int.class, int.class)
              .invoke(null, scenario, crashes, repeats, statesMax);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("exploring \"" + name + "\"", e);
    }
  }

  @Override
  public String toString() {
    return name;
  }

  // ---- compiling ----

  /** The classes of the package with the bug, by name. */
  private Map<String, byte[]> compiled() throws IOException {
    String source = Files.readString(SOURCES.resolve(file())).replace("\r\n", "\n");
    if (source.split(java.util.regex.Pattern.quote(right.strip()), -1).length != 2) {
      throw new IllegalStateException("what \"" + name + "\" changes must stand once in " + file);
    }
    String changed = source.replace(right.strip(), wrong.strip());
    List<JavaFileObject> units = new ArrayList<>();
    try (Stream<Path> files = Files.list(SOURCES)) {
      for (Path path : files.filter(each -> each.toString().endsWith(".java")).toList()) {
        String unit = path.getFileName().toString();
        if (!unit.equals("package-info.java")) {
          units.add(
              new JavaSource(PACKAGE + unit, unit.equals(file) ? changed : Files.readString(path)));
        }
      }
    }
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringBuilder messages = new StringBuilder();
    try (InMemory files = new InMemory(compiler.getStandardFileManager(null, null, null))) {
      boolean good =
          compiler
              .getTask(
                  null,
                  files,
                  diagnostic -> messages.append(diagnostic).append('\n'),
                  List.of(
                      "-proc:none", "-nowarn", "-classpath", System.getProperty("java.class.path")),
                  null,
                  units)
              .call();
      if (!good) {
        throw new IllegalStateException("\"" + name + "\" does not compile: " + messages);
      }
      return files.classes();
    }
  }

  private static final class InMemory extends ForwardingJavaFileManager<StandardJavaFileManager> {
    private final Map<String, ByteArrayOutputStream> written = new HashMap<>();

    InMemory(StandardJavaFileManager manager) {
      super(manager);
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        JavaFileManager.Location location,
        String className,
        JavaFileObject.Kind kind,
        FileObject sibling) {
      return new SimpleJavaFileObject(
          URI.create("memory:///" + className.replace('.', '/') + ".class"), kind) {
        @Override
        public OutputStream openOutputStream() {
          ByteArrayOutputStream bytes = new ByteArrayOutputStream();
          written.put(className, bytes);
          return bytes;
        }
      };
    }

    Map<String, byte[]> classes() {
      Map<String, byte[]> classes = new HashMap<>();
      written.forEach((name, bytes) -> classes.put(name, bytes.toByteArray()));
      return classes;
    }
  }

  // ---- loading ----

  /** Has classes of ours of its own: walkers of a fingerprint refer to both sides. */
  private static final class Loader extends ClassLoader {
    private final Map<String, byte[]> mutated;

    Loader(Map<String, byte[]> mutated) {
      super(Mutant.class.getClassLoader());
      this.mutated = mutated;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith("io.dfut.")) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> loaded = findLoadedClass(name);
        return loaded != null ? loaded : findClass(name);
      }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
      byte[] bytes = mutated.get(name);
      if (bytes == null) {
        try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
          if (in == null) {
            throw new ClassNotFoundException(name);
          }
          bytes = in.readAllBytes();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      return defineClass(name, bytes, 0, bytes.length);
    }
  }
}
