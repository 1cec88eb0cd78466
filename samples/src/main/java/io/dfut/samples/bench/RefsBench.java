package io.dfut.samples.bench;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.SharedDFut;
import io.dfut.samples.Programs;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.LongFunction;

/**
 * What references cost: how many tasks per second workers submit that borrow one object, by their
 * number, and how much of the heap a table takes.
 */
final class RefsBench {
  private static final String CODE = "io.dfut.samples.";
  private static final int[] BORROWERS = {0, 1, 2, 4, 8, 16};
  private static final int OBJECT_BYTES = 1 << 20;

  /** What an owned inline object may take. */
  private static final long BUDGET_BYTES = 500;

  /** References that travel in one call. */
  private static final int CHUNK = 1_000;

  private final RefsOptions options;
  private final PrintStream out;

  RefsBench(RefsOptions options, PrintStream out) {
    this.options = options;
    this.out = out;
  }

  /** Tasks per second of one run. */
  private record Rate(double submitted, double done) {}

  void run() {
    print(
        "%d cores, Java %s, heap up to %,d MiB",
        Runtime.getRuntime().availableProcessors(),
        Runtime.version().feature(),
        Runtime.getRuntime().maxMemory() >> 20);
    memory(); // first: what many tasks leave for cleaners would be freed meanwhile
    try (DFutSystem dfut = open()) {
      throughput(dfut);
    }
  }

  private DFutSystem open() {
    if (options.cluster().isEmpty()) {
      return DFutSystem.local();
    }
    String address = options.cluster().get();
    try {
      return DFutSystem.start(Programs.joining(address, CODE)); // with worker slots of its own
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new OptionException(
          "cannot join the cluster at %s: %s".formatted(address, Programs.firstLine(e)), e);
    }
  }

  private void print(String format, Object... arguments) {
    out.println(String.format(Locale.ROOT, format, arguments));
  }

  // ---- submissions per second ----

  private void throughput(DFutSystem dfut) {
    try (DFut<ByteBuffer> object = dfut.put(ByteBuffer.allocate(OBJECT_BYTES));
        SharedDFut<ByteBuffer> shared = object.share()) {
      for (Submitter.How how : Submitter.How.values()) {
        print("");
        print(
            "%,d tasks that %s, on %d node(s), median of %d",
            options.tasks(), how, dfut.nodes().size(), options.runs());
        print(
            "%9s  %14s  %14s  %10s  %20s",
            "borrowers", "submissions/s", "results/s", "ratio", "results/s, min … max");
        measure(dfut, shared, how, 0, 1); // warms up
        measure(dfut, shared, how, 2, 1);
        double alone = 0;
        for (int borrowers : BORROWERS) {
          List<Rate> rates = measure(dfut, shared, how, borrowers, options.runs());
          double[] done = rates.stream().mapToDouble(Rate::done).sorted().toArray();
          double[] submitted = rates.stream().mapToDouble(Rate::submitted).sorted().toArray();
          double median = done[done.length / 2];
          alone = borrowers == 0 ? median : alone;
          print(
              "%9d  %,14.0f  %,14.0f  %10.2f  %,9.0f … %,9.0f",
              borrowers,
              submitted[submitted.length / 2],
              median,
              median / alone,
              done[0],
              done[done.length - 1]);
        }
      }
    }
  }

  private List<Rate> measure(
      DFutSystem dfut, SharedDFut<ByteBuffer> object, Submitter.How how, int borrowers, int runs) {
    List<ActorHandle<Borrower>> actors = new ArrayList<>();
    List<Rate> rates = new ArrayList<>();
    try {
      for (int i = 0; i < borrowers; i++) {
        actors.add(dfut.actor(Borrower::new, object).spread().create());
      }
      for (int run = 0; run < runs; run++) {
        if (run == 0) {
          submitAll(actors, how, actors.size()); // they are there, and hold the reference
        }
        rates.add(
            borrowers == 0
                ? rate(List.of(Submitter.run(dfut, object, how, options.tasks())))
                : rate(submitAll(actors, how, options.tasks())));
      }
    } finally {
      actors.forEach(ActorHandle::close);
    }
    return rates;
  }

