package io.dfut.samples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigRenderOptions;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * docs/configuration.md lists every key of every module's reference.conf, with its default and its
 * comment: the tables between the page's markers are made from those files. {@code
 * -Ddfut.docs.write=true} makes them anew; without it, a difference is a failure.
 */
final class ConfigurationPageTest {
  private static final Path ROOT = Pages.root();
  private static final Path PAGE = ROOT.resolve("docs/configuration.md");

  @Test
  void listsEveryKeyWithItsDefaultAndComment() throws IOException {
    String page = Pages.read(PAGE);
    String made = page;
    for (Path file : Pages.files(ROOT, "reference.conf")) {
      String module = ROOT.relativize(file).getName(0).toString();
      if (!ROOT.relativize(file).startsWith(module + "/src/main/resources")) {
        continue;
      }
      String begin = "<!-- begin " + module + "/reference.conf -->\n";
      String end = "<!-- end " + module + "/reference.conf -->";
      assertThat(made).as("the page's place for %s", file).contains(begin, end);
      made =
          made.substring(0, made.indexOf(begin) + begin.length())
              + table(file)
              + made.substring(made.indexOf(end));
    }
    if (Boolean.getBoolean("dfut.docs.write")) {
      Files.writeString(PAGE, made);
    } else {
      assertThat(page)
          .as(
              "docs/configuration.md differs from the reference.conf files; make it anew: ./mvnw -q"
                  + " -pl samples -am test -Dtest=ConfigurationPageTest"
                  + " -Dsurefire.failIfNoSpecifiedTests=false"
                  + " -Dtest.jvm.args=-Ddfut.docs.write=true")
          .isEqualTo(made);
    }
  }

  private static String table(Path file) {
    List<String> rows = new ArrayList<>();
    collect("", ConfigFactory.parseFile(file.toFile()).root(), rows);
    return "| Key | Default | |\n|---|---|---|\n" + String.join("\n", rows) + "\n";
  }

  private static void collect(String path, ConfigObject object, List<String> rows) {
    List<Map.Entry<String, ConfigValue>> entries = new ArrayList<>(object.entrySet());
    entries.sort(Comparator.comparingInt(entry -> firstLine(entry.getValue())));
    for (Map.Entry<String, ConfigValue> entry : entries) {
      String key = (path.isEmpty() ? "" : path + ".") + ConfigUtil.joinPath(entry.getKey());
      ConfigValue value = entry.getValue();
      if (value instanceof ConfigObject inner && !inner.isEmpty()) {
        String comment = comment(inner);
        if (!comment.isEmpty()) {
          rows.add("| **`" + key + "`** | | " + comment + " |");
        }
        collect(key, inner, rows);
      } else {
        rows.add("| `" + key + "` | `" + text(value) + "` | " + comment(value) + " |");
      }
    }
  }

  /** An object that stands in several places of the file counts as where its first key is. */
  private static int firstLine(ConfigValue value) {
    if (value instanceof ConfigObject object && !object.isEmpty()) {
      return object.values().stream().mapToInt(ConfigurationPageTest::firstLine).min().orElse(0);
    }
    return value.origin().lineNumber();
  }

  private static String text(ConfigValue value) {
    return value.valueType() == ConfigValueType.STRING
        ? value.unwrapped().toString()
        : value.render(ConfigRenderOptions.concise());
  }

  private static String comment(ConfigValue value) {
    return value.origin().comments().stream()
        .map(String::strip)
        .collect(Collectors.joining(" "))
        .replace("|", "\\|")
        .replace("<", "&lt;")
        .strip();
  }
}
