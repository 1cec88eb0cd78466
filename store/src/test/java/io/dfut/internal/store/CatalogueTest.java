package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is shown to readers, and that nothing is overwritten under one of them. */
final class CatalogueTest {
  private static final long SLAB = 1 << 20;

  @TempDir Path source;
  @TempDir Path reader;

  private Catalogue catalogue;
  private Catalogue.View view;
  private Marks marks;

  @BeforeEach
  void open() throws IOException {
    catalogue = Catalogue.create(source);
    view = Catalogue.View.of(source);
    marks = Marks.create(reader);
    catalogue.add(Marks.of(reader));
  }

  private static Block block(int number) {
    return new Block(3, SLAB, number * 64L, 64);
  }

  @Test
  void whatIsPublishedIsFoundUntilItIsWithdrawn() {
    assertThat(view.find(key(1), 60)).isEmpty();
    assertThat(catalogue.publish(key(1), block(5), 60)).isTrue();
    Catalogue.Place place = view.find(key(1), 60).orElseThrow();
    assertThat(place.slab()).isEqualTo(3);
    assertThat(place.slabBytes()).isEqualTo(SLAB);
    assertThat(place.offset()).isEqualTo(5 * 64);
    assertThat(view.find(key(1), 61)).as("another size").isEmpty();
    assertThat(view.find(key(2), 60)).as("another object").isEmpty();
    assertThat(catalogue.withdraw(key(1))).isTrue();
    assertThat(view.find(key(1), 60)).isEmpty();
    assertThat(view.isStill(place)).isFalse();
  }

  @Test
  void aMarkKeepsWhatWasWithdrawnAndAnotherDoesNot() {
    catalogue.publish(key(1), block(1), 60);
    catalogue.publish(key(2), block(2), 60);
    Catalogue.Place one = view.find(key(1), 60).orElseThrow();
    int cell = marks.set(view.id(), one.mark());
    assertThat(view.isStill(one)).isTrue();
    assertThat(marks.count(view.id())).isEqualTo(1);
    assertThat(catalogue.withdraw(key(2))).isTrue();
    assertThat(catalogue.withdraw(key(1))).isFalse();
    assertThat(catalogue.withdraw(key(1))).isFalse();
    marks.clear(cell);
    assertThat(catalogue.withdraw(key(1))).isTrue();
  }

  @Test
  void aMarkThatCameTooLateIsNoticedByWhoSetIt() {
    catalogue.publish(key(1), block(1), 60);
    Catalogue.Place place = view.find(key(1), 60).orElseThrow();
    assertThat(catalogue.withdraw(key(1))).isTrue();
    catalogue.publish(key(1), block(2), 60);
    marks.set(view.id(), place.mark());
    assertThat(view.isStill(place)).isFalse();
    assertThat(catalogue.withdraw(key(1))).as("it is a mark of an older version").isTrue();
  }

  @Test
  void aMarkInAnotherCatalogueIsNotTaken(@TempDir Path elsewhere) throws IOException {
    Catalogue other = Catalogue.create(elsewhere);
    other.add(Marks.of(reader));
    catalogue.publish(key(1), block(1), 60);
    other.publish(key(1), block(1), 60);
    marks.set(view.id(), view.find(key(1), 60).orElseThrow().mark());
    assertThat(other.withdraw(key(1))).isTrue();
    assertThat(catalogue.withdraw(key(1))).isFalse();
  }

  @Test
  void aReaderThatIsGoneHoldsNothing() throws IOException {
    Catalogue fresh = Catalogue.create(Files.createDirectory(source.resolve("fresh")));
    Marks seen = Marks.of(reader);
    fresh.add(seen);
    fresh.publish(key(1), block(1), 60);
    Catalogue.View there = Catalogue.View.of(source.resolve("fresh"));
    marks.set(there.id(), there.find(key(1), 60).orElseThrow().mark());
    assertThat(fresh.withdraw(key(1))).isFalse();
    fresh.remove(seen);
    assertThat(fresh.withdraw(key(1))).isTrue();
  }

