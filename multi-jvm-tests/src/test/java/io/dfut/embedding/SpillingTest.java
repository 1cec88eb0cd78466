package io.dfut.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.ObjectLostException;
import io.dfut.StoreFullException;
import io.dfut.TaskFailedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A system whose values do not fit into its memory, and whose disk loses them, as a program sees
 * it. A directory without write permission is not among the cases: root, as whom CI may run, can
 * write there all the same.
 */
@Timeout(120)
final class SpillingTest {
  private static final Duration SOON = Duration.ofSeconds(30);

  /** The store holds two of them. */
  private static final int BYTES = 6 << 20;

  /** So that the first of them is only on disk. */
  private static final int MANY = 5;

  private static final AtomicInteger MADE = new AtomicInteger();

  @TempDir Path directory;

  @BeforeEach
  void nothingMade() {
    MADE.set(0);
  }

  private DFutSystem local(String overrides) {
    return DFutSystem.local(
        ConfigFactory.parseString(
            "dfut.cpus=2\ndfut.store.memory=16MiB\ndfut.store.spill.directories=[\""
                + directory
                + "\"]\n"
                + overrides));
  }

  static byte[] content(int seed) {
    MADE.incrementAndGet();
    return expected(seed, BYTES);
  }

  private static byte[] expected(int seed, int length) {
    byte[] content = new byte[length];
    new Random(seed).nextBytes(content);
    return content;
  }

  static int hash(byte[] content) {
    return Arrays.hashCode(content);
  }

  /** Results of tasks; the first is only on disk. */
  private static List<DFut<byte[]>> results(DFutSystem dfut) {
    List<DFut<byte[]>> results = new ArrayList<>();
    for (int i = 0; i < MANY; i++) {
      results.add(dfut.task(SpillingTest::content).submit(i));
      assertThat(dfut.await(List.of(results.getLast()), 1, SOON).ready()).hasSize(1);
    }
    return results;
  }

