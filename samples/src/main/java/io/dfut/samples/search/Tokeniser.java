package io.dfut.samples.search;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

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

  /** Gives every term of the text, in order, as often as it occurs. */
  static void terms(String text, Consumer<? super String> sink) {
    scan(text, true, sink);
  }

  /**
   * The different words of a query, in order, in lower case. Without their parts: who asks for
   * {@code ConcurrentHashMap} does not mean every map.
   */
  static List<String> words(String query) {
    LinkedHashSet<String> words = new LinkedHashSet<>();
    scan(query, false, words::add);
    return new ArrayList<>(words);
  }

  private static void scan(String text, boolean parts, Consumer<? super String> sink) {
    int length = text.length();
    int at = 0;
    while (at < length) {
      int start = at;
      while (at < length && isWordCharacter(text.charAt(at))) {
        at++;
      }
      if (at == start) {
        at++;
      } else if (!Character.isDigit(text.charAt(start))) {
        word(text, start, at, parts, sink);
      }
    }
  }

  private static void word(
      String text, int start, int end, boolean parts, Consumer<? super String> sink) {
    emit(text, start, end, sink);
    if (!parts) {
      return;
    }
    int from = start;
    for (int at = start; at < end; at++) {
      if (isJoint(text.charAt(at))) {
        part(text, from, at, start, end, sink);
        from = at + 1;
      } else if (at > from && startsPart(text, at, end)) {
        part(text, from, at, start, end, sink);
        from = at;
      }
    }
    part(text, from, end, start, end, sink);
  }

  private static void part(
      String text, int from, int to, int start, int end, Consumer<? super String> sink) {
    boolean whole = from == start && to == end;
    if (!whole && from < to && !Character.isDigit(text.charAt(from))) {
      emit(text, from, to, sink);
    }
  }

  private static void emit(String text, int from, int to, Consumer<? super String> sink) {
    if (to - from >= TERM_CHARS_MIN && to - from <= TERM_CHARS_MAX) {
      sink.accept(text.substring(from, to).toLowerCase(Locale.ROOT));
    }
  }

  /** A capital after another character, or the last capital of several ({@code HTTP|Server}). */
  private static boolean startsPart(String text, int at, int end) {
    if (!Character.isUpperCase(text.charAt(at))) {
      return false;
    }
    return !Character.isUpperCase(text.charAt(at - 1))
        || at + 1 < end && Character.isLowerCase(text.charAt(at + 1));
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
