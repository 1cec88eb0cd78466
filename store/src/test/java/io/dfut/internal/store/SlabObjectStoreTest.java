package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.ConfigFactory;
import io.dfut.BackpressureException;
import io.dfut.ObjectId;
import io.dfut.StoreFullException;
import io.dfut.SystemClosedException;
import io.dfut.internal.codec.Encoded;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore;
import io.dfut.internal.spi.ObjectStore.Pinned;
import io.dfut.internal.spi.ObjectStore.SourceLostException;
import io.dfut.internal.spi.ObjectStore.Urgency;
import io.dfut.internal.spi.ObjectStoreProvider;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One store with real memory and real threads. */
final class SlabObjectStoreTest {
  private static final int MIB = 1 << 20;

  private final Stores stores = new Stores();

  @AfterEach
  void close() {
    stores.close();
  }

  @Test
  void valueIsReadBackAsItWasPutWithoutACopy() {
    SlabObjectStore store = stores.open(1, "");
    Values value = Values.of(1, 3 * MIB);
    assertThat(store.putPrimary(key(1), value)).isEqualTo(3 * MIB);
    try (Pinned one = store.pin(key(1)).orElseThrow();
        Pinned two = store.pin(key(1)).orElseThrow()) {
      assertThat(value.isIn(one)).isTrue();
      assertThat(one.bytes().isReadOnly()).isTrue();
      assertThat(one.bytes().isNative()).isTrue();
      assertThat(one.bytes().address()).isEqualTo(two.bytes().address());
    }
    assertThat(store.bytesOf(List.of(key(1), key(2)))).isEqualTo(3 * MIB);
    assertThat(store.contains(key(1))).isTrue();
    assertThat(store.pin(key(2))).isEmpty();
    store.free(key(1));
    assertThat(store.stats().usedBytes()).isZero();
  }

  @Test
  void fetchOfWhatIsHereCompletesAtOnceAndOfWhatIsNowhereFails() throws Exception {
    SlabObjectStore store = stores.open(1, "");
    store.putPrimary(key(1), Values.of(1, 100));
    CompletableFuture<Pinned> here =
        store.fetch(key(1), 100, List.of(), Urgency.GET).toCompletableFuture();
    assertThat(here).isDone();
    here.get().close();
    assertThatThrownBy(() -> Stores.get(store.fetch(key(2), 100, List.of(node(2)), Urgency.GET)))
        .hasCauseInstanceOf(SourceLostException.class);
    assertThat(store.endpoint()).isEmpty();
    Stores.assertNoLeaks(store);
  }

  @Test
  void putIsIdempotent() {
    SlabObjectStore store = stores.open(1, "");
    store.putPrimary(key(1), Values.of(1, 100));
    assertThat(store.putPrimary(key(1), Values.of(1, 100))).isEqualTo(100);
    assertThat(store.stats().objects()).isEqualTo(1);
  }

  @Test
  void putThatFailsHalfwayLeavesNothing() {
    SlabObjectStore store = stores.open(1, "");
    Encoded broken =
        new Encoded() {
          @Override
          public long bytes() {
            return 1000;
          }

          @Override
          public void writeTo(MemorySegment target) {
            target.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            throw new UnsupportedOperationException("on purpose");
          }

          @Override
          public List<ObjectId> references() {
            return List.of();
          }
        };
    assertThatThrownBy(() -> store.putPrimary(key(1), broken)).hasMessage("on purpose");
    assertThat(store.stats().usedBytes()).isZero();
    store.putPrimary(key(1), Values.of(1, 1000));
  }

  @Test
  void writerCannotWriteBeyondItsOwnBytes() {
    SlabObjectStore store = stores.open(1, "");
    AtomicReference<Long> given = new AtomicReference<>();
    store.putPrimary(
        key(1),
        new Encoded() {
          @Override
          public long bytes() {
            return 100;
          }

          @Override
          public void writeTo(MemorySegment target) {
            given.set(target.byteSize());
          }

          @Override
          public List<ObjectId> references() {
            return List.of();
          }
        });
    assertThat(given.get()).isEqualTo(100);
  }

