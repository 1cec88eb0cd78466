package io.dfut.internal.sim;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
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
   * @param freezes how many times a node stops for a while, and goes on
   * @param suspicions how many times a node stops for so long that the others declare it dead; when
   *     it goes on, it does not know that yet
   * @param restarts whether a node that is gone comes back, empty, as another incarnation
   * @param driversToo whether nodes with a driver crash, too, but for the last one
   * @param refusal whether a node refuses what dead nodes still say, as the real one does; else
   *     only workers that have not heard of the death are spared it
   * @param endless whether faults go on for as long as the run does. It is then cut off, and only
   *     what must never happen is checked, not what must happen at last.
   * @param steps between two faults, on average
   */
  record Faults(
      int workerCrashes,
      int nodeCrashes,
      int freezes,
      int suspicions,
      boolean restarts,
      boolean driversToo,
      boolean refusal,
      boolean endless,
      int steps) {
    static final Faults NONE = new Faults(0, 0, 0, 0, false, false, true, false, 150);

    private static Faults freezes(int count, int steps) {
      return new Faults(0, 0, count, 0, false, false, true, false, steps);
    }

    /** As many more as a long run has room for, and further apart. */
    private Faults more(Random random) {
      return new Faults(
          workerCrashes * (1 + random.nextInt(8)),
          restarts ? nodeCrashes * (1 + random.nextInt(5)) : nodeCrashes,
          freezes * (1 + random.nextInt(5)),
          restarts ? suspicions * (1 + random.nextInt(4)) : suspicions,
          restarts,
          driversToo,
          refusal,
          endless,
          steps * (1 + random.nextInt(8)));
    }

    /** Nodes come back, else there would soon be none left to fail. */
    private Faults sustained() {
      return new Faults(
          workerCrashes,
          nodeCrashes,
          freezes,
          suspicions,
          true,
          driversToo,
          refusal,
          endless,
          steps);
    }

    boolean isNone() {
      return workerCrashes + nodeCrashes + freezes + suspicions == 0;
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

  /** Workers and whole nodes die, stop for a while, and come back. */
  static Profile crashing(Random random) {
    Profile calm = calm(random);
    int nodes = 2 + random.nextInt(2);
    Faults faults =
        new Faults(
            random.nextInt(3),
            random.nextInt(2),
            random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 0,
            random.nextInt(3) == 0 ? 1 + random.nextInt(2) : 0,
            random.nextBoolean(),
            random.nextInt(3) == 0,
            random.nextBoolean(),
            random.nextInt(6) == 0,
            50 + random.nextInt(150));
    if (random.nextInt(5) == 0) {
      // Nothing dies, so all that is promised without deaths must hold, however late some are.
      faults = Faults.freezes(1 + random.nextInt(4), 10 + random.nextInt(60));
    }
    return calm.onNodes(nodes, faults.driversToo ? nodes : 1 + random.nextInt(2))
        .withFaults(faults.endless ? faults.sustained() : faults);
  }

  /** More of everything, for runs of some ten thousand steps. */
  Profile longer(Random random) {
    int theNodes = nodes + random.nextInt(3);
    return onNodes(theNodes, Math.max(drivers, 1 + random.nextInt(theNodes)))
        .withLengths(
            new Lengths(
                50 + random.nextInt(150), 8 + random.nextInt(3), 4 + random.nextInt(2), 2_000_000))
        .withFaults(faults.more(random));
  }

  private Profile withLengths(Lengths theLengths) {
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
        theLengths,
        faults);
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

  /** The values of all parts, by name, as {@link #with} takes them. */
  Map<String, String> parts() {
    Map<String, String> parts = new LinkedHashMap<>();
    collect(this, parts);
    return parts;
  }

  private static void collect(Record record, Map<String, String> parts) {
    for (RecordComponent part : record.getClass().getRecordComponents()) {
      switch (valueOf(record, part)) {
        case Record inner -> collect(inner, parts);
        case Boolean yes -> parts.put(part.getName(), yes ? "yes" : "no");
        case Object number -> parts.put(part.getName(), number.toString());
      }
    }
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
