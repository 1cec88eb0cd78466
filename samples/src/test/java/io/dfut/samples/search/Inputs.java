package io.dfut.samples.search;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** Corpora for the tests. */
final class Inputs {
  private static final String PACKAGE = "java.base/java/util/";

  private Inputs() {}

  /**
   * The files of java.util, with what is below it, where the JDK has its sources; else generated
   * ones.
   */
  static Map<String, byte[]> javaUtil() {
    Path sources = Path.of(System.getProperty("java.home"), "lib", "src.zip");
    if (!Files.exists(sources)) {
      return generated(400, 1);
    }
    Map<String, byte[]> files = new TreeMap<>();
    try (ZipFile zip = new ZipFile(sources.toFile())) {
      List<? extends ZipEntry> entries =
          zip.stream()
              .filter(entry -> !entry.isDirectory() && entry.getName().startsWith(PACKAGE))
              .toList();
      for (ZipEntry entry : entries) {
        try (InputStream in = zip.getInputStream(entry)) {
          files.put(entry.getName(), in.readAllBytes());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files;
  }

  /** Files of random words, some frequent and some rare. */
  static Map<String, byte[]> generated(int files, long seed) {
    Random random = new Random(seed);
    Map<String, byte[]> contents = new TreeMap<>();
    for (int file = 0; file < files; file++) {
      StringBuilder text = new StringBuilder();
      for (int words = random.nextInt(400); words > 0; words--) {
        int rank = (int) (1 / (random.nextDouble() + 0.0005));
        text.append("word").append(rank).append(random.nextBoolean() ? "Part " : " ");
      }
      contents.put("generated/File%04d.txt".formatted(file), bytes(text.toString()));
    }
    return contents;
  }

  static Path zip(Path file, Map<String, byte[]> contents) {
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      for (Map.Entry<String, byte[]> entry : contents.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue());
        zip.closeEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }

  static Path folder(Path folder, Map<String, byte[]> contents) {
    contents.forEach(
        (name, content) -> {
          try {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.write(file, content);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    return folder;
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
