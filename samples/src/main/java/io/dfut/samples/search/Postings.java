package io.dfut.samples.search;

/**
 * Where one term occurs, while a list is being made: documents in ascending order, each with a
 * count, as differences in variable-length integers. Most postings take two bytes. Not thread-safe.
 */
final class Postings {
  private final ByteSink encoded;
  private int documents;

  /** The document whose occurrences are being counted; written when the next one begins. */
  private int document = -1;

  private int count;
  private int written = -1;

  Postings(int capacityBytes) {
    encoded = new ByteSink(capacityBytes);
  }

  /** One more occurrence. */
  void occurred(int inDocument) {
    if (inDocument != document) {
      begin(inDocument, 0);
    }
    count++;
  }

  /** All occurrences in one document. */
  void add(int inDocument, int occurrences) {
    if (occurrences < 1) {
      throw new IllegalArgumentException("count is " + occurrences + " in document " + inDocument);
    }
    begin(inDocument, occurrences);
  }

  private void begin(int next, int occurrences) {
    if (next <= document) {
      throw new IllegalArgumentException("document " + next + " after document " + document);
    }
    flush();
    document = next;
    count = occurrences;
  }

  private void flush() {
    if (document > written) {
      encoded.putVarint(written < 0 ? document : document - written);
      encoded.putVarint(count);
      written = document;
      documents++;
    }
  }

  /** How many documents have the term. Ends the document that is being counted. */
  int documents() {
    flush();
    return documents;
  }

  /** The encoded list; belongs to this object. Ends the document that is being counted. */
  ByteSink encoded() {
    flush();
    return encoded;
  }

  void clear() {
    encoded.clear();
    documents = 0;
    document = -1;
    count = 0;
    written = -1;
  }
}
