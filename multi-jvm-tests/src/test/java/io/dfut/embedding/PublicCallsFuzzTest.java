package io.dfut.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutException;
import io.dfut.DFutSystem;
import io.dfut.GetTimeoutException;
import io.dfut.ObjectView;
import io.dfut.ReleasedException;
import io.dfut.SharedDFut;
import io.dfut.StoreFullException;
import io.dfut.TaskFailedException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.ReadOnlyBufferException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * No sequence of public calls crashes the JVM or shows other bytes than were stored. Several
 * threads do to a system of one JVM what its interface allows, drawn from a seed: they store, read,
 * view, keep, derive, pass on, close and use after that, while others read the same, and the system
 * is closed under them or behind them. What they see is compared with byte arrays. A crash fails
 * the build, as each module's tests have a JVM of their own.
 *
 * <p>Replayed with {@code -Ddfut.fuzz.seed=…}, for longer with {@code -Ddfut.fuzz.seconds=600} (in
 * {@code -Dtest.jvm.args}). A seed fixes what each thread does, not how the threads interleave.
 */
@Timeout(value = 1, unit = TimeUnit.DAYS)
final class PublicCallsFuzzTest {
  private static final long SECONDS = Long.getLong("dfut.fuzz.seconds", 15);
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final int THREADS = 4;
  private static final int STEPS = 250;
  private static final int PLACES = 24;
  private static final String[] VIEWS = {"0", "0.1", "0.5", "1"};

  @Test
  void noSequenceOfCallsCrashesOrShowsOtherBytes() throws Exception {
    Long fixed = Long.getLong("dfut.fuzz.seed");
    long seed = fixed != null ? fixed : System.nanoTime();
    System.out.println("seed " + seed);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    AtomicLong reads = new AtomicLong();
    AtomicLong refusals = new AtomicLong();
    int rounds = 0;
    do {
      new Round(seed + rounds, reads, refusals).run();
      rounds++;
    } while (System.nanoTime() - end < 0);
    System.out.printf(
        "%d rounds, %d values compared, %d uses refused%n", rounds, reads.get(), refusals.get());
    assertThat(reads.get()).isGreaterThan(100L * rounds);
    assertThat(refusals.get()).isGreaterThan(rounds);
  }

  // ---- the model ----

  /** Where the bytes of something are, and so what the end of the system does to it. */
  private enum Memory {
    /** The store's, or a copy's: which one it is shows when the system is closed. */
    ANY,
    STORE,
    OWN
  }

  /** Reads all the bytes of what a player holds. */
  private interface Reader {
    byte[] read();
  }

  /**
   * Something that shows bytes.
   *
   * @param buffer what can be derived from, or null
   * @param view what it was taken from, which must be open for it to show these bytes
   */
  private record Shown(
      String what, byte[] expected, Memory memory, Reader reader, ByteBuffer buffer, Window view) {}

  /** A view that remembers that it is closed before it is. */
  private static final class Window {
    final ObjectView view;
    volatile boolean closed;

    Window(ObjectView view) {
      this.view = view;
    }

    void close() {
      closed = true;
      view.close();
    }
  }

  /** An object in the pool, and the bytes it is. */
  private record Stored(DFut<?> future, byte[] bytes, AtomicBoolean closed) {
    Stored(DFut<?> future, byte[] bytes) {
      this(future, bytes, new AtomicBoolean());
    }

    void close() {
      closed.set(true);
      future.close();
    }
  }

  private record Box(String name, ByteBuffer content) {}

  /** The bytes of any value that the players store. */
  private static byte[] bytesOf(Object value) {
    return switch (value) {
      case byte[] bytes -> bytes;
      case ByteBuffer buffer -> {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(buffer.position(), bytes);
        yield bytes;
      }
      case MemorySegment segment -> segment.toArray(ValueLayout.JAVA_BYTE);
      case DirectBuffer buffer -> {
        byte[] bytes = new byte[buffer.capacity()];
        buffer.getBytes(0, bytes);
        yield bytes;
      }
      case Box box -> bytesOf(box.content());
      default -> throw new AssertionError(value.getClass());
    };
  }

