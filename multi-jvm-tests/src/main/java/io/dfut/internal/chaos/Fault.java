package io.dfut.internal.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * What is done to the nodes, and when.
 *
 * @param kind what
 * @param slot to which node
 * @param other to which node as well, where two are concerned
 * @param afterMillis so long after the one before
 * @param millis how long it lasts, where that is up to us
 * @param variant one of several ways to do it
 */
record Fault(Kind kind, int slot, int other, long afterMillis, long millis, int variant) {
  /** Kinds of faults. The text says what is done to the node that is drawn. */
  enum Kind {
    /** Killed (SIGKILL), and started again. */
    KILL,
    /** Two killed at the same time. */
    TWO,
    /** Told to stop (SIGTERM), and started again. */
    STOP,
    /** Frozen (SIGSTOP) for less than the silence after which the detector speaks. */
    PAUSE,
    /** Frozen until the others have given it up, then thawed. */
    FREEZE,
    /** All that it sends or is sent is delayed. */
    SLOW,
    /** Cut off for less than that silence. */
    STALL,
    /** Cut off until the others have given it up. */
    CUT
  }

  /** The schedule that a seed gives: it has no end. */
  static final class Schedule {
    private final RandomGenerator random;
    private final List<Kind> kinds;
    private final int slots;

    Schedule(RandomGenerator random, Set<Kind> kinds, int slots) {
      this.random = random;
      this.slots = slots;
      // Those that take long come less often, so that there are many.
      this.kinds = new ArrayList<>();
      for (Kind kind : kinds) {
        int weight =
            switch (kind) {
              case KILL -> 6;
              case PAUSE, STALL -> 3;
              case SLOW -> 2;
              case TWO, STOP, FREEZE, CUT -> 1;
            };
        for (int i = 0; i < weight; i++) {
          this.kinds.add(kind);
        }
      }
    }

    Fault next() {
      Kind kind = kinds.get(random.nextInt(kinds.size()));
      int slot = random.nextInt(slots);
      int other = (slot + 1 + random.nextInt(slots - 1)) % slots;
      long after = random.nextLong(300, 2_500);
      double share = random.nextDouble();
      long millis =
          switch (kind) {
            case KILL, TWO, STOP -> 0;
            // The rest of the bound is for what the machine adds.
            case PAUSE, STALL -> (long) (ChaosCluster.PAUSE.toMillis() * (0.1 + 0.4 * share));
            case SLOW -> (long) (1_000 + 4_000 * share);
            case FREEZE, CUT -> ChaosCluster.GIVEN_UP.toMillis() + (long) (3_000 * share);
          };
      return new Fault(kind, slot, other, after, millis, random.nextInt(1 << 20));
    }
  }
}
