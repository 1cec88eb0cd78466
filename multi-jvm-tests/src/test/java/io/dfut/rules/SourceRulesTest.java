package io.dfut.rules;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What can only be seen in the sources: keys of the configuration, and comments on what users see.
 */
class SourceRulesTest {
  private static final Path ROOT = root();
  private static final List<String> MODULES = List.of("core", "store", "cluster");

  /** Where the types are that users see. */
  private static final List<String> FACES =
      List.of("core/src/main/java/io/dfut", "multi-jvm-tests/src/main/java/io/dfut/testkit");

  /** Properties of the launcher and of logging, which are no keys of the configuration. */
  private static final Set<String> NOT_KEYS =
      Set.of(
          "dfut.run.cluster",
          "dfut.log.level",
          "dfut.log.pekko",
          "dfut.log.cluster",
          "dfut.jvm.flags");

  private static final Pattern KEY = Pattern.compile("\"(dfut(?:\\.[a-z0-9-]+)+)\"");

  private static final Pattern DECLARATION =
      Pattern.compile(
          "^  (?:public|protected) (?!static \\{)[^=;]*[({]\\s*$|^  (?:public|protected)"
              + " [^=;]*\\(.*$");

  private static Path root() {
    Path here = Path.of("").toAbsolutePath();
    while (!Files.exists(here.resolve("mvnw"))) {
      here = here.getParent();
    }
    return here;
  }

  private static List<Path> sources(String module) throws IOException {
    try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/main/java"))) {
      return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
    }
  }

  private static List<Path> javaFiles(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
    }
  }

  private static Path reference(String module) {
    return ROOT.resolve(module).resolve("src/main/resources/reference.conf");
  }

  @Test
  void everyKeyThatCodeReadsStandsInAReferenceConf() throws IOException {
    Config all = ConfigFactory.empty();
    for (String module : MODULES) {
      all = all.withFallback(ConfigFactory.parseFile(reference(module).toFile()));
    }
    Set<String> read = new TreeSet<>();
    Set<String> missing = new TreeSet<>();
    for (String module : MODULES) {
      for (Path source : sources(module)) {
        Matcher keys = KEY.matcher(Files.readString(source));
        while (keys.find()) {
          String key = keys.group(1);
          read.add(key);
          if (!NOT_KEYS.contains(key) && !all.hasPathOrNull(key)) {
            missing.add(key + " in " + ROOT.relativize(source));
          }
        }
      }
    }
    assertThat(read).as("the scan sees the keys").hasSizeGreaterThan(20);
    assertThat(missing).isEmpty();
  }

  @Test
  void everyKeyHasACommentAboveIt() throws IOException {
    List<String> bare = new ArrayList<>();
    for (String module : MODULES) {
      List<String> lines = Files.readAllLines(reference(module));
      boolean pekko = false;
      for (int i = 0; i < lines.size(); i++) {
        String line = lines.get(i).strip();
        pekko |= line.startsWith("dfut.pekko") || line.startsWith("pekko");
        boolean isLeaf = line.matches("[a-z0-9.-]+\\s*(=.*|\\{\\s*})");
        if (!pekko && isLeaf && !lines.get(i - 1).strip().startsWith("#")) {
          bare.add(module + "/reference.conf:" + (i + 1) + " " + line);
        }
      }
    }
    assertThat(bare).isEmpty();
  }

  @Test
  void everythingThatUsersSeeIsDocumented() throws IOException {
    List<String> bare = new ArrayList<>();
    int seen = 0;
    for (String face : FACES) {
      for (Path source : javaFiles(ROOT.resolve(face))) {
        List<String> lines = Files.readAllLines(source);
        for (int i = 0; i < lines.size(); i++) {
          String line = lines.get(i);
          boolean type =
              line.matches("(public|protected) .*(class|interface|record|enum) .*")
                  || line.matches(
                      "  (public |protected )(static |final |sealed |abstract"
                          + " )*(class|interface|record|enum) .*");
          boolean method = DECLARATION.matcher(line).matches() && !line.contains(" new ");
          if (type || method) {
            seen++;
            if (!isCommented(lines, i)) {
              bare.add(ROOT.relativize(source) + ":" + (i + 1) + " " + line.strip());
            }
          }
        }
      }
    }
    assertThat(seen).as("the scan sees the declarations").isGreaterThan(200);
    assertThat(bare).isEmpty();
  }

  /**
   * Whether a comment, or an annotation that says that the comment is inherited, stands before the
   * line.
   */
  private static boolean isCommented(List<String> lines, int index) {
    int above = index - 1;
    while (above >= 0 && lines.get(above).strip().matches("@\\w+(\\(.*\\))?( //.*)?")) {
      if (lines.get(above).strip().startsWith("@Override")) {
        return true;
      }
      above--;
    }
    return above >= 0 && lines.get(above).strip().endsWith("*/");
  }
}
