package io.dfut.internal.cluster.launch;

import io.dfut.internal.cluster.HostAndPort;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.InetSocketAddress;
import java.net.MalformedURLException;
import java.net.Socket;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import java.util.jar.JarFile;

/**
 * {@code ./dfut run}, {@code sample}, {@code bench}, {@code sim} and {@code chaos}: other people's
 * main methods, in this JVM.
 */
final class Programs {
  /**
   * The cluster on which a program's {@code DFutSystem.local()} runs instead, {@code host:port}. A
   * system property, since the program makes its own configuration.
   */
  static final String CLUSTER_PROPERTY = "dfut.run.cluster";

  private static final String SAMPLES = "io.dfut.samples.";

  private Programs() {}

  static void run(Command.Run run) throws ProgramFailure, IllegalAccessException {
    useJars(run.application());
    setList("dfut.tasks.allow", allowed(run.application()));
    setList("dfut.values.allow", allowed(run.application()));
    run.cluster()
        .ifPresent(
            at -> {
              requireListener(at);
              System.setProperty(CLUSTER_PROPERTY, at.toString());
            });
    call(
        find(run.mainClass())
            .orElseThrow(
                () ->
                    new UsageException(
                        "there is no class "
                            + run.mainClass()
                            + " on the class path; name its jar with --app JAR")),
        run.arguments());
  }

  /** Before the program starts: what it does with such an error is its own business. */
  static void requireListener(HostAndPort at) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(at.host(), at.port()), 2000);
    } catch (IOException e) {
      throw new IllegalStateException(
          "nobody answers at "
              + at
              + " ("
              + e.getMessage()
              + "); start a node there first (./dfut start --port …), or check the address",
          e);
    }
  }

  /** {@code search} is {@code search.SearchMain}, {@code quickstart} is {@code Quickstart}. */
  static void sample(String name, List<String> arguments)
      throws ProgramFailure, IllegalAccessException {
    if (!name.matches("[a-z][a-z0-9]*")) {
      throw new UsageException("\"" + name + "\" is no name of a sample");
    }
    String capital = name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1);
    Class<?> main =
        find(SAMPLES + name + "." + capital + "Main")
            .or(() -> find(SAMPLES + capital))
            .orElseThrow(() -> new UsageException("there is no sample " + name));
    call(main, arguments);
  }

  /** The program knows its benchmarks by name. */
  static void bench(List<String> arguments) throws ProgramFailure, IllegalAccessException {
    call(
        find(SAMPLES + "bench.BenchMain")
            .orElseThrow(() -> new UsageException("the benchmarks are not on the class path")),
        arguments);
  }

  /** The simulator is part of the tests; the script alone puts it on the class path. */
  static void sim(List<String> arguments) throws ProgramFailure, IllegalAccessException {
    call(
        find("io.dfut.internal.sim.SimMain")
            .orElseThrow(
                () ->
                    new UsageException(
                        "the simulator is not on the class path; ./dfut sim adds target/dist/sim")),
        arguments);
  }

  /** It starts and kills JVMs, as tests do; the script alone puts it on the class path. */
  static void chaos(List<String> arguments) throws ProgramFailure, IllegalAccessException {
    call(
        find("io.dfut.internal.chaos.ChaosMain")
            .orElseThrow(
                () ->
                    new UsageException(
                        "chaos is not on the class path; ./dfut chaos adds target/dist/chaos")),
        arguments);
  }

  private static Optional<Class<?>> find(String className) {
    try {
      return Optional.of(
          Class.forName(className, false, Thread.currentThread().getContextClassLoader()));
    } catch (ClassNotFoundException | NoClassDefFoundError e) {
      return Optional.empty(); // the second, on a file system that ignores case
    }
  }

  private static void call(Class<?> type, List<String> arguments)
      throws ProgramFailure, IllegalAccessException {
    Method main;
    try {
      main = type.getDeclaredMethod("main", String[].class);
    } catch (NoSuchMethodException e) {
      throw new UsageException(type.getName() + " has no method main(String[])", e);
    }
    if (!Modifier.isStatic(main.getModifiers())) {
      throw new UsageException("main(String[]) of " + type.getName() + " is not static");
    }
    main.setAccessible(true); // the class need not be public
    try {
      main.invoke(null, (Object) arguments.toArray(String[]::new));
    } catch (InvocationTargetException e) {
      throw new ProgramFailure(e.getCause());
    }
  }

  /** Carries what a program threw past those who would make one line of it. */
  static final class ProgramFailure extends Exception {
    ProgramFailure(Throwable cause) {
      super(cause);
    }
  }

  /** Makes the application's classes visible to this thread and those it starts. */
  static void useJars(Command.Application application) {
    if (application.jars().isEmpty()) {
      return;
    }
    List<URL> urls = new ArrayList<>();
    for (Path jar : application.jars()) {
      try {
        urls.add(jar.toUri().toURL());
      } catch (MalformedURLException e) {
        throw new UsageException("--app " + jar + " is no path", e);
      }
    }
    Thread.currentThread()
        .setContextClassLoader(
            new URLClassLoader(
                "application", urls.toArray(URL[]::new), Programs.class.getClassLoader()));
  }

  /** What was allowed by name, else all packages of the application's jars. */
  static List<String> allowed(Command.Application application) {
    if (!application.allow().isEmpty()) {
      return application.allow();
    }
    TreeSet<String> packages = new TreeSet<>();
    for (Path jar : application.jars()) {
      try (JarFile file = new JarFile(jar.toFile())) {
        file.stream()
            .map(entry -> entry.getName())
            .filter(name -> name.endsWith(".class") && name.contains("/"))
            .filter(name -> !name.startsWith("META-INF/"))
            .forEach(
                name ->
                    packages.add(name.substring(0, name.lastIndexOf('/') + 1).replace('/', '.')));
      } catch (IOException e) {
        throw new UsageException("--app " + jar + " cannot be read: " + e.getMessage(), e);
      }
    }
    return List.copyOf(packages);
  }

  /** As system properties say a list. */
  private static void setList(String key, List<String> values) {
    for (int i = 0; i < values.size(); i++) {
      System.setProperty(key + "." + i, values.get(i));
    }
  }
}
