package io.dfut.samples.search;

/** Bytes that are not a segment of an index, or not a whole one. Reading again is of no use. */
final class MalformedSegmentException extends IllegalArgumentException {
  MalformedSegmentException(String message) {
    super("not a segment of an index: " + message);
  }
}
