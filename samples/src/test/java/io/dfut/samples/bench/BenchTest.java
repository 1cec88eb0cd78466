package io.dfut.samples.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Document;

/** The programs run; how fast is not asked here. */
final class BenchTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String line) {
    return BenchMain.run(
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        line.isEmpty() ? new String[0] : line.split(" "));
  }

  private List<String> printed(String pattern) {
    return Pattern.compile(pattern, Pattern.MULTILINE)
        .matcher(out.toString(StandardCharsets.UTF_8))
        .results()
        .map(MatchResult::group)
        .toList();
  }

  @Test
  void refsMeasuresEveryNumberOfBorrowersAndTheHeap() {
    assertThat(run("refs --local --tasks 40 --runs 1 --references 5000"))
        .as(err::toString)
        .isZero();

    assertThat(printed("^ *(0|1|2|4|8|16)  +[0-9,]*[1-9][0-9,]*  +[0-9,]*[1-9]"))
        .as("a line with rates for each number of borrowers, each way of taking the object")
        .hasSize(18);
    // Of what other tests left in this JVM, some may be freed meanwhile: the sign is not asked.
    assertThat(
            printed("^ *(owned, put|owned, result of a task|one borrower of it) +-?[0-9,]+ bytes"))
        .hasSize(3);
    assertThat(printed("^5,000 references held at the same time: ")).hasSize(1);
  }

  @Test
  void refsTellsOfItsOptions() {
    assertThat(run("refs --help")).isZero();
    assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo(RefsOptions.USAGE);
  }

  @Test
  void storeMeasuresWhatIsInThisJvmAndWritesTheFigures(@TempDir Path folder) throws IOException {
    Path json = folder.resolve("figures.json");
    assertThat(run("store --runs 1 --large 2 --only store.put --json " + json))
        .as(err::toString)
        .isZero();
    assertThat(printed("^store.put.(1KiB|100KiB|1MiB|2MiB) +[0-9.]*[1-9]")).hasSize(4);
    assertThat(Files.readAllLines(json))
        .hasSize(4)
        .allMatch(line -> line.matches("\\{\"name\":\"store.put.*\"ratio\":[0-9.]+,.*}"));
  }

  @Test
  void storePullsFromAnotherJvm() {
    assertThat(run("store --runs 1 --large 2 --only store.pull.tcp")).as(err::toString).isZero();
    assertThat(printed("^store.pull.tcp.(100KiB|1MiB|2MiB) +[0-9.]*[1-9]")).hasSize(3);
  }

  @Test
  void tasksMeasuresInFreshJvmsAndJudgesByTheBudget(@TempDir Path folder) throws IOException {
    Path json = folder.resolve("figures.json");
    assertThat(
            run("tasks --runs 2 --seconds 1 --only task.chain1000,actor.local.p50 --json " + json))
        .as(err::toString)
        .isZero();
    assertThat(printed("^(task.chain1000|actor.local.p50) +[0-9.]*[1-9][0-9.]* us .* (ok|MISSED)"))
        .hasSize(2);
    assertThat(Files.readAllLines(json))
        .hasSize(2)
        .allMatch(line -> line.matches("\\{\"name\":.*\"budget\":\"<= .*\"ok\":(true|false)}"));
  }

  @Test
  void remoteMeasuresBesideArteryBetweenTheSameJvms() {
    assertThat(run("remote --runs 1 --seconds 1")).as(err::toString).isZero();
    assertThat(
            printed(
                "^(task|actor).remote.(p50|p99|throughput) +[0-9.]*[1-9][0-9.]* .* Artery"
                    + " (ask|ping-pong) [0-9.]*[1-9]"))
        .hasSize(6);
  }

  @Test
  void recoveryKillsNodes(@TempDir Path folder) throws IOException {
    Path json = folder.resolve("figures.json");
    assertThat(run("recovery --runs 1 --only recovery.owner.node --json " + json))
        .as(err::toString)
        .isZero();
    assertThat(printed("^recovery.owner.node +[0-9.]*[1-9][0-9.]* ms .* (ok|MISSED)")).hasSize(1);
    assertThat(Files.readAllLines(json))
        .hasSize(1)
        .allMatch(line -> line.matches("\\{\"name\":\"recovery.owner.node\".*}"));
  }

  @Test
  void growthDrawsItsCurves(@TempDir Path folder) throws Exception {
    assertThat(run("growth --seconds 1 --only in-flight --svg " + folder))
        .as(err::toString)
        .isZero();
    assertThat(printed("^ +empty tasks +1: [0-9.e+]+  10: .* 10000: [0-9.e+]+$")).hasSize(1);
    Document svg =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(folder.resolve("in-flight.svg").toFile());
    assertThat(svg.getElementsByTagName("circle").getLength()).isEqualTo(5);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                        | bench: no name; there are refs, store, tasks, remote,"
            + " growth, recovery",
        "reefs                     | bench: there is no benchmark \"reefs\"; there are refs, store,"
            + " tasks, remote, growth, recovery",
        "refs --taks 5             | bench: unknown option --taks: --help lists those there are",
        "refs --tasks              | bench: --tasks needs a value after it: --help shows which",
        "refs --tasks 0            | bench: --tasks 0 is not possible: give a whole number from 1",
        "store --runs              | bench: --runs needs a value after it: --help shows which",
        "tasks --runs 0            | bench: --runs 0 is not possible: give a whole number from 1",
        "tasks --only taks         | bench: no figure is called taks",
        "growth --only size        | bench: no curve is called size",
        "recovery --runs 0         | bench: --runs 0 is not possible: give a whole number from 1",
        "growth --seconds 0        | bench: --seconds 0 is not possible: give a whole number from"
            + " 1",
        "refs --local --cluster h:1| bench: --local and --cluster exclude each other",
      })
  void whatCannotBeDoneIsSaidInOneLine(String line, String message) {
    assertThat(run(line)).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8)).startsWith(message).hasLineCount(1);
    assertThat(out.size()).isZero();
  }
}
