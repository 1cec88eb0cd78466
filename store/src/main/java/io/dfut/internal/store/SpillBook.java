package io.dfut.internal.store;

import io.dfut.internal.machine.Invariant;
import java.util.HashMap;
import java.util.Map;

/**
 * Which spill files there are, and how many objects of each are still wanted. Pure; not
 * thread-safe: part of {@link StoreTable}.
 *
 * <p>Small objects share a file, which is deleted when the last of them is dropped: until then the
 * disk holds what was freed meanwhile, too. A file is never larger than a batch, or than its one
 * object, so what is wasted is bounded by the number of files.
 */
final class SpillBook {
  private static final class SpillFile {
    final long bytes;
    int live;

    SpillFile(long bytes) {
      this.bytes = bytes;
    }
  }

  /** Added when a file was written; removed with its last object. */
  private final Map<Long, SpillFile> files = new HashMap<>();

  private long bytes;

  /** A file was written, and so many of its objects are still wanted; there must be one. */
  void written(long file, long fileBytes, int live) {
    Invariant.check(live > 0, "a spill file without objects", file);
    SpillFile made = new SpillFile(fileBytes);
    made.live = live;
    Invariant.check(files.put(file, made) == null, "a spill file is written twice", file);
    bytes += fileBytes;
  }

  /** An object is not wanted there any more; whether the file can go. */
  boolean drop(SpillSpot spot) {
    SpillFile file = files.get(spot.file());
    Invariant.check(file != null && file.live > 0, "dropped from a file that is gone", spot);
    if (--file.live > 0) {
      return false;
    }
    files.remove(spot.file());
    bytes -= file.bytes;
    return true;
  }

  /** What all files take. */
  long bytes() {
    return bytes;
  }

  /** How many files there are. */
  int count() {
    return files.size();
  }

  /** How many objects of a file are wanted; 0 for a file that is gone. For tests. */
  int liveIn(long file) {
    SpillFile found = files.get(file);
    return found == null ? 0 : found.live;
  }
}
