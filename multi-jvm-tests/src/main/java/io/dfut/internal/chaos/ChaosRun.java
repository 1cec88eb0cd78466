package io.dfut.internal.chaos;

import io.dfut.DFutException;
import io.dfut.internal.jvms.Network;
import io.dfut.internal.jvms.Sockets;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * One run: rounds of work and faults, each of which ends with nothing left on any node. Used by one
 * thread.
 */
final class ChaosRun {
  /** How long a fault waits for a moment in which everything is under way. */
  private static final Duration MOMENT = Duration.ofSeconds(2);

  /**
   * Within this after the last handle nothing is left, on a machine that has other things to do.
   */
  private static final Duration UNTIL_EMPTY = Duration.ofSeconds(30);

  private static final Duration LOOK = Duration.ofSeconds(10);

  private final ChaosOptions options;
  private final PrintStream out;
  private final long startNanos = System.nanoTime();
  private final Tally tally = new Tally();
  private final AtomicReference<Violation> violation = new AtomicReference<>();
  private final AtomicLong nextJob = new AtomicLong();
  private final List<Job.Kind> mix;
  private final Fault.Schedule schedule;
  private final Map<Fault.Kind, Integer> faults = new EnumMap<>(Fault.Kind.class);
  private final List<String> log = new ArrayList<>();
  private final Set<Thread> restarts = ConcurrentHashMap.newKeySet();
  private ChaosCluster cluster;
  private Ledger ledger;
  private int inTime;
  private int rounds;

  /** Of each process that lived at the end of a round. */
  private final List<Footprint> footprints = new ArrayList<>();

  ChaosRun(ChaosOptions options, PrintStream out) {
    this.options = options;
    this.out = out;
    this.mix = List.copyOf(options.mix());
    Set<Fault.Kind> kinds = EnumSet.copyOf(options.faults());
    if (!Sockets.canTell()) {
      kinds.removeAll(EnumSet.of(Fault.Kind.SLOW, Fault.Kind.STALL, Fault.Kind.CUT));
      out.println("this system does not tell whose a connection is: no SLOW, STALL and CUT");
    }
    if (kinds.isEmpty()) {
      throw new IllegalArgumentException("no kind of fault is left");
    }
    this.schedule =
        new Fault.Schedule(new SplittableRandom(options.seed()), kinds, options.nodes());
  }

