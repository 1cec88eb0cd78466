package io.dfut.internal.explore;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * 128 bits that say whether two states are the same: a walk over all that is reachable from an
 * object, field by field. Records and the collections of the JDK are compared by content (hash maps
 * and hash sets in no order, all others in theirs), objects of our other classes also by identity:
 * the second way to one of them gives the number of its first visit, so it matters whether two
 * fields have the same object or two equal ones. Lambdas have no state of their own here and are
 * left out.
 *
 * <p>Taken millions of times, so for each class a walker is compiled that reads its fields
 * directly.
 *
 * <p>With n states the chance that two different ones are taken for the same is about n²/2¹²⁹: for
 * a hundred million, less than 10⁻²². Not thread-safe.
 */
public final class Fingerprint {
  /**
   * Fields that are no part of the state: constants; what is set anew at the beginning of each
   * step; and texts for people.
   */
  private static final Set<String> LEFT_OUT =
      Set.of(
          "ReferenceCounter.nowNanos",
          "TaskBook.nowNanos",
          "ReferenceCounter.effects",
          "OwnershipTable.effects",
          "TaskBook.effects",
          "LeaseBook.effects",
          "Pool.slots", // the leases once more
          "Pool.withRoom",
          "Lease.slot",
          "Pace.filled", // the window stays as it is, by the limits
          "Pace.quickestNanos",
          "Pace.returnsLeft",
          "Pace.sentNanos",
          "WorkerMachine.effects",
          "WorkerMachine.self",
          "ReferenceCounter.self",
          "OwnershipTable.self",
          "TaskBook.self",
          "LeaseBook.self",
          "LeaseBook.limits",
          "Row.site",
          "Failure.message",
          "FunctionRef.descriptor",
          "TaskSpec.job",
          "TaskSpec.name",
          "TaskSpec.resources",
          "TaskSpec.placement",
          "TaskSpec.retryOn",
          "TaskSpec.site",
          "RequestLease.job",
          "SendWindow.patienceNanos",
          "SendWindow.progressAtNanos",
          "LossyLink.nowNanos");

  /** Our classes that are no records, and are values all the same. */
  private static final Set<String> VALUES = Set.of("InlineValue", "FunctionRef");

  /** Walks the objects of one class. Public for the walkers that are compiled. */
  public interface Walker {
    void walk(Object object, Fingerprint print);
  }

  private static final ClassValue<Walker> WALKERS =
      new ClassValue<>() {
        @Override
        protected Walker computeValue(Class<?> type) {
          return walker(type);
        }
      };

  /** Objects with an identity that were visited, by number. So few that a search beats a map. */
  private Object[] visited = new Object[64];

  private int visitedCount;
  private long high;
  private long low;

  /** Computes the fingerprint of what is reachable from this object. */
  public void take(Object root) {
    Arrays.fill(visited, 0, visitedCount, null);
    visitedCount = 0;
    high = 0x6a09e667f3bcc908L;
    low = 0xbb67ae8584caa73bL;
    walk(root);
  }

  public long high() {
    return high;
  }

  public long low() {
    return low;
  }

  /** Adds a number. */
  public void add(long value) {
    high = (high ^ value) * 0x9e3779b97f4a7c15L;
    high ^= high >>> 32;
    low = (low + value) * 0xc2b2ae3d27d4eb4fL;
    low ^= low >>> 29;
  }

  /** Adds an object and what it refers to. */
  public void walk(Object object) {
    if (object == null) {
      add(1);
    } else {
      WALKERS.get(object.getClass()).walk(object, this);
    }
  }

  private void addText(String text) {
    add(text.hashCode() | (long) text.length() << 32);
  }

  private void addAll(Collection<?> all) {
    add(all.size() + 0x3300000000L);
    for (Object each : all) {
      walk(each);
    }
  }

  private record Entry(long high, long low, Object key, Object value) {}

  private void addMap(Map<?, ?> map) {
    add(map.size() + 0x4400000000L);
    if (!map.isEmpty()) {
      Entry[] entries = new Entry[map.size()];
      int next = 0;
      for (Map.Entry<?, ?> each : map.entrySet()) {
        entries[next++] = entry(each.getKey(), each.getValue());
      }
      addSorted(entries);
    }
  }

