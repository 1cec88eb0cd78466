package io.dfut.samples.search;

import java.util.Arrays;

/**
 * How often each term occurs in one file. Open addressing over characters, reused from file to
 * file: no object is made for an occurrence, and the table stays small enough for the processor's
 * cache, which makes a map task three times as fast as one that looks each occurrence up in the
 * index of its whole chunk. Not thread-safe.
 */
final class TermCounts implements Tokeniser.TermSink {
  /** Where a term is noted, plus one; 0 where none is. Its length is a power of two. */
  private int[] slots = new int[1 << 12];

  private int[] hashes = new int[1 << 11];
  private int[] starts = new int[1 << 11];
  private int[] counts = new int[1 << 11];
  private char[] characters = new char[1 << 15];
  private int charactersUsed;
  private int terms;
  private int occurrences;

  /** Takes a term and how often it occurs. */
  @FunctionalInterface
  interface CountSink {
    void count(String term, int occurrences);
  }

  @Override
  public void term(char[] text, int from, int to) {
    int hash = 0;
    for (int i = from; i < to; i++) {
      hash = 31 * hash + text[i];
    }
    occurrences++;
    int slot = slot(hash);
    int entry;
    while ((entry = slots[slot] - 1) >= 0) {
      if (hashes[entry] == hash
          && Arrays.equals(characters, starts[entry], end(entry), text, from, to)) {
        counts[entry]++;
        return;
      }
      slot = slot + 1 & slots.length - 1;
    }
    note(hash, text, from, to);
    slots[slot] = terms;
    if (2 * terms == slots.length) {
      grow();
    }
  }

  /** How many terms the file has, repetitions counted. */
  int occurrences() {
    return occurrences;
  }

  /** Gives each term once, and forgets them all. */
  void drain(CountSink sink) {
    for (int entry = 0; entry < terms; entry++) {
      sink.count(new String(characters, starts[entry], end(entry) - starts[entry]), counts[entry]);
    }
    Arrays.fill(slots, 0);
    terms = 0;
    occurrences = 0;
    charactersUsed = 0;
  }

  private void note(int hash, char[] text, int from, int to) {
    int length = to - from;
    if (charactersUsed + length > characters.length) {
      characters = Arrays.copyOf(characters, 2 * characters.length + length);
    }
    System.arraycopy(text, from, characters, charactersUsed, length);
    hashes[terms] = hash;
    starts[terms] = charactersUsed;
    counts[terms] = 1;
    charactersUsed += length;
    terms++;
  }

  private void grow() {
    hashes = Arrays.copyOf(hashes, 2 * hashes.length);
    starts = Arrays.copyOf(starts, 2 * starts.length);
    counts = Arrays.copyOf(counts, 2 * counts.length);
    slots = new int[2 * slots.length];
    for (int entry = 0; entry < terms; entry++) {
      int slot = slot(hashes[entry]);
      while (slots[slot] != 0) {
        slot = slot + 1 & slots.length - 1;
      }
      slots[slot] = entry + 1;
    }
  }

  /** Terms lie one after the other. */
  private int end(int entry) {
    return entry + 1 < terms ? starts[entry + 1] : charactersUsed;
  }

  private int slot(int hash) {
    return (hash ^ hash >>> 15) & slots.length - 1;
  }
}
