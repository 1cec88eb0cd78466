package io.dfut.samples.search;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class Bm25Test {
  @Test
  void rarerTermScoresMore() {
    assertThat(Bm25.score(100, 1, 1, 10, 10)).isGreaterThan(Bm25.score(100, 50, 1, 10, 10));
  }

  @Test
  void furtherOccurrenceAddsLessThanTheOneBefore() {
    double once = Bm25.score(100, 5, 1, 10, 10);
    double twice = Bm25.score(100, 5, 2, 10, 10);
    double thrice = Bm25.score(100, 5, 3, 10, 10);
    assertThat(twice).isGreaterThan(once);
    assertThat(thrice - twice).isBetween(0.0, twice - once);
  }

  @Test
  void longerFileScoresLess() {
    assertThat(Bm25.score(100, 5, 3, 50, 10)).isLessThan(Bm25.score(100, 5, 3, 10, 10));
  }

  @Test
  void termThatAllFilesHaveStillCounts() {
    assertThat(Bm25.score(100, 100, 1, 10, 10)).isPositive();
  }
}
