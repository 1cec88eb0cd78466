package io.dfut.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.dfut.ActorHandle;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.SharedDFut;
import io.dfut.WorkerId;
import io.dfut.internal.codec.ClassFilter;
import io.dfut.internal.codec.References;
import io.dfut.internal.codec.SegmentBuffer;
import io.dfut.internal.codec.ValueCodecs;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore.Pinned;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What keeps a stored object pinned, and what does not. */
final class ViewsTest {
  private static final int SIZE = 4096;
  private static final NodeId NODE = new NodeId("here", 25520, 1);

  private static final References.Sink NO_REFERENCES =
      new References.Sink() {
        @Override
        public ObjectId shared(SharedDFut<?> handle) {
          throw new AssertionError(handle);
        }

        @Override
        public References.Actor actor(ActorHandle<?> handle) {
          throw new AssertionError(handle);
        }
      };

  private final Arena arena = Arena.ofShared();
  private int lastKey;

  @AfterEach
  void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  /** A store of one object. */
  private final class Stored {
    final ObjectKey key = new ObjectKey(new ObjectId(new WorkerId(NODE, 1), ++lastKey, 0), 0);
    final MemorySegment encoded;
    final AtomicInteger held = new AtomicInteger();

    Stored(Object value, MemorySegment memory) {
      var encoding =
          new ValueCodecs(
                  ClassFilter.everything(),
                  ViewsTest.class.getClassLoader(),
                  ValueCodecs.Limits.DEFAULT)
              .encode(value, NO_REFERENCES);
      encoding.writeTo(memory);
      encoded = memory.asSlice(0, encoding.bytes()).asReadOnly();
    }

    SharedPin pin() {
      AtomicBoolean open = new AtomicBoolean(true);
      held.incrementAndGet();
      return SharedPin.of(
          new Pinned() {
            @Override
            public MemorySegment bytes() {
              return encoded;
            }

            @Override
            public void close() {
              assertThat(open.compareAndSet(true, false)).as("closed once").isTrue();
              held.decrementAndGet();
            }
          });
    }

    Optional<Object> tryShow(Views views) {
      try (SharedPin pin = pin()) {
        return views.show(key, pin);
      }
    }

    Object show(Views views) {
      return tryShow(views).orElseThrow();
    }
  }

  private Stored stored(Object value) {
    return new Stored(value, arena.allocate(SIZE + 64, 64));
  }

  private static ByteBuffer content() {
    ByteBuffer content = ByteBuffer.allocate(SIZE);
    for (int i = 0; i < SIZE; i++) {
      content.put(i, (byte) (i * 31));
    }
    return content;
  }

  /** Collects until the object is let go, which shows that collections find such things. */
  private static void released(Stored object) {
    await("a view that nobody can reach is unpinned")
        .until(
            () -> {
              System.gc();
              return object.held.get() == 0;
            });
  }

  /** Everything that the JDK makes of a buffer and that still shows its bytes. */
  private static Map<String, Function<ByteBuffer, Buffer>> derivations() {
    Map<String, Function<ByteBuffer, Buffer>> all = new LinkedHashMap<>();
    all.put("itself", b -> b);
    all.put("slice", ByteBuffer::slice);
    all.put("slice of a part", b -> b.slice(100, 8));
    all.put("duplicate", ByteBuffer::duplicate);
    all.put("read-only", ByteBuffer::asReadOnlyBuffer);
    all.put("aligned slice", b -> b.alignedSlice(8));
    all.put("position", b -> b.position(9));
    all.put("flip", b -> b.position(90).flip());
    all.put("compact-free order", b -> b.order(ByteOrder.LITTLE_ENDIAN));
    for (ByteOrder order : new ByteOrder[] {ByteOrder.BIG_ENDIAN, ByteOrder.LITTLE_ENDIAN}) {
      for (int start : new int[] {0, 1}) { // aligned and not: other classes in the JDK
        Function<ByteBuffer, ByteBuffer> from = b -> b.position(start).slice().order(order);
        String where = " " + order + " from " + start;
        all.put("chars" + where, b -> from.apply(b).asCharBuffer());
        all.put("shorts" + where, b -> from.apply(b).asShortBuffer());
        all.put("ints" + where, b -> from.apply(b).asIntBuffer());
        all.put("longs" + where, b -> from.apply(b).asLongBuffer());
        all.put("floats" + where, b -> from.apply(b).asFloatBuffer());
        all.put("doubles" + where, b -> from.apply(b).asDoubleBuffer());
        all.put("chars' subsequence" + where, b -> from.apply(b).asCharBuffer().subSequence(1, 5));
        all.put("ints' slice" + where, b -> from.apply(b).asIntBuffer().slice(1, 2));
        all.put("ints' duplicate" + where, b -> from.apply(b).asIntBuffer().duplicate());
        all.put("ints' read-only" + where, b -> from.apply(b).asIntBuffer().asReadOnlyBuffer());
        all.put("longs' slice of slice" + where, b -> from.apply(b).asLongBuffer().slice().slice());
        all.put("doubles' duplicate" + where, b -> from.apply(b).asDoubleBuffer().duplicate());
        all.put("floats' slice" + where, b -> from.apply(b).asFloatBuffer().slice(2, 3));
        all.put("shorts' slice" + where, b -> from.apply(b).asShortBuffer().slice(2, 3));
      }
    }
    return all;
  }

