package io.dfut.internal.cluster.launch;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A JVM that this one has started: waits for what it says, keeps what it says, stops, kills,
 * freezes and thaws it. Its standard input is a pipe that ends when this JVM ends, however it ends;
 * a child that is told {@code --with-parent} stops then. Thread-safe.
 */
public final class JvmProcess implements AutoCloseable {
  /** Flags for children, a line each, where the script that started this JVM gives some. */
  private static final String FLAGS_VARIABLE = "DFUT_JVM_FLAGS";

  /** Lines kept of a process that talks a lot: the last ones. */
  private static final int LINES_MAX = 10_000;

  private static final List<String> QUIET_FLAGS =
      List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow");

  private static final Duration KILL_PATIENCE = Duration.ofSeconds(10);

  /** What to start. Not thread-safe. */
  public static final class Builder {
    private final String name;
    private final String mainClass;
    private final List<String> arguments;
    private final List<String> flags = new ArrayList<>(flagsForChildren());
    private final Map<String, String> environment = new TreeMap<>();
    private Optional<Path> folder = Optional.empty();
    private String classPath = System.getProperty("java.class.path");
    private Consumer<String> onLine = line -> {};

    private Builder(String name, String mainClass, List<String> arguments) {
      this.name = name;
      this.mainClass = mainClass;
      this.arguments = List.copyOf(arguments);
    }

    /** Adds flags of the JVM, system properties for example. */
    public Builder flags(String... more) {
      flags.addAll(List.of(more));
      return this;
    }

    /** Replaces the class path, which is that of this JVM. */
    public Builder classPath(String path) {
      classPath = path;
      return this;
    }

    /** Sets a variable of its environment. */
    public Builder environment(String variable, String value) {
      environment.put(variable, value);
      return this;
    }

    /** Sets its working folder. */
    public Builder folder(Path path) {
      folder = Optional.of(path);
      return this;
    }

    /** Who is told each line that it writes, on a thread that only does that. */
    public Builder onLine(Consumer<String> listener) {
      onLine = listener;
      return this;
    }

    /**
     * Starts it.
     *
     * @throws UncheckedIOException when the system refuses
     */
    public JvmProcess start() {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(flags);
      command.addAll(List.of("-cp", classPath, mainClass));
      command.addAll(arguments);
      return JvmProcess.start(name, command, environment, folder, onLine);
    }
  }

  private final String name;
  private final Process process;
  private final Thread reader;

  /** What it has said so far. Guarded by this. */
  private final List<String> lines = new ArrayList<>();

  /** Whether it has closed its output. Guarded by this. */
  private boolean silent;

  private JvmProcess(String name, Process process, Consumer<String> onLine) {
    this.name = name;
    this.process = process;
    this.reader =
        Thread.ofPlatform()
            .name("output of " + name)
            .daemon()
            .start(() -> read(process.getInputStream(), onLine));
  }

  /** A JVM with the class path and flags of this one. */
  public static Builder of(String name, Class<?> mainClass, String... arguments) {
    return new Builder(name, mainClass.getName(), List.of(arguments));
  }

  /** Any other program, such as the launcher's script; handled alike. */
  public static JvmProcess command(
      String name, Path folder, Map<String, String> environment, String... command) {
    return start(name, List.of(command), environment, Optional.of(folder), line -> {});
  }

