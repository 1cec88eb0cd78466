package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.dfut.StoreFullException;
import io.dfut.internal.spi.ObjectStore.Pinned;
import io.dfut.internal.spi.ObjectStore.SourceLostException;
import io.dfut.internal.spi.ObjectStore.Stats;
import io.dfut.internal.spi.ObjectStore.Urgency;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A store with disks: more than fits into memory, on real files. */
final class SpillTest {
  private static final int MIB = 1 << 20;

  private final Stores stores = new Stores();

  @TempDir Path directory;

  @AfterEach
  void close() {
    stores.close();
  }

  private SlabObjectStore open(String more) {
    return stores.open(1, "store.spill.directories = [\"" + directory + "\"], " + more);
  }

  private SlabObjectStore openNetworked() {
    return stores.open(
        1,
        "store.memory = 16 MiB, store.spill.directories = [\"" + directory + "\"]",
        new PlainTransport());
  }

  private SlabObjectStore openPeerOf(SlabObjectStore one) {
    SlabObjectStore two = stores.open(2, "store.memory = 64 MiB", new PlainTransport());
    two.peerUp(node(1), one.endpoint().orElseThrow());
    return two;
  }

  private static Pinned read(SlabObjectStore store, int key, long bytes) throws Exception {
    return store
        .pin(key(key))
        .orElseGet(
            () -> {
              try {
                return Stores.get(store.fetch(key(key), bytes, List.of(), Urgency.GET));
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
  }

  private static void assertReads(SlabObjectStore store, int key, int bytes) throws Exception {
    try (Pinned pinned = read(store, key, bytes)) {
      Values.assertIs(pinned.bytes(), key, bytes);
    }
  }

  private static List<Path> spillFiles(Path below) {
    try (Stream<Path> all = Files.walk(below)) {
      return all.filter(Files::isRegularFile)
          .filter(file -> !file.getFileName().toString().equals(RunDirectory.LOCK))
          .toList();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A third of the thousand reads of the scenario, so that the build is not long. */
  @Test
  @Tag("C221")
  @DisplayName("221 far more data than memory is read back byte for byte, without thrashing")
  void aWorkingSetOfManyTimesTheMemoryReadsRight() throws Exception {
    SlabObjectStore store = open("store.memory = 75 MB");
    Random random = new Random(221);
    int[] sizes = random.ints(100, 8_000_000, 24_000_000).toArray();
    for (int i = 0; i < sizes.length; i++) {
      store.putPrimary(key(i), Values.of(i, sizes[i]));
    }
    long read = 0;
    for (int i = 0; i < 333; i++) {
      int k = random.nextInt(sizes.length);
      assertReads(store, k, sizes[k]);
      read += sizes[k];
    }
    Stats stats = store.stats();
    assertThat(stats.restoredBytes()).isPositive().isLessThanOrEqualTo(read);
    assertThat(stats.usedBytes()).isLessThanOrEqualTo(75_000_000);
    assertThat(stats.spillNanos()).isPositive();
    assertThat(stats.restoreNanos()).isPositive();
    store.checkInvariants();
  }

  /**
   * Ray restores three of the four. Here what was written to disk stays in memory until its room is
   * needed, so those that are still there are not read back: two or three are, by when the first
   * two were written.
   */
  @Test
  @Tag("C222")
  @DisplayName(
      "222 figures of spilling are exact; only what is not in memory any more is read back")
  void whatIsStillInMemoryIsNotReadFromDisk() throws Exception {
    int bytes = 50_000_000;
    SlabObjectStore store = open("store.memory = 101 MB");
    for (int i = 0; i < 4; i++) {
      store.putPrimary(key(i), Values.of(i, bytes));
    }
    await("all four are on disk")
        .until(() -> store.stats().spilledObjects(), spilled -> spilled == 4);
    assertThat(store.stats().spilledBytes()).isEqualTo(4L * bytes);
    for (int i = 3; i >= 0; i--) {
      assertReads(store, i, bytes);
    }
    assertThat(store.stats().restoredObjects()).isBetween(2L, 3L);
    assertThat(store.stats().restoredBytes()).isLessThanOrEqualTo(3L * bytes);
    assertThat(store.stats().spilledObjects()).as("nothing is written twice").isEqualTo(4);
  }

  @Test
  @Tag("C226")
  @DisplayName("226 when everything is freed, no spill file is left, also if one was gone before")
  void whenAllIsFreedNoFileIsLeft() throws Exception {
    SlabObjectStore store = open("store.memory = 32 MiB, store.spill.batch = 1 MiB");
    for (int i = 0; i < 40; i++) {
      store.putPrimary(key(i), Values.of(i, 4 * MIB));
    }
    List<Path> files = spillFiles(directory);
    assertThat(files).hasSizeGreaterThan(20);
    Files.delete(files.getFirst()); // one that is gone already does no harm
    for (int i = 0; i < 40; i++) {
      store.free(key(i));
    }
    await("no spill file is left").until(() -> spillFiles(directory).isEmpty());
    assertThat(store.stats().diskBytes()).isZero();
    assertThat(store.stats().diskFiles()).isZero();
  }

  @Test
  void smallObjectsShareAFileThatGoesWithTheLastOfThem() throws Exception {
    SlabObjectStore store =
        open("store.memory = 1 MiB, store.spill.batch = 256 KiB, store.spill.batch-objects = 50");
    for (int i = 0; i < 200; i++) {
      store.putPrimary(key(i), Values.of(i, 10_000));
    }
    await("writing to disk has come to rest")
        .until(() -> store.contents().values().stream().noneMatch(why -> why.contains("written")));
    long files = store.stats().diskFiles();
    assertThat(store.stats().spilledObjects()).isGreaterThan(5 * files);
    for (int i = 0; i < 200; i += 2) {
      store.free(key(i));
    }
    for (int i = 1; i < 200; i += 2) {
      assertReads(store, i, 10_000);
    }
    for (int i = 1; i < 200; i += 2) {
      store.free(key(i));
    }
    await("no spill file is left").until(() -> spillFiles(directory).isEmpty());
    store.checkInvariants();
  }

  @Test
  void whatIsPinnedByAReaderIsNeitherEvictedNorSpilled() throws Exception {
    SlabObjectStore store = open("store.memory = 16 MiB, store.put-timeout = 300 ms");
    store.putPrimary(key(1), Values.of(1, 8 * MIB));
    try (Pinned pinned = store.pin(key(1)).orElseThrow()) {
      store.putPrimary(key(2), Values.of(2, 6 * MIB));
      store.putPrimary(key(3), Values.of(3, 6 * MIB));
      Values.assertIs(pinned.bytes(), 1, 8 * MIB);
      try (Pinned other = read(store, 2, 6 * MIB)) {
        assertThatThrownBy(() -> store.putPrimary(key(4), Values.of(4, 6 * MIB)))
            .isInstanceOf(StoreFullException.class)
            .hasMessageContaining("in use");
        Values.assertIs(other.bytes(), 2, 6 * MIB);
      }
      store.putPrimary(key(4), Values.of(4, 6 * MIB));
      Values.assertIs(pinned.bytes(), 1, 8 * MIB);
    }
    assertReads(store, 3, 6 * MIB);
  }

  @Test
  @Tag("C220")
  @DisplayName("220 a value larger than the store is refused with the figures")
  void aValueLargerThanTheStoreIsRefusedWithFigures() {
    SlabObjectStore store = stores.open(1, "store.memory = 16 MiB");
    assertThatThrownBy(() -> store.putPrimary(key(1), Values.of(1, 17 * MIB), "Big.make"))
        .isInstanceOf(StoreFullException.class)
        .hasMessageContaining("asked " + 17 * MIB)
        .hasMessageContaining("capacity " + 16 * MIB)
        .hasMessageContaining("spilling to disk is off")
        .hasMessageContaining("dfut.store.memory");
  }

  @Test
  void aFullStoreNamesWhatMadeItsLargestObjects() {
    SlabObjectStore store = stores.open(1, "store.memory = 16 MiB, store.put-timeout = 50 ms");
    store.putPrimary(key(1), Values.of(1, 12 * MIB), "com.acme.Video.decode(Video.java:12)");
    assertThatThrownBy(() -> store.putPrimary(key(2), Values.of(2, 8 * MIB)))
        .isInstanceOf(StoreFullException.class)
        .hasMessageContaining("made by com.acme.Video.decode(Video.java:12)");
  }

  @Test
  void aCorruptFileIsALostCopy() throws Exception {
    SlabObjectStore store = open("store.memory = 16 MiB");
    for (int i = 0; i < 6; i++) {
      store.putPrimary(key(i), Values.of(i, 6 * MIB));
    }
    int spilled = 0;
    while (!store.contents().get(key(spilled)).equals("primary, on disk")) {
      spilled++;
    }
    for (Path file : spillFiles(directory)) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 3 * MIB + 17);
      }
    }
    int lost = spilled;
    assertThatThrownBy(() -> Stores.get(store.fetch(key(lost), 6 * MIB, List.of(), Urgency.GET)))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOf(SourceLostException.class)
        .hasMessageContaining("wrong checksum");
    assertThat(store.contains(key(lost))).isFalse();
    store.checkInvariants();
  }

  @Test
  void aPeerReadsFromDiskWithoutRoomHere() throws Exception {
    SlabObjectStore one = openNetworked();
    SlabObjectStore two = openPeerOf(one);
    for (int i = 0; i < 6; i++) {
      one.putPrimary(key(i), Values.of(i, 6 * MIB + 12_345));
    }
    for (int i = 0; i < 6; i++) {
      try (Pinned pulled =
          Stores.get(two.fetch(key(i), 6 * MIB + 12_345, List.of(node(1)), Urgency.GET))) {
        Values.assertIs(pulled.bytes(), i, 6 * MIB + 12_345);
      }
    }
    assertThat(one.stats().restoredObjects()).isZero();
  }

  @Test
  @Tag("C239")
  @DisplayName("239 what a third node has in memory is pulled from there, not from the disk")
  void aCopyInMemoryIsPreferredToOneOnDisk() throws Exception {
    SlabObjectStore one = openNetworked();
    SlabObjectStore two = openPeerOf(one);
    for (int i = 0; i < 8; i++) {
      one.putPrimary(key(i), Values.of(i, 4 * MIB));
    }
    Stores.get(two.fetch(key(0), 4 * MIB, List.of(node(1)), Urgency.GET)).close();
    long servedFromDisk = one.stats().servedBytes();
    assertThat(servedFromDisk).isEqualTo(4 * MIB);
    SlabObjectStore three = stores.open(3, "store.memory = 64 MiB", new PlainTransport());
    three.peerUp(node(1), one.endpoint().orElseThrow());
    three.peerUp(node(2), two.endpoint().orElseThrow());
    try (Pinned pinned =
        Stores.get(three.fetch(key(0), 4 * MIB, List.of(node(1), node(2)), Urgency.GET))) {
      Values.assertIs(pinned.bytes(), 0, 4 * MIB);
    }
    assertThat(one.stats().servedBytes()).isEqualTo(servedFromDisk);
    assertThat(one.stats().restoredObjects()).isZero();
    assertThat(two.stats().servedBytes()).isEqualTo(4 * MIB);
  }

  @Test
  void aPeerHearsThatTheFileIsCorruptAndTheCopyIsGone() throws Exception {
    SlabObjectStore one = openNetworked();
    SlabObjectStore two = openPeerOf(one);
    for (int i = 0; i < 4; i++) {
      one.putPrimary(key(i), Values.of(i, 6 * MIB));
    }
    for (Path file : spillFiles(directory)) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(5);
      }
    }
    assertThat(one.contents().get(key(0))).isEqualTo("primary, on disk");
    assertThatThrownBy(() -> Stores.get(two.fetch(key(0), 6 * MIB, List.of(node(1)), Urgency.GET)))
        .cause()
        .isInstanceOf(SourceLostException.class);
    assertThat(one.contains(key(0))).isFalse();
  }

