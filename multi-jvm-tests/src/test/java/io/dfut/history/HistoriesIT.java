package io.dfut.history;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorHandle;
import io.dfut.ActorUnavailableException;
import io.dfut.DFut;
import io.dfut.DFutException;
import io.dfut.DFutSystem;
import io.dfut.NodeFailedException;
import io.dfut.NodeId;
import io.dfut.TaskFailedException;
import io.dfut.WorkerCrashedException;
import io.dfut.history.Cells.Answer;
import io.dfut.history.Cells.Operation;
import io.dfut.history.History.Run;
import io.dfut.testkit.DFutCluster;
import io.dfut.testkit.DFutNode;
import io.dfut.testkit.DFutNodes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What clients are answered by an actor that comes back after its node was killed can be explained:
 * by one bank and some registers for each incarnation, which run one operation after the other; by
 * incarnations that follow each other; and by operations that are run once at most.
 *
 * <p>Longer: {@code -Ddfut.history.operations=1000000} and another {@code -Ddfut.history.seed=…}
 * (in {@code -Dtest.jvm.args}).
 */
@DFutCluster(nodes = 3, cpus = 2)
@Timeout(value = 1, unit = TimeUnit.HOURS)
final class HistoriesIT {
  private static final int OPERATIONS = Integer.getInteger("dfut.history.operations", 3_000);
  private static final long SEED = Long.getLong("dfut.history.seed", 1);
  private static final int CLIENTS = 5;

  /** In this many the node of the actor is killed: not more than histories can be told apart by. */
  private static final int OPERATIONS_PER_KILL = Math.max(1_000, OPERATIONS / 20);

  private static final Duration SOON = Duration.ofSeconds(60);

  /**
   * What a client did.
   *
   * @param ended when it was answered or failed; for ever, when it failed because the node died
   *     that had called the actor for it, which says nothing of that call
   * @param answer empty when it failed, and may have been run or not
   */
  private record Done(Operation operation, long called, long ended, Optional<Answer> answer) {}

  /** Asks on behalf of a client elsewhere. */
  static Answer relay(ActorHandle<Cells> cells, Operation operation) {
    return cells.task(Cells::run).submit(operation).get();
  }

  private final AtomicInteger asked = new AtomicInteger();
  private final ConcurrentLinkedQueue<Done> history = new ConcurrentLinkedQueue<>();