  @Test
  void freedObjectIsReadToTheEndByThoseWhoHaveItPinned() {
    SlabObjectStore store = stores.open(1, "");
    Values value = Values.of(1, MIB);
    store.putPrimary(key(1), value);
    Pinned pinned = store.pin(key(1)).orElseThrow();
    store.free(key(1));
    for (int i = 2; i < 10; i++) {
      store.putPrimary(key(i), Values.of(i, MIB)); // must not take its memory
    }
    assertThat(value.isIn(pinned)).isTrue();
    assertThat(store.contains(key(1))).isFalse();
    pinned.close();
    pinned.close();
    assertThat(store.contents()).doesNotContainKey(key(1));
    assertThatThrownBy(pinned::bytes).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void everyUseAfterCloseThrowsAndNothingCrashes() {
    SlabObjectStore store = stores.open(1, "");
    store.putPrimary(key(1), Values.of(1, MIB));
    Pinned pinned = store.pin(key(1)).orElseThrow();
    MemorySegment segment = pinned.bytes();
    MemorySegment slice = segment.asSlice(10, 100);
    ByteBuffer buffer = segment.asByteBuffer();
    store.close();
    assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> slice.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> buffer.get(0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(pinned::bytes).isInstanceOf(IllegalStateException.class);
    pinned.close();
    store.close();
    assertThatThrownBy(() -> store.putPrimary(key(2), Values.of(1, 10)))
        .isInstanceOf(SystemClosedException.class);
    assertThat(store.pin(key(1))).isEmpty();
    assertThat(store.fetch(key(1), MIB, List.of(), Urgency.GET).toCompletableFuture())
        .isCompletedExceptionally();
    assertThat(store.promote(key(1))).isFalse();
    store.free(key(1));
  }

  @Test
  void closingUnderReadersAndWritersThrowsInThemAndNothingCrashes() throws Exception {
    SlabObjectStore store = stores.open(1, "");
    store.putPrimary(key(1), Values.of(1, MIB));
    CountDownLatch begun = new CountDownLatch(4);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Throwable>> ends = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        int number = t;
        ends.add(
            threads.submit(
                () -> {
                  try {
                    for (int i = 0; ; i++) {
                      if (number % 2 == 0) {
                        Pinned pinned = store.pin(key(1)).orElseThrow(IllegalStateException::new);
                        long sum = 0;
                        for (long at = 0; at < MIB; at += 64) {
                          sum += pinned.bytes().get(ValueLayout.JAVA_BYTE, at);
                        }
                        pinned.close();
                        assertThat(sum).isNotEqualTo(Long.MIN_VALUE);
                      } else {
                        ObjectKey key = key(1000 * (number + 1) + i);
                        store.putPrimary(key, Values.of(i, MIB));
                        store.free(key);
                      }
                      begun.countDown();
                    }
                  } catch (IllegalStateException | SystemClosedException e) {
                    return e;
                  }
                }));
      }
      assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
      store.close();
      for (Future<Throwable> end : ends) {
        assertThat(end.get(30, TimeUnit.SECONDS)).isNotNull();
      }
    }
  }

  @Test
  void fullStoreMakesAPutWaitAndThenFailNamingWhatHoldsTheMemory() {
    SlabObjectStore store = stores.open(1, "store.put-timeout = 200 ms");
    store.putPrimary(key(1), Values.of(1, 12 * MIB));
    assertThatThrownBy(() -> store.putPrimary(key(2), Values.of(2, 8 * MIB)))
        .isInstanceOf(StoreFullException.class)
        .hasMessageContaining("asked " + 8 * MIB)
        .hasMessageContaining("capacity " + 16 * MIB)
        .hasMessageContaining("used " + 12 * MIB)
        .hasMessageContaining("free " + 4 * MIB)
        .hasMessageContaining(key(1) + " (" + 12 * MIB + " bytes, primary)")
        .hasMessageContaining("dfut.store.memory");
    assertThatThrownBy(() -> store.putPrimary(key(2), Values.of(2, 17 * MIB)))
        .isInstanceOf(StoreFullException.class)
        .hasMessageContaining("larger than the whole store");
    Stores.assertNoLeaks(store);
  }