  private void addSet(Set<?> set) {
    add(set.size() + 0x5500000000L);
    if (!set.isEmpty()) {
      Entry[] entries = new Entry[set.size()];
      int next = 0;
      for (Object each : set) {
        entries[next++] = entry(each, null);
      }
      addSorted(entries);
    }
  }

  /** Keys are values, so that their order does not depend on where the walk has been before. */
  private Entry entry(Object key, Object value) {
    long highBefore = high;
    long lowBefore = low;
    int visitedBefore = visitedCount;
    high = 17;
    low = 19;
    walk(key);
    if (visitedCount != visitedBefore) {
      throw new IllegalStateException("a key with an identity: " + key.getClass());
    }
    Entry entry = new Entry(high, low, key, value);
    high = highBefore;
    low = lowBefore;
    return entry;
  }

  private void addSorted(Entry[] entries) {
    if (entries.length > 1) {
      Arrays.sort(
          entries,
          (one, other) ->
              one.high != other.high
                  ? Long.compare(one.high, other.high)
                  : Long.compare(one.low, other.low));
    }
    for (Entry entry : entries) {
      add(entry.high);
      add(entry.low);
      walk(entry.value);
    }
  }

  /** False when it was visited before; its number is added then. */
  private boolean visit(Object object) {
    for (int i = 0; i < visitedCount; i++) {
      if (visited[i] == object) {
        add(i + 0x6600000000L);
        return false;
      }
    }
    if (visitedCount == visited.length) {
      visited = Arrays.copyOf(visited, 2 * visitedCount);
    }
    visited[visitedCount++] = object;
    return true;
  }

  private void addWorker(WorkerId worker) {
    addNode(worker.node());
    add(worker.sequence());
  }

  private void addNode(NodeId node) {
    add(node.host().hashCode() ^ (long) node.port() << 32);
    add(node.incarnation());
  }

  // ---- walkers ----

  private static Walker walker(Class<?> type) {
    long name = type.getName().hashCode() * 0x9e3779b97f4a7c15L;
    if (type.isHidden() || type.isSynthetic()) {
      return (object, print) -> {}; // a lambda
    }
    if (type.isEnum() || Enum.class.isAssignableFrom(type)) {
      return (object, print) -> {
        print.add(name);
        print.add(((Enum<?>) object).ordinal());
      };
    }
    if (Named.class.isAssignableFrom(type)) {
      return (object, print) -> print.addText(((Named) object).name());
    }
    Walker known = known(type);
    if (known != null) {
      return known;
    }
    if (!type.getName().startsWith("io.dfut.")) {
      throw new IllegalStateException("no rule for objects of " + type);
    }
    Walker fields = compiled(type);
    if (type.isRecord() || VALUES.contains(type.getSimpleName())) {
      return (object, print) -> {
        print.add(name);
        fields.walk(object, print);
      };
    }
    return (object, print) -> {
      if (print.visit(object)) {
        print.add(name);
        fields.walk(object, print);
      }
    };
  }

