package io.dfut.samples.search;

/**
 * Where one term occurs, while a list is being made: documents in ascending order, each with a
 * count, as differences in variable-length integers. Most postings take two or three bytes. Not
 * thread-safe.
 */
final class Postings {
  private final ByteSink encoded;
  private int documents;
  private int last = -1;

  Postings(int capacityBytes) {
    encoded = new ByteSink(capacityBytes);
  }

  /**
   * Adds a document.
   *
   * @throws IllegalArgumentException when it does not come after the one before
   */
  void add(int document, int occurrences) {
    if (document <= last || occurrences < 1) {
      throw new IllegalArgumentException(
          "document %d, %d times, after document %d".formatted(document, occurrences, last));
    }
    encoded.putVarint(documents == 0 ? document : document - last);
    encoded.putVarint(occurrences);
    last = document;
    documents++;
  }

  /** How many documents have the term. */
  int documents() {
    return documents;
  }

  /** The encoded list; belongs to this object. */
  ByteSink encoded() {
    return encoded;
  }

  void clear() {
    encoded.clear();
    documents = 0;
    last = -1;
  }
}