  @Test
  void waitingPutGoesOnWhenSomethingIsFreed() throws Exception {
    SlabObjectStore store = stores.open(1, "store.put-timeout = 1 h");
    store.putPrimary(key(1), Values.of(1, 12 * MIB));
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Long> put = threads.submit(() -> store.putPrimary(key(2), Values.of(2, 8 * MIB)));
      Pinned pinned = store.pin(key(1)).orElseThrow();
      store.free(key(1));
      assertThat(put).isNotDone();
      pinned.close();
      assertThat(put.get(30, TimeUnit.SECONDS)).isEqualTo(8 * MIB);
    }
  }

  @Test
  void interruptedPutEndsAndLeavesNothing() throws Exception {
    SlabObjectStore store = stores.open(1, "store.put-timeout = 1 h");
    store.putPrimary(key(1), Values.of(1, 12 * MIB));
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    Thread thread =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    store.putPrimary(key(2), Values.of(2, 8 * MIB));
                    end.complete(null);
                  } catch (StoreFullException e) {
                    end.complete(Thread.currentThread().isInterrupted() ? e : null);
                  }
                });
    thread.interrupt();
    assertThat(end.get(30, TimeUnit.SECONDS)).hasMessageContaining("interrupted");
    store.free(key(1));
    assertThat(store.stats().usedBytes()).isZero();
    Stores.assertNoLeaks(store);
  }

  @Test
  void putOnADispatcherNeverParks() throws Exception {
    SlabObjectStore store = stores.open(1, "store.put-timeout = 1 h");
    store.putPrimary(key(1), Values.of(1, 12 * MIB));
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    stores
        .kit()
        .system()
        .executionContext()
        .execute(
            () -> {
              try {
                store.putPrimary(key(2), Values.of(2, 8 * MIB));
                end.complete(null);
              } catch (RuntimeException e) {
                end.complete(e);
              }
            });
    assertThat(end.get(30, TimeUnit.SECONDS)).isInstanceOf(BackpressureException.class);
    Stores.assertNoLeaks(store);
  }

  @Test
  void closingEndsWaitingPuts() throws Exception {
    SlabObjectStore store = stores.open(1, "store.put-timeout = 1 h");
    store.putPrimary(key(1), Values.of(1, 12 * MIB));
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Long> put = threads.submit(() -> store.putPrimary(key(2), Values.of(2, 8 * MIB)));
      store.close();
      assertThatThrownBy(() -> put.get(30, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(SystemClosedException.class);
    }
  }

  @Test
  void storeClosesWithItsActorSystem() {
    SlabObjectStore store = stores.open(1, "");
    store.putPrimary(key(1), Values.of(1, 10));
    MemorySegment segment = store.pin(key(1)).orElseThrow().bytes();
    stores.kit().shutdownTestKit();
    await("memory is given back").until(() -> !segment.scope().isAlive());
  }

  @Test
  void manyThreadsPutReadAndFreeTheirOwnAndEachOthersObjects() throws Exception {
    SlabObjectStore store = stores.open(1, "store.memory = 2 MiB");
    long seed = Long.getLong("dfut.sim.seed", System.nanoTime());
    System.out.println("SlabObjectStoreTest: seed " + seed);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> ends = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        Random random = new Random(seed + t);
        ends.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < 3000; i++) {
                    int k = random.nextInt(20);
                    int bytes = 1 + k * 10_000;
                    switch (random.nextInt(3)) {
                      case 0 -> store.putPrimary(key(k), Values.of(k, bytes));
                      case 1 -> store.free(key(k));
                      default -> {
                        Optional<Pinned> pinned = store.pin(key(k));
                        if (pinned.isPresent()) {
                          assertThat(Values.of(k, bytes).isIn(pinned.get())).isTrue();
                          pinned.get().close();
                        }
                      }
                    }
                  }
                }));
      }
      for (Future<?> end : ends) {
        end.get(60, TimeUnit.SECONDS);
      }
    }
    Stores.assertNoLeaks(store);
    for (int k = 0; k < 20; k++) {
      store.free(key(k));
    }
    assertThat(store.stats().usedBytes()).isZero();
    assertThat(store.contents()).isEmpty();
  }

  @Test
  void fetchThatTimesOutElsewhereIsGivenUp() {
    SlabObjectStore store =
        stores.open(
            1, "store.pull.peer-wait = 10 m, store.pull.timeout = 1 h", new PlainTransport());
    CompletionStage<Pinned> fetch = store.fetch(key(1), 100, List.of(node(2)), Urgency.GET);
    assertThat(store.contents()).containsKey(key(1));
    assertThat(fetch.toCompletableFuture().orTimeout(1, TimeUnit.MILLISECONDS))
        .failsWithin(Duration.ofSeconds(30));
    await("the pull is forgotten").until(() -> store.contents().isEmpty());
  }

  @Test
  void providerIsFoundAsAService() {
    ObjectStoreProvider provider =
        ServiceLoader.load(ObjectStoreProvider.class).findFirst().orElseThrow();
    try (ObjectStore store =
        provider.open(stores.kit().system(), Stores.config(""), node(1), false)) {
      assertThat(store.endpoint()).isEmpty();
      assertThat(store.stats().capacityBytes()).isEqualTo(16 * MIB);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "memory, 1 KiB",
    "memory, lots",
    "put-timeout, 0 s",
    "put-timeout, soon",
    "waiters-max, 0",
    "pull.chunk, 17 MiB",
    "pull.chunk, 1 KiB",
    "pull.max-bytes-in-flight, 0",
    "pull.connections-per-peer, 65",
    "pull.timeout, -1 s",
    "pull.peer-wait, 1 d",
    "data.port, 65536",
    "data.public-port, 65536",
    "data.host, ''",
    "data.connections-max, 0",
    "data.connect-timeout, 0 ms",
    "data.handshake-timeout, 1 h",
    "data.chunk-timeout, no",
    "data.idle-timeout, 2 d",
  })
  void wrongSettingIsRefusedNamingKeyValueAndRange(String key, String value) {
    String shown = value.matches("\\d+") ? value : "";
    assertThatThrownBy(
            () ->
                StoreSettings.of(
                    ConfigFactory.parseString("store." + key + " = \"" + value + "\"")
                        .withFallback(Stores.config(""))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dfut.store." + key)
        .hasMessageContaining(shown)
        .hasMessageContaining("allowed");
  }

  @Test
  void autoMemoryIsAShareOfTheMachine() {
    StoreSettings settings =
        StoreSettings.of(
            ConfigFactory.parseString("store.memory = auto").withFallback(Stores.config("")));
    assertThat(settings.memoryBytes()).isBetween(64L << 10, 4L << 30);
  }
}