  private static byte[] bytesOf(IntBuffer ints) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * ints.remaining()).order(ints.order());
    bytes.asIntBuffer().put(ints.duplicate());
    return bytes.array();
  }

  // ---- what tasks do ----

  private static ByteBuffer part(ByteBuffer buffer, int from, int length) {
    return buffer.slice(from, length);
  }

  private static byte[] copy(Object value) {
    return bytesOf(value);
  }

  private static int lengths(List<Object> values) {
    return values.stream().mapToInt(value -> bytesOf(value).length).sum();
  }

  private static byte[] read(SharedDFut<Object> reference) {
    return bytesOf(reference.get());
  }

  /** Keeps arguments beyond the calls that brought them. */
  public static final class Keeper extends DFutActor<Void> {
    private Object kept = new byte[0];

    void keep(Object value) {
      kept = value;
    }

    byte[] kept() {
      return bytesOf(kept);
    }
  }

  // ---- playing ----

  private static final class Round {
    final long seed;
    final AtomicLong reads;
    final AtomicLong refusals;
    final DFutSystem dfut;
    final AtomicReferenceArray<Stored> pool = new AtomicReferenceArray<>(PLACES);

    /** Read, and derived from, by all threads. */
    final AtomicReferenceArray<Shown> common = new AtomicReferenceArray<>(PLACES);

    final AtomicInteger steps = new AtomicInteger();
    volatile boolean closing;

    Round(long seed, AtomicLong reads, AtomicLong refusals) {
      this.seed = seed;
      this.reads = reads;
      this.refusals = refusals;
      Random random = new Random(seed);
      this.dfut =
          DFutSystem.local(
              ConfigFactory.parseString(
                  """
                  dfut.cpus = 2
                  dfut.store { memory = 8 MiB, inline-limit = 2 KiB, put-timeout = 1 s, views-share = %s }
                  """
                      .formatted(VIEWS[random.nextInt(VIEWS.length)])));
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
            .name("player " + i)
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
      try {
        CompletableFuture<Void> all =
            CompletableFuture.allOf(ends.toArray(CompletableFuture[]::new));
        int after = new Random(seed).nextInt(2 * THREADS * STEPS); // in half of the rounds, later
        while (steps.get() < after && !all.isDone()) {
          try {
            all.get(1, TimeUnit.MILLISECONDS);
          } catch (java.util.concurrent.TimeoutException e) {
            // looks again
          }
        }
        closing = true;
        dfut.close();
        all.get(120, TimeUnit.SECONDS);
        for (Player player : players) {
          player.held.forEach(this::checkAfterTheEnd);
        }
        for (int i = 0; i < PLACES; i++) {
          if (common.get(i) != null) {
            checkAfterTheEnd(common.get(i));
          }
        }
      } catch (ExecutionException e) {
        throw new AssertionError("seed " + seed + ": " + e.getCause(), e.getCause());
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ": " + e, e);
      } finally {
        dfut.close();
      }
    }

    /** The system is closed, and nobody else is there: all is decided. */
    private void checkAfterTheEnd(Shown shown) {
      if (shown.memory() == Memory.STORE && shown.expected().length > 0) {
        assertThatThrownBy(() -> shown.reader().read())
            .as(shown.what())
            .isInstanceOf(IllegalStateException.class);
        refusals.incrementAndGet();
        return;
      }
      byte[] read;
      try {
        read = shown.reader().read();
      } catch (IllegalStateException e) {
        assertThat(shown.memory()).as(shown.what()).isNotEqualTo(Memory.OWN);
        refusals.incrementAndGet();
        return;
      }
      assertThat(read).as(shown.what()).isEqualTo(shown.expected());
    }
  }

  private static final class Player {
    private final Round round;
    private final DFutSystem dfut;
    private final Random random;
    private final List<Shown> held = new ArrayList<>();
    private final List<Window> windows = new ArrayList<>();
    private final ActorHandle<Keeper> keeper;
    private byte[] kept = new byte[0];

    Player(Round round, Random random) {
      this.round = round;
      this.dfut = round.dfut;
      this.random = random;
      this.keeper = dfut.actor(Keeper::new).create();
    }

    void play() {
      for (int i = 0; i < STEPS; i++) {
        round.steps.incrementAndGet();
        try {
          step();
        } catch (GetTimeoutException e) {
          throw e; // nothing takes that long, closing included
        } catch (StoreFullException e) {
          giveRoom();
        } catch (TaskFailedException e) {
          if (!round.closing && !(e.getCause() instanceof StoreFullException)) {
            throw e;
          }
        } catch (DFutException | IllegalStateException e) {
          if (!round.closing) {
            throw e;
          }
          round.refusals.incrementAndGet();
        }
      }
    }

    private void giveRoom() {
      held.clear();
      windows.forEach(Window::close);
      windows.clear();
      for (int i = 0; i < PLACES; i += 2) {
        round.common.set(i, null);
      }
    }

    private void step() {
      switch (random.nextInt(24)) {
        case 0, 1, 2 -> put();
        case 3, 4, 5 -> withStored(this::get);
        case 6 -> withStored(this::view);
        case 7, 8, 9, 10 -> check();
        case 11, 12 -> derive();
        case 13 -> closeWindow();
        case 14 -> useClosedWindow();
        case 15 -> withStored(this::task);
        case 16 -> withStored(this::taskReturnsPart);
        case 17 -> withStored(this::share);
        case 18 -> keep();
        case 19 -> readKept();
        case 20 -> putWhatIsShown();
        case 21 -> closeStored();
        case 22 -> drop();
        default -> rare();
      }
    }

    // ---- storing ----

    private byte[] content() {
      int length =
          switch (random.nextInt(8)) {
            case 0 -> 0;
            case 1, 2, 3 -> random.nextInt(2000);
            case 4, 5, 6 -> random.nextInt(40_000);
            default -> random.nextInt(400_000);
          };
      byte[] content = new byte[length];
      random.nextBytes(content);
      return content;
    }

    private Object value(byte[] content) {
      return switch (random.nextInt(8)) {
        case 0 -> ByteBuffer.wrap(content.clone());
        case 1 ->
            ByteBuffer.allocateDirect(content.length)
                .put(content)
                .flip()
                .order(ByteOrder.LITTLE_ENDIAN);
        case 2 -> new UnsafeBuffer(content.clone());
        case 3 -> new UnsafeBuffer(ByteBuffer.allocateDirect(content.length).put(content).flip());
        case 4 -> MemorySegment.ofArray(content.clone());
        case 5 -> Arena.ofAuto().allocate(content.length).copyFrom(MemorySegment.ofArray(content));
        case 6 -> content.clone();
        default -> new Box("a box", ByteBuffer.wrap(content.clone()));
      };
    }

    private void put() {
      byte[] content = content();
      pool(new Stored(dfut.put(value(content)), content));
    }

    private void pool(Stored stored) {
      Stored before = round.pool.getAndSet(random.nextInt(PLACES), stored);
      if (before != null) {
        before.close();
      }
    }

    private interface Use {
      void of(Stored stored);
    }

    /** Does something to an object of the pool, which another thread may close meanwhile. */
    private void withStored(Use use) {
      Stored stored = round.pool.get(random.nextInt(PLACES));
      if (stored == null) {
        return;
      }
      try {
        use.of(stored);
      } catch (ReleasedException e) {
        if (!stored.closed().get()) {
          throw e;
        }
        round.refusals.incrementAndGet();
      }
    }

    private void get(Stored stored) {
      Object value = stored.future().get(SOON);
      compare("get", bytesOf(value), stored.bytes());
      hold(shown("get", value, stored.bytes()));
    }

    private static Shown shown(String what, Object value, byte[] expected) {
      ByteBuffer buffer = value instanceof ByteBuffer b ? b : null;
      Memory memory =
          switch (value) {
            case ByteBuffer b when b.isDirect() -> Memory.STORE;
            case ByteBuffer b -> Memory.OWN;
            case DirectBuffer b -> Memory.ANY;
            default -> Memory.OWN;
          };
      return new Shown(what, expected, memory, () -> bytesOf(value), buffer, null);
    }

    private void hold(Shown shown) {
      while (held.size() > 10) {
        held.remove(random.nextInt(held.size()));
      }
      held.add(shown);
      if (random.nextInt(3) == 0) {
        round.common.set(random.nextInt(PLACES), shown);
      }
    }

    // ---- looking ----

    private void compare(String what, byte[] read, byte[] expected) {
      if (!Arrays.equals(read, expected)) {
        throw new AssertionError(
            what
                + ": differs from byte "
                + Arrays.mismatch(read, expected)
                + " of "
                + read.length
                + ", expected "
                + expected.length);
      }
      round.reads.incrementAndGet();
    }

    private Shown draw() {
      if (random.nextInt(3) == 0) {
        return round.common.get(random.nextInt(PLACES));
      }
      return held.isEmpty() ? null : held.get(random.nextInt(held.size()));
    }

    private void check() {
      Shown shown = draw();
      if (shown == null) {
        return;
      }
      byte[] read;
      try {
        read = shown.reader().read();
      } catch (IllegalStateException e) {
        boolean expected = shown.memory() != Memory.OWN && round.closing;
        boolean windowClosed = shown.view() != null && shown.view().closed;
        if (!expected && !windowClosed) {
          throw new AssertionError(shown.what() + " refuses", e);
        }
        round.refusals.incrementAndGet();
        return;
      }
      if (shown.view() != null && shown.view().closed) {
        assertThat(read).hasSameSizeAs(shown.expected()); // it may be anybody's by now
      } else {
        compare(shown.what(), read, shown.expected());
      }
    }

    private void derive() {
      Shown shown = draw();
      if (shown == null || shown.buffer() == null) {
        return;
      }
      ByteBuffer buffer = shown.buffer();
      int length = buffer.remaining();
      int from = random.nextInt(length + 1);
      int count = random.nextInt(length - from + 1);
      byte[] part = Arrays.copyOfRange(shown.expected(), from, from + count);
      ByteBuffer slice = buffer.slice(buffer.position() + from, count);
      switch (random.nextInt(5)) {
        case 0 -> hold(derived(shown, "slice", part, slice));
        case 1 -> hold(derived(shown, "duplicate", shown.expected(), buffer.duplicate()));
        case 2 -> hold(derived(shown, "read-only", part, slice.asReadOnlyBuffer()));
        case 3 -> {
          ByteOrder order = random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
          IntBuffer ints = slice.order(order).asIntBuffer();
          byte[] whole = Arrays.copyOf(part, part.length / 4 * 4);
          hold(
              new Shown(
                  shown.what() + "'s ints",
                  whole,
                  shown.memory(),
                  () -> bytesOf(ints),
                  null,
                  shown.view()));
        }
        default -> {
          try {
            buffer.put(0, (byte) 1);
            throw new AssertionError(shown.what() + " can be written to");
          } catch (ReadOnlyBufferException e) {
            round.refusals.incrementAndGet();
          }
        }
      }
    }

    private static Shown derived(Shown from, String what, byte[] expected, ByteBuffer buffer) {
      return new Shown(
          from.what() + "'s " + what,
          expected,
          from.memory(),
          () -> bytesOf(buffer),
          buffer,
          from.view());
    }

    private void drop() {
      if (!held.isEmpty()) {
        held.remove(random.nextInt(held.size()));
      }
      round.common.set(random.nextInt(PLACES), null);
    }

    // ---- views ----

    private void view(Stored stored) {
      ObjectView view;
      try {
        view = stored.future().view();
      } catch (io.dfut.SerializationException e) {
        return; // a box has no bytes of its own
      }
      Window window = new Window(view);
      windows.add(window);
      if (windows.size() > 4) {
        windows.remove(0).close();
      }
      byte[] expected = stored.bytes();
      assertThat(view.size()).isEqualTo(expected.length);
      switch (random.nextInt(3)) {
        case 0 -> {
          ByteBuffer buffer = view.buffer();
          hold(
              new Shown(
                  "view's buffer", expected, Memory.ANY, () -> bytesOf(buffer), buffer, window));
        }
        case 1 -> {
          MemorySegment segment = view.segment();
          hold(
              new Shown(
                  "view's segment", expected, Memory.ANY, () -> bytesOf(segment), null, window));
        }
        default -> {
          DirectBuffer direct = view.directBuffer();
          hold(
              new Shown(
                  "view's DirectBuffer",
                  expected,
                  Memory.ANY,
                  () -> viaUnsafe(direct),
                  null,
                  window));
        }
      }
    }

    /** Through a buffer that asks nobody whether memory is there. */
    private static byte[] viaUnsafe(DirectBuffer direct) {
      UnsafeBuffer target = new UnsafeBuffer(ByteBuffer.allocateDirect(direct.capacity()));
      direct.getBytes(0, target, 0, direct.capacity());
      return bytesOf(target);
    }

    private void closeWindow() {
      if (!windows.isEmpty()) {
        windows.get(random.nextInt(windows.size())).close();
      }
    }

    private void useClosedWindow() {
      for (Window window : windows) {
        if (window.closed) {
          assertThatThrownBy(window.view::size).isInstanceOf(IllegalStateException.class);
          assertThatThrownBy(window.view::buffer).isInstanceOf(IllegalStateException.class);
          assertThatThrownBy(window.view::segment).isInstanceOf(IllegalStateException.class);
          assertThatThrownBy(window.view::directBuffer).isInstanceOf(IllegalStateException.class);
          window.close();
          round.refusals.incrementAndGet();
        }
      }
    }

    // ---- passing on ----

    @SuppressWarnings("unchecked") // the tasks take any value
    private static DFut<Object> any(Stored stored) {
      return (DFut<Object>) stored.future();
    }

    private void task(Stored stored) {
      if (random.nextBoolean()) {
        DFut<byte[]> copy = dfut.task(PublicCallsFuzzTest::copy).submit(any(stored));
        compare("task", copy.get(SOON), stored.bytes());
        copy.close();
        return;
      }
      byte[] content = content();
      DFut<Object> other = dfut.put(value(content));
      DFut<Integer> sum =
          dfut.task(PublicCallsFuzzTest::lengths)
              .submit(DFut.all(List.of(any(stored), other, any(stored))));
      other.close();
      assertThat(sum.get(SOON)).isEqualTo(2 * stored.bytes().length + content.length);
      sum.close();
    }

    @SuppressWarnings("unchecked") // looked at
    private void taskReturnsPart(Stored stored) {
      if (!(stored.future().get(SOON) instanceof ByteBuffer)) {
        return;
      }
      int from = random.nextInt(stored.bytes().length + 1);
      int length = random.nextInt(stored.bytes().length - from + 1);
      DFut<ByteBuffer> part =
          dfut.task(PublicCallsFuzzTest::part)
              .submit((DFut<ByteBuffer>) stored.future(), from, length);
      if (stored.closed().get()) {
        part.close(); // perhaps while it was being submitted: then the task has failed, and says so
        return;
      }
      pool(new Stored(part, Arrays.copyOfRange(stored.bytes(), from, from + length)));
    }

    private void share(Stored stored) {
      try (SharedDFut<Object> shared = any(stored).share()) {
        DFut<byte[]> read = dfut.task(PublicCallsFuzzTest::read).submit(shared);
        compare("share", bytesOf(shared.get(SOON)), stored.bytes());
        pool(new Stored(shared.borrow(), stored.bytes()));
        compare("shared", read.get(SOON), stored.bytes());
        read.close();
      }
    }

    private void keep() {
      byte[] content = content();
      DFut<Object> value = dfut.put(value(content));
      DFut<Void> done = keeper.task(Keeper::keep).submit(value);
      value.close();
      done.get(SOON);
      done.close();
      kept = content;
    }

    private void readKept() {
      DFut<byte[]> read = keeper.task(Keeper::kept).submit();
      compare("kept by an actor", read.get(SOON), kept);
      read.close();
    }

    private void putWhatIsShown() {
      Shown shown = draw();
      if (shown != null && shown.buffer() != null && shown.view() == null) {
        pool(new Stored(dfut.put(shown.buffer().duplicate()), shown.expected()));
      }
    }

    private void closeStored() {
      Stored stored = round.pool.getAndSet(random.nextInt(PLACES), null);
      if (stored != null) {
        stored.close();
        try {
          stored.future().get(SOON);
          throw new AssertionError("get() of a closed handle");
        } catch (ReleasedException e) {
          round.refusals.incrementAndGet();
        }
      }
    }

    private void rare() {
      switch (random.nextInt(8)) {
        case 0 -> System.gc();
        case 1 -> giveRoom();
        default -> assertThat(dfut.inspect().store().usedBytes()).isNotNegative();
      }
    }
  }
}
