package io.dfut.samples.search;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.zip.CRC32C;

/**
 * A sorted piece of an index in one byte array, read where it lies: what a map task gives to a
 * reduce task, and what a reduce task makes of many. One array, because a {@code byte[]} needs no
 * codec and lies in each node's store as it is. Immutable as long as the array is; thread-safe. The
 * format is {@link SegmentWriter}'s.
 *
 * <p>Everything is checked while it is read: a checksum finds what was damaged on the way, bounds
 * and order find what was never a segment.
 */
final class Segment {
  private final byte[] bytes;
  private final int entriesEnd;
  private final int terms;
  private final long postings;

  private Segment(byte[] bytes, int entriesEnd, int terms, long postings) {
    this.bytes = bytes;
    this.entriesEnd = entriesEnd;
    this.terms = terms;
    this.postings = postings;
  }

  /**
   * Opens a segment without copying it.
   *
   * @throws MalformedSegmentException when header, footer or checksum are wrong
   */
  static Segment of(byte[] bytes) {
    int footer = bytes.length - SegmentWriter.FOOTER_BYTES;
    if (footer < SegmentWriter.HEADER_BYTES) {
      throw new MalformedSegmentException(bytes.length + " bytes are too few");
    }
    int header = intAt(bytes, 0);
    if ((header & ~0xff) != SegmentWriter.MAGIC) {
      throw new MalformedSegmentException("it starts with " + Integer.toHexString(header));
    }
    if ((header & 0xff) != SegmentWriter.VERSION) {
      throw new MalformedSegmentException(
          "version " + (header & 0xff) + ", this program reads " + SegmentWriter.VERSION);
    }
    CRC32C check = new CRC32C();
    check.update(bytes, 0, bytes.length - 4);
    if ((int) check.getValue() != intAt(bytes, bytes.length - 4)) {
      throw new MalformedSegmentException("its checksum is wrong; it was damaged or cut off");
    }
    int entriesEnd = intAt(bytes, footer);
    int terms = intAt(bytes, footer + 4);
    long postings = (long) intAt(bytes, footer + 8) << 32 | intAt(bytes, footer + 12) & 0xffffffffL;
    long restarts =
        ((long) terms + SegmentWriter.RESTART_INTERVAL - 1) / SegmentWriter.RESTART_INTERVAL;
    if (terms < 0
        || postings < terms
        || entriesEnd < SegmentWriter.HEADER_BYTES
        || entriesEnd + 4 * restarts != footer) {
      throw new MalformedSegmentException(
          "its footer says %d terms, %d postings, entries up to byte %d of %d"
              .formatted(terms, postings, entriesEnd, bytes.length));
    }
    return new Segment(bytes, entriesEnd, terms, postings);
  }

  /**
   * One segment of several. The documents of each come after those of the one before it, so lists
   * are appended, not sorted.
   *
   * @throws MalformedSegmentException when one of them is not a segment
   * @throws IllegalArgumentException when documents overlap
   */
  static byte[] merge(List<byte[]> segments) {
    PriorityQueue<Cursor> next =
        new PriorityQueue<>(
            (a, b) -> {
              int byTerm = Arrays.compareUnsigned(a.term, b.term);
              return byTerm != 0 ? byTerm : Integer.compare(a.rank, b.rank);
            });
    for (int rank = 0; rank < segments.size(); rank++) {
      Cursor cursor = of(segments.get(rank)).cursor(rank);
      if (cursor.next()) {
        next.add(cursor);
      }
    }
    SegmentWriter merged = new SegmentWriter();
    Postings list = new Postings(1 << 12);
    while (!next.isEmpty()) {
      byte[] term = next.peek().term;
      list.clear();
      while (!next.isEmpty() && Arrays.equals(next.peek().term, term)) {
        Cursor cursor = next.poll();
        cursor.forEachPosting(list::add);
        if (cursor.next()) {
          next.add(cursor);
        }
      }
      merged.add(term, list);
    }
    return merged.finish();
  }

  /** How many terms it has. */
  int terms() {
    return terms;
  }

  /** How many postings: for each term, the documents that have it. */
  long postings() {
    return postings;
  }

  /** A cursor before the first term. */
  Cursor cursor() {
    return cursor(0);
  }

  private Cursor cursor(int rank) {
    return new Cursor(rank, SegmentWriter.HEADER_BYTES);
  }

