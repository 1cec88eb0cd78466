package io.dfut.samples.bench;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.Task1;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Measures one curve of {@link GrowthBench}, as a program. */
final class GrowthRounds {
  private static final int ROUND = 20_000;
  private static final int WORKING_MICROS = 100;
  private static final int PENDING = 1_000_000;
  private static final int PENDING_STEPS = 4;

  /** What pending tasks wait behind. */
  private static final CountDownLatch GATE = new CountDownLatch(1);

  private final long nanos;

  private GrowthRounds(long nanos) {
    this.nanos = nanos;
  }

  /** Arguments: seconds for each point, then the name of the curve. */
  public static void main(String[] args) throws Exception {
    GrowthRounds rounds = new GrowthRounds(TimeUnit.SECONDS.toNanos(Long.parseLong(args[0])));
    switch (args[1]) {
      case "workers" -> rounds.workers();
      case "jvms" -> rounds.jvms();
      case "in-flight" -> rounds.inFlight();
      case "length" -> rounds.length();
      case "owners" -> rounds.owners();
      case "pending" -> rounds.pending();
      default -> throw new IllegalArgumentException("no curve is called " + args[1]);
    }
    System.exit(0);
  }

  private static void found(double x, double y, String series) {
    System.out.printf(Locale.ROOT, "%s%.9f %.9f %s%n", Turns.RESULT, x, y, series);
  }

  /**
   * Does it until the time is over, then again, and gives the median seconds of the second half.
   */
  private double seconds(Turns.Round round, long expected) throws Exception {
    double median = 0;
    for (int half = 0; half < 2; half++) {
      List<Double> taken = new ArrayList<>();
      long end = System.nanoTime() + nanos;
      do {
        long start = System.nanoTime();
        long sum = round.run();
        taken.add((System.nanoTime() - start) / 1e9);
        if (sum != expected) {
          throw new IllegalStateException("it gave " + sum + " instead of " + expected);
        }
      } while (System.nanoTime() < end);
      median = Turns.median(taken);
    }
    return median;
  }

  private double rate(Task1<Integer, Integer> task, int count) throws Exception {
    return count / seconds(() -> Turns.submitAll(task, count), count * (count + 1L) / 2);
  }

  // ---- bodies ----

  private static int working(int number, int steps) {
    return Work.worked(steps) == 0 ? number : number + 1;
  }

  private static long submitting(int count) {
    return Turns.submitAll(DFutContext.current().task(Turns::next), count);
  }

  private static int waiting(int number) throws InterruptedException {
    GATE.await();
    return number + 1;
  }

  // ---- curves ----

  private void workers() throws Exception {
    int steps = stepsFor(WORKING_MICROS, Work.calibrated());
    for (int cpus : new int[] {1, 2, 4, 8}) {
      try (DFutSystem dfut = DFutSystem.local(cpus)) {
        found(cpus, rate(dfut.task(Turns::next), ROUND), "empty tasks");
        found(cpus, workingRate(dfut, steps, ROUND / 10), "tasks of 100 µs of work");
      }
    }
  }

  private static int stepsFor(long micros, int calibrated) {
    return Math.toIntExact(calibrated * micros * 1_000 / Work.CALIBRATED_NANOS);
  }

  private double workingRate(DFutSystem dfut, int steps, int count) throws Exception {
    return count
        / seconds(
            () -> {
              List<DFut<Integer>> submitted = new ArrayList<>(count);
              for (int i = 0; i < count; i++) {
                submitted.add(dfut.task(GrowthRounds::working).submit(i, steps));
              }
              return submitted.stream().mapToLong(Turns::take).sum();
            },
            count * (count + 1L) / 2);
  }