  private List<Path> spillFiles() {
    try (Stream<Path> all = Files.walk(directory)) {
      return all.filter(file -> file.getFileName().toString().matches("[0-9]+"))
          .filter(Files::isRegularFile)
          .toList();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private void corruptAll() throws IOException {
    assertThat(spillFiles()).isNotEmpty();
    for (Path file : spillFiles()) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), channel.size() / 2);
      }
    }
  }

  private void truncateAll() throws IOException {
    for (Path file : spillFiles()) {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(channel.size() / 2);
      }
    }
  }

  private void removeAll() throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        if (!path.equals(directory)) {
          Files.delete(path);
        }
      }
    }
  }

  private static void assertRight(List<DFut<byte[]>> values) {
    assertRight(values, 0);
  }

  private static void assertRight(List<DFut<byte[]>> values, int from) {
    for (int i = from; i < values.size(); i++) {
      assertThat(values.get(i).get(SOON)).as("value %s", i).isEqualTo(expected(i, BYTES));
    }
  }

  @Test
  void whatDoesNotFitIsOnDiskAndInspectionShowsIt() {
    try (DFutSystem dfut = local("")) {
      List<DFut<byte[]>> results = results(dfut);
      assertRight(results);
      assertThat(MADE).hasValue(MANY);
      Inspection.Store store = dfut.inspect().store();
      assertThat(store.spilledObjects()).isBetween(3L, (long) MANY);
      assertThat(store.spilledBytes()).isGreaterThan(store.spilledObjects() * BYTES);
      assertThat(store.diskBytes()).isEqualTo(store.spilledBytes());
      assertThat(store.restoredObjects()).isPositive();
      assertThat(store.restoredBytes()).isGreaterThan(store.restoredObjects() * BYTES);
      assertThat(store.spillNanos()).isPositive();
      assertThat(store.restoreNanos()).isPositive();
      assertThat(store.spillFailures()).isZero();
      assertThat(dfut.inspect().toString())
          .contains("spilled " + store.spilledObjects() + " (" + store.spilledBytes() + " bytes, ")
          .contains(store.diskBytes() + " bytes on disk");
      results.forEach(DFut::close);
      dfut.inspect().assertNoLeaks(SOON);
      assertThat(dfut.inspect().store().diskBytes()).isZero();
      await("no spill file is left").until(() -> spillFiles().isEmpty());
    }
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void aResultWhoseFileIsCorruptIsMadeAgain() throws IOException {
    try (DFutSystem dfut = local("")) {
      List<DFut<byte[]>> results = results(dfut);
      corruptAll();
      assertThat(results.getFirst().get(SOON)).isEqualTo(expected(0, BYTES));
      assertThat(MADE).as("it was made again").hasValueGreaterThan(MANY);
      assertRight(results);
      results.forEach(DFut::close);
      dfut.inspect().assertNoLeaks(SOON);
    }
  }

  @Test
  void anArgumentWhoseFileIsTruncatedIsMadeAgain() throws IOException {
    try (DFutSystem dfut = local("")) {
      List<DFut<byte[]>> results = results(dfut);
      try (DFut<Integer> hash = dfut.task(SpillingTest::hash).submit(results.getFirst())) {
        assertThat(hash.get(SOON)).isEqualTo(Arrays.hashCode(expected(0, BYTES)));
      }
      assertThat(MADE).as("read from disk").hasValue(MANY);
      assertRight(results, 1); // so that the first is only on disk again
      truncateAll();
      try (DFut<Integer> hash = dfut.task(SpillingTest::hash).submit(results.getFirst())) {
        assertThat(hash.get(SOON)).isEqualTo(Arrays.hashCode(expected(0, BYTES)));
      }
      assertThat(MADE).as("made again").hasValueGreaterThan(MANY);
      assertRight(results);
    }
  }

  @Test
  void aPutValueWhoseFileIsCorruptIsLostAndSaysWhy() throws IOException {
    try (DFutSystem dfut = local("")) {
      List<DFut<byte[]>> values = new ArrayList<>();
      for (int i = 0; i < MANY; i++) {
        values.add(dfut.put(expected(i, BYTES)));
      }
      corruptAll();
      assertThatThrownBy(() -> values.getFirst().get(SOON))
          .isInstanceOfSatisfying(
              ObjectLostException.class,
              lost ->
                  assertThat(lost.reason())
                      .isEqualTo(ObjectLostException.Reason.PUT_WITHOUT_LINEAGE))
          .hasMessageContaining(values.getFirst().id().toString())
          .hasMessageContaining("it was put");
      assertThatThrownBy(() -> values.getFirst().get(SOON)).isInstanceOf(ObjectLostException.class);
      DFut<Integer> hash = dfut.task(SpillingTest::hash).submit(values.getFirst());
      assertThatThrownBy(() -> hash.get(SOON)).hasStackTraceContaining("ObjectLostException");
      assertThat(values.getLast().get(SOON)).isEqualTo(expected(MANY - 1, BYTES));
      hash.close();
      values.forEach(DFut::close);
      dfut.inspect().assertNoLeaks(SOON);
    }
  }

  @Test
  void whenTheDirectoryDisappearsResultsAreMadeAgainAndNothingHangs() throws IOException {
    try (DFutSystem dfut = local("dfut.store.put-timeout=300ms\ndfut.store.spill.retry=50ms")) {
      List<DFut<byte[]>> results = results(dfut);
      removeAll();
      // Nothing can be written any more, so one at a time: there is room for two.
      results.subList(1, MANY).forEach(DFut::close);
      assertThat(results.getFirst().get(SOON)).isEqualTo(expected(0, BYTES));
      assertThat(MADE).hasValueGreaterThan(MANY);
      List<DFut<byte[]>> more = new ArrayList<>();
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < MANY; i++) {
                  more.add(dfut.put(expected(i, BYTES)));
                }
              })
          .isInstanceOf(StoreFullException.class)
          .hasMessageContaining("spilling to disk fails")
          .hasMessageContaining(directory.toString());
      assertThat(results.getFirst().get(SOON)).isEqualTo(expected(0, BYTES));
      assertRight(more);
      assertThat(dfut.inspect().store().spillFailures()).isPositive();
    }
    assertThat(directory).isEmptyDirectory();
  }

  /** Makes what does not fit. */
  static final class Glutton extends DFutActor<Void> {
    Glutton() {}

    byte[] make(int length) {
      return new byte[length];
    }

    int putTooMuch() {
      try (DFut<byte[]> put = dfut().put(new byte[17 << 20])) {
        return put.get().length;
      } catch (StoreFullException e) {
        return -1;
      }
    }
  }

  @Test
  @Tag("C220")
  @DisplayName("220 an actor that makes what is larger than the store stays alive")
  void anActorThatMakesTooMuchStaysAlive() {
    try (DFutSystem dfut = local("dfut.store.spill.directories=[]");
        ActorHandle<Glutton> glutton = dfut.actor(Glutton::new).create()) {
      for (int i = 0; i < 2; i++) {
        DFut<byte[]> tooMuch = glutton.task(Glutton::make).submit(17 << 20);
        assertThatThrownBy(() -> tooMuch.get(SOON))
            .isInstanceOfAny(StoreFullException.class, TaskFailedException.class)
            .hasStackTraceContaining("capacity " + (16 << 20));
        tooMuch.close();
        try (DFut<Integer> put = glutton.task(Glutton::putTooMuch).submit()) {
          assertThat(put.get(SOON)).isEqualTo(-1);
        }
        try (DFut<byte[]> fits = glutton.task(Glutton::make).submit(1 << 20)) {
          assertThat(fits.get(SOON)).hasSize(1 << 20);
        }
      }
    }
  }

  @Test
  void aFullDiskRefusesPutsAndLosesNothing() {
    try (DFutSystem dfut =
        local("dfut.store.put-timeout=300ms\ndfut.store.spill.min-free=1000PiB")) {
      DFut<byte[]> one = dfut.put(expected(0, BYTES));
      DFut<byte[]> two = dfut.put(expected(1, BYTES));
      assertThatThrownBy(() -> dfut.put(expected(2, BYTES)))
          .isInstanceOf(StoreFullException.class)
          .hasMessageContaining("dfut.store.spill.min-free")
          .hasMessageContaining(directory.toString());
      assertRight(List.of(one, two));
      one.close();
      try (DFut<byte[]> three = dfut.put(expected(2, BYTES))) {
        assertThat(three.get(SOON)).isEqualTo(expected(2, BYTES));
      }
    }
  }
}