  /** All at the same time; each its share of the tasks. */
  private static List<Span> submitAll(
      List<ActorHandle<Borrower>> actors, Submitter.How how, int tasks) {
    List<DFut<Span>> calls = new ArrayList<>();
    for (int i = 0; i < actors.size(); i++) {
      int share = tasks / actors.size() + (i < tasks % actors.size() ? 1 : 0);
      calls.add(actors.get(i).task(Borrower::submit).submit(how, share));
    }
    List<Span> spans = new ArrayList<>();
    for (DFut<Span> call : calls) {
      spans.add(call.get());
      call.close();
    }
    return spans;
  }

  /** They began at nearly the same time: the slowest tells how long all took. */
  private Rate rate(List<Span> spans) {
    long submitted = spans.stream().mapToLong(Span::submittedNanos).max().orElseThrow();
    long done = spans.stream().mapToLong(Span::doneNanos).max().orElseThrow();
    return new Rate(options.tasks() * 1e9 / submitted, options.tasks() * 1e9 / done);
  }

  // ---- memory ----

  static long one(long value) {
    return value;
  }

  private void memory() {
    hold(1, dfut -> dfut::put); // loads classes
    int sample = Math.max(1, options.references() / 5);
    print("");
    print("heap for each of %,d inline objects, with their handles, after a collection", sample);
    printBytes("owned, put", hold(sample, dfut -> dfut::put), BUDGET_BYTES);
    printBytes(
        "owned, result of a task",
        hold(sample, dfut -> i -> dfut.task(RefsBench::one).submit(i)),
        BUDGET_BYTES);
    printBytes("one borrower of it", borrow(sample), 0);
    print("");
    long began = System.nanoTime();
    double bytes = hold(options.references(), dfut -> dfut::put);
    print(
        "%,d references held at the same time: %,.0f MiB of heap, %,.0f bytes each, within %.1f s",
        options.references(),
        bytes * options.references() / (1 << 20),
        bytes,
        (System.nanoTime() - began) / 1e9);
  }

  private void printBytes(String what, double bytes, long budget) {
    String verdict =
        budget == 0
            ? ""
            : "  (aim: at most %d%s)".formatted(budget, bytes > budget ? ", missed" : "");
    print("%25s  %,6.0f bytes%s", what, bytes, verdict);
  }

  /**
   * Bytes of heap for each of so many owned objects. In a system of its own, so that nothing that
   * was there before is freed meanwhile.
   */
  private static double hold(int count, Function<DFutSystem, LongFunction<DFut<Long>>> maker) {
    List<DFut<Long>> held = new ArrayList<>(count);
    try (DFutSystem dfut = DFutSystem.local()) {
      LongFunction<DFut<Long>> make = maker.apply(dfut);
      make.apply(0).close();
      long before = Heap.liveBytes();
      for (int i = 0; i < count; i++) {
        held.add(make.apply(i));
      }
      held.forEach(DFut::get);
      long after = Heap.liveBytes();
      held.forEach(DFut::close); // also, so that they are in use until here
      return (double) (after - before) / count;
    }
  }

  /** Bytes of heap for each object that an actor borrows, at both ends. */
  private static double borrow(int count) {
    List<DFut<Long>> held = new ArrayList<>(count);
    try (DFutSystem dfut = DFutSystem.local();
        ActorHandle<Keeper> keeper = dfut.actor(Keeper::new, count).create()) {
      for (long i = 0; i < count; i++) {
        held.add(dfut.put(i));
      }
      keep(keeper, List.of());
      long before = Heap.liveBytes();
      for (int from = 0; from < count; from += CHUNK) {
        List<SharedDFut<Long>> chunk =
            held.subList(from, Math.min(count, from + CHUNK)).stream().map(DFut::share).toList();
        keep(keeper, chunk);
        chunk.forEach(SharedDFut::close);
      }
      long after = Heap.liveBytes();
      held.forEach(DFut::close);
      return (double) (after - before) / count;
    }
  }

  private static void keep(ActorHandle<Keeper> keeper, List<SharedDFut<Long>> references) {
    try (DFut<Integer> call = keeper.task(Keeper::keep).submit(references)) {
      call.get();
    }
  }
}
