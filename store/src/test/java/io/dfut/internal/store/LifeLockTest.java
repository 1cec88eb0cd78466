package io.dfut.internal.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LifeLockTest {
  @TempDir Path parent;

  private Process process;
  private BufferedReader said;
  private String path;
  private String proof;

  @BeforeEach
  void startAnother() throws IOException {
    assumeThat(Share.boot()).isPresent();
    process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Program.class.getName(),
                parent.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    said = process.inputReader();
    path = next("path ");
    proof = next("proof ");
  }

  @AfterEach
  void killIt() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  private String next(String beginning) throws IOException {
    String line = said.readLine();
    while (line != null && !line.startsWith(beginning)) {
      line = said.readLine(); // the log
    }
    return java.util.Objects.requireNonNull(line, "the other process ended")
        .substring(beginning.length());
  }

  private void signal(String name) throws Exception {
    assertThat(
            new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor())
        .isZero();
  }

  private void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  @Test
  void aKilledProcessIsSeenAtOnceByAllWhoWatch() throws Exception {
    try (LifeLock.Watch one = LifeLock.watch(parent, path, proof);
        LifeLock.Watch two = LifeLock.watch(parent, path, proof)) {
      assertThat(List.of(one.look(), two.look())).containsOnly(LifeLock.State.HELD);
      kill();
      assertThat(List.of(one.look(), two.look())).containsOnly(LifeLock.State.KILLED);
      assertThat(one.look()).as("and stays so").isEqualTo(LifeLock.State.KILLED);
    }
  }

  @Test
  void aFrozenProcessHoldsItsLock() throws Exception {
    try (LifeLock.Watch watch = LifeLock.watch(parent, path, proof)) {
      signal("STOP");
      assertThat(watch.look()).isEqualTo(LifeLock.State.HELD);
      signal("KILL");
      process.waitFor();
      assertThat(watch.look()).isEqualTo(LifeLock.State.KILLED);
    }
  }

  @Test
  void whoGivesItsLockBackIsNotTakenForDead() throws Exception {
    try (LifeLock.Watch watch = LifeLock.watch(parent, path, proof)) {
      OutputStream in = process.getOutputStream();
      in.write('c');
      in.flush();
      next("closed");
      assertThat(process.isAlive()).isTrue();
      assertThat(watch.look()).isEqualTo(LifeLock.State.GIVEN_BACK);
      kill();
      assertThat(watch.look()).as("nothing is proven later").isEqualTo(LifeLock.State.GIVEN_BACK);
    }
  }

  @Test
  void deletedFilesProveNothingAndHideNothing() throws Exception {
    try (LifeLock.Watch watch = LifeLock.watch(parent, path, proof)) {
      try (Stream<Path> files = Files.list(Path.of(path))) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(Path.of(path));
      assertThat(watch.look()).isEqualTo(LifeLock.State.HELD);
      assertThatThrownBy(() -> LifeLock.watch(parent, path, proof)).isInstanceOf(IOException.class);

      // Somebody else's file of the same name, unlocked, is not looked at.
      Files.createDirectory(Path.of(path));
      Files.writeString(Path.of(path, RunDirectory.LOCK), "o");
      assertThat(watch.look()).isEqualTo(LifeLock.State.HELD);
      assertThatThrownBy(() -> LifeLock.watch(parent, path, proof)).isInstanceOf(IOException.class);
      kill();
      assertThat(watch.look()).isEqualTo(LifeLock.State.KILLED);
    }
  }

  @Test
  void onlyTheVeryDirectoryOnTheVeryKernelIsWatched() throws Exception {
    String word = proof.substring(proof.indexOf(':'));
    assertThatThrownBy(() -> LifeLock.watch(parent, path, proof + "0"))
        .isInstanceOf(IOException.class);
    Files.writeString(Path.of(path, Share.FILE), "another-boot" + word);
    assertThatThrownBy(() -> LifeLock.watch(parent, path, "another-boot" + word))
        .as("two hosts that have mounted the same directory")
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> LifeLock.watch(parent.getRoot(), path, proof))
        .as("the directory is not where locks are")
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> LifeLock.watch(parent, "/etc/dfut-life-x", proof))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> LifeLock.watch(parent, "relative", proof))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> LifeLock.watch(parent, path, "x".repeat(10_000)))
        .isInstanceOf(IOException.class);
  }

  @Test
  void oneOfThisJvmIsNeverSeenKilled() throws Exception {
    LifeLock ours = LifeLock.open(parent).orElseThrow();
    try (LifeLock.Watch watch = LifeLock.watch(parent, ours.path(), ours.proof())) {
      assertThat(watch.look()).isEqualTo(LifeLock.State.HELD);
      LifeLock.watch(parent, ours.path(), ours.proof()).close();
      assertThat(watch.look()).as("a closed watch ends no lock").isEqualTo(LifeLock.State.HELD);
      ours.close();
      assertThat(watch.look()).isEqualTo(LifeLock.State.GIVEN_BACK);
    }
    assertThat(Path.of(ours.path())).doesNotExist();
  }

  @Test
  void theNextStartRemovesWhatAKilledProcessLeft() throws Exception {
    kill();
    assertThat(Path.of(path)).exists();
    LifeLock.open(parent).orElseThrow().close();
    assertThat(Path.of(path)).doesNotExist();
  }

  /** Takes a lock, and gives it back when it is told to; then waits to be killed. */
  public static final class Program {
    private Program() {}

    public static void main(String[] args) throws IOException {
      LifeLock lock = LifeLock.open(Path.of(args[0])).orElseThrow();
      System.out.println("path " + lock.path());
      System.out.println("proof " + lock.proof());
      InputStream in = System.in;
      for (int told = in.read(); told >= 0; told = in.read()) {
        lock.close();
        System.out.println("closed");
      }
    }
  }
}
