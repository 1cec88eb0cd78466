package io.dfut.samples.search;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SearchMainTest {
  @TempDir private Path folder;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void answersAndSaysWhoDidWhat() {
    Path input =
        Inputs.folder(
            folder,
            Map.of(
                "a/Bird.txt", Inputs.bytes("a bird sings; the bird flies"),
                "a/Fish.txt", Inputs.bytes("a fish swims under a bird"),
                "b/Stone.txt", Inputs.bytes("a stone lies")));
    int code = run("--local", "--input", input.toString(), "--query", "bird flies");
    assertThat(err.toString(StandardCharsets.UTF_8)).isEmpty();
    assertThat(code).isZero();
    assertThat(out.toString(StandardCharsets.UTF_8))
        .contains("3 files")
        .contains("\"bird flies\": 2 of 3 files, 1 with every word")
        .containsPattern("1\\. a/Bird\\.txt .*bird ×2, flies ×1")
        .containsPattern("local:0 .* 100 %")
        .contains("Time", "map", "reduce", "search")
        .doesNotContain("\r[");
  }

  @Test
  void drawsBarOnTerminal() {
    Path input = Inputs.folder(folder, Inputs.generated(3, 1));
    int code = SearchMain.run(print(out), print(err), true, "--input", input.toString());
    assertThat(code).isZero();
    assertThat(out.toString(StandardCharsets.UTF_8)).contains("\rmap    [", "########] 3 of 3");
  }

  @Test
  void helpIsNoError() {
    assertThat(run("--help")).isZero();
    assertThat(out.toString(StandardCharsets.UTF_8)).startsWith("usage: search");
  }

  @Test
  void badInputIsOneLineWithWayOutAndExitCodeTwo() throws IOException {
    Path text = Files.writeString(folder.resolve("notes.txt"), "hello");
    assertThat(run("--input", text.toString())).isEqualTo(2);
    assertOneLine("notes.txt is not a zip");
    assertThat(run("--input", folder.resolve("none").toString())).isEqualTo(2);
    assertOneLine("does not exist");
    assertThat(run("--query", "")).isEqualTo(2);
    assertOneLine("no word to look for");
    assertThat(run("--frobnicate")).isEqualTo(2);
    assertOneLine("unknown option --frobnicate");
  }

  /** Its directory is whole, so only the task that reads the entry can find out. */
  @Test
  void damagedEntryIsOneLineAndExitCodeTwo() throws IOException {
    Path zip = Inputs.zip(folder.resolve("damaged.zip"), Inputs.generated(50, 1));
    byte[] bytes = Files.readAllBytes(zip);
    for (int i = 60; i < 200; i++) {
      bytes[i] = (byte) 0xFF;
    }
    Files.write(zip, bytes);
    assertThat(run("--input", zip.toString(), "--query", "word1")).isEqualTo(2);
    assertOneLine("damaged.zip cannot be read");
  }

  private int run(String... args) {
    out.reset();
    err.reset();
    return SearchMain.run(print(out), print(err), false, args);
  }

  private void assertOneLine(String reason) {
    String printed = err.toString(StandardCharsets.UTF_8);
    assertThat(printed).startsWith("search: ").contains(reason).doesNotContain("\tat ");
    assertThat(printed.lines()).hasSize(1);
  }

  private static PrintStream print(ByteArrayOutputStream to) {
    return new PrintStream(to, true, StandardCharsets.UTF_8);
  }
}
