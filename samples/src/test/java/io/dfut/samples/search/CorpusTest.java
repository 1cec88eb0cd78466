package io.dfut.samples.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class CorpusTest {
  private static final String WAY_OUT = "--input";

  @TempDir private Path folder;

  @Test
  void listsZipAndFolderAlike() {
    Map<String, byte[]> files = Inputs.generated(20, 1);
    Corpus zip = Corpus.list(Inputs.zip(folder.resolve("a.zip"), files));
    Corpus directory = Corpus.list(Inputs.folder(folder.resolve("a"), files));
    assertThat(zip.names()).containsExactlyElementsOf(files.keySet());
    assertThat(directory.names()).isEqualTo(zip.names());
    assertThat(directory.sizes()).isEqualTo(zip.sizes());
    assertThat(zip.bytes()).isEqualTo(files.values().stream().mapToLong(file -> file.length).sum());
  }

  @Test
  void chunksCoverAllFilesOnceInOrderAndAreBalanced() {
    Random random = new Random(1);
    for (int round = 0; round < 200; round++) {
      int files = 1 + random.nextInt(300);
      int groups = 1 + random.nextInt(40);
      List<Long> sizes = new ArrayList<>();
      for (int i = 0; i < files; i++) {
        sizes.add((long) random.nextInt(50_000));
      }
      List<String> names = IntStream.range(0, files).mapToObj("file%04d"::formatted).toList();
      List<Chunk> chunks = new Corpus(folder, names, sizes, 0).chunks(groups, 3);
      assertThat(chunks).hasSizeBetween(1, Math.min(groups, files));
      assertThat(chunks.stream().flatMap(chunk -> chunk.names().stream())).isEqualTo(names);
      int first = 0;
      for (Chunk chunk : chunks) {
        assertThat(chunk.firstDocument()).isEqualTo(first);
        assertThat(chunk.names()).isNotEmpty();
        first += chunk.names().size();
      }
      if (files > 20 * groups) {
        long fair = sizes.stream().mapToLong(size -> size + 4_096).sum() / groups;
        for (Chunk chunk : chunks) {
          long weight =
              IntStream.range(0, chunk.names().size())
                  .mapToLong(i -> sizes.get(chunk.firstDocument() + i) + 4_096)
                  .sum();
          assertThat(weight).isBetween(fair / 2, 2 * fair);
        }
      }
    }
  }

  @Test
  void sampleIsEvenlySpaced() {
    List<String> names = IntStream.range(0, 100).mapToObj("%03d"::formatted).toList();
    Corpus corpus = new Corpus(folder, names, Collections.nCopies(100, 1L), 0);
    assertThat(corpus.sample(4).names()).containsExactly("000", "025", "050", "075");
    assertThat(corpus.sample(100)).isEqualTo(corpus);
    assertThat(corpus.sample(Integer.MAX_VALUE)).isEqualTo(corpus);
  }

  @Test
  void missingInputIsNamedWithWayOut() {
    refused(folder.resolve("nowhere.zip"), "nowhere.zip does not exist");
  }

  @Test
  void emptyFileAndEmptyZipAndEmptyFolderAreNamed() throws IOException {
    refused(Files.createFile(folder.resolve("nothing.zip")), "is empty (0 bytes)");
    refused(Inputs.zip(folder.resolve("hollow.zip"), Map.of()), "holds no files");
    refused(Files.createDirectories(folder.resolve("hollow/inner")).getParent(), "holds no files");
  }

  @Test
  void anotherTypeIsNotAZip() throws IOException {
    refused(Files.writeString(folder.resolve("notes.txt"), "hello"), "is not a zip");
    refused(Files.writeString(folder.resolve("one.txt"), "P"), "is not a zip");
  }

  @Test
  void truncatedZipIsNamed() throws IOException {
    byte[] whole =
        Files.readAllBytes(Inputs.zip(folder.resolve("whole.zip"), Inputs.generated(20, 1)));
    for (int length : new int[] {2, 100, whole.length / 2, whole.length - 1}) {
      Path cut = Files.write(folder.resolve("cut.zip"), Arrays.copyOf(whole, length));
      refused(cut, "is a truncated or damaged zip");
    }
  }

  private static void refused(Path input, String reason) {
    assertThatThrownBy(() -> Corpus.list(input))
        .isInstanceOf(InputException.class)
        .hasMessageContaining(reason)
        .hasMessageContaining(WAY_OUT)
        .satisfies(e -> assertThat(e.getMessage().lines()).hasSize(1));
  }
}
