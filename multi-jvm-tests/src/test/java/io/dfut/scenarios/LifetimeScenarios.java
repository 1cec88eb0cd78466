package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.dfut.ActorHandle;
import io.dfut.Arg;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.Inspection;
import io.dfut.ObjectId;
import io.dfut.ReleasedException;
import io.dfut.SharedDFut;
import io.dfut.StoreFullException;
import io.dfut.TaskFailedException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** How long objects live: by their counts, without their handles, and in full stores. */
abstract class LifetimeScenarios extends ObjectScenarios {
  // ---- counts ----

  /** Waits until so many handles and pending tasks hold the object; lineage is another matter. */
  private void counted(ObjectId id, int handles, int arguments) {
    eventually("the owner counts otherwise")
        .untilAsserted(
            () ->
                assertThat(countsOf(id))
                    .satisfies(
                        counts ->
                            assertThat(
                                    List.of(
                                        counts.getOrDefault("handles", 0),
                                        counts.getOrDefault("arguments", 0)))
                                .containsExactly(handles, arguments)));
  }

  private static final int TEN_MEGABYTES = 10_000_000;

  @Test
  @Tag("C027")
  @DisplayName("027 a stored argument is counted while its task runs, and not after")
  void storedArgumentIsCountedWhileItsTaskRuns() {
    DFut<byte[]> argument = dfut.put(Tasks.bytes(1, TEN_MEGABYTES));
    counted(argument.id(), 1, 0);
    Gate gate = Gate.closed();
    DFut<Seen> result = dfut.task(ObjectScenarios::seeAfter).submit(gate, argument);
    gate.awaitArrived(1);
    counted(argument.id(), 1, 1);
    gate.open();
    assertThat(result.get(SOON)).isEqualTo(Seen.of(Tasks.bytes(1, TEN_MEGABYTES)));
    counted(argument.id(), 1, 0);
    counted(result.id(), 1, 0);
    argument.close();
    result.close();
    nothingIsLeft();
  }

  private static int addAfter(Gate gate, int value) throws InterruptedException {
    gate.pass();
    return value + 1;
  }

  @Test
  @Tag("C028")
  @DisplayName("028 a small argument stops counting once it is inlined into the task")
  void smallArgumentStopsCountingOnceItIsInlined() {
    Gate producing = Gate.closed();
    Gate consuming = Gate.closed();
    DFut<Integer> argument = dfut.task(LifetimeScenarios::addAfter).submit(producing, 1);
    DFut<Integer> result =
        dfut.task(LifetimeScenarios::addAfter).submit(Arg.of(consuming), argument);
    producing.awaitArrived(1);
    counted(argument.id(), 1, 1);
    producing.open();
    consuming.awaitArrived(1); // it has its value, and has not ended
    counted(argument.id(), 1, 0);
    argument.close();
    gone(argument.id());
    consuming.open();
    assertThat(result.get(SOON)).isEqualTo(3);
    result.close();
    nothingIsLeft();
  }

  private static int failAfter(Gate gate, byte[] value) throws InterruptedException {
    gate.pass();
    throw new IllegalArgumentException("length " + value.length);
  }

