package io.dfut.internal.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
  @TempDir Path parent;

  /** A directory as a process leaves it that was killed; no process has this number. */
  private Path leftover(String prefix) throws IOException {
    Path left = parent.resolve(prefix + "-4194305-19abcdef012-0123456789abcdef");
    Files.createDirectories(left.resolve("deep/er"));
    Files.writeString(left.resolve(RunDirectory.LOCK), "");
    Files.writeString(left.resolve("deep/er/slab"), "bytes");
    return left;
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(parent)) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void isPrivateAndIsGoneWithEverythingInItWhenClosed() throws IOException {
    RunDirectory run = RunDirectory.open(parent, "dfut-test");

    assertThat(run.path().getParent()).isEqualTo(parent.toRealPath());
    assertThat(run.path().getFileName().toString()).startsWith("dfut-test-");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(run.path())))
        .isEqualTo("rwx------");
    Files.createDirectory(run.path().resolve("sub"));
    Files.writeString(run.path().resolve("sub/file"), "x");
    run.close();
    run.close();

    assertThat(names()).isEmpty();
  }

  @Test
  void sweepsWhatADeadProcessLeftAndNothingElse() throws IOException {
    leftover("dfut-test");
    leftover("dfut-other");
    Path foreign = Files.createDirectory(parent.resolve("dfut-test-1-2-0000000000000000"));
    Files.writeString(foreign.resolve("precious"), "no lock file, so not ours");
    Files.createDirectory(parent.resolve("dfut-test-3-4-0000000000000000")); // half made
    Files.writeString(parent.resolve("dfut-test-5-6-0000000000000000"), "a file");
    Files.createDirectory(parent.resolve("dfut-test-mine"));
    Files.createSymbolicLink(parent.resolve("dfut-test-7-8-0000000000000000"), foreign);

    try (RunDirectory run = RunDirectory.open(parent, "dfut-test")) {
      assertThat(names())
          .containsExactlyInAnyOrder(
              run.path().getFileName().toString(),
              "dfut-other-4194305-19abcdef012-0123456789abcdef",
              "dfut-test-1-2-0000000000000000",
              "dfut-test-5-6-0000000000000000",
              "dfut-test-7-8-0000000000000000",
              "dfut-test-mine");
    }
    assertThat(foreign.resolve("precious")).exists();
  }

  @Test
  void sweepsBesideOpenOnesWhatAProcessLeftThatDiedMeanwhile() throws Exception {
    try (RunDirectory ours = RunDirectory.open(parent, "dfut-test")) {
      Process other = start(parent, "dfut-test");
      Path path = Path.of(line(other));
      Path dead = leftover("dfut-test");
      Path foreign = leftover("dfut-other");
      RunDirectory.sweepBesideOpenOnes();
      assertThat(dead).doesNotExist();
      assertThat(path).as("it lives").exists();
      other.destroyForcibly().waitFor();
      RunDirectory.sweepBesideOpenOnes();
      assertThat(path).doesNotExist();
      assertThat(ours.path()).exists();
      assertThat(foreign).as("of another purpose").exists();
    }
  }

  @Test
  void theSweptFileIsUnlinkedSoThatItsReaderGoesOn() throws IOException {
    Path slab = leftover("dfut-test").resolve("deep/er/slab");
    try (FileChannel reader = FileChannel.open(slab, StandardOpenOption.READ);
        RunDirectory run = RunDirectory.open(parent, "dfut-test")) {
      assertThat(run.path()).exists();
      assertThat(slab).doesNotExist();
      assertThat(reader.size()).isEqualTo(5);
    }
  }

  @Test
  void severalInOneJvmLeaveEachOtherAlone() throws Exception {
    List<RunDirectory> open = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      List<Callable<RunDirectory>> starts = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        starts.add(() -> RunDirectory.open(parent, "dfut-test"));
      }
      for (Future<RunDirectory> started : threads.invokeAll(starts)) {
        open.add(started.get());
      }
    }
    assertThat(names()).hasSize(64);
    assertThat(open).allSatisfy(run -> assertThat(run.path().resolve("lock")).exists());
    open.forEach(RunDirectory::close);
    assertThat(names()).isEmpty();
  }

  @Test
  void ofAnotherProcessIsAliveUntilItIsKilled() throws Exception {
    Process other = start(parent, "dfut-test");
    Path path = Path.of(line(other));
    try (RunDirectory ours = RunDirectory.open(parent, "dfut-test")) {
      assertThat(path).exists();
      try (RunDirectory.Watch watch = RunDirectory.Watch.of(path)) {
        assertThat(watch.isGone()).isFalse();
        other.destroyForcibly().waitFor();
        assertThat(watch.isGone()).isTrue();
      }
      assertThat(ours.path()).exists();
    }
    assertThat(path).exists();
    RunDirectory.open(parent, "dfut-test").close();
    assertThat(names()).isEmpty();
  }

  @Test
  void aWatchOfOurOwnDoesNotEndItsLock() throws Exception {
    RunDirectory ours = RunDirectory.open(parent, "dfut-test");
    RunDirectory.Watch watch = RunDirectory.Watch.of(ours.path());
    assertThat(watch.isGone()).isFalse();
    RunDirectory.Watch.of(ours.path()).close();
    RunDirectory.open(parent, "dfut-test").close();

    // The other process sweeps, and would remove it if its lock were free.
    Process other = start(parent, "dfut-test");
    Path others = Path.of(line(other));
    assertThat(ours.path().resolve("lock")).exists();
    other.destroyForcibly().waitFor();

    ours.retain();
    ours.close();
    assertThat(ours.path()).doesNotExist();
    assertThat(watch.isGone()).as("somebody still reads").isFalse();
    ours.release();
    assertThat(watch.isGone()).isTrue();
    assertThatThrownBy(ours::retain).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> RunDirectory.Watch.of(ours.path())).isInstanceOf(IOException.class);
    assertThat(others).exists();
  }

  @Test
  void aParentThatCannotBeUsedIsNamed() throws IOException {
    assertThatThrownBy(() -> RunDirectory.open(parent.resolve("missing"), "dfut-test"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(parent.resolve("missing") + " does not exist; create it");
    Path file = Files.writeString(parent.resolve("file"), "");
    assertThatThrownBy(() -> RunDirectory.open(file, "dfut-test"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file + " is not a directory");
    // Nobody may make directories there, not even root.
    assertThatThrownBy(() -> RunDirectory.open(Path.of("/proc"), "dfut-test"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no directory can be made in /proc")
        .hasMessageContaining("must be allowed to write there");
    assertThatThrownBy(() -> RunDirectory.open(parent, "../x"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static Process start(Path parent, String prefix) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Program.class.getName(),
            parent.toString(),
            prefix)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static String line(Process process) throws IOException {
    String line = process.inputReader().readLine();
    while (line != null && !line.startsWith("/")) {
      line = process.inputReader().readLine(); // the log
    }
    return java.util.Objects.requireNonNull(line, "the other process said nothing");
  }

  /** Opens one, says where, and waits to be killed. */
  public static final class Program {
    private Program() {}

    public static void main(String[] args) throws IOException {
      RunDirectory run = RunDirectory.open(Path.of(args[0]), args[1]);
      System.out.println(run.path());
      while (System.in.read() >= 0) {
        // until we are killed, or the one who started us is gone
      }
    }
  }
}