  /**
   * Runs it.
   *
   * @return whether every promise was kept; if not, all that helps to find out why has been said
   */
  boolean run() {
    out.println("seed " + options.seed() + ": " + options.command());
    Path folder;
    try {
      folder = Files.createTempDirectory("dfut-chaos-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    ledger = Ledger.start(folder.resolve("ledger"));
    try (ChaosCluster started = new ChaosCluster(options.nodes(), folder, List.of())) {
      cluster = started;
      say("%d nodes and a driver are up".formatted(options.nodes()));
      try {
        long endNanos = System.nanoTime() + options.time().toNanos();
        while (System.nanoTime() - endNanos < 0) {
          round(Math.min(options.round().toNanos(), endNanos - System.nanoTime()));
        }
        judgeGrowth();
        List<Path> left = started.stopAll();
        if (!left.isEmpty()) {
          throw new Violation("files are left of nodes that have all ended: " + left);
        }
        List<String> errors = started.errors();
        if (!errors.isEmpty()) {
          throw new Violation(
              errors.size() + " lines were logged as errors; the first: " + errors.getFirst());
        }
        return true;
      } catch (Violation broken) {
        violation.compareAndSet(null, broken);
        out.println(diagnosis(broken));
        return false;
      }
    }
  }

  private void say(String what) {
    String line = "%7.1f s  %s".formatted((System.nanoTime() - startNanos) / 1e9, what);
    synchronized (log) {
      log.add(line);
    }
    out.println(line);
  }

  // ---- a round ----

  private void round(long nanos) {
    rounds++;
    long endNanos = System.nanoTime() + nanos;
    List<Thread> working = new ArrayList<>();
    for (int i = 0; i < options.jobs(); i++) {
      working.add(Thread.ofPlatform().name("jobs-" + i).daemon().start(() -> work(endNanos)));
    }
    while (System.nanoTime() - endNanos < 0 && violation.get() == null) {
      fault(schedule.next(), endNanos);
    }
    for (Thread thread : working) {
      join(thread, "the job of " + thread.getName());
    }
    for (Thread thread : restarts) {
      join(thread, "a node's restart");
    }
    restarts.clear();
    failIfBroken();
    int jobs = tally.jobs().values().stream().mapToInt(Long::intValue).sum();
    say("round %d is over after %d jobs: looking for leaks".formatted(rounds, jobs));
    try {
      cluster.driver().inspectCluster(LOOK).assertNoLeaks(UNTIL_EMPTY);
    } catch (AssertionError | DFutException e) {
      throw new Violation("something is left: " + e.getMessage(), e);
    }
    List<Footprint> now = cluster.footprints((System.nanoTime() - startNanos) / 1e9);
    now.forEach(footprint -> say(footprint.toString()));
    footprints.addAll(now);
  }

  private void judgeGrowth() {
    List<Growth> all = Growth.of(footprints);
    if (all.isEmpty()) {
      say("no process was there at the end of enough rounds to say whether it grows");
    }
    all.forEach(growth -> say(growth.toString()));
    List<Growth> tooMuch = all.stream().filter(Growth::isTooMuch).toList();
    if (!tooMuch.isEmpty()) {
      throw new Violation("it grows and grows: " + tooMuch);
    }
  }

  private void join(Thread thread, String what) {
    long deadlineNanos = System.nanoTime() + Tally.BOUND.multipliedBy(4).toNanos();
    while (thread.isAlive()) {
      failIfBroken();
      if (System.nanoTime() - deadlineNanos > 0) {
        throw new Violation(what + " does not end");
      }
      try {
        thread.join(Duration.ofMillis(50));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new Violation("interrupted", e);
      }
    }
  }

  private void failIfBroken() {
    Violation broken = violation.get();
    if (broken != null) {
      throw broken;
    }
    List<ChaosCluster.Slot> fallen = cluster.fallen();
    if (!fallen.isEmpty()) {
      throw new Violation("ended by itself, without a reason: " + fallen);
    }
  }

  private void work(long endNanos) {
    while (System.nanoTime() - endNanos < 0 && violation.get() == null) {
      long number = nextJob.getAndIncrement();
      SplittableRandom random = new SplittableRandom(options.seed() ^ number * 0x9E3779B97F4A7C15L);
      Job.Kind kind = mix.get(random.nextInt(mix.size()));
      Job job =
          new Job(cluster.driver(), tally, kind, random.nextLong(), "job " + number + ", " + kind);
      guarded(job.toString(), job::run);
    }
  }

  private void guarded(String what, Runnable body) {
    try {
      body.run();
    } catch (Violation broken) {
      violation.compareAndSet(null, broken);
    } catch (RuntimeException | Error e) {
      violation.compareAndSet(null, new Violation(what + " ended with " + e, e));
    }
  }

  // ---- faults ----

  private void fault(Fault fault, long endNanos) {
    if (!pause(fault.afterMillis(), endNanos)) {
      return;
    }
    while (!isPossible(fault)) {
      if (!pause(10, endNanos)) {
        return;
      }
      failIfBroken();
    }
    boolean moment = awaitMoment();
    inTime += moment ? 1 : 0;
    faults.merge(fault.kind(), 1, Integer::sum);
    ChaosCluster.Slot slot = cluster.slot(fault.slot());
    say(
        "%s %s%s%s%s"
            .formatted(
                fault.kind(),
                slot,
                fault.kind() == Fault.Kind.TWO ? " and " + cluster.slot(fault.other()) : "",
                fault.millis() == 0 ? "" : ", " + fault.millis() + " ms",
                moment ? "" : " (not everything was under way)"));
    switch (fault.kind()) {
      case KILL -> {
        cluster.kill(slot);
        restart(slot, fault);
      }
      case TWO -> {
        ChaosCluster.Slot other = cluster.slot(fault.other());
        cluster.killBoth(slot, other);
        restart(slot, fault);
        restart(other, fault);
      }
      case STOP -> {
        cluster.stop(slot);
        restart(slot, fault);
      }
      case PAUSE -> {
        cluster.freeze(slot);
        sleep(fault.millis());
        cluster.thaw(slot);
      }
      case FREEZE -> {
        cluster.expectsEnd(slot);
        cluster.freeze(slot);
        sleep(fault.millis());
        cluster.thaw(slot);
        cluster.awaitOwnEnd(slot);
        restart(slot, fault);
      }
      case SLOW -> {
        cluster.delay(slot, 1 + fault.variant() % 100);
        sleep(fault.millis());
        cluster.delay(slot, 0);
      }
      case STALL -> cutFor(slot, fault, fault.variant() % 2 == 0);
      case CUT -> {
        cluster.expectsEnd(slot);
        cutFor(slot, fault, fault.variant() % 2 == 0);
        cluster.awaitOwnEnd(slot);
        restart(slot, fault);
      }
    }
    failIfBroken();
  }

  /** Both directions; or for short cuts one of them. */
  private void cutFor(ChaosCluster.Slot slot, Fault fault, boolean reset) {
    boolean both = fault.kind() == Fault.Kind.CUT || fault.variant() / 2 % 2 == 0;
    boolean out = both || fault.variant() / 4 % 2 == 0;
    cluster.ways(slot, out, both || !out, reset ? Network.Way.RESET : Network.Way.STALLED);
    sleep(fault.millis());
    cluster.ways(slot, true, true, Network.Way.OPEN);
  }

  /** Two at least must stay; and who is given up must be in the minority. */
  private boolean isPossible(Fault fault) {
    long up = cluster.up();
    boolean targets =
        cluster.slot(fault.slot()).isUp()
            && (fault.kind() != Fault.Kind.TWO || cluster.slot(fault.other()).isUp());
    return targets
        && switch (fault.kind()) {
          case KILL, STOP -> up >= 3;
          case TWO -> up >= 4 || up >= 3 && options.nodes() == 3;
          case FREEZE, CUT -> up == options.nodes();
          case PAUSE, SLOW, STALL -> true;
        };
  }

  private boolean awaitMoment() {
    long deadlineNanos = System.nanoTime() + MOMENT.toNanos();
    while (System.nanoTime() - deadlineNanos < 0) {
      if (cluster.isTransferring() && tally.isHandingOver() && tally.isTaskUnderWay()) {
        return true;
      }
      LockSupport.parkNanos(200_000);
    }
    return false;
  }

  private void restart(ChaosCluster.Slot slot, Fault fault) {
    boolean sameAddress = fault.variant() / 8 % 2 == 0;
    restarts.add(
        Thread.ofPlatform()
            .name("restart " + slot.name)
            .daemon()
            .start(
                () -> guarded("the restart of " + slot, () -> cluster.restart(slot, sameAddress))));
  }

  private boolean pause(long millis, long endNanos) {
    sleep(millis);
    return System.nanoTime() - endNanos < 0 && violation.get() == null;
  }

  /** How long faults last, and how far they are apart: nothing waits for that. */
  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Violation("interrupted", e);
    }
  }

  // ---- what is said ----

  Summary summary() {
    return new Summary(
        options.seed(),
        options.nodes(),
        Duration.ofNanos(System.nanoTime() - startNanos),
        rounds,
        Map.copyOf(faults),
        inTime,
        tally.jobs(),
        tally.submitted(),
        ledger.bodies(),
        ledger.repeated(),
        ledger.handedOver(),
        tally.checked(),
        tally.errorsAllowed(),
        tally.slowest(),
        Optional.ofNullable(violation.get()).map(Throwable::getMessage));
  }

  private String diagnosis(Violation broken) {
    StringBuilder text = new StringBuilder();
    text.append("---- what was held, by node\n");
    try {
      text.append(cluster.driver().inspectCluster(LOOK)).append('\n');
    } catch (RuntimeException e) {
      text.append("cannot be looked at: ").append(e).append('\n');
    }
    text.append(cluster.tails(40));
    text.append("VIOLATION: ").append(broken.getMessage()).append('\n');
    for (StackTraceElement element : broken.getStackTrace()) {
      if (element.getClassName().startsWith(Job.class.getPackageName())) {
        text.append("  at ").append(element).append('\n');
      }
    }
    text.append("the same faults and jobs again: ").append(options.command());
    return text.toString();
  }
}
