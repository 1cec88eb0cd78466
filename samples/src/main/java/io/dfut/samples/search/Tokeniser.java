package io.dfut.samples.search;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * Which terms a text has. Stateless.
 *
 * <p>A <em>word</em> is a run of letters, digits, {@code _} and {@code $} that does not start with
 * a digit: an identifier, in source code; a word, in prose. It is a term in lower case. A word made
 * of several parts ({@code readTimeout}, {@code HTTPServer}, {@code MAX_VALUE}) gives each part as
 * a further term, so that <em>timeout</em> finds it. Terms have 2 to {@value #TERM_CHARS_MAX}
 * characters: shorter ones are loop variables, longer ones are tables of data in string literals.
 * Numbers are left out. Characters beyond U+FFFF separate words.
 */
final class Tokeniser {
  static final int TERM_CHARS_MIN = 2;
  static final int TERM_CHARS_MAX = 64;

  private Tokeniser() {}

  /** Takes a term: the characters of an array from one index up to, but not with, another. */
  @FunctionalInterface
  interface TermSink {
    void term(char[] text, int from, int to);
  }

  /** Gives every term of the text, in order, as often as it occurs. */
  static void terms(String text, TermSink sink) {
    scan(text, true, sink);
  }

  /**
   * The different words of a query, in order, in lower case. Without their parts: who asks for
   * {@code ConcurrentHashMap} does not mean every map.
   */
  static List<String> words(String query) {
    LinkedHashSet<String> words = new LinkedHashSet<>();
    scan(query, false, (text, from, to) -> words.add(new String(text, from, to - from)));
    return new ArrayList<>(words);
  }

  private static void scan(String string, boolean parts, TermSink sink) {
    char[] text = string.toCharArray();
    // Character by character, so that a word is as long in lower case, and its parts are where they
    // were.
    char[] lower = new char[text.length];
    for (int i = 0; i < text.length; i++) {
      lower[i] = Character.toLowerCase(text[i]);
    }
    int at = 0;
    while (at < text.length) {
      int start = at;
      while (at < text.length && isWordCharacter(text[at])) {
        at++;
      }
      if (at == start) {
        at++;
      } else if (!Character.isDigit(text[start])) {
        emit(lower, start, at, sink);
        if (parts) {
          parts(text, lower, start, at, sink);
        }
      }
    }
  }

  private static void parts(char[] text, char[] lower, int start, int end, TermSink sink) {
    int from = start;
    for (int at = start; at < end; at++) {
      if (isJoint(text[at])) {
        part(lower, from, at, start, end, sink);
        from = at + 1;
      } else if (at > from && startsPart(text, at, end)) {
        part(lower, from, at, start, end, sink);
        from = at;
      }
    }
    part(lower, from, end, start, end, sink);
  }

  private static void part(char[] lower, int from, int to, int start, int end, TermSink sink) {
    boolean whole = from == start && to == end;
    if (!whole && from < to && !Character.isDigit(lower[from])) {
      emit(lower, from, to, sink);
    }
  }

  private static void emit(char[] lower, int from, int to, TermSink sink) {
    if (to - from >= TERM_CHARS_MIN && to - from <= TERM_CHARS_MAX) {
      sink.term(lower, from, to);
    }
  }

  /** A capital after another character, or the last capital of several ({@code HTTP|Server}). */
  private static boolean startsPart(char[] text, int at, int end) {
    if (!Character.isUpperCase(text[at])) {
      return false;
    }
    return !Character.isUpperCase(text[at - 1])
        || at + 1 < end && Character.isLowerCase(text[at + 1]);
  }

  private static boolean isWordCharacter(char c) {
    return c < 128
        ? c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || isJoint(c)
        : Character.isLetterOrDigit(c);
  }

  private static boolean isJoint(char c) {
    return c == '_' || c == '$';
  }
}
