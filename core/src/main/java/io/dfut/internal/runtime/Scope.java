package io.dfut.internal.runtime;

import java.lang.reflect.Array;
import java.lang.reflect.RecordComponent;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * The handles that a {@code scope} body created, to be released when it ends. Confined to the
 * body's thread.
 */
final class Scope {
  private static final ScopedValue<Scope> CURRENT = ScopedValue.newInstance();

  private final WorkerContext context;
  private final OpenCounts counts = new OpenCounts();

  private Scope(WorkerContext context) {
    this.context = context;
  }

  /** Leaves the count to the scope around the caller; false when there is none of that context. */
  static boolean add(WorkerContext context, Handle.Count count) {
    if (CURRENT.isBound() && CURRENT.get().context == context) {
      CURRENT.get().counts.add(count);
      return true;
    }
    return false;
  }

  static <R> R run(WorkerContext context, Supplier<R> body) {
    Optional<Scope> outer = CURRENT.isBound() ? Optional.of(CURRENT.get()) : Optional.empty();
    Scope scope = new Scope(context);
    Set<Handle.Count> kept = Collections.newSetFromMap(new IdentityHashMap<>());
    try {
      R result = ScopedValue.where(CURRENT, scope).call(body::get);
      collect(result, kept, Collections.newSetFromMap(new IdentityHashMap<>()));
      return result;
    } finally {
      for (Handle.Count count : scope.counts) {
        if (!kept.contains(count)) {
          count.release("at the end of its scope");
        } else if (outer.isPresent() && outer.get().context == context) {
          outer.get().counts.add(count);
        } else {
          context.track(count);
        }
      }
    }
  }

  /** The handles in a result, as deep as collections, arrays and records go. */
  private static void collect(Object value, Set<Handle.Count> into, Set<Object> seen) {
    if (value instanceof Handle<?> handle) {
      into.add(handle.count);
    } else if (value == null || !seen.add(value)) {
      return;
    } else if (value instanceof Collection<?> elements) {
      elements.forEach(element -> collect(element, into, seen));
    } else if (value instanceof Map<?, ?> map) {
      map.forEach(
          (key, element) -> {
            collect(key, into, seen);
            collect(element, into, seen);
          });
    } else if (value instanceof Optional<?> optional) {
      optional.ifPresent(element -> collect(element, into, seen));
    } else if (value instanceof Object[] array) {
      for (int i = 0; i < Array.getLength(array); i++) {
        collect(array[i], into, seen);
      }
    } else if (value instanceof Record record) {
      for (RecordComponent component : record.getClass().getRecordComponents()) {
        try {
          component.getAccessor().setAccessible(true);
          collect(component.getAccessor().invoke(record), into, seen);
        } catch (ReflectiveOperationException | RuntimeException e) {
          throw new IllegalStateException(
              "the result of the scope, a "
                  + record.getClass().getName()
                  + ", cannot be looked through for handles to keep; return the handles in a"
                  + " collection",
              e);
        }
      }
    }
  }
}
