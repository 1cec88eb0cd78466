package io.dfut.samples.search;

import java.util.List;

/**
 * What a search task found.
 *
 * <p>All of it, not the best few: a file's score is a sum over the query's terms, whose lists lie
 * in different partitions, so no partition alone knows which files are the best. A list takes 16
 * bytes a file, a quarter of a megabyte for a term that every file of the JDK has.
 *
 * @param node the node that ran it
 * @param terms the terms that occur, of those asked for
 */
record Matches(String node, List<TermMatches> terms) {
  Matches {
    terms = List.copyOf(terms);
  }

  /**
   * One term's files.
   *
   * @param term the term
   * @param documents which files
   * @param counts how often in each
   * @param scores what the term adds to the score of each
   */
  record TermMatches(String term, int[] documents, int[] counts, double[] scores) {}
}
