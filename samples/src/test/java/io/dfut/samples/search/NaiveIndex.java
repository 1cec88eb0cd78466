package io.dfut.samples.search;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The naive twin of {@link SearchIndex}: one thread, maps of maps, regular expressions, no bytes to
 * save. What it says is right because it can be read.
 */
final class NaiveIndex {
  private static final Pattern WORD =
      Pattern.compile("[\\p{L}\\p{Nd}_$&&[^\\x{10000}-\\x{10FFFF}]]+");
  private static final Pattern JOINT =
      Pattern.compile("[_$]|(?<=[^\\p{Lu}_$])(?=\\p{Lu})|(?<=\\p{Lu})(?=\\p{Lu}\\p{Ll})");

  final Map<String, TreeMap<String, Integer>> countsByFileByTerm = new TreeMap<>();
  final Map<String, Integer> lengths = new TreeMap<>();

  void add(String file, byte[] content) {
    List<String> terms = terms(new String(content, StandardCharsets.UTF_8));
    lengths.put(file, terms.size());
    for (String term : terms) {
      countsByFileByTerm
          .computeIfAbsent(term, absent -> new TreeMap<>())
          .merge(file, 1, Integer::sum);
    }
  }

  static List<String> terms(String text) {
    List<String> terms = new ArrayList<>();
    Matcher words = WORD.matcher(text);
    while (words.find()) {
      String word = words.group();
      if (Character.isDigit(word.charAt(0))) {
        continue;
      }
      terms.add(word);
      for (String part : JOINT.split(word)) {
        if (!part.isEmpty() && !part.equals(word) && !Character.isDigit(part.charAt(0))) {
          terms.add(part);
        }
      }
    }
    return terms.stream()
        .filter(term -> term.length() >= Tokeniser.TERM_CHARS_MIN)
        .filter(term -> term.length() <= Tokeniser.TERM_CHARS_MAX)
        .map(term -> term.toLowerCase(Locale.ROOT))
        .toList();
  }

  Answer answer(String query, int hitsMax) {
    List<String> words = Tokeniser.words(query);
    Set<String> files = new TreeSet<>();
    words.forEach(
        word -> files.addAll(countsByFileByTerm.getOrDefault(word, new TreeMap<>()).keySet()));
    double averageLength =
        Math.max(1, lengths.values().stream().mapToInt(Integer::intValue).average().orElse(1));
    List<Answer.Hit> hits = new ArrayList<>();
    for (String file : files) {
      Map<String, Integer> counts = new TreeMap<>();
      double score = 0;
      for (String word : words) {
        TreeMap<String, Integer> withWord = countsByFileByTerm.getOrDefault(word, new TreeMap<>());
        if (withWord.containsKey(file)) {
          counts.put(word, withWord.get(file));
          score +=
              Bm25.score(
                  lengths.size(),
                  withWord.size(),
                  withWord.get(file),
                  lengths.get(file),
                  averageLength);
        }
      }
      hits.add(new Answer.Hit(file, score, counts));
    }
    int withAll = (int) hits.stream().filter(hit -> hit.counts().size() == words.size()).count();
    hits.sort(
        (a, b) -> {
          int byWords = b.counts().size() - a.counts().size();
          int byScore = byWords != 0 ? byWords : Double.compare(b.score(), a.score());
          return byScore != 0 ? byScore : a.file().compareTo(b.file());
        });
    return new Answer(
        query, hits.subList(0, Math.min(hitsMax, hits.size())), files.size(), withAll);
  }
}
