package io.dfut.rules;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigResolveOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/** Configuration keys of all modules: what the code reads exists, and what exists is explained. */
final class ConfigKeysTest {
  /** System properties of the launcher and of the tests, which are no configuration. */
  private static final Set<String> SYSTEM_PROPERTIES =
      Set.of("dfut.run.cluster", "dfut.jvm.flags", "dfut.chaos.ledger", "dfut.testkit.class-cache");

  private static final Pattern LITERAL = Pattern.compile("\"(dfut\\.[a-z0-9.-]*[a-z0-9])");

  private static final Pattern LEAF =
      Pattern.compile("^\\s*[\\w\".-]+\\s*(\\+?=.*|:.*|\\{\\s*\\})\\s*$");

  private static final Pattern BLOCK = Pattern.compile("^\\s*([\\w\".-]+)\\s*\\{\\s*$");

  private static List<Path> files(String under, String ending) throws IOException {
    List<Path> found = new ArrayList<>();
    try (Stream<Path> modules = Files.list(Path.of(".."))) {
      for (Path module :
          modules.filter(m -> Files.exists(m.resolve("pom.xml"))).sorted().toList()) {
        Path root = module.resolve(under);
        if (Files.isDirectory(root)) {
          try (Stream<Path> all = Files.walk(root)) {
            all.filter(file -> file.toString().endsWith(ending)).sorted().forEach(found::add);
          }
        }
      }
    }
    return found;
  }

  @Test
  void everyKeyThatTheCodeNamesExists() throws IOException {
    Config all = ConfigFactory.empty();
    for (Path file : files("src/main/resources", "reference.conf")) {
      all = all.withFallback(ConfigFactory.parseFile(file.toFile(), ConfigParseOptions.defaults()));
    }
    all = all.resolve(ConfigResolveOptions.defaults().setAllowUnresolved(true));
    Set<String> missing = new TreeSet<>();
    for (Path file : files("src/main/java", ".java")) {
      Matcher literals = LITERAL.matcher(Files.readString(file));
      while (literals.find()) {
        String key = literals.group(1).replaceFirst("\\.\\d+$", ""); // one of a list, as a property
        if (!SYSTEM_PROPERTIES.contains(key) && !all.hasPathOrNull(key)) {
          missing.add(key + " in " + file);
        }
      }
    }
    Assertions.assertEquals(Set.of(), missing);
  }

  @Test
  void everyKeyIsExplained() throws IOException {
    List<String> unexplained = new ArrayList<>();
    for (Path file : files("src/main/resources", "reference.conf")) {
      unexplained.addAll(unexplained(Files.readAllLines(file), file.toString()));
    }
    Assertions.assertEquals(List.of(), unexplained);
  }

  @Test
  void unexplainedKeyIsSeen() {
    List<String> lines =
        List.of("dfut {", "  # why", "  a = 1", "  b = 2", "", "  c {", "    d = 3");
    Assertions.assertEquals(List.of("x:4: b = 2", "x:7: d = 3"), unexplained(lines, "x"));
    List<String> others =
        List.of(
            "dfut.pekko {", "  # why", "  a = 1", "  b = 2", "", "  # why", "  c {", "    d = 3");
    Assertions.assertEquals(List.of(), unexplained(others, "x"));
  }

  /**
   * Keys without a comment right above them. Below {@code dfut.pekko}, where the keys are Pekko's
   * and have its explanations, one comment does for a paragraph or a block.
   */
  private static List<String> unexplained(List<String> lines, String file) {
    List<String> found = new ArrayList<>();
    Deque<String> blocks = new ArrayDeque<>();
    Deque<Boolean> explained = new ArrayDeque<>();
    boolean paragraph = false;
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      boolean commentAbove = i > 0 && lines.get(i - 1).strip().startsWith("#");
      if (line.isBlank()) {
        paragraph = false;
      } else if (line.strip().startsWith("#")) {
        paragraph = true;
      } else if (LEAF.matcher(line).matches()) {
        String path = String.join(".", blocks.reversed());
        boolean pekko = path.startsWith("dfut.pekko") || path.startsWith("pekko");
        if (!commentAbove && !(pekko && (paragraph || explained.contains(true)))) {
          found.add(file + ":" + (i + 1) + ": " + line.strip());
        }
      } else if (BLOCK.matcher(line).matches()) {
        Matcher block = BLOCK.matcher(line);
        Assertions.assertTrue(block.matches());
        blocks.push(block.group(1));
        explained.push(commentAbove || paragraph);
      } else if (line.strip().equals("}")) {
        blocks.pop();
        explained.pop();
        paragraph = false;
      }
    }
    return found;
  }
}