  /** A cursor at a term, if the segment has it. */
  Optional<Cursor> find(String term) {
    byte[] wanted = term.getBytes(StandardCharsets.UTF_8);
    int low = 0;
    int high = (terms - 1) / SegmentWriter.RESTART_INTERVAL;
    if (terms == 0) {
      return Optional.empty();
    }
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      Cursor probe = restart(middle);
      if (Arrays.compareUnsigned(probe.term, wanted) <= 0) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    Cursor cursor = restart(low);
    int order;
    while ((order = Arrays.compareUnsigned(cursor.term, wanted)) < 0) {
      if (!cursor.next()) {
        return Optional.empty();
      }
    }
    return order == 0 ? Optional.of(cursor) : Optional.empty();
  }

  private Cursor restart(int index) {
    int offset = intAt(bytes, entriesEnd + 4 * index);
    if (offset < SegmentWriter.HEADER_BYTES || offset >= entriesEnd) {
      throw new MalformedSegmentException("restart " + index + " at byte " + offset);
    }
    Cursor cursor = new Cursor(0, offset);
    cursor.next();
    return cursor;
  }

  static String text(byte[] term) {
    return new String(term, StandardCharsets.UTF_8);
  }

  private static int intAt(byte[] bytes, int at) {
    return (bytes[at] & 0xff) << 24
        | (bytes[at + 1] & 0xff) << 16
        | (bytes[at + 2] & 0xff) << 8
        | bytes[at + 3] & 0xff;
  }

  /** Takes a posting. */
  @FunctionalInterface
  interface PostingSink {
    void posting(int document, int count);
  }

  /**
   * A posting list, decoded.
   *
   * @param documents which documents, ascending
   * @param counts how often in each
   */
  record PostingList(int[] documents, int[] counts) {}

  /** Goes through the terms in order. Not thread-safe. */
  final class Cursor {
    private final int rank;
    private int at;
    private byte[] term = new byte[0];
    private int documents;
    private int listAt;
    private int listEnd;

    private Cursor(int rank, int at) {
      this.rank = rank;
      this.at = at;
    }

    /**
     * Moves on.
     *
     * @return false after the last term
     */
    boolean next() {
      if (at == entriesEnd) {
        return false;
      }
      int shared = varint();
      int further = varint();
      if (shared < 0 || shared > term.length || further < 0 || further > entriesEnd - at) {
        throw malformed("a term of " + shared + " and " + further + " bytes");
      }
      byte[] next = Arrays.copyOf(term, shared + further);
      System.arraycopy(bytes, at, next, shared, further);
      at += further;
      documents = varint();
      int listBytes = varint();
      // A posting takes two bytes at least; checked before memory is taken for them.
      if (documents < 1
          || listBytes < 0
          || listBytes > entriesEnd - at
          || documents > listBytes / 2) {
        throw malformed(documents + " postings in " + listBytes + " bytes");
      }
      term = next;
      listAt = at;
      at += listBytes;
      listEnd = at;
      return true;
    }

    String term() {
      return text(term);
    }

    /** How many documents have the term. */
    int documents() {
      return documents;
    }

    void forEachPosting(PostingSink sink) {
      int resume = at;
      at = listAt;
      int document = -1;
      for (int i = 0; i < documents; i++) {
        int step = varint();
        document = i == 0 ? step : document + step;
        int count = varint();
        if (document < 0 || step < (i == 0 ? 0 : 1) || count < 1 || at > listEnd) {
          throw malformed("posting " + i + " of " + documents);
        }
        sink.posting(document, count);
      }
      if (at != listEnd) {
        throw malformed((listEnd - at) + " bytes after the last posting");
      }
      at = resume;
    }

    PostingList postings() {
      int[] inDocuments = new int[documents];
      int[] counts = new int[documents];
      int[] filled = new int[1];
      forEachPosting(
          (document, count) -> {
            inDocuments[filled[0]] = document;
            counts[filled[0]++] = count;
          });
      return new PostingList(inDocuments, counts);
    }

    private int varint() {
      int value = 0;
      for (int shift = 0; shift < 35; shift += 7) {
        if (at >= entriesEnd) {
          throw malformed("a number that goes on beyond the entries");
        }
        byte next = bytes[at++];
        value |= (next & 0x7f) << shift;
        if (next >= 0) {
          return value;
        }
      }
      throw malformed("a number of more than five bytes");
    }

    private MalformedSegmentException malformed(String what) {
      return new MalformedSegmentException(what + ", at byte " + at + " of " + bytes.length);
    }
  }
}
