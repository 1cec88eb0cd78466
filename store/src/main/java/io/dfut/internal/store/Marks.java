package io.dfut.internal.store;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.ArrayDeque;

/**
 * What a JVM reads in other nodes' memory at this moment, in a file that those can look at: the
 * hazard pointers of ADR 0014. The reader sets and clears marks, the nodes it reads from only look.
 * Thread-safe.
 *
 * <p>A mark names a {@linkplain Catalogue catalogue} and an entry of it in one version. It lasts
 * until it is cleared, or until the process of the reader is gone, which the lock of its directory
 * tells.
 */
final class Marks {
  /** In the reader's {@link RunDirectory}. */
  static final String FILE = "marks";

  /** Objects that one reader reads at once; one more is asked for over a connection. */
  static final int CELLS = 1_024;

  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
  private static final long CELL_BYTES = 16;

  /** How many cells were ever used: a look need not go further. */
  private static final long USED = 0;

  private static final long FIRST_CELL = 64;
  private static final long FILE_BYTES = FIRST_CELL + CELLS * CELL_BYTES;

  private final MemorySegment file;

  /** Cells that were used and are clear. Guarded by this; of the reader only. */
  private final ArrayDeque<Integer> clear = new ArrayDeque<>();

  private Marks(MemorySegment file) {
    this.file = file;
  }

  /** The reader's own. */
  static Marks create(Path directory) throws IOException {
    return new Marks(
        SharedDirectory.createFile(directory.resolve(FILE), FILE_BYTES, Arena.ofAuto()));
  }

  /** Another reader's, to look at. */
  static Marks of(Path directory) throws IOException {
    return new Marks(SharedDirectory.mapShared(directory.resolve(FILE), FILE_BYTES));
  }

  private static long cell(int number) {
    return FIRST_CELL + number * CELL_BYTES;
  }

  /**
   * Sets a mark; everything that this thread reads afterwards is read after it can be seen.
   *
   * @return the cell it is in, -1 when all are in use
   */
  synchronized int set(long catalogue, long mark) {
    Integer free = clear.poll();
    int cell;
    if (free != null) {
      cell = free;
    } else {
      long used = (long) LONG.get(file, USED);
      if (used == CELLS) {
        return -1;
      }
      cell = (int) used;
      LONG.setVolatile(file, USED, used + 1);
    }
    LONG.set(file, cell(cell), catalogue); // nobody looks at it while there is no mark
    LONG.setVolatile(file, cell(cell) + Long.BYTES, mark);
    return cell;
  }

  /** Clears it; everything that was read before was read while the mark was there. */
  synchronized void clear(int cell) {
    LONG.setVolatile(file, cell(cell) + Long.BYTES, 0L);
    clear.push(cell);
  }

  /**
   * Whether the mark is set. One that is being set, moved or cleared may be seen or not; who sets
   * it looks afterwards whether it came in time.
   */
  boolean has(long catalogue, long mark) {
    long used = Math.min(CELLS, (long) LONG.getVolatile(file, USED));
    for (int i = 0; i < used; i++) {
      if ((long) LONG.getVolatile(file, cell(i) + Long.BYTES) == mark
          && (long) LONG.getVolatile(file, cell(i)) == catalogue) {
        return true;
      }
    }
    return false;
  }

  /** How many marks there are in a catalogue; for tests. */
  int count(long catalogue) {
    int count = 0;
    for (int i = 0; i < CELLS; i++) {
      if ((long) LONG.getVolatile(file, cell(i) + Long.BYTES) != 0
          && (long) LONG.getVolatile(file, cell(i)) == catalogue) {
        count++;
      }
    }
    return count;
  }
}
