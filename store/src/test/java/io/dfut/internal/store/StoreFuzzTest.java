package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.StoreFullException;
import io.dfut.SystemClosedException;
import io.dfut.internal.spi.ObjectStore.Pinned;
import io.dfut.internal.spi.ObjectStore.Urgency;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Several threads do to one store whatever its interface allows, drawn from a seed, and compare
 * what they read with a map of byte arrays; pins are used after they, or the store, were closed. A
 * crash of the JVM fails the build, as each module's tests have a JVM of their own.
 *
 * <p>Replayed with {@code -Ddfut.fuzz.seed=…}, for longer with {@code -Ddfut.fuzz.seconds=600} (in
 * {@code -Dtest.jvm.args}). A seed fixes what each thread does, not how the threads interleave.
 */
@Timeout(value = 1, unit = TimeUnit.DAYS)
final class StoreFuzzTest {
  private static final long SECONDS = Long.getLong("dfut.fuzz.seconds", 6);
  private static final int THREADS = 4;
  private static final int STEPS = 600;
  private static final int KEYS = 48;

  private final Stores stores = new Stores();

  @AfterEach
  void close() {
    stores.close();
  }

  @Test
  void noSequenceOfCallsCrashesOrShowsOtherBytes() throws Exception {
    Long fixed = Long.getLong("dfut.fuzz.seed");
    long seed = fixed != null ? fixed : System.nanoTime();
    System.out.println("seed " + seed);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    int rounds = 0;
    do {
      new Round(seed + rounds).run();
      rounds++;
    } while (System.nanoTime() - end < 0);
    System.out.println(rounds + " rounds");
  }

  /** A store from its opening to its end, and everything that was kept of it beyond. */
  private final class Round {
    final long seed;
    final SlabObjectStore store;

    /** What was put under which key. Added before the put; objects are never put again. */
    final Map<Integer, byte[]> model = new ConcurrentHashMap<>();

    /** The newest number of every place in the table of keys. */
    final AtomicInteger[] places = new AtomicInteger[KEYS];

    final Map<Integer, Boolean> sealed = new ConcurrentHashMap<>();
    final Map<Integer, Boolean> freed = new ConcurrentHashMap<>();
    final AtomicInteger lastNumber = new AtomicInteger();
    volatile boolean closing;

    Round(long seed) {
      this.seed = seed;
      this.store = stores.open(1, "store { memory = 2 MiB, put-timeout = 20 ms }");
      for (int i = 0; i < KEYS; i++) {
        places[i] = new AtomicInteger();
      }
    }

