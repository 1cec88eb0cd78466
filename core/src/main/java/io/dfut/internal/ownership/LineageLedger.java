package io.dfut.internal.ownership;

import io.dfut.ObjectId;
import io.dfut.internal.machine.Invariant;
import io.dfut.internal.task.Outcome;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What is kept only so that something can be made again: descriptions of ended tasks, and values
 * that nobody holds but such a description takes and nothing could make anew (paper section 4.3;
 * DESIGN section 5). Both count against one budget of bytes; beyond it the ledger names what goes
 * next: whoever takes a value that is larger than the whole budget, else the oldest.
 *
 * <p>Not thread-safe: part of one worker's machine.
 */
final class LineageLedger {
  private final long bytesMax;
  private long bytes;

  /**
   * Descriptions in the order in which they came to be kept. Added when a task has ended and left
   * something that it may have to make again; removed when that is gone, while it is made again,
   * and by eviction.
   */
  private final Map<TaskRecord, Long> kept = new LinkedHashMap<>();

  /** Of the kept descriptions: who takes which object. In step with {@link #kept}. */
  private final Map<ObjectId, Set<TaskRecord>> takers = new HashMap<>();

  /**
   * Values that only lineage keeps. Added when their last other count goes; removed when they are
   * freed, or used by a task that is run again.
   */
  private final Map<Row, Long> values = new LinkedHashMap<>();

  /** Those of them that are larger than the budget. */
  private final Set<Row> oversized = new LinkedHashSet<>();

  LineageLedger(long bytesMax) {
    this.bytesMax = bytesMax;
  }

  long bytesMax() {
    return bytesMax;
  }

  boolean isEmpty() {
    return kept.isEmpty() && values.isEmpty();
  }

  /** The task has ended; its description stays. Nothing happens when it is listed. */
  void keep(TaskRecord task) {
    if (kept.containsKey(task)) {
      return;
    }
    long size = task.spec.approximateBytes();
    kept.put(task, size);
    bytes += size;
    for (ObjectId id : TaskBook.argumentsOf(task.spec)) {
      takers.computeIfAbsent(id, same -> new LinkedHashSet<>(2)).add(task);
    }
  }

  /** Its description is not kept any more; false when it was not listed. */
  boolean release(TaskRecord task) {
    Long size = kept.remove(task);
    if (size == null) {
      return false;
    }
    subtract(size);
    for (ObjectId id : TaskBook.argumentsOf(task.spec)) {
      Set<TaskRecord> some = takers.get(id);
      if (some != null && some.remove(task) && some.isEmpty()) {
        takers.remove(id);
      }
    }
    return true;
  }

  /** Kept descriptions that take this object. */
  List<TaskRecord> takersOf(ObjectId id) {
    return List.copyOf(takers.getOrDefault(id, Set.of()));
  }

  /** Only lineage keeps this value from now on. */
  void valueKept(Row row) {
    if (values.containsKey(row)) {
      return;
    }
    long size =
        switch (row.value) {
          case Outcome.Inline inline -> 48 + inline.value().approximateBytes();
          case Outcome.Stored stored -> stored.bytes();
          case Outcome.Actor actor -> 48;
          case Outcome.Failed failed -> 48;
        };
    values.put(row, size);
    bytes += size;
    if (size > bytesMax) {
      oversized.add(row);
    }
  }

  /** It is freed, or something else needs it again. */
  void valueGone(Row row) {
    Long size = values.remove(row);
    if (size != null) {
      subtract(size);
      oversized.remove(row);
    }
  }

  private void subtract(long size) {
    bytes -= size;
    Invariant.check(bytes >= 0, "kept lineage of less than no bytes", bytes);
  }

  /** The description that is to go next; empty while all that is kept fits. */
  Optional<TaskRecord> next() {
    if (bytes <= bytesMax) {
      return Optional.empty();
    }
    for (Row row : oversized) {
      Set<TaskRecord> some = takers.get(row.id);
      if (some != null) {
        return Optional.of(some.iterator().next());
      }
    }
    Iterator<TaskRecord> oldest = kept.keySet().iterator();
    return oldest.hasNext() ? Optional.of(oldest.next()) : Optional.empty();
  }
}
