package io.dfut.internal.store;

/**
 * Where an object is on disk. Immutable.
 *
 * @param file the number of the file, never used again in the life of a store
 * @param index which object of that file it is, from 0
 * @param offset where it begins, in bytes
 * @param bytes the size of the object
 */
record SpillSpot(long file, int index, long offset, long bytes) {
  SpillSpot {
    if (file <= 0 || index < 0 || offset < 0 || bytes < 0) {
      throw new IllegalArgumentException(
          "no such spot: " + bytes + " bytes at " + offset + " of file " + file + ", " + index);
    }
  }
}