    void run() throws Exception {
      List<Player> players = new ArrayList<>();
      List<CompletableFuture<Void>> ends = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        Player player = new Player(this, new Random(seed * 31 + i));
        players.add(player);
        CompletableFuture<Void> done = new CompletableFuture<>();
        ends.add(done);
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  try {
                    player.play();
                    done.complete(null);
                  } catch (Throwable t) {
                    done.completeExceptionally(t);
                  }
                });
      }
      Random random = new Random(seed);
      int after = random.nextInt(2 * THREADS * STEPS); // in half of the rounds all are done before
      while (Player.stepsOf(players) < after
          && !ends.stream().allMatch(CompletableFuture::isDone)) {
        Thread.onSpinWait();
      }
      closing = true;
      store.close();
      try {
        for (CompletableFuture<Void> done : ends) {
          done.get(60, TimeUnit.SECONDS);
        }
        for (Player player : players) {
          player.checkAfterTheEnd();
        }
      } catch (ExecutionException e) {
        throw new AssertionError("seed " + seed, e.getCause());
      }
    }
  }

  /** A pin, and what was taken from it. */
  private record Kept(
      int number, Pinned pinned, MemorySegment bytes, Optional<MemorySegment> own) {}

  /** One thread. */
  private static final class Player {
    private final Round round;
    private final SlabObjectStore store;
    private final Random random;
    private final List<Kept> open = new ArrayList<>();
    private final List<Kept> closed = new ArrayList<>();
    private volatile int steps;

    Player(Round round, Random random) {
      this.round = round;
      this.store = round.store;
      this.random = random;
    }

    static int stepsOf(List<Player> players) {
      return players.stream().mapToInt(player -> player.steps).sum();
    }

    void play() {
      for (int i = 0; i < STEPS; i++) {
        steps = i;
        try {
          step();
        } catch (StoreFullException e) {
          closeOne();
        } catch (SystemClosedException | IllegalStateException e) {
          if (!round.closing) {
            throw e;
          }
        }
      }
      steps = STEPS;
    }

    private void step() {
      switch (random.nextInt(16)) {
        case 0, 1, 2 -> put();
        case 3, 4, 5 -> pin();
        case 6 -> fetch();
        case 7, 8, 9 -> read();
        case 10 -> own();
        case 11 -> closeOne();
        case 12 -> free(numberAt(random.nextInt(KEYS)));
        case 13 -> useAfterClose();
        case 14 -> {
          int number = numberAt(random.nextInt(KEYS));
          if (store.promote(key(number)) || store.contains(key(number))) {
            assertThat(round.model).containsKey(number);
          }
          free(number);
        }
        default -> {
          store.checkInvariants();
          assertThat(store.stats().usedBytes()).isBetween(0L, store.stats().capacityBytes());
          assertThat(store.contents()).hasSizeLessThanOrEqualTo(round.model.size());
          store.timerFired();
        }
      }
    }

    private int numberAt(int place) {
      return round.places[place].get();
    }

    private void put() {
      int number = round.lastNumber.incrementAndGet();
      int length = random.nextInt(4) == 0 ? random.nextInt(400_000) : random.nextInt(2000);
      Values value = Values.of(number, Math.max(1, length));
      round.model.put(number, value.content());
      assertThat(store.putPrimary(key(number), value)).isEqualTo(value.content().length);
      round.sealed.put(number, true);
      int before = round.places[random.nextInt(KEYS)].getAndSet(number);
      if (before != 0) {
        free(before);
      }
    }

    private void free(int number) {
      round.freed.put(number, true);
      store.free(key(number));
    }

    private void pin() {
      int number = numberAt(random.nextInt(KEYS));
      boolean there = round.sealed.containsKey(number) && !round.freed.containsKey(number);
      Optional<Pinned> pinned = store.pin(key(number));
      if (pinned.isPresent()) {
        keep(number, pinned.get());
      } else if (there && !round.freed.containsKey(number) && !round.closing) {
        throw new AssertionError(number + " is not there, but nobody freed it");
      }
    }

    private void fetch() {
      int number = numberAt(random.nextInt(KEYS));
      byte[] content = round.model.get(number);
      if (content != null && !round.freed.containsKey(number)) {
        CompletableFuture<Pinned> fetched =
            store.fetch(key(number), content.length, List.of(), Urgency.GET).toCompletableFuture();
        if (fetched.isDone() && !fetched.isCompletedExceptionally()) {
          keep(number, fetched.join());
        } else if (!fetched.isDone() && !fetched.cancel(false)) {
          fetched.thenAccept(Pinned::close);
        }
      }
    }

    private void keep(int number, Pinned pinned) {
      while (open.size() > 12) {
        closeOne();
      }
      try {
        Kept kept = new Kept(number, pinned, pinned.bytes(), Optional.empty());
        open.add(kept);
        check(kept);
      } catch (IllegalStateException e) {
        pinned.close();
        throw e;
      }
    }

    private Kept draw(List<Kept> from) {
      return from.get(random.nextInt(from.size()));
    }

    private void read() {
      if (!open.isEmpty()) {
        check(draw(open));
      }
    }

    /** Reads what is pinned, all of it or a part. */
    private void check(Kept kept) {
      byte[] content = round.model.get(kept.number());
      assertThat(kept.bytes().byteSize()).isEqualTo(content.length);
      if (random.nextBoolean()) {
        assertThat(kept.bytes().mismatch(MemorySegment.ofArray(content))).isEqualTo(-1);
      } else {
        int from = random.nextInt(content.length);
        byte[] part = new byte[Math.min(100, content.length - from)];
        kept.bytes().asSlice(from).asByteBuffer().get(part);
        assertThat(MemorySegment.ofArray(part))
            .matches(
                p -> p.mismatch(MemorySegment.ofArray(content).asSlice(from, part.length)) == -1);
      }
      assertThat(kept.bytes().isReadOnly()).isTrue();
    }

    private void own() {
      if (!open.isEmpty()) {
        Kept kept = open.remove(random.nextInt(open.size()));
        open.add(new Kept(kept.number(), kept.pinned(), kept.bytes(), Optional.of(own(kept))));
      }
    }

    private static MemorySegment own(Kept kept) {
      return kept.pinned().own();
    }

    private void closeOne() {
      if (!open.isEmpty()) {
        Kept kept = open.remove(random.nextInt(open.size()));
        closed.add(kept);
        if (closed.size() > 30) {
          closed.remove(random.nextInt(closed.size()));
        }
        kept.pinned().close();
      }
    }

    /**
     * The pin refuses; its segment shows anything, but is there; what is one's own is as it was.
     */
    private void useAfterClose() {
      if (closed.isEmpty()) {
        return;
      }
      Kept kept = draw(closed);
      kept.pinned().close();
      assertThatThrownBy(() -> kept.pinned().bytes()).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> kept.pinned().own()).isInstanceOf(IllegalStateException.class);
      checkOwn(kept);
      try {
        assertThat(kept.bytes().toArray(ValueLayout.JAVA_BYTE))
            .hasSize(round.model.get(kept.number()).length);
      } catch (IllegalStateException slabWasClosed) {
        assertThat(kept.bytes().scope().isAlive()).isFalse();
      }
    }

    private void checkOwn(Kept kept) {
      kept.own()
          .ifPresent(
              own ->
                  assertThat(own.mismatch(MemorySegment.ofArray(round.model.get(kept.number()))))
                      .isEqualTo(-1));
    }

    /** The store is closed: every way to its memory throws, and what is one's own stays. */
    void checkAfterTheEnd() {
      for (List<Kept> all : List.of(open, closed)) {
        for (Kept kept : all) {
          assertThatThrownBy(() -> kept.pinned().bytes()).isInstanceOf(IllegalStateException.class);
          assertThatThrownBy(() -> kept.bytes().get(ValueLayout.JAVA_BYTE, 0))
              .isInstanceOf(IllegalStateException.class);
          assertThatThrownBy(() -> kept.bytes().asByteBuffer().get(new byte[1]))
              .isInstanceOf(IllegalStateException.class);
          checkOwn(kept);
          kept.pinned().close();
        }
      }
      assertThatThrownBy(() -> store.putPrimary(key(0), Values.of(0, 10)))
          .isInstanceOf(SystemClosedException.class);
      assertThat(store.pin(key(numberAt(0)))).isEmpty();
      store.free(key(numberAt(0)));
      store.close();
    }
  }
}
