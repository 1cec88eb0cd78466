package io.dfut.samples.bench;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.Task1;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.Future;
import java.util.concurrent.RecursiveTask;
import org.apache.pekko.actor.typed.ActorSystem;

/** Measures tasks and actor calls within this JVM, as a program, in {@link Turns}. */
final class TaskRounds {
  static final String VIRTUAL_THREADS = "virtual threads";
  static final String ASK = "Pekko ask";
  static final String FORK_JOIN = "ForkJoinPool";

  private static final int TASKS = 100_000;
  private static final int CHAIN = 1_000;
  private static final int FIB = 20;
  private static final int FIB_SMALL = 14;

  private final Turns turns;

  private TaskRounds(Turns turns) {
    this.turns = turns;
  }

  /** Arguments: seconds for each figure, then the names of the figures. */
  public static void main(String[] args) throws Exception {
    TaskRounds rounds = new TaskRounds(new Turns(args));
    rounds.small();
    rounds.speedup();
    System.exit(0);
  }

  // ---- the substrate ----

  private static int answer(ActorSystem<Question> actor, int number) throws Exception {
    return Question.ask(actor, number, actor.scheduler()).toCompletableFuture().get();
  }

  private static long askAll(ActorSystem<Question> actor) throws Exception {
    List<CompletionStage<Integer>> asked = new ArrayList<>(TASKS);
    for (int i = 0; i < TASKS; i++) {
      asked.add(Question.ask(actor, i, actor.scheduler()));
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
      submitted.add(threads.submit(() -> Turns.next(number)));
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
      long own = Work.worked(work);
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
    long own = Work.worked(work);
    if (n < 2) {
      return own + n;
    }
    DFutContext dfut = DFutContext.current();
    DFut<Long> a = dfut.task(TaskRounds::fibWorking).submit(n - 1, work);
    DFut<Long> b = dfut.task(TaskRounds::fibWorking).submit(n - 2, work);
    return own + a.get() + b.get();
  }

  private static int chain(DFutSystem dfut) {
    Task1<Integer, Integer> task = dfut.task(Turns::next);
    DFut<Integer> last = task.submit(0);
    for (int i = 1; i < CHAIN; i++) {
      DFut<Integer> before = last;
      last = task.submit(before);
      before.close();
    }
    return Turns.take(last);
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
    if (!turns.wants("task.local")
        && !turns.wants("task.fib20")
        && !turns.wants("task.chain")
        && !turns.wants("actor")) {
      return;
    }
    ActorSystem<Question> actor = ActorSystem.create(Question.answering(), "bench");
    try (DFutSystem dfut = DFutSystem.local();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        ActorHandle<Follower> follower = dfut.actor(Follower::new).create()) {
      Task1<Integer, Integer> task = dfut.task(Turns::next);
      calls("task.local", task, threads, actor);
      if (turns.wants("task.fib20")) {
        Map<String, Turns.Round> rounds = new LinkedHashMap<>();
        rounds.put(Turns.OURS, () -> Turns.take(dfut.task(TaskRounds::fib).submit(FIB)));
        rounds.put(VIRTUAL_THREADS, () -> threads.submit(() -> fibOnThreads(threads, FIB)).get());
        rounds.put(FORK_JOIN, () -> ForkJoinPool.commonPool().invoke(new Fib(FIB, 0)));
        turns.rates("task.fib20", calls(FIB), rounds, fibonacci(FIB));
      }
      if (turns.wants("task.chain")) {
        Map<String, Turns.Round> rounds = new LinkedHashMap<>();
        rounds.put(Turns.OURS, () -> chain(dfut));
        rounds.put(ASK, () -> chain(actor));
        turns
            .inTurns(rounds, CHAIN)
            .forEach(
                (who, taken) ->
                    turns.found("task.chain1000", Turns.median(taken.seconds) * 1e6 / CHAIN, who));
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
    if (turns.wants(prefix + ".p")) {
      Map<String, Turns.Call> calls = new LinkedHashMap<>();
      calls.put(Turns.OURS, number -> Turns.take(task.submit(number)));
      calls.put(VIRTUAL_THREADS, number -> threads.submit(() -> Turns.next(number)).get());
      calls.put(ASK, number -> answer(actor, number));
      turns.latencies(prefix, calls);
    }
    if (turns.wants(prefix + ".throughput") || turns.wants(prefix + ".allocated")) {
      Map<String, Turns.Round> rounds = new LinkedHashMap<>();
      rounds.put(Turns.OURS, () -> Turns.submitAll(task, TASKS));
      rounds.put(VIRTUAL_THREADS, () -> executeAll(threads));
      rounds.put(ASK, () -> askAll(actor));
      turns
          .inTurns(rounds, TASKS * (TASKS + 1L) / 2)
          .forEach(
              (who, taken) -> {
                turns.found(prefix + ".throughput", TASKS / Turns.median(taken.seconds) / 1e6, who);
                turns.found(prefix + ".allocated", Turns.median(taken.bytes) / TASKS, who);
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
    if (!turns.wants("task.fib14")) {
      return;
    }
    int work = Work.calibrated();
    long expected = calls(FIB_SMALL) * Work.worked(work) + fibonacci(FIB_SMALL);
    try (DFutSystem one = DFutSystem.local(1);
        DFutSystem two = DFutSystem.local(2);
        ForkJoinPool poolOfOne = new ForkJoinPool(1);
        ForkJoinPool poolOfTwo = new ForkJoinPool(2)) {
      Map<String, Turns.Round> rounds = new LinkedHashMap<>();
      rounds.put(
          Turns.OURS + 1,
          () -> Turns.take(one.task(TaskRounds::fibWorking).submit(FIB_SMALL, work)));
      rounds.put(
          Turns.OURS + 2,
          () -> Turns.take(two.task(TaskRounds::fibWorking).submit(FIB_SMALL, work)));
      rounds.put(FORK_JOIN + 1, () -> poolOfOne.invoke(new Fib(FIB_SMALL, work)));
      rounds.put(FORK_JOIN + 2, () -> poolOfTwo.invoke(new Fib(FIB_SMALL, work)));
      Map<String, Turns.Taken> taken = turns.inTurns(rounds, expected);
      for (String who : List.of(Turns.OURS, FORK_JOIN)) {
        double speedup =
            Turns.median(taken.get(who + 1).seconds) / Turns.median(taken.get(who + 2).seconds);
        turns.found("task.fib14.speedup", speedup, who);
      }
    }
  }
}
