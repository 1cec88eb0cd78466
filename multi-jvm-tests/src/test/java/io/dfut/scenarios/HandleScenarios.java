package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.dfut.DFut;
import io.dfut.DPromise;
import io.dfut.Inspection;
import io.dfut.ReleasedException;
import io.dfut.SerializationException;
import io.dfut.SharedDFut;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** How handles are passed on, released, and refused. */
abstract class HandleScenarios extends Scenarios {
  record Parcel(String label, DFut<Integer> content) {}

  private static int open(Tally tally, Parcel parcel) {
    tally.add();
    return parcel.content().get();
  }

  private static int openList(Tally tally, List<DFut<Integer>> parcels) {
    tally.add();
    return parcels.getFirst().get();
  }

  private static int openBare(Tally tally, DFut<Integer> future) {
    tally.add();
    return future.get();
  }

  private static void refusedNamingShare(ThrowingCallable submission) {
    assertThatThrownBy(submission)
        .isInstanceOf(SerializationException.class)
        .hasMessageContaining("share()");
  }

  @Test
  @Tag("C011")
  @DisplayName("011 a DFut as a value is refused at submit, and nothing stays of the attempt")
  void futureAsAValueIsRefused() {
    DPromise<Integer> promise = dfut.promise();
    DFut<Integer> future = promise.future();
    Tally tally = Tally.zero();
    long tasksRun = nodes().stream().mapToLong(node -> node.inspect().tasksRun()).sum();
    refusedNamingShare(
        () -> dfut.task(HandleScenarios::open).submit(tally, new Parcel("p", future)));
    refusedNamingShare(() -> dfut.task(HandleScenarios::openList).submit(tally, List.of(future)));
    refusedNamingShare(() -> dfut.task(HandleScenarios::openBare).submit(tally, future));
    refusedNamingShare(() -> dfut.task(() -> tally.add() + future.get()).submit());
    refusedNamingShare(() -> dfut.put(new Parcel("p", future)));

    promise.complete(1);
    assertThat(future.get(SOON)).isEqualTo(1);
    assertThat(tally.count()).isZero();
    assertThat(nodes().stream().mapToLong(node -> node.inspect().tasksRun()).sum())
        .isEqualTo(tasksRun);
    eventually("the refused submissions left something in the tables")
        .untilAsserted(
            () ->
                assertThat(dfut.inspect().rows())
                    .singleElement()
                    .satisfies(
                        row -> {
                          assertThat(row.object()).isEqualTo(future.id());
                          assertThat(row.counts()).isEqualTo(Map.of("handles", 1));
                        }));
    assertThat(habitat().inStores(Inspection.Store::usedBytes)).isZero();
  }

  /**
   * The method that error messages must name as the place of the release, however many handles the
   * tests before this one closed in the same second.
   */
  private static void closeHere(AutoCloseable handle) {
    Logger logger = (Logger) LoggerFactory.getLogger("io.dfut.handles");
    logger.setLevel(Level.DEBUG);
    try {
      handle.close();
    } catch (Exception e) {
      throw new AssertionError("close() threw", e);
    } finally {
      logger.setLevel(null);
    }
  }

  private static void refusedNamingPlace(ThrowingCallable use) {
    assertThatThrownBy(use)
        .isInstanceOf(ReleasedException.class)
        .hasMessageContaining("HandleScenarios")
        .hasMessageContaining("closeHere");
  }

  private static int valueIn(List<SharedDFut<Integer>> references) {
    return references.getFirst().get();
  }

  @Test
  @Tag("C012")
  @DisplayName("012 a closed handle refuses every use and says where it was closed")
  void closedHandleRefusesEveryUse() {
    DFut<Integer> future = dfut.put(1);
    DFut<Integer> pending = dfut.<Integer>promise().future();
    for (DFut<Integer> handle : List.of(future, pending)) {
      closeHere(handle);
      refusedNamingPlace(handle::get);
      refusedNamingPlace(() -> handle.get(Duration.ZERO));
      refusedNamingPlace(handle::isReady);
      refusedNamingPlace(handle::share);
      refusedNamingPlace(handle::view);
      refusedNamingPlace(handle::toCompletionStage);
      refusedNamingPlace(() -> dfut.task(Tasks::increment).submit(handle));
      refusedNamingPlace(() -> dfut.task(Tasks::sum).submit(DFut.all(List.of(handle))));
      refusedNamingPlace(() -> dfut.await(List.of(handle), 1, SOON));
      handle.close();
      closeHere(handle);
      assertThat(handle.id()).isNotNull();
    }
  }

  @Test
  @Tag("C012")
  @DisplayName("012 a closed shared handle refuses every use and says where it was closed")
  void closedSharedHandleRefusesEveryUse() {
    DFut<Integer> future = dfut.put(1);
    SharedDFut<Integer> shared = future.share();
    closeHere(shared);
    refusedNamingPlace(shared::get);
    refusedNamingPlace(shared::isReady);
    refusedNamingPlace(shared::borrow);
    refusedNamingPlace(shared::toCompletionStage);
    refusedNamingPlace(() -> dfut.task(Tasks::valueOf).submit(shared));
    refusedNamingPlace(() -> dfut.task(HandleScenarios::valueIn).submit(List.of(shared)));
    shared.close();
    assertThat(future.get(SOON)).as("another handle's count is its own").isEqualTo(1);
    SharedDFut<Integer> another = future.share();
    assertThat(another).isEqualTo(shared).hasSameHashCodeAs(shared);
    closeHere(future);
    assertThat(another.get(SOON)).isEqualTo(1);
    assertThat(dfut.task(Tasks::valueOf).submit(another).get(SOON)).isEqualTo(1);
    DFut<Integer> borrowed = another.borrow();
    another.close();
    assertThat(dfut.task(Tasks::increment).submit(borrowed).get(SOON)).isEqualTo(2);
  }