  @Test
  @Tag("C230")
  @DisplayName("230 spill files are spread over the directories, and gone with the store")
  void filesAreSpreadOverTheDirectories() throws Exception {
    Path left = Files.createDirectory(directory.resolve("left"));
    Path right = Files.createDirectory(directory.resolve("right"));
    SlabObjectStore store =
        stores.open(
            1,
            "store.memory = 16 MiB, store.spill.batch = 1 MiB, store.spill.directories = [\""
                + left
                + "\", \""
                + right
                + "\"]");
    for (int i = 0; i < 30; i++) {
      store.putPrimary(key(i), Values.of(i, 3 * MIB));
    }
    int all = spillFiles(directory).size();
    assertThat(all).isGreaterThan(20);
    assertThat(spillFiles(left).size()).isBetween(all / 4, all * 3 / 4);
    store.close();
    assertThat(left).isEmptyDirectory();
    assertThat(right).isEmptyDirectory();
  }

  @Test
  @Tag("C230")
  @DisplayName("230 a missing directory is named with its key, and another is used")
  void aDirectoryThatCannotBeUsedIsNamedAndAnotherIsUsed() throws Exception {
    Path good = Files.createDirectory(directory.resolve("good"));
    Path missing = directory.resolve("missing");
    SlabObjectStore store =
        stores.open(
            1,
            "store.memory = 16 MiB, store.spill.directories = [\""
                + missing
                + "\", \""
                + good
                + "\"]");
    for (int i = 0; i < 6; i++) {
      store.putPrimary(key(i), Values.of(i, 6 * MIB));
    }
    for (int i = 0; i < 6; i++) {
      assertReads(store, i, 6 * MIB);
    }
    assertThatThrownBy(() -> stores.open(2, "store.spill.directories = [\"" + missing + "\"]"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dfut.store.spill.directories")
        .hasMessageContaining(missing.toString())
        .hasMessageContaining("does not exist");
  }

  @Test
  @Tag("C230")
  @DisplayName("230 a full disk is named once the memory is full too, and nothing is lost")
  void aFullDiskIsReportedWhenTheMemoryIsFullTooAndNothingIsLost() throws Exception {
    SlabObjectStore store =
        open(
            "store.memory = 16 MiB, store.put-timeout = 300 ms, store.spill.retry = 50 ms,"
                + " store.spill.min-free = 1000 PiB");
    store.putPrimary(key(1), Values.of(1, 6 * MIB));
    store.putPrimary(key(2), Values.of(2, 6 * MIB));
    assertThatThrownBy(() -> store.putPrimary(key(3), Values.of(3, 6 * MIB)))
        .isInstanceOf(StoreFullException.class)
        .hasMessageContaining(directory.toString())
        .hasMessageContaining("dfut.store.spill.min-free");
    assertReads(store, 1, 6 * MIB);
    assertReads(store, 2, 6 * MIB);
    assertThat(store.stats().spillFailures()).isPositive();
    assertThat(spillFiles(directory)).isEmpty();
    store.free(key(1));
    store.putPrimary(key(3), Values.of(3, 6 * MIB));
    assertReads(store, 3, 6 * MIB);
  }

  @Test
  void aDirectoryThatVanishedIsLeftOutAndFoundAgain() throws Exception {
    SlabObjectStore store =
        open(
            "store.memory = 16 MiB, store.put-timeout = 20 s, store.spill.retry = 50 ms,"
                + " store.spill.threshold = 1");
    store.putPrimary(key(1), Values.of(1, 6 * MIB));
    store.putPrimary(key(2), Values.of(2, 6 * MIB));
    Path own;
    try (Stream<Path> all = Files.list(directory)) {
      own = all.findFirst().orElseThrow();
    }
    Path away = directory.resolveSibling(directory.getFileName() + "-away");
    Files.move(own, away);
    try {
      List<Throwable> failure = new ArrayList<>();
      Thread putter =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      store.putPrimary(key(3), Values.of(3, 6 * MIB));
                    } catch (Throwable e) {
                      failure.add(e);
                    }
                  });
      await("spilling fails").until(() -> store.stats().spillFailures() > 1);
      Files.move(away, own);
      assertThat(putter.join(Duration.ofSeconds(20))).isTrue();
      assertThat(failure).isEmpty();
      for (int i = 1; i <= 3; i++) {
        assertReads(store, i, 6 * MIB);
      }
    } finally {
      if (Files.exists(away)) {
        Files.move(away, own);
      }
    }
  }

  @Test
  @Tag("C233")
  @DisplayName("233 the threshold decides how much is spilled")
  void theThresholdSaysHowEarlyObjectsGoToDisk() throws Exception {
    assertThat(spilledOfTen("0.8")).isGreaterThanOrEqualTo(5);
    assertThat(spilledOfTen("1.0")).isZero();
    assertThat(spilledOfTen("0.1")).isGreaterThanOrEqualTo(5);
  }

  /** Ten objects that take 91 percent of the store. */
  private long spilledOfTen(String threshold) throws Exception {
    SlabObjectStore store =
        stores.open(
            1,
            "store.memory = 22 MB, store.spill.threshold = "
                + threshold
                + ", store.spill.directories = [\""
                + directory
                + "\"]");
    for (int i = 0; i < 10; i++) {
      store.putPrimary(key(i), Values.of(i, 2_000_000));
    }
    await("writing to disk has come to rest")
        .until(() -> store.contents().values().stream().noneMatch(why -> why.contains("written")));
    for (int i = 0; i < 10; i++) {
      assertReads(store, i, 2_000_000);
    }
    long spilled = store.stats().spilledObjects();
    assertThat(store.stats().restoredObjects()).as("all fits into memory").isZero();
    store.close();
    return spilled;
  }

  /** Every third file cannot be written to its end, and every write takes its time. */
  private static final class UnsteadyDisk extends FaultyDisk {
    static final long WRITE_NANOS = 200_000;

    final AtomicInteger created = new AtomicInteger();
    final AtomicInteger failed = new AtomicInteger();
    volatile boolean dead;

    @Override
    Fault of(Path file) {
      boolean fails = created.incrementAndGet() % 3 == 0;
      return written -> {
        if (dead || fails && written > 0) {
          failed.incrementAndGet();
          throw new IOException("Input/output error");
        }
        LockSupport.parkNanos(WRITE_NANOS);
      };
    }
  }

  /** What is logged about spilling while this is open. */
  private static final class SpillLog implements AutoCloseable {
    private final Logger logger = (Logger) LoggerFactory.getLogger(SpillFiles.class);
    private final ListAppender<ILoggingEvent> events = new ListAppender<>();

    SpillLog() {
      events.start();
      logger.addAppender(events);
    }

    int lines() {
      return events.list.size();
    }

    @Override
    public void close() {
      logger.detachAppender(events);
    }
  }

  @Test
  @Tag("C223")
  @DisplayName(
      "223 a slow disk that fails one of three times loses nothing, and the log is bounded")
  void anUnsteadyDiskLosesNothing() throws Exception {
    UnsteadyDisk disk = new UnsteadyDisk();
    SlabObjectStore store =
        stores.open(
            1,
            "store.memory = 16 MiB, store.put-timeout = 20 s, store.spill.retry = 10 ms,"
                + " store.spill.batch = 1 MiB, store.spill.directories = [\""
                + directory
                + "\"]",
            disk);
    try (SpillLog log = new SpillLog()) {
      for (int i = 0; i < 40; i++) {
        store.putPrimary(key(i), Values.of(i, 2 * MIB + i));
      }
      for (int i : new Random(223).ints(100, 0, 40).toArray()) {
        assertReads(store, i, 2 * MIB + i);
      }
      assertThat(disk.failed).hasValueGreaterThan(5);
      // Also counted is a file that was not tried, as the other thread's had just failed there.
      await("every failure is counted")
          .until(() -> store.stats().spillFailures() >= disk.failed.get());
      assertThat(log.lines()).as("that it fails, and that it works again").isPositive();
      assertThat(log.lines()).isLessThanOrEqualTo(2 * disk.failed.get());

      disk.dead = true;
      int before = log.lines();
      int failed = disk.failed.get();
      for (int i = 0; i < 40; i++) {
        store.free(key(i));
      }
      // Seven of them are more than the threshold, so writing is tried again and again.
      for (int i = 40; i < 47; i++) {
        store.putPrimary(key(i), Values.of(i, 2 * MIB + i));
      }
      await("writing has failed often").until(() -> disk.failed.get() > failed + 20);
      assertThat(log.lines()).as("said once").isLessThanOrEqualTo(before + 1);

      disk.dead = false;
      long spilled = store.stats().spilledObjects();
      await("it works again").until(() -> store.stats().spilledObjects() > spilled);
      for (int i = 40; i < 47; i++) {
        assertReads(store, i, 2 * MIB + i);
      }
    }
    assertThat(spillFiles(directory)).as("no half-written file").hasSize(filesOf(store));
  }

  private static int filesOf(SlabObjectStore store) {
    return Math.toIntExact(store.stats().diskFiles());
  }

  @Test
  void othersCannotReadWhatIsSpilled() throws Exception {
    SlabObjectStore store = open("store.memory = 16 MiB");
    store.putPrimary(key(1), Values.of(1, 100));
    try (Stream<Path> all = Files.list(directory)) {
      for (Path own : all.toList()) {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(own)))
            .isEqualTo("rwx------");
      }
    }
  }
}
