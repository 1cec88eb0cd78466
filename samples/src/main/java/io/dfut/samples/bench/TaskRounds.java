package io.dfut.samples.bench;

import com.sun.management.ThreadMXBean;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.Task1;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.RecursiveTask;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * Measures in this JVM, as a program: ours and the substrate in turns, round by round. Every round
 * adds up what it was given, so that it cannot have done nothing.
 */
final class TaskRounds {
  static final String RESULT = "measured ";
  static final String OURS = "ours";
  static final String VIRTUAL_THREADS = "virtual threads";
  static final String ASK = "Pekko ask";
  static final String FORK_JOIN = "ForkJoinPool";

  private static final int CALLS = 200;
  private static final int TASKS = 100_000;
  private static final int CHAIN = 1_000;
  private static final int FIB = 20;
  private static final int FIB_SMALL = 14;
  private static final long WORK_NANOS = 20_000;
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int ROUNDS_MIN = 3;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final long nanos;
  private final List<String> names;

  private TaskRounds(long nanos, List<String> names) {
    this.nanos = nanos;
    this.names = names;
  }

  /** Arguments: seconds for each figure, then the names of the figures. */
  public static void main(String[] args) throws Exception {
    TaskRounds rounds =
        new TaskRounds(
            TimeUnit.SECONDS.toNanos(Long.parseLong(args[0])),
            List.of(args).subList(1, args.length));
    rounds.small();
    rounds.speedup();
    System.exit(0);
  }

  private boolean wants(String prefix) {
    return names.stream().anyMatch(name -> name.startsWith(prefix));
  }

  private void found(String name, double value, String who) {
    if (names.contains(name)) {
      System.out.println(
          RESULT + name + " " + String.format(Locale.ROOT, "%.9f", value) + " " + who);
    }
  }

  // ---- taking turns ----

  /** Does something and gives the sum of what came of it. */
  private interface Round {
    long run() throws Exception;
  }

  /** What one of those that took turns needed. */
  private static final class Taken {
    final List<Double> seconds = new ArrayList<>();
    final List<Double> bytes = new ArrayList<>();
  }

  /** Runs all in turns until the time is over; the times of each by name. */
  private Map<String, Taken> inTurns(Map<String, Round> rounds, long expected) throws Exception {
    turns(rounds, expected);
    return turns(rounds, expected);
  }

  private Map<String, Taken> turns(Map<String, Round> rounds, long expected) throws Exception {
    Map<String, Taken> taken = new LinkedHashMap<>();
    rounds.keySet().forEach(who -> taken.put(who, new Taken()));
    long end = System.nanoTime() + nanos;
    for (int i = 0; i < ROUNDS_MIN || System.nanoTime() < end; i++) {
      for (Map.Entry<String, Round> round : rounds.entrySet()) {
        long bytes = THREADS.getTotalThreadAllocatedBytes();
        long start = System.nanoTime();
        long sum = round.getValue().run();
        Taken times = taken.get(round.getKey());
        times.seconds.add((System.nanoTime() - start) / 1e9);
        times.bytes.add((double) THREADS.getTotalThreadAllocatedBytes() - bytes);
        check(round.getKey(), sum, expected);
      }
    }
    return taken;
  }

  private static void check(String who, long sum, long expected) {
    if (sum != expected) {
      throw new IllegalStateException(who + " gave " + sum + " instead of " + expected);
    }
  }

