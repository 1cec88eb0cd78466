package io.dfut.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutSystem;
import io.dfut.ObjectView;
import io.dfut.ReleasedException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Values that show the store's memory, as a program in one JVM sees them. */
@Timeout(120)
final class ZeroCopyTest {
  private static final int MIB = 1 << 20;
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Larger than what travels in a message, and than that. */
  private static final int INLINE = 1000;

  private static final int STORED = MIB;

  private static DFutSystem local(String overrides) {
    return DFutSystem.local(
        ConfigFactory.parseString("dfut.cpus=2\ndfut.store.memory=256MiB\n" + overrides));
  }

  private static byte[] content(int seed, int length) {
    byte[] content = new byte[length];
    new Random(seed).nextBytes(content);
    return content;
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(buffer.position(), bytes);
    return bytes;
  }

  /** Whether both show the same memory. */
  private static boolean isOne(ByteBuffer one, ByteBuffer two) {
    return MemorySegment.ofBuffer(one).address() == MemorySegment.ofBuffer(two).address();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, INLINE, STORED})
  void everythingThatShowsBytesIsReadOnlyHoweverLargeItIs(int length) {
    byte[] content = content(length, length);
    try (DFutSystem dfut = local("")) {
      DFut<ByteBuffer> put =
          dfut.put(ByteBuffer.wrap(content.clone()).order(ByteOrder.LITTLE_ENDIAN));
      ByteBuffer buffer = put.get();
      assertThat(bytes(buffer)).isEqualTo(content);
      assertThat(buffer.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
      assertThat(buffer.isReadOnly()).isTrue();
      assertThat(buffer.hasArray()).isFalse();
      assertThat(buffer.duplicate().slice().isReadOnly()).isTrue();
      assertThatThrownBy(() -> buffer.put(0, (byte) 1))
          .isInstanceOfAny(ReadOnlyBufferException.class, IndexOutOfBoundsException.class);
      DirectBuffer direct = dfut.<DirectBuffer>put(new UnsafeBuffer(content.clone())).get();
      byte[] read = new byte[length];
      direct.getBytes(0, read);
      assertThat(read).isEqualTo(content);
      assertThat(direct.byteArray()).isNull();
      assertThat(direct.byteBuffer()).isNull();
      assertThatThrownBy(direct::addressOffset).isInstanceOf(UnsupportedOperationException.class);
      MemorySegment segment = dfut.put(MemorySegment.ofArray(content.clone())).get();
      assertThat(segment.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(content);
      assertThat(segment.isReadOnly()).isTrue();
      assertThat(segment.heapBase()).isEmpty();
      try (ObjectView view = put.view()) {
        assertThat(view.buffer().isReadOnly()).isTrue();
        assertThat(view.segment().isReadOnly()).isTrue();
        assertThat(view.segment().heapBase()).isEmpty();
      }
    }
  }

  @Test
  void getTwiceShowsTheSameMemoryAndArraysAreCopies() {
    try (DFutSystem dfut = local("")) {
      DFut<ByteBuffer> put = dfut.put(ByteBuffer.wrap(content(1, STORED)));
      ByteBuffer one = put.get();
      assertThat(isOne(one, put.get())).isTrue();
      assertThat(one.isDirect()).isTrue();
      DFut<byte[]> array = dfut.put(content(2, STORED));
      array.get()[7] ^= 1;
      assertThat(array.get()).isEqualTo(content(2, STORED));
      Reference.reachabilityFence(one);
    }
  }

  @Test
  void bufferOutlivesItsHandleAndAFullStore() {
    try (DFutSystem dfut = local("")) {
      DFut<ByteBuffer> put = dfut.put(ByteBuffer.wrap(content(1, 40 * MIB)));
      IntBuffer ints = put.get().slice(4 * MIB, 4 * MIB).asIntBuffer();
      DFut<DirectBuffer> putDirect = dfut.put(new UnsafeBuffer(content(2, 20 * MIB)));
      DirectBuffer direct = putDirect.get();
      put.close();
      putDirect.close();
      for (int i = 0; i < 40; i++) { // the rest of the store, five times
        System.gc();
        dfut.put(ByteBuffer.wrap(content(i, 20 * MIB))).close();
      }
      IntBuffer expected = ByteBuffer.wrap(content(1, 40 * MIB), 4 * MIB, 4 * MIB).asIntBuffer();
      assertThat(ints).isEqualTo(expected);
      byte[] read = new byte[20 * MIB];
      direct.getBytes(0, read);
      assertThat(read).isEqualTo(content(2, 20 * MIB));
      assertThat(dfut.inspect().store().objects()).isEqualTo(2);
      Reference.reachabilityFence(ints);
      Reference.reachabilityFence(direct);
      ints = null;
      direct = null;
      dfut.inspect().assertNoLeaks(SOON);
    }
  }

  @Test
  void afterTheSystemClosedViewsThrowAndSegmentsStay() {
    byte[] content = content(1, STORED);
    ByteBuffer buffer;
    IntBuffer ints;
    DirectBuffer direct;
    MemorySegment segment;
    ByteBuffer inline;
    try (DFutSystem dfut = local("")) {
      buffer = dfut.put(ByteBuffer.wrap(content)).get();
      ints = buffer.asIntBuffer();
      direct = dfut.<DirectBuffer>put(new UnsafeBuffer(content)).get();
      segment = dfut.put(MemorySegment.ofArray(content)).get().asSlice(16);
      inline = dfut.put(ByteBuffer.wrap(content, 0, INLINE)).get();
    }
    assertThatThrownBy(() -> buffer.get(0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> bytes(buffer)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> ints.get(0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> direct.getByte(0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> direct.getBytes(0, new UnsafeBuffer(new byte[STORED]), 0, STORED))
        .isInstanceOf(IllegalStateException.class);
    assertThat(segment.toArray(ValueLayout.JAVA_BYTE))
        .isEqualTo(Arrays.copyOfRange(content, 16, STORED));
    assertThat(bytes(inline)).isEqualTo(Arrays.copyOf(content, INLINE));
  }

  /** Keeps what it is given beyond the call that gave it. */
  public static final class Keeper extends DFutActor<Void> {
    private ByteBuffer kept;
    private List<ByteBuffer> all = List.of();

    void keep(ByteBuffer buffer) {
      kept = buffer.slice(100, 1000);
    }

    void keepAll(List<ByteBuffer> buffers) {
      all = buffers;
    }

    byte[] kept() {
      return bytes(kept);
    }

    List<byte[]> all() {
      return all.stream().map(ZeroCopyTest::bytes).toList();
    }

    void drop() {
      kept = null;
      all = List.of();
    }
  }

  @Test
  void argumentThatAnActorKeepsStaysAsItIs() {
    try (DFutSystem dfut = local("")) {
      ActorHandle<Keeper> keeper = dfut.actor(Keeper::new).create();
      dfut.scope(
          () -> {
            keeper.task(Keeper::keep).submit(ByteBuffer.wrap(content(1, STORED))).get(SOON);
            DFut<ByteBuffer> two = dfut.put(ByteBuffer.wrap(content(2, STORED)));
            DFut<ByteBuffer> three = dfut.put(ByteBuffer.wrap(content(3, INLINE)));
            keeper.task(Keeper::keepAll).submit(DFut.all(List.of(two, three))).get(SOON);
          });
      for (int i = 0; i < 40; i++) {
        System.gc();
        dfut.put(ByteBuffer.wrap(content(i, 20 * MIB))).close();
      }
      dfut.scope(
          () -> {
            assertThat(keeper.task(Keeper::kept).submit().get(SOON))
                .isEqualTo(Arrays.copyOfRange(content(1, STORED), 100, 1100));
            assertThat(keeper.task(Keeper::all).submit().get(SOON))
                .satisfiesExactly(
                    two -> assertThat(two).isEqualTo(content(2, STORED)),
                    three -> assertThat(three).isEqualTo(content(3, INLINE)));
            assertThat(dfut.inspect().store().objects()).isGreaterThanOrEqualTo(2);
            keeper.task(Keeper::drop).submit().get(SOON);
          });
      keeper.close();
      dfut.inspect().assertNoLeaks(SOON);
    }
  }

  private static ByteBuffer part(ByteBuffer whole) {
    return whole.slice(whole.capacity() / 4, whole.capacity() / 2);
  }

  @Test
  void taskMayReturnAViewOfItsArgument() {
    try (DFutSystem dfut = local("")) {
      byte[] content = content(1, 4 * MIB);
      DFut<ByteBuffer> whole = dfut.put(ByteBuffer.wrap(content));
      DFut<ByteBuffer> half = dfut.task(ZeroCopyTest::part).submit(whole);
      DFut<ByteBuffer> quarter = dfut.task(ZeroCopyTest::part).submit(half);
      whole.close();
      half.close();
      assertThat(bytes(quarter.get(SOON)))
          .isEqualTo(Arrays.copyOfRange(content, MIB * 3 / 2, MIB * 5 / 2));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dfut.store.views-share=1",
        "dfut.store.views-share=0.5",
        "dfut.store.views-share=0"
      })
  void buffersThatNobodyHasAnyMoreGiveTheirRoomBack(String share) {
    try (DFutSystem dfut = local(share + "\ndfut.store.put-timeout=60s")) {
      for (int i = 0; i < 60; i++) { // 1.2 GiB through 256 MiB, half of it as arguments
        byte[] content = content(i, 20 * MIB);
        DFut<ByteBuffer> put = dfut.put(ByteBuffer.wrap(content));
        assertThat(put.get(SOON)).isEqualTo(ByteBuffer.wrap(content));
        DFut<Integer> task = dfut.task(ByteBuffer::remaining).submit(put);
        assertThat(task.get(SOON)).isEqualTo(20 * MIB);
        task.close();
        put.close();
      }
      dfut.inspect().assertNoLeaks(SOON);
    }
  }

  @Test
  void readerWhoseHandleIsClosedMeanwhileIsToldSo() throws Exception {
    try (DFutSystem dfut = local("")) {
      for (int i = 0; i < 300; i++) {
        ByteBuffer value = ByteBuffer.wrap(content(i, 200_000));
        DFut<ByteBuffer> put = dfut.put(value);
        CompletableFuture<Throwable> end = new CompletableFuture<>();
        AtomicInteger reads = new AtomicInteger();
        Thread reader =
            Thread.ofPlatform()
                .start(
                    () -> {
                      try {
                        while (put.get(SOON).remaining() == 200_000) {
                          reads.incrementAndGet();
                        }
                      } catch (Throwable t) {
                        end.complete(t);
                      }
                    });
        while (reads.get() < 3) {
          Thread.onSpinWait();
        }
        put.close();
        assertThat(end.get(5, TimeUnit.SECONDS)).isInstanceOf(ReleasedException.class);
        reader.join();
      }
    }
  }

  // ---- what it costs ----

  private static long allocatedBy(Runnable action) {
    long before = THREADS.getCurrentThreadAllocatedBytes();
    action.run();
    return THREADS.getCurrentThreadAllocatedBytes() - before;
  }

  private static void touchesNoHeap(DFutSystem dfut, String what, Supplier<Object> value) {
    Object large = value.get();
    for (int i = 0; i < 2; i++) {
      dfut.put(large).close(); // classes are loaded
    }
    DFut<?>[] put = new DFut<?>[1];
    assertThat(allocatedBy(() -> put[0] = dfut.put(large))).as("put of " + what).isLessThan(64_000);
    boolean copied = large instanceof long[] || large instanceof MemorySegment;
    if (!copied) {
      put[0].get();
      assertThat(allocatedBy(() -> put[0].get())).as("get of " + what).isLessThan(64_000);
    }
    assertThat(allocatedBy(() -> put[0].get())).as("get of " + what).isLessThan(65 * MIB);
    put[0].close();
  }

  @Test
  void largeValuesAreWrittenOnceAndReadInPlace() {
    try (DFutSystem dfut = local("dfut.store { memory = 1GiB, views-share = 1 }");
        Arena arena = Arena.ofShared()) {
      int size = 64 * MIB;
      touchesNoHeap(dfut, "a direct buffer", () -> ByteBuffer.allocateDirect(size));
      touchesNoHeap(dfut, "a heap buffer", () -> ByteBuffer.allocate(size));
      touchesNoHeap(dfut, "an Agrona buffer", () -> new UnsafeBuffer(new byte[size]));
      touchesNoHeap(
          dfut,
          "an Agrona buffer on an address",
          () -> new UnsafeBuffer(arena.allocate(size).address(), size));
      touchesNoHeap(dfut, "a segment", () -> arena.allocate(size));
      touchesNoHeap(dfut, "an array of longs", () -> new long[size / 8]);
    }
  }

  private static int first(ByteBuffer buffer) {
    return buffer.get(0);
  }

  @Test
  void argumentIsStoredOnceAndNotCopiedForItsTasks() {
    try (DFutSystem dfut = local("")) {
      int tasks = 400;
      ByteBuffer value = ByteBuffer.wrap(content(1, STORED));
      DFut<ByteBuffer> put = dfut.put(value);
      for (int round = 0; round < 2; round++) {
        long before = THREADS.getTotalThreadAllocatedBytes();
        long start = System.nanoTime();
        List<DFut<Integer>> results = new ArrayList<>();
        for (int i = 0; i < tasks; i++) {
          results.add(dfut.task(ZeroCopyTest::first).submit(put));
        }
        for (DFut<Integer> result : results) {
          assertThat(result.get(SOON)).isEqualTo(value.get(0));
        }
        report("one object, " + tasks + " tasks", tasks, start, before);
        assertThat(THREADS.getTotalThreadAllocatedBytes() - before)
            .as("of the " + tasks + " MiB of copies")
            .isLessThan(tasks * MIB / 8);
        results.forEach(DFut::close);
      }
    }
  }

  private static void report(String what, int count, long start, long before) {
    double seconds = (System.nanoTime() - start) / 1e9;
    long each = (THREADS.getTotalThreadAllocatedBytes() - before) / count;
    System.out.printf("%s: %.0f/s, %d bytes of heap each%n", what, count / seconds, each);
  }

  /** Asserts nothing about speed. More rounds with {@code -Ddfut.bench.rounds=5000}. */
  @Test
  void figures() {
    int rounds = Integer.getInteger("dfut.bench.rounds", 200);
    try (DFutSystem dfut = local("dfut.store.memory=1GiB")) {
      ByteBuffer value = ByteBuffer.allocateDirect(STORED);
      for (int i = 0; i < 3; i++) {
        long before = THREADS.getTotalThreadAllocatedBytes();
        long start = System.nanoTime();
        for (int j = 0; j < rounds; j++) {
          DFut<Integer> result = dfut.task(ZeroCopyTest::first).submit(value);
          assertThat(result.get(SOON)).isZero();
          result.close();
        }
        report("tasks with a 1 MiB buffer by value", rounds, start, before);
      }
      DFut<ByteBuffer> large = dfut.put(ByteBuffer.allocateDirect(100 * MIB));
      long[] nanos = new long[rounds];
      for (int i = 0; i < rounds; i++) {
        long start = System.nanoTime();
        ByteBuffer got = large.get();
        nanos[i] = System.nanoTime() - start;
        assertThat(got.get(i)).isZero();
      }
      Arrays.sort(nanos);
      System.out.printf(
          "get of 100 MiB: p50 %.1f us, p99 %.1f us%n",
          nanos[rounds / 2] / 1e3, nanos[rounds * 99 / 100] / 1e3);
    }
  }
}
