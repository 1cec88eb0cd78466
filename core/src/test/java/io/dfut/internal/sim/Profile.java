package io.dfut.internal.sim;

import java.util.Random;

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
 * @param workerCrashes how many workers crash
 * @param nodeCrashes how many nodes without a driver crash
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
    int workerCrashes,
    int nodeCrashes) {

  /** Delays and orders only: nothing is lost, repeated, or dies before its time. */
  static Profile calm(Random random) {
    return new Profile(
            1 + random.nextInt(3),
            1 + random.nextInt(3),
            1,
            random.nextInt(3) == 0,
            random.nextInt(4) == 0,
            random.nextBoolean(),
            random.nextBoolean(),
            random.nextInt(4) / 3.0,
            random.nextBoolean() ? 1_000_000 : 100_000,
            random.nextInt(3),
            0,
            0)
        .withDrivers(random);
  }

  /** Workers and whole nodes die. */
  static Profile crashing(Random random) {
    Profile calm = calm(random);
    return new Profile(
        2 + random.nextInt(2),
        calm.cpus,
        1,
        calm.actors,
        calm.cancels,
        calm.inline,
        calm.handBacks,
        calm.stored,
        calm.leaseIdleNanos,
        calm.idleWorkers,
        random.nextInt(3),
        random.nextInt(2));
  }

  private Profile withDrivers(Random random) {
    return new Profile(
        nodes,
        cpus,
        1 + random.nextInt(nodes),
        actors,
        cancels,
        inline,
        handBacks,
        stored,
        leaseIdleNanos,
        idleWorkers,
        workerCrashes,
        nodeCrashes);
  }

  boolean isCalm() {
    return workerCrashes == 0 && nodeCrashes == 0;
  }
}
