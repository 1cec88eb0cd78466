package io.dfut.samples.search;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class TermCountsTest {
  @Test
  void countsAsAMapDoesFileAfterFile() {
    Random random = new Random(1);
    TermCounts counts = new TermCounts();
    for (int file = 0; file < 20; file++) {
      Map<String, Integer> expected = new HashMap<>();
      int occurrences = random.nextInt(20_000); // enough to make it grow
      for (int i = 0; i < occurrences; i++) {
        String term = Integer.toString(random.nextInt(1 + random.nextInt(30_000)), 36);
        expected.merge(term, 1, Integer::sum);
        String text = "<" + term + ">";
        counts.term(text.toCharArray(), 1, text.length() - 1);
      }
      assertThat(counts.occurrences()).isEqualTo(occurrences);
      Map<String, Integer> counted = new HashMap<>();
      counts.drain((term, count) -> assertThat(counted.put(term, count)).isNull());
      assertThat(counted).isEqualTo(expected);
    }
  }

  @Test
  void termsOfOneHashAreToldApart() {
    TermCounts counts = new TermCounts();
    counts.term("Aa".toCharArray(), 0, 2);
    counts.term("BB".toCharArray(), 0, 2);
    counts.term("BB".toCharArray(), 0, 2);
    Map<String, Integer> counted = new HashMap<>();
    counts.drain(counted::put);
    assertThat(counted).isEqualTo(Map.of("Aa", 1, "BB", 2));
  }
}