  private static double median(List<Double> values) {
    return Figure.median(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** Millions a second. */
  private void rates(String name, int count, Map<String, Round> rounds, long expected)
      throws Exception {
    inTurns(rounds, expected)
        .forEach((who, taken) -> found(name, count / median(taken.seconds) / 1e6, who));
  }

  // ---- one call at a time ----

  /** Asks for a number and waits for the next one. */
  private interface Call {
    int next(int number) throws Exception;
  }

  private static final class Samples {
    long[] nanos = new long[1 << 16];
    int count;

    void add(long sample) {
      if (count == nanos.length) {
        nanos = Arrays.copyOf(nanos, 2 * count);
      }
      nanos[count++] = sample;
    }

    /** Microseconds. */
    double percentile(int percent) {
      long[] sorted = Arrays.copyOf(nanos, count);
      Arrays.sort(sorted);
      return sorted[(int) ((count - 1L) * percent / 100)] / 1e3;
    }
  }

  private void latencies(String prefix, Map<String, Call> calls) throws Exception {
    Map<String, Samples> samples = new LinkedHashMap<>();
    Map<String, Round> rounds = new LinkedHashMap<>();
    calls.forEach(
        (who, call) -> {
          Samples mine = new Samples();
          samples.put(who, mine);
          rounds.put(
              who,
              () -> {
                long sum = 0;
                for (int i = 0; i < CALLS; i++) {
                  long start = System.nanoTime();
                  sum += call.next(i);
                  mine.add(System.nanoTime() - start);
                }
                return sum;
              });
        });
    long expected = CALLS * (CALLS + 1L) / 2;
    turns(rounds, expected);
    samples.values().forEach(warmUp -> warmUp.count = 0);
    turns(rounds, expected);
    samples.forEach(
        (who, mine) -> {
          found(prefix + ".p50", mine.percentile(50), who);
          found(prefix + ".p99", mine.percentile(99), who);
        });
  }

  // ---- the substrate ----

  /** A question; the answer is the next number. */
  private record Question(int number, ActorRef<Integer> asker) {}

  private static Behavior<Question> answering() {
    return Behaviors.receiveMessage(
        question -> {
          question.asker().tell(question.number() + 1);
          return Behaviors.same();
        });
  }

  private static CompletionStage<Integer> ask(ActorSystem<Question> actor, int number) {
    return AskPattern.ask(
        actor,
        (ActorRef<Integer> asker) -> new Question(number, asker),
        PATIENCE,
        actor.scheduler());
  }

  private static int answer(ActorSystem<Question> actor, int number) throws Exception {
    return ask(actor, number).toCompletableFuture().get();
  }

  private static long askAll(ActorSystem<Question> actor) throws Exception {
    List<CompletionStage<Integer>> asked = new ArrayList<>(TASKS);
    for (int i = 0; i < TASKS; i++) {
      asked.add(ask(actor, i));
    }
    long sum = 0;
    for (CompletionStage<Integer> answer : asked) {
      sum += answer.toCompletableFuture().get();
    }
    return sum;
  }

  private static long executeAll(ExecutorService threads) throws Exception {
    List<Future<Integer>> submitted = new ArrayList<>(TASKS);
    for (int i = 0; i < TASKS; i++) {
      int number = i;
      submitted.add(threads.submit(() -> next(number)));
    }
    long sum = 0;
    for (Future<Integer> result : submitted) {
      sum += result.get();
    }
    return sum;
  }

  private static int fibOnThreads(ExecutorService threads, int n) throws Exception {
    if (n < 2) {
      return n;
    }
    Future<Integer> a = threads.submit(() -> fibOnThreads(threads, n - 1));
    Future<Integer> b = threads.submit(() -> fibOnThreads(threads, n - 2));
    return a.get() + b.get();
  }

  /** The same for a {@link ForkJoinPool}. */
  private static final class Fib extends RecursiveTask<Long> {
    private static final long serialVersionUID = 1L;
    private final int n;
    private final int work;

    Fib(int n, int work) {
      this.n = n;
      this.work = work;
    }

    @Override
    protected Long compute() {
      long own = worked(work);
      if (n < 2) {
        return own + n;
      }
      Fib a = new Fib(n - 1, work);
      a.fork();
      long b = new Fib(n - 2, work).compute();
      return own + a.join() + b;
    }
  }

  // ---- ours ----

  static int next(int number) {
    return number + 1;
  }

  static int fib(int n) {
    if (n < 2) {
      return n;
    }
    DFutContext dfut = DFutContext.current();
    DFut<Integer> a = dfut.task(TaskRounds::fib).submit(n - 1);
    DFut<Integer> b = dfut.task(TaskRounds::fib).submit(n - 2);
    return a.get() + b.get();
  }

  static long fibWorking(int n, int work) {
    long own = worked(work);
    if (n < 2) {
      return own + n;
    }
    DFutContext dfut = DFutContext.current();
    DFut<Long> a = dfut.task(TaskRounds::fibWorking).submit(n - 1, work);
    DFut<Long> b = dfut.task(TaskRounds::fibWorking).submit(n - 2, work);
    return own + a.get() + b.get();
  }

  /** Counts on. */
  static final class Follower extends DFutActor<Void> {
    int next(int number) {
      return TaskRounds.next(number);
    }
  }

  private static <T> T take(DFut<T> future) {
    try (future) {
      return future.get(PATIENCE);
    }
  }

  private static long submitAll(Task1<Integer, Integer> task) {
    List<DFut<Integer>> submitted = new ArrayList<>(TASKS);
    for (int i = 0; i < TASKS; i++) {
      submitted.add(task.submit(i));
    }
    long sum = 0;
    for (DFut<Integer> result : submitted) {
      sum += take(result);
    }
    return sum;
  }

  private static int chain(DFutSystem dfut) {
    Task1<Integer, Integer> task = dfut.task(TaskRounds::next);
    DFut<Integer> last = task.submit(0);
    for (int i = 1; i < CHAIN; i++) {
      DFut<Integer> before = last;
      last = task.submit(before);
      before.close();
    }
    return take(last);
  }

  private static int chain(ActorSystem<Question> actor) throws Exception {
    int number = 0;
    for (int i = 0; i < CHAIN; i++) {
      number = answer(actor, number);
    }
    return number;
  }

  // ---- figures ----

  private void small() throws Exception {
    if (!wants("task.local") && !wants("task.fib20") && !wants("task.chain") && !wants("actor")) {
      return;
    }
    ActorSystem<Question> actor = ActorSystem.create(answering(), "bench");
    try (DFutSystem dfut = DFutSystem.local();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        ActorHandle<Follower> follower = dfut.actor(Follower::new).create()) {
      Task1<Integer, Integer> task = dfut.task(TaskRounds::next);
      calls("task.local", task, threads, actor);
      if (wants("task.fib20")) {
        Map<String, Round> rounds = new LinkedHashMap<>();
        rounds.put(OURS, () -> take(dfut.task(TaskRounds::fib).submit(FIB)));
        rounds.put(VIRTUAL_THREADS, () -> threads.submit(() -> fibOnThreads(threads, FIB)).get());
        rounds.put(FORK_JOIN, () -> ForkJoinPool.commonPool().invoke(new Fib(FIB, 0)));
        rates("task.fib20", calls(FIB), rounds, fibonacci(FIB));
      }
      if (wants("task.chain")) {
        Map<String, Round> rounds = new LinkedHashMap<>();
        rounds.put(OURS, () -> chain(dfut));
        rounds.put(ASK, () -> chain(actor));
        inTurns(rounds, CHAIN)
            .forEach(
                (who, taken) -> found("task.chain1000", median(taken.seconds) * 1e6 / CHAIN, who));
      }
      calls("actor.local", follower.task(Follower::next), threads, actor);
    } finally {
      actor.terminate();
    }
  }

  private void calls(
      String prefix,
      Task1<Integer, Integer> task,
      ExecutorService threads,
      ActorSystem<Question> actor)
      throws Exception {
    if (wants(prefix + ".p")) {
      Map<String, Call> calls = new LinkedHashMap<>();
      calls.put(OURS, number -> take(task.submit(number)));
      calls.put(VIRTUAL_THREADS, number -> threads.submit(() -> next(number)).get());
      calls.put(ASK, number -> answer(actor, number));
      latencies(prefix, calls);
    }
    if (wants(prefix + ".throughput") || wants(prefix + ".allocated")) {
      Map<String, Round> rounds = new LinkedHashMap<>();
      rounds.put(OURS, () -> submitAll(task));
      rounds.put(VIRTUAL_THREADS, () -> executeAll(threads));
      rounds.put(ASK, () -> askAll(actor));
      inTurns(rounds, TASKS * (TASKS + 1L) / 2)
          .forEach(
              (who, taken) -> {
                found(prefix + ".throughput", TASKS / median(taken.seconds) / 1e6, who);
                found(prefix + ".allocated", median(taken.bytes) / TASKS, who);
              });
    }
  }

  /** How many calls a naive recursion makes. */
  private static int calls(int n) {
    return n < 2 ? 1 : 1 + calls(n - 1) + calls(n - 2);
  }

  private static int fibonacci(int n) {
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
  }

  private void speedup() throws Exception {
    if (!wants("task.fib14")) {
      return;
    }
    int work = calibrated();
    long expected = calls(FIB_SMALL) * worked(work) + fibonacci(FIB_SMALL);
    try (DFutSystem one = DFutSystem.local(1);
        DFutSystem two = DFutSystem.local(2);
        ForkJoinPool poolOfOne = new ForkJoinPool(1);
        ForkJoinPool poolOfTwo = new ForkJoinPool(2)) {
      Map<String, Round> rounds = new LinkedHashMap<>();
      String pools = FORK_JOIN;
      rounds.put(OURS + 1, () -> take(one.task(TaskRounds::fibWorking).submit(FIB_SMALL, work)));
      rounds.put(OURS + 2, () -> take(two.task(TaskRounds::fibWorking).submit(FIB_SMALL, work)));
      rounds.put(pools + 1, () -> poolOfOne.invoke(new Fib(FIB_SMALL, work)));
      rounds.put(pools + 2, () -> poolOfTwo.invoke(new Fib(FIB_SMALL, work)));
      Map<String, Taken> taken = inTurns(rounds, expected);
      for (String who : List.of(OURS, pools)) {
        double speedup = median(taken.get(who + 1).seconds) / median(taken.get(who + 2).seconds);
        found("task.fib14.speedup", speedup, who);
      }
    }
  }

  /** Computes for a while: a number that depends on every step. */
  private static long worked(int steps) {
    long x = steps;
    for (int i = 0; i < steps; i++) {
      x = x * 6364136223846793005L + 1442695040888963407L;
    }
    return x;
  }

  /** The steps that take as long as a task is to work: the best of many tries, once compiled. */
  private static int calibrated() {
    int steps = 20_000;
    long best = Long.MAX_VALUE;
    long seen = 0;
    for (int i = 0; i < 3_000; i++) {
      long start = System.nanoTime();
      seen += worked(steps);
      best = Math.min(best, System.nanoTime() - start);
    }
    if (seen == 0) {
      throw new IllegalStateException("no work was done");
    }
    return (int) (steps * WORK_NANOS / best);
  }
}
