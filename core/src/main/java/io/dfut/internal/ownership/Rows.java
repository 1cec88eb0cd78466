package io.dfut.internal.ownership;

import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.machine.Invariant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.agrona.collections.Hashing;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * The rows of one worker's table. Most are of the only results of its own tasks, which are found by
 * the task's number: with a hundred thousand tasks pending, finding a row by its whole id would be
 * five visits to memory in place of two. Not thread-safe.
 */
final class Rows {
  private final WorkerId self;

  /** First results of this worker's tasks, its puts and promises. */
  private final Long2ObjectHashMap<Row> own = byNumber();

  /** Further results, and borrowed objects. */
  private final Map<ObjectId, Row> others = new HashMap<>();

  Rows(WorkerId self) {
    this.self = self;
  }

  /** A map whose iterators may be used one within another. */
  static <V> Long2ObjectHashMap<V> byNumber() {
    return new Long2ObjectHashMap<>(16, Hashing.DEFAULT_LOAD_FACTOR, false);
  }

  private boolean isByNumber(ObjectId id) {
    return id.index() == 0 && id.owner().equals(self);
  }

  /** The row, null if there is none. */
  Row find(ObjectId id) {
    return isByNumber(id) ? own.get(id.sequence()) : others.get(id);
  }

  /** The row of a result of one of this worker's tasks, null if there is none. */
  Row find(TaskRecord task, int index) {
    return index == 0 ? own.get(task.spec.id().sequence()) : others.get(task.result(index));
  }

  void add(Row row) {
    Row before = isByNumber(row.id) ? own.put(row.id.sequence(), row) : others.put(row.id, row);
    Invariant.check(before == null, "two rows for one object", before);
  }

  void remove(Row row) {
    if (isByNumber(row.id)) {
      own.remove(row.id.sequence());
    } else {
      others.remove(row.id);
    }
  }

  List<Row> all() {
    List<Row> all = new ArrayList<>(own.size() + others.size());
    all.addAll(own.values());
    all.addAll(others.values());
    return all;
  }

  boolean isEmpty() {
    return own.isEmpty() && others.isEmpty();
  }
}
