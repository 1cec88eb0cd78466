package io.dfut.testkit.guide;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.testkit.DFutLocal;
import java.util.List;
import org.junit.jupiter.api.Test;

// region local
@DFutLocal(cpus = 2)
class WordCountTest {
  static int words(String line) {
    return line.split(" ").length;
  }

  static int sum(List<Integer> counts) {
    return counts.stream().mapToInt(count -> count).sum();
  }

  @Test
  void countsTheWordsOfAllLines(DFutSystem dfut) {
    DFut<Integer> one = dfut.task(WordCountTest::words).submit("the quick brown fox");
    DFut<Integer> two = dfut.task(WordCountTest::words).submit("jumps");
    assertEquals(5, dfut.task(WordCountTest::sum).submit(DFut.all(List.of(one, two))).get());
  }
}
// endregion