  private static final int LARGE = 200_000;

  @Test
  @Tag("C013")
  @DisplayName("013 leaving a scope releases what it made, apart from what it returns")
  void scopeReleasesWhatItDoesNotReturn() {
    List<DFut<byte[]>> made = new ArrayList<>();
    DFut<byte[]> kept =
        dfut.scope(
            () -> {
              IntStream.range(0, 10).forEach(i -> made.add(dfut.put(Tasks.bytes(i, LARGE))));
              assertThat(habitat().inStores(Inspection.Store::objects)).isEqualTo(10);
              return made.get(3);
            });
    eventually("the scope's other objects are still there")
        .atMost(Duration.ofSeconds(1))
        .untilAsserted(
            () -> {
              assertThat(habitat().inStores(Inspection.Store::objects)).isEqualTo(1);
              assertThat(dfut.inspect().rows())
                  .extracting(Inspection.Row::object)
                  .containsExactly(kept.id());
            });
    assertThat(kept.get(SOON)).isEqualTo(Tasks.bytes(3, LARGE));
    assertThatThrownBy(() -> made.get(4).get(SOON)).isInstanceOf(ReleasedException.class);
  }

  record Kept(String label, List<DFut<Integer>> futures) {}

  @Test
  @Tag("C013")
  @DisplayName("013 a scope keeps what stands inside its result, and releases when it throws")
  void scopeKeepsWhatStandsInsideItsResult() {
    List<DFut<Integer>> made = new ArrayList<>();
    Kept kept =
        dfut.scope(
            () -> {
              IntStream.range(0, 4).forEach(i -> made.add(dfut.put(i)));
              return new Kept("k", List.of(made.get(1), made.get(2)));
            });
    assertThat(kept.futures().stream().map(future -> future.get(SOON))).containsExactly(1, 2);
    assertThatThrownBy(() -> made.get(0).get(SOON)).isInstanceOf(ReleasedException.class);

    assertThatThrownBy(
            () ->
                dfut.scope(
                    () -> {
                      made.add(dfut.put(4));
                      throw new IllegalStateException("the body's own");
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the body's own");
    assertThatThrownBy(() -> made.get(4).get(SOON)).isInstanceOf(ReleasedException.class);
  }

  private static byte[] bytesAfter(Gate gate, int length) throws InterruptedException {
    gate.pass();
    return Tasks.bytes(length, length);
  }

  private byte[] bytesWithoutAHandle(Gate gate, int length) {
    return dfut.task(HandleScenarios::bytesAfter).submit(gate, length).get(SOON);
  }

  @Test
  @DisplayName("a handle that only its own get refers to is not taken for unreachable")
  void handleIsHeldByItsOwnGet() throws Exception {
    Gate open = Gate.closed();
    open.open();
    for (int i = 0; i < 1_000; i++) { // compiled code alone forgets what it does not use again
      int length = i % 10;
      dfut.scope(() -> assertThat(bytesWithoutAHandle(open, length)).hasSize(length));
    }
    for (int i = 0; i < 3; i++) {
      Gate gate = Gate.closed();
      CompletableFuture<byte[]> value =
          CompletableFuture.supplyAsync(() -> bytesWithoutAHandle(gate, LARGE));
      gate.awaitArrived(1);
      for (int collections = 0; collections < 3; collections++) {
        System.gc();
        assertThatThrownBy(() -> value.get(20, TimeUnit.MILLISECONDS))
            .isInstanceOf(TimeoutException.class);
      }
      gate.open();
      assertThat(value.get(10, TimeUnit.SECONDS)).isEqualTo(Tasks.bytes(LARGE, LARGE));
    }
    System.gc(); // nothing but the cleaner releases what was made outside the scope
  }

  /**
   * What a handle gives is either a handle on a living object, or an error: a close by another
   * thread does not come between the look at the handle and the new count.
   */
  @Test
  void handleClosedWhileItIsSharedGivesALivingReferenceOrAnError() throws Exception {
    AtomicReference<DFut<Integer>> next = new AtomicReference<>();
    AtomicBoolean over = new AtomicBoolean();
    CompletableFuture<Void> closing =
        CompletableFuture.runAsync(
            () -> {
              while (!over.get()) {
                DFut<Integer> future = next.getAndSet(null);
                if (future != null) {
                  future.close();
                }
              }
            });
    Random random = new Random(11);
    for (int i = 0; i < 20_000; i++) {
      DFut<Integer> future = dfut.put(i);
      next.set(future);
      for (int spins = random.nextInt(100); spins > 0; spins--) {
        Thread.onSpinWait();
      }
      try (SharedDFut<Integer> shared = future.share();
          DFut<Integer> borrowed = shared.borrow();
          DFut<Integer> result = dfut.task(Tasks::increment).submit(borrowed)) {
        assertThat(result.get(SOON)).isEqualTo(i + 1);
      } catch (ReleasedException e) {
        assertThat(e).hasMessageContaining("share()");
      }
    }
    over.set(true);
    closing.get(1, TimeUnit.MINUTES);
  }
}
