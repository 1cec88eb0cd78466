package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.dfut.StoreFullException;
import io.dfut.internal.spi.ObjectStore.Pinned;
import io.dfut.internal.spi.ObjectStore.SourceLostException;
import io.dfut.internal.spi.ObjectStore.Urgency;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stores of one host, two of them in one JVM, that read each other's memory in place. */
final class SharedMemoryTest {
  private static final int MIB = 1 << 20;

  @TempDir Path directory;

  private final Stores stores = new Stores();

  @AfterEach
  void nothingIsLeftAfterTheStop() throws IOException {
    stores.close();
    assertThat(files()).isEmpty();
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.skip(1).map(Path::toString).toList();
    }
  }

  private SlabObjectStore open(int node) {
    return open(node, "");
  }

  private SlabObjectStore open(int node, String overrides) {
    return stores.open(
        node,
        "store.memory = 64 MiB\nstore.shared-memory = \"" + directory + "\"\n" + overrides,
        new PlainTransport());
  }

  private static void introduce(SlabObjectStore puller, int node, SlabObjectStore source) {
    puller.peerUp(node(node), source.endpoint().orElseThrow());
  }

  private static CompletableFuture<Pinned> fetch(SlabObjectStore store, int key, long bytes) {
    return store.fetch(key(key), bytes, List.of(node(1)), Urgency.GET).toCompletableFuture();
  }

  private static Pinned get(SlabObjectStore store, int key, long bytes) throws Exception {
    return Stores.get(fetch(store, key, bytes));
  }

  /** Readers have to ask for each object. */
  private void withoutCatalogues() throws IOException {
    try (Stream<Path> runs = Files.list(directory)) {
      for (Path run : runs.toList()) {
        Files.delete(run.resolve(Catalogue.FILE));
      }
    }
  }

  private static void awaitNoHolds(SlabObjectStore store) {
    await("the releases arrive").until(() -> store.holds().count() == 0);
    Stores.assertNoLeaks(store);
  }

  @Test
  void objectIsReadWhereItIs() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    Values value = Values.of(1, 40 * MIB);
    one.putPrimary(key(1), value);

    try (Pinned first = get(two, 1, value.bytes());
        Pinned second = get(two, 1, value.bytes());
        Pinned third = two.pin(key(1)).orElseThrow()) {
      assertThat(value.isIn(first)).isTrue();
      assertThat(first.isCopy()).isFalse();
      assertThat(first.bytes().isReadOnly()).isTrue();
      assertThat(second.bytes().address()).isEqualTo(first.bytes().address());
      assertThat(third.bytes().address()).isEqualTo(first.bytes().address());
      assertThat(one.holds().count()).isEqualTo(1);
      assertThat(two.contents().get(key(1)))
          .isEqualTo("read in place on " + node(1) + ", pinned by 3");
      assertThat(two.contains(key(1))).as("it is no copy").isFalse();
      assertThat(two.promote(key(1))).isFalse();
      assertThat(two.bytesOf(List.of(key(1)))).isZero();
    }
    awaitNoHolds(one);
    assertThat(two.contents()).isEmpty();
    assertThat(two.stats().usedBytes()).isZero();
    assertThat(two.stats().pulledBytes()).isZero();
    assertThat(one.stats().servedBytes()).isZero();
  }

  @Test
  void manyReadersOfManyObjectsSeeTheRightBytesAndLeaveNothing() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    List<Values> values = new ArrayList<>();
    for (int k = 0; k < 40; k++) {
      values.add(Values.of(k, 1 + k * 30_000));
      one.putPrimary(key(k), values.get(k));
    }
    List<CompletableFuture<Boolean>> reads = new ArrayList<>();
    Random random = new Random(1);
    for (int i = 0; i < 2_000; i++) {
      int k = random.nextInt(values.size());
      reads.add(
          fetch(two, k, values.get(k).bytes())
              .thenApplyAsync(
                  pinned -> {
                    try (pinned) {
                      return values.get(k).isIn(pinned);
                    }
                  }));
    }
    for (CompletableFuture<Boolean> read : reads) {
      assertThat(read.get()).isTrue();
    }
    awaitNoHolds(one);
    assertThat(two.contents()).isEmpty();
    assertThat(two.stats().pulls()).isZero();
  }

  @Test
  void freeWhileHeldIsCarriedOutWhenTheLastReaderLetsGo() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    Values value = Values.of(1, MIB);
    one.putPrimary(key(1), value);
    try (Pinned pinned = get(two, 1, MIB)) {
      one.free(key(1));
      two.free(key(1));
      assertThat(one.stats().usedBytes()).isEqualTo(MIB);
      assertThat(two.pin(key(1))).as("freed here").isEmpty();
      for (int k = 2; k < 80; k++) { // what is overwritten is not what is read
        one.putPrimary(key(k), Values.of(k, MIB));
        one.free(key(k));
      }
      assertThat(value.isIn(pinned)).isTrue();
      assertThatThrownBy(() -> get(two, 1, MIB))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(SourceLostException.class);
    }
    await("freed there").until(() -> one.stats().usedBytes() == 0);
    awaitNoHolds(one);
  }

  @Test
  void whatIsReadInPlaceStaysReadableWhenItsSourceClosesAndIsTakenForDead() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    Values value = Values.of(1, 20 * MIB);
    one.putPrimary(key(1), value);
    try (Pinned pinned = get(two, 1, value.bytes())) {
      one.close();
      two.peerDown(node(1));
      assertThat(value.isIn(pinned)).isTrue();
      try (Pinned later = two.pin(key(1)).orElseThrow()) {
        assertThat(value.isIn(later)).isTrue();
      }
    }
    two.free(key(1));
    assertThatThrownBy(() -> get(two, 1, value.bytes()))
        .hasCauseInstanceOf(SourceLostException.class);
    two.reap();
    assertThat(two.attachments().mappingCount()).as("the file is gone, so is its mapping").isZero();
  }

  @Test
  void aViewInPlaceThrowsAfterItsOwnStoreClosed() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    one.putPrimary(key(1), Values.of(1, MIB));
    Pinned pinned = get(two, 1, MIB);
    MemorySegment bytes = pinned.bytes();
    two.close();
    assertThatThrownBy(() -> bytes.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(pinned::bytes).isInstanceOf(IllegalStateException.class);
    pinned.close();
    await("the reader is gone, so are its holds")
        .until(
            () -> {
              one.reap();
              return one.holds().count() == 0;
            });
    Stores.assertNoLeaks(one);
  }

  @Test
  void objectLargerThanTheReadersStoreIsReadInPlaceAndElseRefused() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2, "store.memory = 1 MiB");
    SlabObjectStore three = open(3, "store.memory = 1 MiB\nstore.shared-memory = off");
    introduce(two, 1, one);
    introduce(three, 1, one);
    Values value = Values.of(1, 30 * MIB);
    one.putPrimary(key(1), value);
    try (Pinned pinned = get(two, 1, value.bytes())) {
      assertThat(value.isIn(pinned)).isTrue();
    }
    assertThatThrownBy(() -> get(three, 1, value.bytes()))
        .hasCauseInstanceOf(StoreFullException.class);
    awaitNoHolds(one);
  }

  @Test
  void nodesThatShareNothingPull(@TempDir Path elsewhere) throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2, "store.shared-memory = off");
    introduce(two, 1, one);
    introduce(one, 2, two);
    Values value = Values.of(1, 3 * MIB);
    one.putPrimary(key(1), value);
    two.putPrimary(key(2), value);
    try (Pinned there = get(two, 1, value.bytes());
        Pinned back = Stores.get(one.fetch(key(2), value.bytes(), List.of(node(2)), Urgency.GET))) {
      assertThat(value.isIn(there)).isTrue();
      assertThat(value.isIn(back)).isTrue();
      assertThat(there.isCopy() && back.isCopy()).isTrue();
    }
    assertThat(two.stats().pulls()).isEqualTo(1);
    assertThat(one.stats().pulls()).isEqualTo(1);
    assertThat(one.holds().count()).isZero();
  }

  /** As a container with another /dev/shm would: the path is the same, what is there is not. */
  @Test
  void aPeerThatSeesAnotherDirectoryUnderTheSameNamePulls() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    Values value = Values.of(1, 3 * MIB);
    one.putPrimary(key(1), value);
    try (Stream<Path> runs = Files.list(directory)) {
      for (Path run : runs.toList()) {
        Path proof = run.resolve(Share.FILE);
        String other = Files.readString(proof).replaceFirst("..$", "zz");
        Files.writeString(proof, other);
      }
    }
    try (Pinned pinned = get(two, 1, value.bytes())) {
      assertThat(value.isIn(pinned)).isTrue();
      assertThat(pinned.isCopy()).isTrue();
    }
    awaitNoHolds(one);
  }

  /** A connection that breaks when the first answer to a request is read. */
  private record Breaking(java.util.concurrent.atomic.AtomicInteger breaks)
      implements DataTransport {
    @Override
    public DataChannel connect(String host, InetSocketAddress address, Duration timeout)
        throws IOException {
      DataChannel channel = new PlainTransport().connect(host, address, timeout);
      return new DataChannel() {
        private boolean asked;

        @Override
        public int read(ByteBuffer target) throws IOException {
          int read = channel.read(target);
          if (asked && breaks.getAndDecrement() > 0) {
            throw new IOException("broken by the test");
          }
          return read;
        }

        @Override
        public void write(ByteBuffer... sources) throws IOException {
          short kind = sources[0].get(sources[0].position() + 2);
          asked = kind == HoldFrames.KIND_HOLD;
          channel.write(sources);
        }

        @Override
        public void endOutput() throws IOException {
          channel.endOutput();
        }

        @Override
        public String remote() {
          return channel.remote();
        }

        @Override
        public void close() throws IOException {
          channel.close();
        }
      };
    }

    @Override
    public DataChannel accept(SocketChannel socket) throws IOException {
      return new PlainTransport().accept(socket);
    }
  }

  /** The connection was idle, so the same question is asked over a new one, and refused there. */
  @Test
  void aHoldThatWasGrantedOverAConnectionThatBrokeIsReleased() throws Exception {
    SlabObjectStore one = open(1);
    java.util.concurrent.atomic.AtomicInteger breaks =
        new java.util.concurrent.atomic.AtomicInteger();
    SlabObjectStore two =
        stores.open(
            2,
            "store.data.unix-sockets = off, store.shared-memory = \"" + directory + "\"",
            new Breaking(breaks));
    introduce(two, 1, one);
    Values value = Values.of(1, MIB);
    one.putPrimary(key(1), value);
    one.putPrimary(key(2), value);
    withoutCatalogues();
    get(two, 2, MIB).close();
    awaitNoHolds(one);
    breaks.set(1);
    try (Pinned pinned = get(two, 1, MIB)) {
      assertThat(value.isIn(pinned)).isTrue();
    }
    assertThat(breaks.get()).as("it was asked for over the idle connection").isLessThan(1);
    awaitNoHolds(one);
  }

  @Test
  void aHoldWhoseAnswerWasLostIsReleased() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two =
        stores.open(
            2,
            "store.data.unix-sockets = off, store.shared-memory = \"" + directory + "\"",
            new Breaking(new java.util.concurrent.atomic.AtomicInteger(1)));
    introduce(two, 1, one);
    Values value = Values.of(1, MIB);
    one.putPrimary(key(1), value);
    assertThatThrownBy(() -> get(two, 1, MIB)).hasMessageContaining("broken by the test");
    awaitNoHolds(one);
    try (Pinned pinned = get(two, 1, MIB)) {
      assertThat(value.isIn(pinned)).isTrue();
    }
    awaitNoHolds(one);
  }

  @Test
  void aHoldThatComesAfterItsReleaseIsNotGranted() throws Exception {
    SlabObjectStore one = open(1);
    one.putPrimary(key(1), Values.of(1, MIB));
    try (SharedDirectory reader = SharedDirectory.open(directory);
        Holds holds = new Holds(Optional.empty())) {
      assertThat(holds.admit(reader.share())).isTrue();
      holds.release(reader.share(), List.of(7L));
      DataPlane.Served pin = (DataPlane.Served) one.pin(key(1)).orElseThrow();
      assertThat(holds.add(reader.share(), 7, pin)).isFalse();
      assertThat(holds.add(reader.share(), 8, pin)).isTrue();
      holds.reap();
      assertThat(holds.count()).as("the reader lives").isEqualTo(1);
      holds.release(reader.share(), List.of(8L));
      Stores.assertNoLeaks(one);
    }
  }

  @Test
  void aFullFileSystemMeansOrdinaryMemory() throws Exception {
    // Nothing has room for a slab of this size; the store's own size is bounded below that.
    try (SharedDirectory shared = SharedDirectory.open(directory)) {
      assertThatThrownBy(() -> shared.create(1, 1L << 60, java.lang.foreign.Arena.ofAuto()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("bytes free");
      assertThat(shared.file(1)).doesNotExist();
    }
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    try (Stream<Path> runs = Files.list(directory)) { // slabs cannot be made any more
      for (Path run : runs.toList()) {
        for (int slab = 0; slab < 3; slab++) {
          Files.createDirectory(run.resolve("slab-" + slab));
        }
      }
    }
    Values value = Values.of(1, MIB);
    one.putPrimary(key(1), value);
    try (Pinned pinned = get(two, 1, MIB)) {
      assertThat(value.isIn(pinned)).isTrue();
      assertThat(pinned.isCopy()).isTrue();
    }
  }

  @Test
  void aDirectoryThatCannotBeUsedIsNamedAtTheStart() {
    assertThatThrownBy(() -> open(1, "store.shared-memory = \"" + directory + "/missing\""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dfut.store.shared-memory is " + directory + "/missing")
        .hasMessageContaining("does not exist");
    assertThatThrownBy(() -> open(1, "store.shared-memory = sometimes"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("allowed: auto, off, or the absolute path");
  }

  // ------------------------------------------------------------------------------------------------------------ own

  @Test
  void ownBytesOutliveThePinTheFreeAndTheStores() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    Values value = Values.of(1, 2 * MIB);
    one.putPrimary(key(1), value);
    MemorySegment here;
    MemorySegment there;
    try (Pinned pinned = one.pin(key(1)).orElseThrow();
        Pinned attached = get(two, 1, value.bytes())) {
      here = pinned.own();
      there = attached.own();
    }
    assertThat(here.isReadOnly() && here.isMapped()).isTrue();
    assertThat(there.isReadOnly() && there.isMapped()).isTrue();
    one.free(key(1));
    overwriteAll(one);
    assertThat(value.isIn(here)).isTrue();
    assertThat(value.isIn(there)).isTrue();
    two.close();
    one.reap();
    assertThat(one.holds().count()).as("held for what is still reachable").isEqualTo(1);
    overwriteAll(one);
    assertThat(value.isIn(there)).isTrue();
    one.close();
    assertThat(value.isIn(here)).isTrue();
    assertThat(value.isIn(there)).isTrue();
  }

  private static void overwriteAll(SlabObjectStore store) {
    for (int k = 100; k < 200; k++) {
      store.putPrimary(key(k), Values.of(k, MIB));
      store.free(key(k));
    }
  }

  @Test
  void slicesAndBuffersKeepOwnBytesAndTheLastOneLetsThemGo() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    Values value = Values.of(1, 2 * MIB);
    one.putPrimary(key(1), value);
    one.putPrimary(key(2), value);
    MemorySegment slice;
    ByteBuffer buffer;
    try (Pinned pinned = one.pin(key(1)).orElseThrow();
        Pinned attached = get(two, 2, value.bytes())) {
      slice = pinned.own().asSlice(MIB, 100).asSlice(10, 50);
      buffer = attached.own().asByteBuffer().slice(MIB, 100);
    }
    MemorySegment expected = value.segment();
    one.free(key(1));
    one.free(key(2));
    for (int i = 0; i < 5; i++) {
      collect();
      assertThat(one.stats().usedBytes()).isEqualTo(4L * MIB);
      assertThat(one.holds().count()).isEqualTo(1);
      assertThat(slice.mismatch(expected.asSlice(MIB + 10, 50))).isEqualTo(-1);
      assertThat(MemorySegment.ofBuffer(buffer).mismatch(expected.asSlice(MIB, 100))).isEqualTo(-1);
    }
    Reference.reachabilityFence(slice);
    Reference.reachabilityFence(buffer);
    slice = null;
    buffer = null;
    await("let go when nobody can reach them")
        .until(
            () -> {
              System.gc();
              return one.stats().usedBytes() == 0;
            });
    awaitNoHolds(one);
  }

  /** A collection has happened, and cleaners whose objects it found have begun to run. */
  private static void collect() {
    java.lang.ref.WeakReference<Object> gone = new java.lang.ref.WeakReference<>(new Object());
    await("a collection")
        .until(
            () -> {
              System.gc();
              return gone.get() == null;
            });
  }

  @Test
  void ownBytesOfOrdinaryMemoryAreACopy() {
    SlabObjectStore one = stores.open(1, "");
    Values value = Values.of(1, MIB);
    one.putPrimary(key(1), value);
    Pinned pinned = one.pin(key(1)).orElseThrow();
    MemorySegment own = pinned.own();
    pinned.close();
    assertThatThrownBy(pinned::own).isInstanceOf(IllegalStateException.class);
    one.free(key(1));
    assertThat(one.stats().usedBytes()).isZero();
    one.close();
    assertThat(own.isReadOnly()).isTrue();
    assertThat(value.isIn(own)).isTrue();
  }
}
