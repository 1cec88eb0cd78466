package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Which conformance scenarios are covered, by the tags of the tests of all modules, and which are
 * owed: {@code docs/conformance.md}. After a change of tags, write the page anew with {@code
 * -Dtest.jvm.args=-Ddfut.conformance.write=true}.
 */
final class ConformanceListTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path PAGE = ROOT.resolve("docs/conformance.md");
  private static final Path LIST = Path.of("src/test/resources/conformance/scenarios.tsv");

  private static final List<String> MODULES =
      List.of("core", "store", "cluster", "samples", "multi-jvm-tests");

  private static final Pattern TAG = Pattern.compile("(?m)^ *@Tag\\(\"C(\\d{3})\"\\)");
  private static final Pattern DISPLAY_NAME = Pattern.compile("@DisplayName\\(\\s*\"([^\"]*)\"");

  /** The parts that owe scenarios, in the order in which they are built. */
  private static final Map<String, String> PARTS =
      Map.of(
          "interface", "the interface and values",
          "references", "ownership and borrowing",
          "store", "the object store",
          "scheduling", "scheduling, waiting and cancelling",
          "failures", "failures",
          "actors", "actors and streams");

  private static final Map<String, String> LEVELS =
      Map.of("S", "machines", "L", "one JVM and two nodes", "C", "real JVMs");

  /** How the last column begins where it says why there is nothing to test. */
  private static final String NOT_OFFERED = "not offered";

  private record Scenario(
      String number, String level, boolean last, String part, String title, String leftOut) {
    static Scenario parse(String line) {
      String[] columns = line.split("\t", -1);
      assertThat(columns).as(line).hasSizeBetween(5, 6);
      assertThat(columns[0]).as(line).matches("\\d{3}");
      assertThat(LEVELS).as(line).containsKey(columns[1]);
      assertThat(columns[2]).as(line).isIn("+", "-");
      assertThat(PARTS).as(line).containsKey(columns[3]);
      return new Scenario(
          columns[0],
          columns[1],
          columns[2].equals("+"),
          columns[3],
          columns[4],
          columns.length == 6 ? columns[5] : "");
    }
  }

  private static List<Scenario> scenarios() throws IOException {
    List<Scenario> scenarios =
        Files.readAllLines(LIST).stream()
            .filter(line -> !line.startsWith("#"))
            .map(Scenario::parse)
            .toList();
    assertThat(scenarios).extracting(Scenario::number).isSorted().doesNotHaveDuplicates();
    return scenarios;
  }

  private static List<Path> testSources() throws IOException {
    List<Path> sources = new ArrayList<>();
    for (String module : MODULES) {
      Path tests = ROOT.resolve(module).resolve("src/test/java");
      if (Files.isDirectory(tests)) {
        try (Stream<Path> files = Files.walk(tests)) {
          files.filter(file -> file.toString().endsWith(".java")).forEach(sources::add);
        }
      }
    }
    sources.sort(Comparator.naturalOrder());
    return sources;
  }

  /** The sources of the tests that carry each number. */
  private static SortedMap<String, Set<Path>> tagged() throws IOException {
    SortedMap<String, Set<Path>> tagged = new TreeMap<>();
    for (Path source : testSources()) {
      String text = Files.readString(source);
      Matcher tag = TAG.matcher(text);
      while (tag.find()) {
        Matcher name = DISPLAY_NAME.matcher(text);
        assertThat(name.find(tag.end())).as("a display name for %s in %s", tag, source).isTrue();
        assertThat(name.group(1)).as("the display name in %s", source).startsWith(tag.group(1));
        tagged.computeIfAbsent(tag.group(1), number -> new TreeSet<>()).add(source);
      }
    }
    return tagged;
  }

  private static String link(Path source) {
    String file = source.getFileName().toString();
    String name = file.substring(0, file.length() - ".java".length());
    String path = ROOT.relativize(source).toString().replace('\\', '/');
    return "[" + name + "](../" + path + ")";
  }

  private static String state(Scenario scenario, Set<Path> sources) {
    if (sources.isEmpty() && scenario.leftOut().startsWith(NOT_OFFERED)) {
      return scenario.leftOut();
    }
    if (sources.isEmpty()) {
      return "owed: " + PARTS.get(scenario.part()) + (scenario.last() ? ", may come last" : "");
    }
    String links =
        sources.stream().map(ConformanceListTest::link).collect(Collectors.joining(", "));
    return scenario.leftOut().isEmpty() ? links : links + "; owed: " + scenario.leftOut();
  }

  private static String page() throws IOException {
    Map<String, Set<Path>> tagged = tagged();
    List<Scenario> scenarios = scenarios();
    long covered = scenarios.stream().filter(s -> tagged.containsKey(s.number())).count();
    StringBuilder text = new StringBuilder();
    text.append(
        """
        # Conformance

        What the system is asked to do, one scenario a line. A test that shows one carries its number
        (`@Tag("C136")`, and first in its display name). Numbers are stable names; gaps mean nothing.

        Levels: *machines* run without threads or clocks; *one JVM and two nodes* runs twice, in a
        system of one JVM and on a cluster of two nodes; *real JVMs* are started, and killed for real.
        After every scenario of the second level the tables, stores, leases and actors of all nodes must
        be empty within 10 s, and nothing may have been logged as an error.

        This page is written by `ConformanceListTest`, which fails while it is not current:

        ```
        ./mvnw -q -pl multi-jvm-tests -am test -Dtest=ConformanceListTest \\
            -Dsurefire.failIfNoSpecifiedTests=false -Dtest.jvm.args=-Ddfut.conformance.write=true
        ```

        One scenario in all its places: `-Dgroups=C136`.

        """);
    text.append("**%d of %d covered.**\n\n".formatted(covered, scenarios.size()));
    text.append("| | Scenario | Level | State |\n|---|---|---|---|\n");
    for (Scenario scenario : scenarios) {
      text.append(
          "| %s | %s | %s | %s |\n"
              .formatted(
                  scenario.number(),
                  scenario.title(),
                  LEVELS.get(scenario.level()),
                  state(scenario, tagged.getOrDefault(scenario.number(), Set.of()))));
    }
    return text.toString();
  }

  @Test
  void everyTagIsTheNumberOfAScenario() throws IOException {
    Set<String> unknown = new HashSet<>(tagged().keySet());
    scenarios().forEach(scenario -> unknown.remove(scenario.number()));
    assertThat(unknown).isEmpty();
  }

  @Test
  void pageIsCurrent() throws IOException {
    String page = page();
    if (Boolean.getBoolean("dfut.conformance.write")) {
      Files.writeString(PAGE, page);
    }
    assertThat(PAGE).exists();
    assertThat(Files.readString(PAGE).replace("\r\n", "\n"))
        .as("docs/conformance.md; the class comment says how to write it anew")
        .isEqualTo(page);
  }
}
