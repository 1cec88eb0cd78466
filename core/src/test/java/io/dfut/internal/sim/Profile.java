package io.dfut.internal.sim;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What may happen in one run. Each seed switches on its own subset: with everything on, faults hide
 * each other.
 *
 * @param nodes how many there are
 * @param cpus of each
 * @param drivers how many, each on a node of its own
 * @param actors whether bodies make and call actors
 * @param cancels whether bodies cancel what they submitted
 * @param inline whether blocked tasks run their children themselves
 * @param handBacks whether tasks behind a long one are handed back
 * @param stored the share of values that go to the store
 * @param leaseIdleNanos how long an idle lease is kept
 * @param idleWorkers how many are kept warm
 */
record Profile(
    int nodes,
    int cpus,
    int drivers,
    boolean actors,
    boolean cancels,
    boolean inline,
    boolean handBacks,
    double stored,
    long leaseIdleNanos,
    int idleWorkers,
    Lengths lengths,
    Faults faults) {

  /**
   * How long programs are.
   *
   * @param driverOps operations of a driver, at most, beside a few
   * @param bodyOps operations of a task, less than
   * @param depth of tasks within tasks
   * @param stepsMax after so many a run is said not to come to rest
   */
  record Lengths(int driverOps, int bodyOps, int depth, int stepsMax) {
    static final Lengths SHORT = new Lengths(12, 7, 3, 100_000);
  }

  /**
   * What goes wrong.
   *
   * @param workerCrashes how many workers crash
   * @param nodeCrashes how many nodes crash
   */
  record Faults(int workerCrashes, int nodeCrashes) {
    static final Faults NONE = new Faults(0, 0);

    boolean isNone() {
      return equals(NONE);
    }
  }

  /** Delays and orders only: nothing is lost, repeated, or dies before its time. */
  static Profile calm(Random random) {
    int nodes = 1 + random.nextInt(3);
    return new Profile(
        nodes,
        1 + random.nextInt(3),
        1 + random.nextInt(nodes),
        random.nextInt(3) == 0,
        random.nextInt(4) == 0,
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextInt(4) / 3.0,
        random.nextBoolean() ? 1_000_000 : 100_000,
        random.nextInt(3),
        Lengths.SHORT,
        Faults.NONE);
  }

  /** Workers and whole nodes die. */
  static Profile crashing(Random random) {
    return calm(random)
        .onNodes(2 + random.nextInt(2), 1)
        .withFaults(new Faults(random.nextInt(3), random.nextInt(2)));
  }

  private Profile onNodes(int theNodes, int theDrivers) {
    return new Profile(
        theNodes,
        cpus,
        theDrivers,
        actors,
        cancels,
        inline,
        handBacks,
        stored,
        leaseIdleNanos,
        idleWorkers,
        lengths,
        faults);
  }

  private Profile withFaults(Faults theFaults) {
    return new Profile(
        nodes,
        cpus,
        drivers,
        actors,
        cancels,
        inline,
        handBacks,
        stored,
        leaseIdleNanos,
        idleWorkers,
        lengths,
        theFaults);
  }

  boolean isCalm() {
    return faults.isNone();
  }

  // ---- by name, for the command line ----

  /**
   * The same with one part replaced.
   *
   * @throws IllegalArgumentException when there is no such part, or it cannot have that value
   */
  Profile with(String name, String value) {
    Profile changed = replaced(this, name, value);
    if (changed.nodes < 1 || changed.drivers > changed.nodes || changed.cpus < 1) {
      return changed.onNodes(
          Math.max(1, changed.nodes), Math.min(changed.drivers, Math.max(1, changed.nodes)));
    }
    return changed;
  }

  /** Refuses what {@link #with} would refuse, naming the option it stands in. */
  static void check(String option, String name, String value) {
    try {
      calm(new Random(1)).with(name, value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          option + " " + name + " is \"" + value + "\"; it must be a number", e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(option + " " + e.getMessage(), e);
    }
  }

  private static <R extends Record> R replaced(R record, String name, String value) {
    RecordComponent[] parts = record.getClass().getRecordComponents();
    Object[] values = new Object[parts.length];
    boolean found = false;
    for (int i = 0; i < parts.length; i++) {
      values[i] = valueOf(record, parts[i]);
      if (values[i] instanceof Record inner && names(inner).anyMatch(name::equals)) {
        values[i] = replaced(inner, name, value);
        found = true;
      } else if (parts[i].getName().equals(name) && !(values[i] instanceof Record)) {
        values[i] = parsed(parts[i], value);
        found = true;
      }
    }
    if (!found) {
      throw new IllegalArgumentException(
          name
              + " is no part of a profile; there are "
              + names(record).collect(Collectors.joining(", ")));
    }
    return made(record, parts, values);
  }

  private static Object parsed(RecordComponent part, String value) {
    if (part.getType() == boolean.class) {
      return switch (value) {
        case "yes", "true" -> true;
        case "no", "false" -> false;
        default ->
            throw new IllegalArgumentException(
                part.getName() + " is \"" + value + "\"; it must be yes or no");
      };
    }
    double number = Double.parseDouble(value);
    if (!(number >= 0)) {
      throw new IllegalArgumentException(
          part.getName() + " is \"" + value + "\"; it must be a number of 0 or more");
    }
    if (part.getType() == double.class) {
      return number;
    }
    return part.getType() == long.class ? (Object) Long.valueOf(value) : Integer.valueOf(value);
  }

  /** Names of parts, and of the parts of parts. */
  private static Stream<String> names(Record record) {
    return Arrays.stream(record.getClass().getRecordComponents())
        .flatMap(
            part ->
                valueOf(record, part) instanceof Record inner
                    ? names(inner)
                    : Stream.of(part.getName()));
  }

  private static Object valueOf(Record record, RecordComponent part) {
    try {
      part.getAccessor().setAccessible(true); // of a class that is not public
      return part.getAccessor().invoke(record);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException(part + " of " + record, e);
    }
  }

  @SuppressWarnings("unchecked") // the class of a record is that of its constructor
  private static <R extends Record> R made(R like, RecordComponent[] parts, Object[] values) {
    Class<?>[] types = Arrays.stream(parts).map(RecordComponent::getType).toArray(Class<?>[]::new);
    try {
      return (R) like.getClass().getDeclaredConstructor(types).newInstance(values);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("making a " + like.getClass(), e);
    }
  }
}