  @Test
  void aFullBucketShowsNoMoreAndForgetsNothing() {
    List<Integer> shown = new ArrayList<>();
    int refused = 0;
    for (int k = 0; k < Catalogue.BUCKETS * Catalogue.WAYS * 2; k++) {
      if (catalogue.publish(key(k), block(k % 100), 60)) {
        shown.add(k);
      } else {
        refused++;
      }
    }
    assertThat(refused).isPositive();
    assertThat(shown.size()).isGreaterThan(Catalogue.BUCKETS * Catalogue.WAYS * 9 / 10);
    assertThat(shown).allMatch(k -> view.find(key(k), 60).isPresent());
    assertThat(shown).allMatch(k -> catalogue.withdraw(key(k)));
    assertThat(shown).noneMatch(k -> view.find(key(k), 60).isPresent());
  }

  @Test
  void allCellsInUseMeansNoMark() {
    for (int i = 0; i < Marks.CELLS; i++) {
      assertThat(marks.set(view.id(), i + 1)).isEqualTo(i);
    }
    assertThat(marks.set(view.id(), 1)).isEqualTo(-1);
    marks.clear(17);
    assertThat(marks.set(view.id(), 1)).isEqualTo(17);
  }

  @Test
  void filesOfAnotherSizeOrLayoutAreRefused(@TempDir Path other) throws IOException {
    assertThatThrownBy(() -> Catalogue.View.of(other)).isInstanceOf(IOException.class);
    Files.write(other.resolve(Marks.FILE), new byte[100]);
    assertThatThrownBy(() -> Marks.of(other)).hasMessageContaining("100 bytes");
    Files.write(
        other.resolve(Catalogue.FILE), new byte[(int) Files.size(source.resolve(Catalogue.FILE))]);
    assertThatThrownBy(() -> Catalogue.View.of(other)).hasMessageContaining("no catalogue");
  }

  /**
   * A store writes objects into few blocks over and over; a block is written again only after its
   * object was withdrawn. Who reads one under a mark sees it unchanged until the mark is cleared.
   */
  @Test
  void nothingIsOverwrittenUnderAReader() throws Exception {
    int objects = 4;
    AtomicLongArray memory = new AtomicLongArray(objects);
    AtomicBoolean end = new AtomicBoolean();
    try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
      Future<long[]> store =
          threads.submit(
              () -> {
                long rounds = 0;
                long held = 0;
                while (!end.get()) {
                  int k = (int) (rounds++ % objects);
                  while (!catalogue.withdraw(key(k))) {
                    held++;
                    Thread.onSpinWait();
                  }
                  memory.setOpaque(k, -rounds); // torn, as long as it is written
                  memory.setOpaque(k, rounds);
                  catalogue.publish(key(k), block(k), 60);
                }
                return new long[] {rounds, held};
              });
      List<Future<long[]>> readers = new ArrayList<>();
      for (int r = 0; r < 2; r++) {
        SplittableRandom random = new SplittableRandom(r);
        readers.add(
            threads.submit(
                () -> {
                  long read = 0;
                  long late = 0;
                  while (!end.get()) {
                    int k = random.nextInt(objects);
                    Optional<Catalogue.Place> found = view.find(key(k), 60);
                    if (found.isEmpty()) {
                      continue;
                    }
                    int cell = marks.set(view.id(), found.get().mark());
                    if (view.isStill(found.get())) {
                      long first = memory.getOpaque(k);
                      assertThat(first).isPositive();
                      for (int i = 0; i < 20; i++) {
                        assertThat(memory.getOpaque(k)).isEqualTo(first);
                      }
                      read++;
                    } else {
                      late++;
                    }
                    marks.clear(cell);
                  }
                  return new long[] {read, late};
                }));
      }
      long deadline = System.nanoTime() + 2_000_000_000L;
      while (System.nanoTime() < deadline && readers.stream().noneMatch(Future::isDone)) {
        Thread.onSpinWait();
      }
      end.set(true);
      long read = 0;
      for (Future<long[]> one : readers) {
        read += one.get()[0];
      }
      assertThat(read).isPositive();
      assertThat(store.get()[0]).isPositive();
    }
  }
}
