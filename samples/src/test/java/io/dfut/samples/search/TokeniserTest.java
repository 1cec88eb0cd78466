package io.dfut.samples.search;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class TokeniserTest {
  @Test
  void wordIsTermInLowerCase() {
    assertThat(terms("Hello, wide World!")).containsExactly("hello", "wide", "world");
  }

  @Test
  void partsOfIdentifierAreFurtherTerms() {
    assertThat(terms("readTimeout")).containsExactly("readtimeout", "read", "timeout");
    assertThat(terms("MAX_VALUE")).containsExactly("max_value", "max", "value");
    assertThat(terms("HTTPServer")).containsExactly("httpserver", "http", "server");
    assertThat(terms("_hidden")).containsExactly("_hidden", "hidden");
    assertThat(terms("Utf8Decoder")).containsExactly("utf8decoder", "utf8", "decoder");
  }

  @Test
  void numbersAndShortAndOverlongWordsAreNoTerms() {
    assertThat(terms("i = 0xFF + 42L; x1")).containsExactly("x1");
    assertThat(terms("a".repeat(Tokeniser.TERM_CHARS_MAX))).hasSize(1);
    assertThat(terms("a".repeat(Tokeniser.TERM_CHARS_MAX + 1))).isEmpty();
  }

  @Test
  void lettersOfOtherScriptsMakeWords() {
    assertThat(terms("größe 検索 😀 naïve")).containsExactly("größe", "検索", "naïve");
  }

  @Test
  void queryAsksForWholeWordsOnce() {
    assertThat(Tokeniser.words("ConcurrentHashMap virtual-thread Virtual"))
        .containsExactly("concurrenthashmap", "virtual", "thread");
    assertThat(Tokeniser.words(" ! 42 x")).isEmpty();
  }

  @Test
  void agreesWithNaiveTokeniserOnRandomText() {
    Random random = new Random(1);
    String alphabet = "abzABZ019_$ .é😀";
    for (int round = 0; round < 2_000; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(40); i > 0; i--) {
        text.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      assertThat(terms(text.toString()))
          .as("%s", text)
          .containsExactlyInAnyOrderElementsOf(NaiveIndex.terms(text.toString()));
    }
  }

  private static List<String> terms(String text) {
    List<String> terms = new ArrayList<>();
    Tokeniser.terms(
        text, (characters, from, to) -> terms.add(new String(characters, from, to - from)));
    return terms;
  }
}