  @Test
  void whatAnActorAnswersCanBeExplained(DFutSystem dfut, DFutNodes nodes) throws Exception {
    ActorHandle<Cells> cells = dfut.actor(Cells::new).maxRestarts(-1).create();
    int kills = 0;
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> ends = new ArrayList<>();
      for (int client = 0; client < CLIENTS; client++) {
        Random random = new Random(SEED * CLIENTS + client);
        ends.add(clients.submit(() -> ask(dfut, cells, random)));
      }
      for (int at = OPERATIONS_PER_KILL; at < OPERATIONS; at += OPERATIONS_PER_KILL) {
        int next = at;
        Awaitility.await("so many operations")
            .atMost(Duration.ofMinutes(30))
            .until(() -> asked.get() >= next || ends.stream().anyMatch(Future::isDone));
        DFutNode node = nodes.get(where(cells));
        node.kill();
        kills++;
        node.restart();
      }
      for (Future<?> end : ends) {
        end.get();
      }
    }
    long unknown = history.stream().filter(done -> done.answer().isEmpty()).count();
    Map<Long, List<Done>> incarnations = incarnations();
    System.out.printf(
        "seed %d: %d operations, %d with an unknown outcome, %d kills, %d incarnations%n",
        SEED, history.size(), unknown, kills, incarnations.size());
    assertThat(incarnations).hasSizeBetween(2, kills + 1);
    assertThat(unknown).isLessThan(OPERATIONS / 10);
    for (List<Done> answered : incarnations.values()) {
      checkRegisters(answered);
      checkBank(answered);
    }
    checkThatTheyFollowEachOther(List.copyOf(incarnations.values()));
    checkThatNothingIsRunTwice(incarnations);
  }

  private static NodeId where(ActorHandle<Cells> cells) {
    return Awaitility.await("the actor is there")
        .atMost(SOON)
        .ignoreException(ActorUnavailableException.class)
        .until(() -> cells.task(Cells::where).submit().get(SOON), node -> true);
  }

  // ---- clients ----

  private void ask(DFutSystem dfut, ActorHandle<Cells> cells, Random random) {
    for (int number = asked.incrementAndGet();
        number <= OPERATIONS;
        number = asked.incrementAndGet()) {
      Operation operation = operation(random, number);
      boolean relayed = random.nextInt(3) == 0;
      long called = System.nanoTime();
      Optional<Answer> answer = Optional.empty();
      boolean callerDied = false;
      try (DFut<Answer> future =
          relayed
              ? dfut.task(HistoriesIT::relay).maxRetries(0).submit(cells, operation)
              : cells.task(Cells::run).submit(operation)) {
        answer = Optional.of(future.get(SOON));
      } catch (DFutException e) {
        if (!isOfAKill(e)) {
          throw e;
        }
        callerDied = !(e instanceof ActorUnavailableException || e instanceof TaskFailedException);
      }
      long ended = callerDied ? Long.MAX_VALUE : System.nanoTime();
      history.add(new Done(operation, called, ended, answer));
    }
  }

  private static boolean isOfAKill(Throwable e) {
    return e instanceof ActorUnavailableException
        || e instanceof NodeFailedException
        || e instanceof WorkerCrashedException
        || (e instanceof TaskFailedException && isOfAKill(e.getCause()));
  }

  private static Operation operation(Random random, int number) {
    int register = random.nextInt(Cells.REGISTERS);
    return switch (random.nextInt(6)) {
      case 0, 1 -> new Cells.Read(register);
      case 2 -> new Cells.Write(register, number); // no two write the same
      case 3 -> new Cells.Swap(register, random.nextInt(number), number);
      case 4 -> new Cells.Audit();
      default ->
          new Cells.Transfer(
              random.nextInt(Cells.ACCOUNTS),
              random.nextInt(Cells.ACCOUNTS),
              1 + random.nextInt(60));
    };
  }

  // ---- checks ----

  /** What each has answered, in the order in which they are first heard of. */
  private Map<Long, List<Done>> incarnations() {
    Map<Long, List<Done>> all = new LinkedHashMap<>();
    history.stream()
        .filter(done -> done.answer().isPresent())
        .sorted(Comparator.comparingLong(Done::ended))
        .forEach(
            done ->
                all.computeIfAbsent(
                        done.answer().orElseThrow().incarnation(), first -> new ArrayList<>())
                    .add(done));
    return all;
  }

  /**
   * The operations of one object: those that the incarnation has answered, and those of which
   * nobody knows and which it might have run.
   */
  private List<Run<Done>> runs(List<Done> answered, Predicate<Operation> ofTheObject) {
    long end = answered.getLast().ended();
    long begin = answered.stream().mapToLong(Done::called).min().orElseThrow();
    List<Run<Done>> runs = new ArrayList<>();
    for (Done done : answered) {
      if (ofTheObject.test(done.operation())) {
        runs.add(Run.answered(done, done.called(), done.ended()));
      }
    }
    for (Done done : history) {
      boolean mayBe = done.answer().isEmpty() && done.called() < end && done.ended() > begin;
      boolean changes =
          !(done.operation() instanceof Cells.Read || done.operation() instanceof Cells.Audit);
      if (mayBe && changes && ofTheObject.test(done.operation())) {
        runs.add(Run.failed(done, done.called(), done.ended()));
      }
    }
    return runs;
  }

  private static History<List<Long>, Done> from(List<Long> first) {
    return new History<>(
        first,
        (state, done) -> {
          Cells.Step step = Cells.step(state, done.operation());
          boolean isSo =
              done.answer().isEmpty() || done.answer().get().values().equals(step.values());
          return isSo ? Optional.of(step.after()) : Optional.empty();
        });
  }

  private void checkRegisters(List<Done> answered) {
    for (int i = 0; i < Cells.REGISTERS; i++) {
      int register = i;
      List<Run<Done>> runs = runs(answered, operation -> isOf(operation, register));
      assertThat(from(Cells.EMPTY).unexplained(runs)).as("register %d", i).isEmpty();
    }
  }

  private static boolean isOf(Operation operation, int register) {
    return switch (operation) {
      case Cells.Read read -> read.register() == register;
      case Cells.Write write -> write.register() == register;
      case Cells.Swap swap -> swap.register() == register;
      case Cells.Audit audit -> false;
      case Cells.Transfer transfer -> false;
    };
  }

  private void checkBank(List<Done> answered) {
    for (Done done : answered) {
      if (done.operation() instanceof Cells.Audit) {
        assertThat(
                done.answer().orElseThrow().values().stream().mapToLong(balance -> balance).sum())
            .as("the sum of all accounts")
            .isEqualTo(Cells.ACCOUNTS * Cells.DEPOSIT);
      }
    }
    List<Run<Done>> runs = runs(answered, Cells::isOfTheBank);
    assertThat(from(Cells.OPENED).unexplained(runs)).as("the bank").isEmpty();
  }

  /** No incarnation answers what is asked after a later one has answered. */
  private static void checkThatTheyFollowEachOther(List<List<Done>> incarnations) {
    for (int i = 1; i < incarnations.size(); i++) {
      long laterAnswered = incarnations.get(i).getFirst().ended();
      for (List<Done> earlier : incarnations.subList(0, i)) {
        assertThat(earlier)
            .as("asked after incarnation %d had answered", i)
            .noneMatch(done -> done.called() > laterAnswered);
      }
    }
  }

  /** A value that was written once is not read from two incarnations. */
  private static void checkThatNothingIsRunTwice(Map<Long, List<Done>> incarnations) {
    Map<Long, Long> readFrom = new HashMap<>();
    incarnations.forEach(
        (incarnation, answered) -> {
          for (Done done : answered) {
            if (done.operation() instanceof Cells.Read) {
              long value = done.answer().orElseThrow().values().getFirst();
              Long before = value == 0 ? null : readFrom.put(value, incarnation);
              assertThat(before)
                  .as("value %d is of one incarnation", value)
                  .isIn((Object) null, incarnation);
            }
          }
        });
  }
}
