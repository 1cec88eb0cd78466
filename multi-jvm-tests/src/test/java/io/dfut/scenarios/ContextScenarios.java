package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.DPromise;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Which threads may call what, and through which context. */
abstract class ContextScenarios extends Scenarios {
  private <T> T onDispatcher(Callable<T> body)
      throws InterruptedException, ExecutionException, TimeoutException {
    CompletableFuture<T> result = new CompletableFuture<>();
    dfut.actorSystem()
        .dispatchers()
        .lookup(DispatcherSelector.defaultDispatcher())
        .execute(
            () -> {
              try {
                result.complete(body.call());
              } catch (Throwable e) {
                result.completeExceptionally(e);
              }
            });
    return result.get(10, TimeUnit.SECONDS);
  }

  private record Refusal(Throwable thrown, Duration taken) {
    static Refusal of(Callable<?> call) {
      long start = System.nanoTime();
      Throwable thrown = null;
      try {
        call.call();
      } catch (Throwable e) {
        thrown = e;
      }
      return new Refusal(thrown, Duration.ofNanos(System.nanoTime() - start));
    }
  }

  @Test
  @Tag("C014")
  @DisplayName("014 get on a dispatcher thread is refused at once while there is no value")
  void getOnADispatcherThreadIsRefused() throws Exception {
    DPromise<Integer> promise = dfut.promise();
    DFut<Integer> future = promise.future();
    var shared = future.share();
    List<Callable<?>> blocking =
        List.of(
            future::get,
            () -> future.get(Duration.ofSeconds(5)),
            shared::get,
            () -> shared.get(Duration.ofSeconds(5)),
            () -> dfut.await(List.of(future), 1, Duration.ofSeconds(5)));
    for (Callable<?> call : blocking) {
      List<Duration> taken = new ArrayList<>();
      for (int i = 0; i < 3; i++) { // the first loads classes
        Refusal refusal = onDispatcher(() -> Refusal.of(call));
        assertThat(refusal.thrown()).isExactlyInstanceOf(IllegalStateException.class);
        assertThat(refusal.thrown()).hasMessageContaining("pipeToSelf");
        taken.add(refusal.taken());
      }
      assertThat(taken).anySatisfy(t -> assertThat(t).isLessThan(Duration.ofMillis(50)));
    }
    promise.complete(1);
    eventually("a completed promise is not ready").until(future::isReady);
    Integer value = onDispatcher(future::get);
    assertThat(value).as("a value that is there is given").isEqualTo(1);
    assertThat(onDispatcher(() -> dfut.await(List.of(future), 1, Duration.ZERO).ready()))
        .containsExactly(future);
  }

  static final class Echo extends DFutActor<Void> {
    public int echo(int value) {
      return value;
    }
  }

  /** Every verb once; what it gives is the sum of what they gave. */
  private static int everyVerb(DFutContext context) {
    DFut<Integer> task = context.task(Tasks::increment).submit(1);
    DFut<Integer> put = context.put(10);
    DPromise<Integer> promise = context.promise();
    promise.complete(100);
    ActorHandle<Echo> echo = context.actor(Echo::new).create();
    DFut<Integer> call = echo.task(Echo::echo).submit(1_000);
    int ready = context.await(List.of(task, put, call), 3, SOON).ready().size();
    Optional<ActorHandle<Echo>> nobody = context.getActor(Echo.class, "nobody");
    boolean cancelled = context.cancel(put);
    int sum = task.get() + put.get() + promise.future().get() + call.get();
    return nobody.isEmpty() && !cancelled && ready == 3 ? sum : -1;
  }

  private static void hasNoContext() {
    assertThatThrownBy(DFutContext::current)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("DFutSystem")
        .hasMessageContaining("DFutContext.current()");
  }

  /** Runs something on a thread that the system knows nothing of. */
  private static <T> T onAnotherThread(Callable<T> body) throws Exception {
    try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
      return threads.submit(body).get(10, TimeUnit.SECONDS);
    }
  }

  private static String fromAThreadOfATask() throws Exception {
    DFutContext context = DFutContext.current();
    return onAnotherThread(
        () -> {
          hasNoContext();
          return "without: refused, with: " + everyVerb(context);
        });
  }

  @Test
  @Tag("C015")
  @DisplayName("015 a thread without a context is refused clearly; with one handed over all works")
  void threadWithoutContextIsRefused() throws Exception {
    hasNoContext();
    DFutSystem system = dfut;
    String outside =
        onAnotherThread(
            () -> {
              hasNoContext();
              return "with: " + system.scope(() -> everyVerb(system));
            });
    assertThat(outside).isEqualTo("with: 1112");
    assertThat(dfut.task(ContextScenarios::fromAThreadOfATask).submit().get(SOON))
        .isEqualTo("without: refused, with: 1112");
    assertThat(dfut.task(() -> everyVerb(DFutContext.current())).submit().get(SOON))
        .isEqualTo(1112);
  }

  private static final int THREADS = 20;
  private static final int ROUNDS = 100;

  private String oneRound(Random random, ActorHandle<Echo> echo) {
    return dfut.scope(
        () -> {
          int forTask = random.nextInt();
          int forCall = random.nextInt();
          int forPut = random.nextInt();
          DFut<Object> task = dfut.task(Tasks::echo).submit(forTask);
          DFut<Integer> call = echo.task(Echo::echo).submit(forCall);
          DFut<Integer> put = dfut.put(forPut);
          int ready = dfut.await(List.of(task, call, put), 3, SOON).ready().size();
          boolean right =
              task.get().equals(forTask) && call.get() == forCall && put.get() == forPut;
          return ready + " " + right;
        });
  }

  @Test
  @Tag("C016")
  @DisplayName("016 twenty threads share one driver, and every answer is the right one")
  void manyThreadsShareOneDriver() throws Exception {
    long seed = new Random().nextLong();
    ActorHandle<Echo> echo = dfut.actor(Echo::new).maxConcurrency(4).on(far()).create();
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      List<Future<List<String>>> results = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        Random random = new Random(seed + t);
        results.add(
            threads.submit(
                () -> {
                  List<String> rounds = new ArrayList<>();
                  for (int i = 0; i < ROUNDS; i++) {
                    rounds.add(oneRound(random, echo));
                  }
                  return rounds;
                }));
      }
      for (Future<List<String>> result : results) {
        assertThat(result.get(40, TimeUnit.SECONDS))
            .as("seed %d", seed)
            .hasSize(ROUNDS)
            .containsOnly("3 true");
      }
    }
  }

  @Test
  @Tag("C020")
  @DisplayName("020 a handle of one system is refused by name in another")
  void handleOfAnotherSystemIsRefused() {
    boolean cluster = nodes().size() > 1;
    DFutSystem other = cluster ? habitat().otherDriver() : DFutSystem.local(Habitat.config(1));
    try {
      DFut<Integer> mine = dfut.put(1);
      assertThatThrownBy(() -> other.task(Tasks::increment).submit(mine))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(mine.id().toString())
          .hasMessageContaining("share()");
      assertThat(dfut.task(Tasks::increment).submit(mine).get(SOON)).isEqualTo(2);
      other.scope(
          () -> {
            assertThat(other.task(Tasks::increment).submit(5).get(SOON)).isEqualTo(6);
          });
    } finally {
      if (!cluster) {
        other.close();
      }
    }
  }
}