  @Test
  @Tag("C029")
  @DisplayName("029 a failing consumer releases its argument and keeps its own error")
  void failingConsumerReleasesItsArgument() {
    DFut<byte[]> argument = dfut.put(Tasks.bytes(1, TEN_MEGABYTES));
    Gate gate = Gate.closed();
    DFut<Integer> result = dfut.task(LifetimeScenarios::failAfter).submit(gate, argument);
    gate.awaitArrived(1);
    counted(argument.id(), 1, 1);
    gate.open();
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> result.get(SOON))
          .isInstanceOf(TaskFailedException.class)
          .hasMessageContaining("length " + TEN_MEGABYTES);
      counted(argument.id(), 1, 0);
    }
    argument.close();
    gone(argument.id());
    assertThatThrownBy(() -> result.get(SOON)).isInstanceOf(TaskFailedException.class);
    result.close();
    nothingIsLeft();
  }

  @Test
  @Tag("C040")
  @DisplayName("040 references are listed with size, counts and where they were made")
  void referencesAreListed() {
    DFut<byte[]> two = dfut.put(new byte[200]);
    DFut<byte[]> one = putElsewhere(100);
    SharedDFut<byte[]> shared = two.share();
    eventually("the rows are not those of the two puts")
        .untilAsserted(
            () -> {
              Map<ObjectId, Inspection.Row> rows =
                  dfut.inspect().rows().stream()
                      .collect(Collectors.toMap(Inspection.Row::object, row -> row));
              assertThat(rows).containsOnlyKeys(two.id(), one.id());
              Inspection.Row first = rows.get(two.id());
              assertThat(first.bytes()).isBetween(200L, 220L);
              assertThat(first.counts()).isEqualTo(Map.of("handles", 2));
              assertThat(first.madeBy()).contains("referencesAreListed");
              Inspection.Row second = rows.get(one.id());
              assertThat(second.bytes()).isBetween(100L, 120L);
              assertThat(second.counts()).isEqualTo(Map.of("handles", 1));
              assertThat(second.madeBy()).contains("putElsewhere");
              assertThat(dfut.inspect().largest(1))
                  .extracting(Inspection.Row::object)
                  .containsExactly(two.id());
              assertThat(dfut.inspect().largest(5))
                  .extracting(Inspection.Row::object)
                  .containsExactly(two.id(), one.id());
            });
    shared.close();
  }

  private DFut<byte[]> putElsewhere(int length) {
    return dfut.put(new byte[length]);
  }

  // ---- forgotten handles ----

  private void collected(ObjectId... ids) {
    eventually("a handle that nobody can reach still counts")
        .pollInterval(Duration.ofMillis(50))
        .untilAsserted(
            () -> {
              System.gc();
              assertThat(rows().stream().filter(row -> List.of(ids).contains(row.object())))
                  .isEmpty();
            });
  }

  private ObjectId putAndForget(int length) {
    return dfut.put(Tasks.bytes(1, length)).id();
  }

  private ObjectId submitAndForget(int length) {
    return dfut.task(Tasks::bytes).submit(1, length).share().id();
  }

  @Test
  @Tag("C036")
  @DisplayName("036 a forgotten handle is released by the garbage collector")
  void forgottenHandleIsReleased() {
    for (int length : new int[] {SMALL, LARGE}) {
      DFut<byte[]> held = dfut.put(Tasks.bytes(2, length));
      collected(putAndForget(length), submitAndForget(length));
      assertThat(Seen.of(held.get(SOON))).isEqualTo(Seen.of(Tasks.bytes(2, length)));
    }
  }

  @Test
  @Tag("C036")
  @DisplayName("036 a debug line says which handle was forgotten, and where it was made")
  void forgottenHandleIsNamed() {
    Logger logger = (Logger) LoggerFactory.getLogger("io.dfut.handles");
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    logger.addAppender(log);
    logger.setLevel(Level.DEBUG);
    try {
      ObjectId put = putAndForget(SMALL);
      try (DFut<byte[]> closed = dfut.put(Tasks.bytes(1, SMALL))) {
        collected(put);
        assertThat(List.copyOf(log.list))
            .extracting(ILoggingEvent::getFormattedMessage)
            .filteredOn(line -> line.contains(put.toString()))
            .singleElement()
            .asString()
            .contains("putAndForget(LifetimeScenarios.java:")
            .contains("garbage collector");
        assertThat(log.list)
            .noneMatch(event -> event.getFormattedMessage().contains(closed.id().toString()));
      }
    } finally {
      logger.setLevel(null);
      logger.detachAppender(log);
    }
  }

  @Test
  @Tag("C036")
  @DisplayName("036 so is one that an actor no longer has in its field, as a borrower")
  void handleForgottenByAnActorIsReleased() {
    ofEveryKind(
        (object, seen) -> {
          ActorHandle<Keeper> keeper = keptByAnActor(object);
          System.gc();
          assertThat(readBy(keeper)).isEqualTo(seen);
          keeper.task(Keeper::forgetFirst).submit().get(SOON);
          collected(object.id());
        });
  }

  @Test
  @DisplayName("handles that nobody can reach give their room back when the store is full")
  void roomComesBackFromForgottenHandles() {
    DFut<byte[]> held = dfut.put(Tasks.bytes(1, TEN_MEGABYTES));
    for (int i = 0; i < 60; i++) { // 600 MB through 256 MiB, and nothing is closed
      DFut<byte[]> forgotten = dfut.task(Tasks::bytes).submit(i, TEN_MEGABYTES);
      assertThat(forgotten.get(SOON)).hasSize(TEN_MEGABYTES);
    }
    assertThat(Seen.of(held.get(SOON))).isEqualTo(Seen.of(Tasks.bytes(1, TEN_MEGABYTES)));
    held.close();
    System.gc();
    nothingIsLeft();
  }

  // ---- stages ----

  @Test
  @DisplayName("a completion stage keeps its object until it completes, and no longer")
  void stageKeepsItsObject() {
    for (int length : new int[] {SMALL, LARGE}) {
      Gate gate = Gate.closed();
      DFut<SharedDFut<byte[]>> result =
          dfut.task(ObjectScenarios::startAndShare).submit(gate, 2, length);
      SharedDFut<byte[]> borrowed = result.get(SOON);
      CompletableFuture<byte[]> stage = borrowed.toCompletionStage().toCompletableFuture();
      result.close();
      borrowed.close();
      gone(result.id());
      assertThat(stage).isNotDone();
      gate.open();
      assertThat(stage)
          .succeedsWithin(SOON)
          .satisfies(bytes -> assertThat(bytes).isEqualTo(Tasks.bytes(2, length)));
      nothingIsLeft();
    }
  }

  // ---- full stores ----

  @Test
  @Tag("C032")
  @DisplayName("032 a pending task's argument stays in a full store")
  void pendingArgumentStaysInAFullStore() {
    Seen seen = Seen.of(Tasks.bytes(1, HUGE));
    Gate gate = Gate.closed();
    DFut<Integer> signal = dfut.task(Tasks::after).submit(gate, 1);
    DFut<byte[]> argument = dfut.put(Tasks.bytes(1, HUGE));
    DFut<Seen> result =
        dfut.task((Integer ignored, byte[] value) -> see(value)).submit(signal, argument);
    letGo(argument);
    fillStores();
    gate.open();
    assertThat(result.get(SOON)).isEqualTo(seen);
    storesAreEmpty();
    fillStores();
  }

  @Test
  @Tag("C033")
  @DisplayName("033 what an actor put and holds survives a full store")
  void actorsObjectSurvivesAFullStore() {
    ActorHandle<Keeper> keeper = keeper();
    keeper.task(Keeper::putOwn).submit(1, HUGE).get(SOON);
    fillStores();
    fillStores();
    assertThat(readBy(keeper)).isEqualTo(Seen.of(Tasks.bytes(1, HUGE)));
    dropBy(keeper);
    storesAreEmpty();
    fillStores();
  }

  /** Tries what cannot be. */
  static final class Trier extends DFutActor<Void> {
    private int tries;

    String put(int bytes) {
      tries++;
      try (DFut<ByteBuffer> put = dfut().put(ByteBuffer.allocateDirect(bytes))) {
        return "has put " + put.id();
      } catch (StoreFullException e) {
        return e.getMessage();
      }
    }

    ByteBuffer give(int bytes) {
      tries++;
      return ByteBuffer.allocateDirect(bytes);
    }

    int tries() {
      return tries;
    }
  }

  private void isRefusedWithTheFigures(String message, long asked) {
    long capacity = nodes().getLast().inspect().store().capacityBytes();
    assertThat(message)
        .contains("asked " + asked + " bytes")
        .contains("capacity " + capacity)
        .containsPattern("free \\d+")
        .contains("larger than the whole store", "dfut.store.memory");
  }

  @Test
  @Tag("C220")
  @DisplayName("220 a value larger than the store is refused with the figures; its actor lives on")
  void valueLargerThanTheStoreIsRefused() {
    int bytes = 300 * MEBIBYTE;
    long asked = bytes + 8L; // with what it is wrapped in
    ActorHandle<Trier> trier = dfut.actor(Trier::new).on(far()).create();
    isRefusedWithTheFigures(trier.task(Trier::put).submit(bytes).get(SOON), asked);
    DFut<ByteBuffer> given = trier.task(Trier::give).submit(bytes);
    assertThatThrownBy(() -> given.get(SOON))
        .isInstanceOf(StoreFullException.class)
        .satisfies(e -> isRefusedWithTheFigures(e.getMessage(), asked));
    assertThatThrownBy(() -> dfut.put(ByteBuffer.allocateDirect(bytes)))
        .isInstanceOf(StoreFullException.class)
        .satisfies(e -> isRefusedWithTheFigures(e.getMessage(), asked));
    assertThat(trier.task(Trier::tries).submit().get(SOON)).isEqualTo(2);
    given.close();
    trier.close();
    fillStores();
  }

  // ---- readers that are late ----

  @Test
  @Tag("C081")
  @DisplayName("081 a reader gets its value when the owner closes its last handle meanwhile")
  void readerAndCloseAtOnce() {
    ActorHandle<Keeper> keeper = keeper();
    for (int i = 0; i < 200; i++) {
      int length = i % 2 == 0 ? SMALL : LARGE;
      int seed = i;
      dfut.scope(
          () -> {
            DFut<byte[]> object = dfut.put(Tasks.bytes(seed, length));
            SharedDFut<byte[]> shared = object.share();
            DFut<Seen> byTask = dfut.task(ObjectScenarios::read).submit(shared);
            DFut<Void> kept = keeper.task(Keeper::keepFirst).submit(shared);
            DFut<Seen> byActor = keeper.task(Keeper::readFirst).submit();
            DFut<Void> dropped = keeper.task(Keeper::dropFirst).submit();
            object.close();
            shared.close();
            Seen seen = Seen.of(Tasks.bytes(seed, length));
            assertThat(byTask.get(SOON)).isEqualTo(seen);
            assertThat(byActor.get(SOON)).isEqualTo(seen);
            assertThat(kept.get(SOON)).isNull();
            assertThat(dropped.get(SOON)).isNull();
          });
    }
  }

  /** Waits in get() on another thread; what it gives or throws. */
  private static CompletableFuture<Object> waiting(Supplier<Object> get) {
    CompletableFuture<Object> answer = new CompletableFuture<>();
    Thread reader =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    answer.complete(get.get());
                  } catch (RuntimeException e) {
                    answer.completeExceptionally(e);
                  }
                });
    eventually("the reader does not wait")
        .until(
            () ->
                reader.getState() == Thread.State.WAITING
                    || reader.getState() == Thread.State.TIMED_WAITING);
    return answer;
  }

  @Test
  @Tag("C081")
  @DisplayName("081 a reader whose own handle is closed meanwhile gets a definite answer")
  void readerWhoseHandleIsClosed() {
    Gate gate = Gate.closed();
    DFut<Integer> promised = dfut.<Integer>promise().future();
    DFut<Integer> pending = dfut.task(Tasks::after).submit(gate, 1);
    SharedDFut<byte[]> borrowed =
        dfut.task(ObjectScenarios::startAndShare).submit(gate, 1, SMALL).get(SOON);
    Map<String, CompletableFuture<Object>> readers =
        Map.of(
            "of a promise",
            waiting(promised::get),
            "of a task",
            waiting(pending::get),
            "of a borrower",
            waiting(borrowed::get),
            "of a borrower, with a bound",
            waiting(() -> borrowed.get(Duration.ofSeconds(40))));
    promised.close();
    pending.close();
    borrowed.close();
    readers.forEach(
        (whose, reader) ->
            assertThatThrownBy(() -> reader.get(10, TimeUnit.SECONDS))
                .as(whose)
                .cause()
                .isInstanceOf(ReleasedException.class)
                .hasMessageContaining("readerWhoseHandleIsClosed"));
    gate.open();
  }
}
