package io.dfut.samples.search;

import io.dfut.samples.search.Matches.TermMatches;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a query found.
 *
 * @param query as it was asked
 * @param hits the best files, best first
 * @param filesWithAny how many files have at least one of the words
 * @param filesWithAll how many have every one
 */
record Answer(String query, List<Hit> hits, int filesWithAny, int filesWithAll) {
  /**
   * One file.
   *
   * @param file its name
   * @param score the sum of its terms' scores
   * @param counts how often it has each word, in the order of the query
   */
  record Hit(String file, double score, Map<String, Integer> counts) {}

  /** What the terms' lists say of one file, until the best are known. */
  private static final class Candidate {
    private final int document;
    private final Map<String, Integer> counts = new LinkedHashMap<>();
    private double score;

    Candidate(int document) {
      this.document = document;
    }
  }

  Answer {
    hits = List.copyOf(hits);
  }

  /**
   * Merges what the partitions found. Files that have more of the words come first, then those of a
   * higher score, then by name; so the answer does not depend on how the index is partitioned.
   */
  static Answer of(
      String query,
      List<String> words,
      Map<String, TermMatches> byTerm,
      List<String> names,
      int hitsMax) {
    Map<Integer, Candidate> candidates = new HashMap<>();
    for (String word : words) {
      TermMatches matches = byTerm.get(word);
      if (matches == null) {
        continue;
      }
      for (int i = 0; i < matches.documents().length; i++) {
        Candidate candidate = candidates.computeIfAbsent(matches.documents()[i], Candidate::new);
        candidate.counts.put(word, matches.counts()[i]);
        candidate.score += matches.scores()[i];
      }
    }
    List<Candidate> ranked = new ArrayList<>(candidates.values());
    ranked.sort(
        Comparator.<Candidate>comparingInt(candidate -> -candidate.counts.size())
            .thenComparingDouble(candidate -> -candidate.score)
            .thenComparingInt(candidate -> candidate.document));
    int withAll = (int) ranked.stream().filter(each -> each.counts.size() == words.size()).count();
    List<Hit> hits =
        ranked.stream()
            .limit(hitsMax)
            .map(each -> new Hit(names.get(each.document), each.score, each.counts))
            .toList();
    return new Answer(query, hits, ranked.size(), withAll);
  }
}