  private void jvms() throws Exception {
    List<BenchNode> nodes = new ArrayList<>();
    try {
      for (int count = 1; count <= 4; count++) {
        nodes.add(
            BenchNode.start(
                List.of("dfut.cpus=1"),
                nodes.stream().limit(1).map(BenchNode::address).toArray(String[]::new)));
        try (DFutSystem dfut =
            DFutSystem.connect(
                nodes.getFirst().address(),
                PingPong.CONFIG.withFallback(
                    ConfigFactory.parseString("dfut.values.allow = [\"io.dfut.samples.\"]")))) {
          long deadline = System.nanoTime() + Turns.PATIENCE.toNanos();
          while (dfut.nodes().size() < count) {
            if (System.nanoTime() > deadline) {
              throw new IllegalStateException("not all nodes became known: " + dfut.nodes());
            }
            LockSupport.parkNanos(10_000_000);
          }
          found(count, rate(dfut.task(Turns::next), ROUND / 2), "empty tasks");
        }
      }
    } finally {
      nodes.forEach(BenchNode::close);
    }
  }

  private void inFlight() throws Exception {
    try (DFutSystem dfut = DFutSystem.local()) {
      Task1<Integer, Integer> task = dfut.task(Turns::next);
      for (int window : new int[] {1, 10, 100, 1_000, 10_000}) {
        latencies(task, window);
        found(window, latencies(task, window), "empty tasks");
      }
    }
  }

  private record Sent(DFut<Integer> future, long atNanos) {}

  /** The next one is submitted when the oldest has its value; microseconds at the median. */
  private double latencies(Task1<Integer, Integer> task, int window) {
    ArrayDeque<Sent> sent = new ArrayDeque<>();
    long[] samples = new long[1 << 16];
    int count = 0;
    long end = System.nanoTime() + nanos;
    while (System.nanoTime() < end || count == 0) {
      while (sent.size() < window) {
        long now = System.nanoTime();
        sent.add(new Sent(task.submit(sent.size()), now));
      }
      Sent oldest = sent.remove();
      Turns.take(oldest.future());
      samples[count++ % samples.length] = System.nanoTime() - oldest.atNanos();
    }
    sent.forEach(left -> Turns.take(left.future()));
    long[] seen = Arrays.copyOf(samples, Math.min(count, samples.length));
    Arrays.sort(seen);
    return seen[seen.length / 2] / 1e3;
  }

  private void length() throws Exception {
    int calibrated = Work.calibrated();
    int cpus = Runtime.getRuntime().availableProcessors();
    try (DFutSystem dfut = DFutSystem.local(cpus)) {
      for (int micros : new int[] {1, 10, 100, 1_000, 10_000}) {
        int count = Math.clamp(cpus * 200_000L / micros, 100, ROUND);
        double rate = workingRate(dfut, stepsFor(micros, calibrated), count);
        found(micros, rate * micros / 1e6 / cpus, "efficiency");
      }
    }
  }

  /** Many tasks that own what they submit, beside one. */
  private void owners() throws Exception {
    try (DFutSystem dfut = DFutSystem.local()) {
      for (int owners : new int[] {1, 2, 4, 8, 16}) {
        int each = ROUND / owners;
        double seconds =
            seconds(
                () -> {
                  List<DFut<Long>> submitting = new ArrayList<>();
                  for (int i = 0; i < owners; i++) {
                    submitting.add(dfut.task(GrowthRounds::submitting).submit(each));
                  }
                  return submitting.stream().mapToLong(Turns::take).sum();
                },
                owners * (each * (each + 1L) / 2));
        found(owners, owners * each / seconds, "empty tasks");
      }
    }
  }

  private void pending() {
    try (DFutSystem dfut =
        DFutSystem.local(
            ConfigFactory.parseString("dfut.worker.max-pending-tasks = " + 2 * PENDING))) {
      Task1<Integer, Integer> task = dfut.task(GrowthRounds::waiting);
      List<DFut<Integer>> held = new ArrayList<>(PENDING);
      long before = Heap.liveBytes();
      found(0, 0, "with their handles");
      for (int step = 1; step <= PENDING_STEPS; step++) {
        while (held.size() < PENDING / PENDING_STEPS * step) {
          held.add(task.submit(held.size()));
        }
        found(held.size(), (Heap.liveBytes() - before) / (1024.0 * 1024), "with their handles");
      }
      GATE.countDown();
      held.forEach(Turns::take);
    }
  }
}