  /** Of ids and the JDK's types; null for all others. */
  private static Walker known(Class<?> type) {
    if (type == Long.class || type == Integer.class) {
      return (object, print) -> print.add(((Number) object).longValue() ^ 0x1100000000L);
    }
    if (type == Boolean.class) {
      return (object, print) -> print.add((Boolean) object ? 3 : 4);
    }
    if (type == String.class) {
      return (object, print) -> print.addText((String) object);
    }
    if (type == NodeId.class) {
      return (object, print) -> print.addNode((NodeId) object);
    }
    if (type == WorkerId.class) {
      return (object, print) -> print.addWorker((WorkerId) object);
    }
    if (type == TaskId.class) {
      return (object, print) -> {
        print.addWorker(((TaskId) object).owner());
        print.add(((TaskId) object).sequence());
      };
    }
    if (type == ObjectId.class) {
      return (object, print) -> {
        print.addWorker(((ObjectId) object).owner());
        print.add(((ObjectId) object).sequence());
        print.add(((ObjectId) object).index());
      };
    }
    if (type == byte[].class) {
      return (object, print) -> print.add(Arrays.hashCode((byte[]) object));
    }
    if (type == AtomicLong.class) {
      return (object, print) -> print.add(((AtomicLong) object).get());
    }
    if (type == Optional.class) {
      return (object, print) -> print.walk(((Optional<?>) object).orElse(null));
    }
    if (LinkedHashMap.class.isAssignableFrom(type)) {
      return (object, print) -> {
        Map<?, ?> map = (Map<?, ?>) object;
        print.add(map.size() + 0x7700000000L);
        for (Map.Entry<?, ?> each : map.entrySet()) {
          print.walk(each.getKey());
          print.walk(each.getValue());
        }
      };
    }
    if (Map.class.isAssignableFrom(type)) {
      return (object, print) -> print.addMap((Map<?, ?>) object);
    }
    if (List.class.isAssignableFrom(type)
        || Deque.class.isAssignableFrom(type)
        || LinkedHashSet.class.isAssignableFrom(type)) {
      return (object, print) -> print.addAll((Collection<?>) object);
    }
    if (Set.class.isAssignableFrom(type)) {
      return (object, print) -> print.addSet((Set<?>) object);
    }
    return null;
  }

  private static List<Field> fields(Class<?> type) {
    if (type.getSuperclass() != Object.class && type.getSuperclass() != Record.class) {
      throw new IllegalStateException("no rule for the superclass of " + type);
    }
    List<Field> fields = new ArrayList<>();
    for (Field field : type.getDeclaredFields()) {
      if (!Modifier.isStatic(field.getModifiers())
          && !field.getName().startsWith("this$")
          && !LEFT_OUT.contains(type.getSimpleName() + "." + field.getName())) {
        fields.add(field);
      }
    }
    return fields;
  }

  /** A class that hands every field of an object over. It is in the object's nest: it may. */
  private static Walker compiled(Class<?> type) {
    ClassDesc owner = type.describeConstable().orElseThrow();
    ClassDesc print = Fingerprint.class.describeConstable().orElseThrow();
    byte[] bytes =
        ClassFile.of()
            .build(
                ClassDesc.of(type.getPackageName(), "Walker"),
                walker -> {
                  walker.withInterfaceSymbols(Walker.class.describeConstable().orElseThrow());
                  walker.withMethodBody(
                      ConstantDescs.INIT_NAME,
                      ConstantDescs.MTD_void,
                      ClassFile.ACC_PUBLIC,
                      code ->
                          code.aload(0)
                              .invokespecial(
                                  ConstantDescs.CD_Object,
                                  ConstantDescs.INIT_NAME,
                                  ConstantDescs.MTD_void)
                              .return_());
                  walker.withMethodBody(
                      "walk",
                      MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_Object, print),
                      ClassFile.ACC_PUBLIC,
                      code -> {
                        code.aload(1).checkcast(owner).astore(3);
                        for (Field field : fields(type)) {
                          code.aload(2).aload(3);
                          code.getfield(
                              owner,
                              field.getName(),
                              field.getType().describeConstable().orElseThrow());
                          if (!field.getType().isPrimitive()) {
                            code.invokevirtual(print, "walk", TAKES_OBJECT);
                            continue;
                          }
                          if (field.getType() != long.class) {
                            code.i2l();
                          }
                          code.invokevirtual(print, "add", TAKES_LONG);
                        }
                        code.return_();
                      });
                });
    try {
      return (Walker)
          MethodHandles.privateLookupIn(type, MethodHandles.lookup())
              .defineHiddenClass(bytes, true, MethodHandles.Lookup.ClassOption.NESTMATE)
              .lookupClass()
              .getDeclaredConstructor()
              .newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("no walker for " + type, e);
    }
  }

  private static final MethodTypeDesc TAKES_OBJECT =
      MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_Object);
  private static final MethodTypeDesc TAKES_LONG =
      MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_long);
}
