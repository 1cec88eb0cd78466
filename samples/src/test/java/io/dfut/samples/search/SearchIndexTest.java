package io.dfut.samples.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.dfut.DFut;
import io.dfut.DFutSystem;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The index that the tasks make, against the naive one. */
final class SearchIndexTest {
  private static final List<String> QUERIES =
      List.of(
          "red black tree",
          "ConcurrentHashMap",
          "computeIfAbsent",
          "public static void",
          "word1 word2part word700",
          "noSuchWordAnywhere",
          "noSuchWordAnywhere map",
          "license");

  @TempDir private Path folder;

  @Test
  void sameAsNaiveIndexOfJavaUtil() {
    Map<String, byte[]> files = Inputs.javaUtil();
    assertSameAsNaive(Inputs.zip(folder.resolve("util.zip"), files), files, 10, 3);
  }

  @Test
  void sameAsNaiveIndexWhateverTheGroupsAndPartitions() {
    Map<String, byte[]> files = Inputs.generated(60, 2);
    Path input = Inputs.folder(folder.resolve("text"), files);
    assertSameAsNaive(input, files, 1, 1);
    assertSameAsNaive(input, files, 7, 2);
    assertSameAsNaive(input, files, 1_000, 3);
  }

  @Test
  void malformedTextIsIndexedAndWhatIsNotTextIsLeftOut() {
    Map<String, byte[]> files = new TreeMap<>(Inputs.generated(5, 3));
    files.put("broken.txt", new byte[] {'g', 'o', 'o', 'd', ' ', (byte) 0xC3, (byte) 0xFF, ' '});
    files.put("empty.txt", new byte[0]);
    Map<String, byte[]> all = new TreeMap<>(files);
    all.put("image.png", new byte[] {(byte) 0x89, 'P', 'N', 'G', 0, 0, 'w', 'o', 'r', 'd', '1'});
    // A file that is not text counts as one without words.
    files.put("image.png", new byte[0]);
    assertSameAsNaive(Inputs.zip(folder.resolve("mixed.zip"), all), files, 3, 3);
  }

  private static void assertSameAsNaive(
      Path input, Map<String, byte[]> files, int groups, int partitions) {
    NaiveIndex naive = new NaiveIndex();
    files.forEach(naive::add);
    Corpus corpus = Corpus.list(input);
    Progress progress = new Progress(new PrintStream(OutputStream.nullOutputStream()), false);
    Tally tally = new Tally();
    try (DFutSystem dfut = DFutSystem.local()) {
      try (SearchIndex index =
          SearchIndex.build(dfut, corpus, groups, partitions, tally, progress)) {
        assertThat(contents(index, corpus)).isEqualTo(naive.countsByFileByTerm);
        assertThat(index.stats().terms()).isEqualTo(naive.countsByFileByTerm.size());
        assertThat(index.stats().occurrences())
            .isEqualTo(naive.lengths.values().stream().mapToLong(Integer::longValue).sum());
        assertThat(index.stats().movedBytes()).isZero();

        List<Answer> answers = index.answer(QUERIES, 5, progress);
        for (int i = 0; i < answers.size(); i++) {
          assertSame(answers.get(i), naive.answer(QUERIES.get(i), 5));
        }
      }
      assertThat(tally.nodes()).containsExactly(dfut.node().address());
      assertThat(tally.tasks(dfut.node().address(), Phase.REDUCE)).isEqualTo(partitions);
      dfut.inspect().assertNoLeaks(Duration.ofSeconds(10));
    }
  }

  private static Map<String, TreeMap<String, Integer>> contents(SearchIndex index, Corpus corpus) {
    Map<String, TreeMap<String, Integer>> contents = new TreeMap<>();
    for (DFut<byte[]> partition : index.partitions()) {
      Segment.Cursor cursor = Segment.of(partition.get()).cursor();
      while (cursor.next()) {
        TreeMap<String, Integer> list = new TreeMap<>();
        cursor.forEachPosting((document, count) -> list.put(corpus.names().get(document), count));
        assertThat(contents.put(cursor.term(), list)).as("%s twice", cursor.term()).isNull();
      }
    }
    return contents;
  }

  private static void assertSame(Answer answer, Answer naive) {
    assertThat(answer.filesWithAny()).as(answer.query()).isEqualTo(naive.filesWithAny());
    assertThat(answer.filesWithAll()).as(answer.query()).isEqualTo(naive.filesWithAll());
    assertThat(answer.hits()).as(answer.query()).hasSameSizeAs(naive.hits());
    for (int i = 0; i < answer.hits().size(); i++) {
      assertThat(answer.hits().get(i).file()).isEqualTo(naive.hits().get(i).file());
      assertThat(answer.hits().get(i).counts()).isEqualTo(naive.hits().get(i).counts());
      assertThat(answer.hits().get(i).score()).isCloseTo(naive.hits().get(i).score(), within(1e-9));
    }
  }
}