  private MemorySegment memory(boolean mapped, Path folder) throws IOException {
    if (!mapped) {
      return arena.allocate(SIZE + 64, 64);
    }
    Path file = folder.resolve("slab" + lastKey);
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, SIZE + 64, arena);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyBufferMadeOfTheValueKeepsTheObject(boolean mapped, @TempDir Path folder)
      throws IOException {
    Views views = new Views(Long.MAX_VALUE);
    Map<String, Stored> kept = new LinkedHashMap<>();
    Map<String, Buffer> buffers = new LinkedHashMap<>();
    for (var derivation : derivations().entrySet()) {
      Stored object = new Stored(content(), memory(mapped, folder));
      kept.put(derivation.getKey(), object);
      buffers.put(
          derivation.getKey(), derivation.getValue().apply((ByteBuffer) object.show(views)));
    }
    Stored direct = new Stored(new UnsafeBuffer(new byte[SIZE]), memory(mapped, folder));
    DirectBuffer directBuffer = (DirectBuffer) direct.show(views);
    for (int i = 0; i < 3; i++) {
      Stored dropped = stored(content());
      dropped.show(views);
      released(dropped); // so a collection has looked at the others
    }
    kept.forEach((name, object) -> assertThat(object.held).as(name).hasValue(1));
    assertThat(direct.held).hasValue(1);
    assertThat(views.bytes()).isEqualTo((kept.size() + 1L) * SIZE);
    Reference.reachabilityFence(buffers);
    Reference.reachabilityFence(directBuffer);
    buffers.clear();
    directBuffer = null;
    kept.values().forEach(ViewsTest::released);
    released(direct);
    await().until(() -> views.bytes() == 0);
  }

  @Test
  void valueAskedForOftenHasOnePin() {
    Views views = new Views(Long.MAX_VALUE);
    Stored object = stored(content().order(ByteOrder.LITTLE_ENDIAN));
    ByteBuffer first = (ByteBuffer) object.show(views);
    ByteBuffer second = (ByteBuffer) object.show(views);
    assertThat(first).isEqualTo(content()).isNotSameAs(second);
    assertThat(first.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    assertThat(first.isReadOnly()).isTrue();
    second.position(7);
    assertThat(first.position()).isZero();
    assertThat(object.held).hasValue(1);
    assertThat(views.bytes()).isEqualTo(SIZE);
    Reference.reachabilityFence(first);
    first = null;
    Stored dropped = stored(content());
    dropped.show(views);
    released(dropped);
    assertThat(object.held).hasValue(1);
    Reference.reachabilityFence(second);
    second = null;
    released(object);
    assertThat(object.show(views)).isEqualTo(content());
    assertThat(object.held).as("shown again after it was collected").hasValue(1);
  }

  @Test
  void beyondItsShareAValueIsCopiedUnlessItIsTheOnlyOneOrHuge() {
    Views views = new Views(2 * SIZE + 100);
    Stored[] objects = new Stored[4];
    for (int i = 0; i < objects.length; i++) {
      objects[i] = stored(content());
    }
    Object one = objects[0].show(views);
    Object two = objects[1].show(views);
    assertThat(objects[2].tryShow(views)).isEmpty();
    assertThat(objects[2].held).hasValue(0);
    assertThat(objects[0].show(views)).as("what is shown already").isEqualTo(one);
    Stored huge =
        new Stored(
            ByteBuffer.allocateDirect((int) Views.COPY_BYTES_MAX + 1),
            arena.allocate(Views.COPY_BYTES_MAX + 64, 64));
    assertThat(huge.show(views)).isInstanceOf(ByteBuffer.class);
    Reference.reachabilityFence(one);
    Reference.reachabilityFence(two);
    one = null;
    two = null;
    released(objects[0]);
    released(objects[1]);
    released(huge);
    await().until(() -> views.bytes() == 0);
    assertThat(objects[2].show(views)).isEqualTo(content());
    Views narrow = new Views(1);
    Object only = objects[3].show(narrow);
    assertThat(objects[0].tryShow(narrow)).isEmpty();
    Reference.reachabilityFence(only);
    assertThat(objects[0].tryShow(new Views(0))).isEmpty();
  }

  @Test
  void viewsThrowOnceTheMemoryIsGone() {
    Views views = new Views(Long.MAX_VALUE);
    ByteBuffer buffer = (ByteBuffer) stored(content()).show(views);
    var ints = buffer.asIntBuffer();
    DirectBuffer direct = (DirectBuffer) stored(new UnsafeBuffer(new byte[SIZE])).show(views);
    UnsafeBuffer heap = new UnsafeBuffer(new byte[SIZE]);
    UnsafeBuffer offHeap = new UnsafeBuffer(ByteBuffer.allocateDirect(SIZE));
    direct.getBytes(0, heap, 0, SIZE);
    direct.getBytes(0, offHeap, 0, SIZE);
    arena.close();
    assertThatThrownBy(() -> buffer.get(0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> buffer.get(new byte[10])).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> ByteBuffer.allocateDirect(SIZE).put(buffer))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> ints.get(1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> direct.getLong(8)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> direct.getBytes(0, heap, 0, SIZE))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> direct.getBytes(0, offHeap, 0, SIZE))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> direct.getBytes(0, ByteBuffer.allocateDirect(SIZE), SIZE))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> new SegmentBuffer(arena.allocate(8)))
        .isInstanceOf(IllegalStateException.class);
  }
}
