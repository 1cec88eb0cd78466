package io.dfut.samples.search;

/**
 * How well a file answers a term (Okapi BM25): more for rare terms, less and less for each further
 * occurrence, less for long files. Stateless.
 */
final class Bm25 {
  private static final double SATURATION = 1.2;
  private static final double LENGTH_WEIGHT = 0.75;

  private Bm25() {}

  /**
   * A term's share of a file's score.
   *
   * @param files how many files there are
   * @param filesWithTerm how many have the term
   * @param count how often this one has it
   * @param length how many terms this file has
   * @param averageLength how many terms a file has on average
   */
  static double score(int files, int filesWithTerm, int count, int length, double averageLength) {
    double rarity = Math.log1p((files - filesWithTerm + 0.5) / (filesWithTerm + 0.5));
    double relativeLength = 1 - LENGTH_WEIGHT + LENGTH_WEIGHT * length / averageLength;
    return rarity * count * (SATURATION + 1) / (count + SATURATION * relativeLength);
  }
}
