package io.dfut.samples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The program in the README is the one in the build, and prints what the README says. */
final class ReadmeTest {
  private static final Path ROOT = Pages.root();

  private static List<Pages.Block> blocks(String language) {
    return Pages.blocks(Pages.read(ROOT.resolve("README.md"))).stream()
        .filter(block -> block.language().equals(language))
        .toList();
  }

  @Test
  void quotesTheQuickstartWordForWord() {
    assertThat(blocks("java")).hasSize(1);
    assertThat(blocks("java").getFirst().text().strip())
        .isEqualTo(
            Pages.read(ROOT.resolve("samples/src/main/java/io/dfut/samples/Quickstart.java"))
                .strip());
  }

  /** In a JVM of its own, with the flags that the README names: nothing else may be printed. */
  @Test
  void showsWhatTheQuickstartPrints() throws IOException, InterruptedException {
    String flags =
        blocks("text").stream()
            .map(Pages.Block::text)
            .filter(text -> text.startsWith("--enable-native-access"))
            .findFirst()
            .orElseThrow();
    List<String> command = new java.util.ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(flags.strip().split("\\s+")));
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), "io.dfut.samples.Quickstart"));
    Process quickstart = new ProcessBuilder(command).redirectErrorStream(true).start();
    String printed = new String(quickstart.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(quickstart.waitFor(60, TimeUnit.SECONDS)).isTrue();
    String shown =
        Pages.blocks(Pages.read(ROOT.resolve("README.md"))).stream()
            .filter(block -> block.marker().equals(java.util.Optional.of("output: Quickstart")))
            .map(Pages.Block::text)
            .findFirst()
            .orElseThrow();
    assertThat(printed.strip()).isEqualTo(shown.strip());
    assertThat(quickstart.exitValue()).isZero();
  }
}
