package io.dfut.samples.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The repository's pages, and the code that they quote, as text. */
final class Pages {
  /**
   * A fenced block of a page.
   *
   * @param language what stands behind the opening fence
   * @param marker the HTML comment on the line before, without its brackets
   * @param text the lines between the fences
   */
  record Block(String language, Optional<String> marker, String text) {}

  private Pages() {}

  static Path root() {
    Path folder = Path.of("").toAbsolutePath();
    while (folder != null && !Files.exists(folder.resolve("mvnw"))) {
      folder = folder.getParent();
    }
    if (folder == null) {
      throw new IllegalStateException("not inside the repository: " + Path.of("").toAbsolutePath());
    }
    return folder;
  }

  static String read(Path file) {
    try {
      return Files.readString(file).replace("\r\n", "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The files below a folder of the repository whose names end so. */
  static List<Path> files(Path folder, String ending) {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(file -> file.getFileName().toString().endsWith(ending)).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<Block> blocks(String page) {
    List<Block> blocks = new ArrayList<>();
    List<String> lines = page.lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).startsWith("```")) {
        continue;
      }
      int start = i;
      i++;
      while (i < lines.size() && !lines.get(i).equals("```")) {
        i++;
      }
      String before = start > 0 ? lines.get(start - 1).strip() : "";
      blocks.add(
          new Block(
              lines.get(start).substring(3).strip(),
              before.startsWith("<!--") && before.endsWith("-->")
                  ? Optional.of(before.substring(4, before.length() - 3).strip())
                  : Optional.empty(),
              String.join("\n", lines.subList(start + 1, i))));
    }
    return blocks;
  }

  /** What stands between {@code // region name} and {@code // endregion}, moved to the left. */
  static Map<String, String> regions(String source) {
    Map<String, String> regions = new LinkedHashMap<>();
    List<String> lines = source.lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).strip().startsWith("// region ")) {
        String name = lines.get(i).strip().substring("// region ".length());
        int start = i + 1;
        while (!lines.get(i).strip().equals("// endregion")) {
          i++;
        }
        String text =
            String.join("\n", lines.subList(start, i)).stripTrailing().stripIndent().strip();
        if (regions.put(name, text) != null) {
          throw new IllegalArgumentException("two regions are named " + name);
        }
      }
    }
    return regions;
  }
}
