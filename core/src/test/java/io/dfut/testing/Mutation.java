package io.dfut.testing;

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
import java.util.function.Predicate;
import java.util.regex.Pattern;
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
 * One deliberate bug in the machines of ownership or of leases: written into their source, compiled
 * in memory, and loaded beside the right ones.
 *
 * @param folder of the package that the file is in
 * @param right stands in the source exactly once
 */
public record Mutation(String name, String folder, String file, String right, String wrong) {
  private static final Path SOURCES = Path.of("src/main/java/io/dfut/internal").toAbsolutePath();

  private static final String PACKAGE = "io/dfut/internal/";

  private Mutation(String name, String file, String right, String wrong) {
    this(name, "ownership", file, right, wrong);
  }

  /** All that there are. */
  public static List<Mutation> all() {
    return List.of(
        new Mutation(
            "the submitted count is dropped before the borrowers are added",
            "TaskBook.java",
            """
                came.forEach(counter::holdReleased);
                stillHeld(answer);
                releaseArguments(task);
            """,
            """
                came.forEach(counter::holdReleased);
                releaseArguments(task);
                counter.sweep();
                stillHeld(answer);
            """),
        new Mutation(
            "a release has no epoch",
            "Row.java",
            "if (known == null || known > borrowEpoch) {",
            "if (known == null) {"),
        new Mutation(
            "containment is not counted",
            "OwnershipTable.java",
            "counter.containerAdded(innerRow);",
            ";"),
        new Mutation(
            "lineage is freed too early",
            "TaskBook.java",
            "isNeeded |= row != null && needsDescription(row);",
            ""),
        new Mutation(
            "a stale attempt is accepted",
            "TaskBook.java",
            """
            if (task == null
                    || task.attempt != answer.attempt()
                    || !answer.executor().equals(task.location)) {
            """,
            "if (task == null) {\n"),
        new Mutation(
            "a passed reference is not counted in transit",
            "ReferenceCounter.java",
            "if (isDead(receiver) || isDead(row.id.owner())) {",
            "if (receiver != null) {"),
        new Mutation(
            "nothing is kept for those that a dead worker handed references to",
            "ReferenceCounter.java",
            "if (ending || handoverGraceNanos == 0",
            "if (ending || handoverGraceNanos > 0"),
        new Mutation(
            "a release is sent before the registration is acknowledged",
            "ReferenceCounter.java",
            """
            case REGISTERING -> {
                    return; // no release before the acknowledgement, which looks again
                  }
                  case REGISTERED -> {
            """,
            "case REGISTERING, REGISTERED -> {\n"),
        new Mutation(
            "transits to the dead are not dropped",
            "ReferenceCounter.java",
            "if (open.receiver().filter(isDead).isPresent() || ownerIsDead) {",
            "if (ownerIsDead) {"),
        new Mutation(
            "a dead borrower's last words are heard",
            "ReferenceCounter.java",
            "if (row != null && !row.freed && !isDead(message.borrower())) {",
            "if (row != null && !row.freed) {"),
        new Mutation(
            "an inner reference is not covered by the value that held it",
            "ReferenceCounter.java",
            "holdAdded(cover);\n          row.coverBy(cover);",
            "cover.holds += 0;"),
        new Mutation(
            "a value's end does not release what it contains",
            "ReferenceCounter.java",
            "row.containers--;\n    suspect(row);",
            "row.containers--;"),
        new Mutation(
            "the last words of an old incarnation are heard",
            "ReferenceCounter.java",
            "(dead.contains(worker) || dead.contains(worker.node()))",
            "dead.contains(worker)"),
        new Mutation(
            "a request that waits at a dead node is not made again",
            "LeaseBook.java",
            "if (entry.getValue().node.equals(dead)) {",
            "if (dead == null) {"),
        new Mutation(
            "a dead owner's request for a lease is served",
            "lease",
            "LeaseMachine.java",
            "if (gone.contains(owner) || gone.contains(owner.node())) {",
            "if (owner == null) {"),
        new Mutation(
            "the leases of a dead node's owners do not end",
            "lease",
            "LeaseMachine.java",
            "owner -> owner.node().equals(node),",
            "owner -> false,"),
        new Mutation(
            "a late report of a dead node is believed",
            "lease",
            "LeaseMachine.java",
            "if (load.node().equals(self) || gone.contains(load.node())) {",
            "if (load.node().equals(self)) {"),
        new Mutation(
            "what a blocked task gave back is given back again with its lease",
            "lease",
            "LeaseMachine.java",
            "if (ended.isCounted()) {",
            "if (ended.share == Share.HELD) {"),
        new Mutation(
            "a share that is lent out for arguments is given back again with its lease",
            "lease",
            "LeaseMachine.java",
            "if (ended.isCounted()) {",
            "if (ended.blocked == 0) {"));
  }

  /** The one of this name. */
  public static Mutation named(String name) {
    return all().stream()
        .filter(mutation -> mutation.name.equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no mutation \"" + name + "\""));
  }

  @Override
  public String toString() {
    return name;
  }

  /**
   * The classes of the package with the bug in it.
   *
   * @param own names of the classes that it has of its own; what it refers to else is shared
   */
  public ClassLoader load(Predicate<String> own) {
    try {
      return new Loader(compiled(), own);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- compiling ----

  /** The classes of the package with the bug, by name. */
  private Map<String, byte[]> compiled() throws IOException {
    Path sources = SOURCES.resolve(folder);
    String source = Files.readString(sources.resolve(file)).replace("\r\n", "\n");
    if (source.split(Pattern.quote(right.strip()), -1).length != 2) {
      throw new IllegalStateException("what \"" + name + "\" changes must stand once in " + file);
    }
    String changed = source.replace(right.strip(), wrong.strip());
    List<JavaFileObject> units = new ArrayList<>();
    try (Stream<Path> files = Files.list(sources)) {
      for (Path path : files.filter(each -> each.toString().endsWith(".java")).toList()) {
        String unit = path.getFileName().toString();
        if (!unit.equals("package-info.java")) {
          units.add(
              new JavaSource(
                  PACKAGE + folder + "/" + unit,
                  unit.equals(file) ? changed : Files.readString(path)));
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

  private static final class Loader extends ClassLoader {
    private final Map<String, byte[]> mutated;
    private final Predicate<String> own;

    Loader(Map<String, byte[]> mutated, Predicate<String> own) {
      super(Mutation.class.getClassLoader());
      this.mutated = mutated;
      this.own = own;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!own.test(name)) {
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
