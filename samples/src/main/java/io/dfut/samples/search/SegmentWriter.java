package io.dfut.samples.search;

import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * Writes a {@link Segment}: terms in ascending order, each with its postings. Not thread-safe.
 *
 * <pre>
 * "DXS" version        4 bytes
 * entry*               varint bytes shared with the term before · varint further bytes · those
 *                      varint documents · varint bytes of postings · postings
 * restart*             4 bytes: where the entry of every 64th term begins; it shares nothing
 * footer               4 bytes end of entries · 4 terms · 8 postings · 4 CRC-32C of all before it
 * </pre>
 */
final class SegmentWriter {
  static final int MAGIC = 'D' << 24 | 'X' << 16 | 'S' << 8;
  static final int VERSION = 1;
  static final int HEADER_BYTES = 4;
  static final int FOOTER_BYTES = 20;

  /** A look-up reads at most so many terms; more would save bytes, fewer would save time. */
  static final int RESTART_INTERVAL = 64;

  private final ByteSink out = new ByteSink(1 << 16);
  private final ByteSink restarts = new ByteSink(1 << 10);
  private byte[] before = new byte[0];
  private int terms;
  private long postings;

  SegmentWriter() {
    out.putInt(MAGIC | VERSION);
  }

  /** Adds a term, in UTF-8, that comes after all those before it in the order of their bytes. */
  void add(byte[] term, Postings list) {
    if (terms > 0 && Arrays.compareUnsigned(before, term) >= 0) {
      throw new IllegalArgumentException(
          "term " + Segment.text(term) + " after term " + Segment.text(before));
    }
    int shared = 0;
    if (terms % RESTART_INTERVAL == 0) {
      restarts.putInt(out.length());
    } else {
      int mismatch = Arrays.mismatch(before, term);
      shared = mismatch < 0 ? term.length : mismatch;
    }
    ByteSink encoded = list.encoded();
    out.putVarint(shared);
    out.putVarint(term.length - shared);
    out.put(term, shared, term.length - shared);
    out.putVarint(list.documents());
    out.putVarint(encoded.length());
    out.put(encoded.array(), 0, encoded.length());
    before = term;
    terms++;
    postings += list.documents();
  }

  /** The segment. The writer is of no use afterwards. */
  byte[] finish() {
    int entriesEnd = out.length();
    out.put(restarts.array(), 0, restarts.length());
    out.putInt(entriesEnd);
    out.putInt(terms);
    out.putLong(postings);
    CRC32C check = new CRC32C();
    check.update(out.array(), 0, out.length());
    out.putInt((int) check.getValue());
    return out.toByteArray();
  }
}
