package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.dfut.StoreFullException;
import io.dfut.internal.spi.ObjectStore.Pinned;
import io.dfut.internal.spi.ObjectStore.Urgency;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Objects that are read in another store's memory without a word to it. */
final class UnaskedReadsTest {
  private static final int MIB = 1 << 20;

  @TempDir Path directory;

  private final Stores stores = new Stores();
  private SlabObjectStore one;
  private SlabObjectStore two;

  @BeforeEach
  void acquaint() throws Exception {
    one = open(1);
    two = open(2);
    two.peerUp(node(1), one.endpoint().orElseThrow());
    one.putPrimary(key(0), Values.of(0, 100));
    Stores.get(fetch(0, 100)).close(); // from now on two need not ask
    await().until(() -> one.holds().count() == 0);
    one.free(key(0));
  }

  private SlabObjectStore open(int node) {
    return stores.open(
        node,
        "store.memory = 16 MiB\nstore.spill.directories = []\nstore.put-timeout = 300 ms\n"
            + "store.shared-memory = \""
            + directory
            + "\"",
        new PlainTransport());
  }

  @AfterEach
  void close() {
    stores.close();
  }

  private CompletableFuture<Pinned> fetch(int key, long bytes) {
    return two.fetch(key(key), bytes, List.of(node(1)), Urgency.GET).toCompletableFuture();
  }

  /** It is there at once, on this thread. */
  private Pinned read(int key, long bytes) {
    CompletableFuture<Pinned> fetched = fetch(key, bytes);
    assertThat(fetched).isCompleted();
    return fetched.join();
  }

  @Test
  void anObjectIsReadThoughItsStoreDoesNotAnswer() {
    Values value = Values.of(1, 3 * MIB);
    one.putPrimary(key(1), value);
    one.dataPlane().orElseThrow().close();
    try (Pinned pinned = read(1, value.bytes())) {
      assertThat(value.isIn(pinned)).isTrue();
      assertThat(pinned.isCopy()).isFalse();
      assertThat(one.holds().count()).isEqualTo(1);
    }
    assertThat(one.holds().count()).isZero();
    assertThat(two.contents()).isEmpty();
  }

  @Test
  void aFreeIsCarriedOutSoonAfterTheLastReaderHasLeft() {
    Values value = Values.of(1, 3 * MIB);
    one.putPrimary(key(1), value);
    try (Pinned pinned = read(1, value.bytes())) {
      one.free(key(1));
      for (int k = 2; k < 60; k++) {
        one.putPrimary(key(k), Values.of(k, MIB));
        one.free(key(k));
      }
      assertThat(value.isIn(pinned)).isTrue();
      assertThat(one.stats().usedBytes()).isEqualTo(3L * MIB);
      read(1, value.bytes()).close(); // it is attached here already
    }
    await("freed").until(() -> one.stats().usedBytes() == 0);
    assertThat(fetch(1, value.bytes())).failsWithin(java.time.Duration.ofSeconds(10));
  }

  @Test
  void copiesThatAreReadAreNotEvictedAndOthersAre() throws Exception {
    SlabObjectStore three =
        stores.open(3, "store.memory = 64 MiB\nstore.shared-memory = off", new PlainTransport());
    one.peerUp(node(3), three.endpoint().orElseThrow());
    Values value = Values.of(1, 4 * MIB);
    for (int k = 1; k <= 3; k++) { // three copies fill twelve of sixteen
      three.putPrimary(key(k), value);
      Stores.get(one.fetch(key(k), value.bytes(), List.of(node(3)), Urgency.GET)).close();
    }
    try (Pinned pinned = read(1, value.bytes())) {
      one.putPrimary(key(10), Values.of(10, 8 * MIB));
      assertThat(value.isIn(pinned)).isTrue();
      assertThat(one.contains(key(1))).isTrue();
      assertThat(one.contains(key(2))).isFalse();
      Assertions.assertThatThrownBy(() -> one.putPrimary(key(11), Values.of(11, 6 * MIB)))
          .isInstanceOf(StoreFullException.class);
      assertThat(value.isIn(pinned)).isTrue();
    }
    one.putPrimary(key(11), Values.of(11, 6 * MIB));
    assertThat(one.contains(key(1))).isFalse();
  }

  @Test
  void aReaderThatIsGoneKeepsNothing() {
    Values value = Values.of(1, 3 * MIB);
    one.putPrimary(key(1), value);
    Pinned pinned = read(1, value.bytes());
    one.free(key(1));
    two.close();
    pinned.close();
    await("its lock is free")
        .until(
            () -> {
              one.reap();
              return one.stats().usedBytes() == 0;
            });
  }

  @Test
  void ownBytesOutliveTheirStores() {
    Values value = Values.of(1, 2 * MIB);
    one.putPrimary(key(1), value);
    MemorySegment own;
    try (Pinned pinned = read(1, value.bytes())) {
      own = pinned.own();
    }
    one.free(key(1));
    two.close();
    one.reap();
    for (int k = 100; k < 150; k++) {
      one.putPrimary(key(k), Values.of(k, MIB));
      one.free(key(k));
    }
    assertThat(one.stats().usedBytes()).as("held for what is reachable").isEqualTo(2L * MIB);
    assertThat(value.isIn(own)).isTrue();
    one.close();
    assertThat(value.isIn(own)).isTrue();
    Reference.reachabilityFence(own);
  }

  @Test
  void moreObjectsThanMarksAreReadAllTheSame() throws Exception {
    int objects = Marks.CELLS + 20;
    Pinned[] pinned = new Pinned[objects];
    for (int k = 0; k < objects; k++) {
      one.putPrimary(key(k), Values.of(k, 1_000));
      pinned[k] = Stores.get(fetch(k, 1_000));
    }
    for (int k = 0; k < objects; k++) {
      assertThat(Values.of(k, 1_000).isIn(pinned[k])).isTrue();
      pinned[k].close();
    }
    await().until(() -> one.holds().count() == 0);
    assertThat(Optional.of(two.contents())).contains(java.util.Map.of());
  }
}