  private static JvmProcess start(
      String name,
      List<String> command,
      Map<String, String> environment,
      Optional<Path> folder,
      Consumer<String> onLine) {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    folder.ifPresent(path -> builder.directory(path.toFile()));
    try {
      return new JvmProcess(name, builder.start(), onLine);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + name, e);
    }
  }

  private static List<String> flagsForChildren() {
    String given = System.getenv(FLAGS_VARIABLE);
    return given == null || given.isBlank()
        ? QUIET_FLAGS
        : Arrays.asList(given.strip().split("\n"));
  }

  private void read(InputStream output, Consumer<String> onLine) {
    try (BufferedReader text =
        new BufferedReader(new InputStreamReader(output, StandardCharsets.UTF_8))) {
      for (String line = text.readLine(); line != null; line = text.readLine()) {
        synchronized (this) {
          if (lines.size() == LINES_MAX) {
            lines.removeFirst();
          }
          lines.add(line);
          notifyAll();
        }
        onLine.accept(line);
      }
    } catch (IOException e) {
      // The pipe breaks when the process is killed: the end of its output all the same.
    } finally {
      synchronized (this) {
        silent = true;
        notifyAll();
      }
    }
  }

  /** Its name among those of a test. */
  public String name() {
    return name;
  }

  /** The system's number for it. */
  public long pid() {
    return process.pid();
  }

  /** Whether it runs, be it frozen. */
  public boolean isAlive() {
    return process.isAlive();
  }

  /** Everything it has written to its output and error output so far, the last lines of it. */
  public synchronized List<String> lines() {
    return List.copyOf(lines);
  }

  /**
   * Waits for a line that it writes or has written.
   *
   * @throws IllegalStateException when it ends, or the time does, before; with all that it said
   */
  public String awaitLine(Predicate<String> wanted, Duration patience) {
    long deadlineNanos = System.nanoTime() + patience.toNanos();
    synchronized (this) {
      while (true) {
        Optional<String> found = lines.stream().filter(wanted).findFirst();
        if (found.isPresent()) {
          return found.get();
        }
        long leftNanos = deadlineNanos - System.nanoTime();
        if (silent || leftNanos <= 0) {
          throw new IllegalStateException(
              name
                  + (silent ? " ended" : " said nothing of the kind within " + patience)
                  + "; it said:\n  "
                  + String.join("\n  ", lines));
        }
        try {
          wait(1 + leftNanos / 1_000_000);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IllegalStateException("interrupted while waiting for " + name, e);
        }
      }
    }
  }

  /** Waits for its end and gives its exit code; empty when it has not ended in time. */
  public OptionalInt awaitExit(Duration patience) {
    try {
      if (!process.waitFor(patience.toNanos(), TimeUnit.NANOSECONDS)) {
        return OptionalInt.empty();
      }
      reader.join(KILL_PATIENCE); // so that lines() is complete
      return OptionalInt.of(process.exitValue());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return OptionalInt.empty();
    }
  }

  /** Asks it to stop in an orderly way (SIGTERM), and waits; killed when it does not. */
  public OptionalInt stop(Duration patience) {
    process.destroy();
    OptionalInt code = awaitExit(patience);
    if (code.isEmpty()) {
      kill();
    }
    return code;
  }

  /** Asks it to stop, without waiting. */
  public void requestStop() {
    process.destroy();
  }

  /** Ends it at once (SIGKILL), as a crash would, and waits until it is gone. */
  public void kill() {
    process.destroyForcibly();
    awaitExit(KILL_PATIENCE);
  }

  /** Freezes it (SIGSTOP): it stays in memory and does nothing. */
  public void freeze() {
    signal("STOP");
  }

  /** Lets it go on after {@link #freeze}. */
  public void thaw() {
    signal("CONT");
  }

  /** As {@link #requestStop}, but it is listened to until it ends: what it says is kept. */
  public void terminate() {
    signal("TERM");
  }

  /** As Ctrl-C in a terminal does. */
  public void interrupt() {
    signal("INT");
  }

  private void signal(String signal) {
    try {
      Process kill =
          new ProcessBuilder("kill", "-" + signal, Long.toString(pid())).inheritIO().start();
      if (kill.waitFor() != 0) {
        throw new IllegalStateException("kill -" + signal + " " + pid() + " failed");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Kills it if it still runs. */
  @Override
  public void close() {
    if (isAlive()) {
      kill();
    }
  }

  @Override
  public String toString() {
    return name + " (pid " + pid() + ")";
  }
}
