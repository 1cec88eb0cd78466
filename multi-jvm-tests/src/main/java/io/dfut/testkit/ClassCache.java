package io.dfut.testkit;

import io.dfut.internal.cluster.launch.JvmProcess;
import io.dfut.internal.cluster.launch.Launcher;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/**
 * A cache of loaded classes (JEP 483, 514) for the JVMs of nodes, which start in a third of the
 * time with it: made once for each class path, JDK and flags, in the folder where the build puts
 * what it makes. Immutable.
 *
 * <p>The JVM takes such a cache only for jars, and only when they are the first of the class path.
 * So the folders of classes come last in what nodes get.
 */
final class ClassCache {
  /** Set to {@code off}, there is none, and nodes get the class path as it is. */
  static final String PROPERTY = "dfut.testkit.class-cache";

  /** Of other class paths, the newest that are kept. */
  private static final int KEPT = 4;

  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private static final List<Path> BUILD_FOLDERS = List.of(Path.of("target"), Path.of("build"));

  private static Optional<ClassCache> made = Optional.empty();

  private final List<String> jars;
  private final List<String> folders;

  /** Where the caches are; empty when there are none. */
  private final Optional<Path> caches;

  private ClassCache(List<String> jars, List<String> folders, Optional<Path> caches) {
    this.jars = jars;
    this.folders = folders;
    this.caches = caches;
  }

  static synchronized ClassCache forThisClassPath() {
    if (made.isEmpty()) {
      List<String> jars = new ArrayList<>();
      List<String> folders = new ArrayList<>();
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
        (Files.isRegularFile(Path.of(entry)) ? jars : folders).add(entry);
      }
      boolean wanted = !System.getProperty(PROPERTY, "on").equals("off") && isLauncherIn(jars);
      made =
          Optional.of(
              new ClassCache(jars, folders, wanted ? folderOfTheBuild() : Optional.empty()));
    }
    return made.get();
  }

  /** In a build of several modules it may be in a folder; then there is nothing to train. */
  private static boolean isLauncherIn(List<String> jars) {
    try {
      URI place = Launcher.class.getProtectionDomain().getCodeSource().getLocation().toURI();
      return jars.stream().anyMatch(jar -> Path.of(jar).toAbsolutePath().toUri().equals(place));
    } catch (java.net.URISyntaxException e) {
      return false;
    }
  }

  private static Optional<Path> folderOfTheBuild() {
    return BUILD_FOLDERS.stream()
        .filter(folder -> Files.isDirectory(folder) && Files.isWritable(folder))
        .map(folder -> folder.toAbsolutePath().resolve("dfut-testkit"))
        .findFirst();
  }

  /** What nodes get as their class path. */
  String classPath() {
    if (caches.isEmpty()) {
      return System.getProperty("java.class.path");
    }
    return String.join(File.pathSeparator, Stream.of(jars, folders).flatMap(List::stream).toList());
  }

  /**
   * The flags with which a node uses it; makes it if need be, which takes some ten seconds. None
   * when it cannot be made.
   *
   * @param flags the node's own
   */
  synchronized String[] flags(List<String> flags) {
    if (caches.isEmpty()) {
      return new String[0];
    }
    Path cache = caches.get().resolve("classes-" + fingerprint(flags) + ".aot");
    try {
      if (!Files.exists(cache)) {
        Files.createDirectories(caches.get());
        makeAlone(cache, flags);
      }
      return Files.size(cache) == 0
          ? new String[0]
          : new String[] {"-XX:AOTCache=" + cache, "-Xlog:aot=off", "-Xlog:cds=off"};
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String fingerprint(List<String> flags) {
    List<Object> all = new ArrayList<>(flags);
    all.add(System.getProperty("java.home"));
    all.add(System.getProperty("java.vm.version"));
    for (String jar : jars) {
      File file = new File(jar);
      all.addAll(List.of(jar, file.length(), file.lastModified()));
    }
    return Long.toHexString(
        ((long) all.hashCode() << 32) ^ Arrays.hashCode(all.toString().getBytes()));
  }

  /** One process makes it, the others wait. */
  private void makeAlone(Path cache, List<String> flags) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            cache.resolveSibling("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.lock(); // until the channel is closed
      if (!Files.exists(cache)) {
        forgetOld();
        make(cache, flags);
      }
    }
  }

  private void make(Path cache, List<String> flags) throws IOException {
    System.err.println("dfut: making a class cache for faster starts of nodes, once: " + cache);
    Path part = cache.resolveSibling("part-" + ProcessHandle.current().pid());
    Files.deleteIfExists(part);
    try (JvmProcess training =
        JvmProcess.of("training", Launcher.class, "train")
            .classPath(String.join(File.pathSeparator, jars))
            .flags(flags.toArray(String[]::new))
            .flags("-XX:AOTCacheOutput=" + part, "-Xlog:disable")
            .flags("-Dlogback.configurationFile=io/dfut/internal/cluster/launch/logback.xml")
            .start()) {
      OptionalInt code = training.awaitExit(PATIENCE);
      if (code.equals(OptionalInt.of(0)) && Files.exists(part)) {
        Files.move(part, cache, StandardCopyOption.ATOMIC_MOVE);
      } else {
        System.err.println(
            "dfut: there is none, starts are slower; the training run ended with "
                + code
                + ":\n  "
                + String.join("\n  ", training.lines()));
        Files.createFile(cache); // not tried again until something changes
      }
    }
  }

  private void forgetOld() throws IOException {
    List<Path> old;
    try (Stream<Path> files = Files.list(caches.orElseThrow())) {
      old =
          files
              .filter(file -> file.toString().endsWith(".aot"))
              .sorted(Comparator.comparingLong((Path file) -> -file.toFile().lastModified()))
              .skip(KEPT)
              .toList();
    }
    for (Path file : old) {
      Files.delete(file);
    }
  }
}
