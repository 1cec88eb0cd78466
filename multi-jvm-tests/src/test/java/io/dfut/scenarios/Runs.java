package io.dfut.scenarios;

import io.dfut.DFutContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Which bodies ran, on which node and at which attempt: a line each in a file that all JVMs of a
 * test append to, so that nobody's death loses one. The value is only the file's name. Thread-safe.
 */
record Runs(String file) {
  /** None so far. */
  static Runs in(Path folder, String name) {
    return new Runs(folder.resolve(name).toString());
  }

  /** The task that calls this has begun. */
  void note() {
    note("ran");
  }

  /** The same of anything else that it did. */
  void note(String what) {
    DFutContext here = DFutContext.current();
    String line = what + " on " + here.node() + " attempt " + here.attempt() + "\n";
    try {
      Files.writeString(Path.of(file), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<String> lines() {
    try {
      return Files.exists(Path.of(file)) ? Files.readAllLines(Path.of(file)) : List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** How often something else was done. */
  int count(String what) {
    return (int) lines().stream().filter(line -> line.startsWith(what + " on ")).count();
  }

  /** How often a body ran. */
  int count() {
    return count("ran");
  }
}
