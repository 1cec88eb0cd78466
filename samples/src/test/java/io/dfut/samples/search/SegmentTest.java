package io.dfut.samples.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

final class SegmentTest {
  @Test
  void givesBackWhatWasWritten() {
    var index = randomIndex(new Random(1), 0, 500);
    Segment segment = Segment.of(encode(index));
    assertThat(contents(segment)).isEqualTo(index);
    assertThat(segment.terms()).isEqualTo(index.size());
    assertThat(segment.postings()).isEqualTo(index.values().stream().mapToInt(Map::size).sum());
  }

  @Test
  void segmentWithoutTermsIsOne() {
    Segment segment = Segment.of(encode(new TreeMap<>()));
    assertThat(segment.terms()).isZero();
    assertThat(segment.cursor().next()).isFalse();
    assertThat(segment.find("any")).isEmpty();
  }

  @Test
  void findsEachTermAndNoOther() {
    var index = randomIndex(new Random(2), 0, 1_000);
    Segment segment = Segment.of(encode(index));
    index
        .keySet()
        .forEach(
            term -> {
              assertThat(segment.find(term)).get().extracting(Segment.Cursor::term).isEqualTo(term);
              assertThat(segment.find(term + "!")).isEmpty();
            });
    assertThat(segment.find("")).isEmpty();
    assertThat(segment.find("zzzzzz")).isEmpty();
  }

  @Test
  void largestNumbersFit() {
    TreeMap<String, TreeMap<Integer, Integer>> index = new TreeMap<>();
    index.put(
        "term",
        new TreeMap<>(Map.of(0, 1, 127, 128, 128, 127, Integer.MAX_VALUE, Integer.MAX_VALUE)));
    assertThat(contents(Segment.of(encode(index)))).isEqualTo(index);
  }

  @Test
  void mergedSegmentsAreTheSegmentOfAll() {
    Random random = new Random(3);
    for (int round = 0; round < 50; round++) {
      TreeMap<String, TreeMap<Integer, Integer>> all = new TreeMap<>();
      List<byte[]> segments = new ArrayList<>();
      for (int part = random.nextInt(6); part > 0; part--) {
        var index = randomIndex(random, segments.size() * 1_000, random.nextInt(300));
        segments.add(encode(index));
        index.forEach(
            (term, list) -> all.computeIfAbsent(term, absent -> new TreeMap<>()).putAll(list));
      }
      assertThat(Segment.merge(segments)).isEqualTo(encode(all));
    }
  }

  @Test
  void mergeRefusesDocumentsOutOfOrder() {
    byte[] segment = encode(randomIndex(new Random(4), 0, 10));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Segment.merge(List.of(segment, segment)))
        .withMessageContaining("after document");
  }

  @Test
  void writerRefusesTermsOutOfOrder() {
    SegmentWriter writer = new SegmentWriter();
    Postings list = new Postings(4);
    list.add(1, 1);
    writer.add(utf8("b"), list);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.add(utf8("a"), list))
        .withMessageContaining("term a after term b");
  }

  @Test
  void eachCutAndEachFlippedBitIsNoticed() {
    byte[] whole = encode(randomIndex(new Random(5), 0, 70));
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> Segment.of(cut)).isInstanceOf(MalformedSegmentException.class);
    }
    for (int bit = 0; bit < whole.length * 8; bit++) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatThrownBy(() -> Segment.of(flipped)).isInstanceOf(MalformedSegmentException.class);
    }
  }

  /** With a checksum that fits, what is wrong must be found by bounds and order. */
  @Test
  void nonsenseWithValidChecksumIsRefusedNotFollowed() {
    byte[] whole = encode(randomIndex(new Random(6), 0, 200));
    Random random = new Random(7);
    int refused = 0;
    for (int round = 0; round < 4_000; round++) {
      byte[] bytes = whole.clone();
      for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
        bytes[random.nextInt(bytes.length - 4)] = (byte) random.nextInt();
      }
      try {
        Segment segment = Segment.of(sealed(bytes));
        contents(segment);
        segment.find("term7");
      } catch (MalformedSegmentException e) {
        refused++;
        assertThat(e).hasMessageStartingWith("not a segment of an index: ");
      }
    }
    assertThat(refused).isPositive(); // the rest are other, well-formed segments
  }

  private static byte[] sealed(byte[] bytes) {
    CRC32C check = new CRC32C();
    check.update(bytes, 0, bytes.length - 4);
    for (int i = 0; i < 4; i++) {
      bytes[bytes.length - 4 + i] = (byte) (check.getValue() >>> 24 - 8 * i);
    }
    return bytes;
  }

  private static TreeMap<String, TreeMap<Integer, Integer>> randomIndex(
      Random random, int firstDocument, int terms) {
    TreeMap<String, TreeMap<Integer, Integer>> index = new TreeMap<>();
    for (int i = 0; i < terms; i++) {
      TreeMap<Integer, Integer> list = new TreeMap<>();
      for (int documents = 1 + random.nextInt(20); documents > 0; documents--) {
        list.put(firstDocument + random.nextInt(1_000), 1 + random.nextInt(300));
      }
      index.put((random.nextInt(8) == 0 ? "größe" : "term") + random.nextInt(4 * terms), list);
    }
    return index;
  }

  /** In the order of UTF-8, which for these terms is that of strings. */
  private static byte[] encode(TreeMap<String, TreeMap<Integer, Integer>> index) {
    SegmentWriter writer = new SegmentWriter();
    index.forEach(
        (term, documents) -> {
          Postings list = new Postings(4);
          documents.forEach(list::add);
          writer.add(utf8(term), list);
        });
    return writer.finish();
  }

  private static TreeMap<String, TreeMap<Integer, Integer>> contents(Segment segment) {
    TreeMap<String, TreeMap<Integer, Integer>> contents = new TreeMap<>();
    Segment.Cursor cursor = segment.cursor();
    while (cursor.next()) {
      TreeMap<Integer, Integer> list = new TreeMap<>();
      cursor.forEachPosting(list::put);
      contents.put(cursor.term(), list);
    }
    return contents;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
