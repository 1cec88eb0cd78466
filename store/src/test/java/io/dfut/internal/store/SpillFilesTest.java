package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.internal.store.StoreEffect.SpillItem;
import io.dfut.internal.store.StoreInput.PullOutcome;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files, with disks that fail. */
final class SpillFilesTest {
  private static final int BYTES = (5 << 20) + 77;

  @TempDir Path left;
  @TempDir Path right;

  private final Arena arena = Arena.ofAuto();
  private final MemorySegment memory = arena.allocate(64 << 20);

  private SpillFiles open(SpillFiles.Disk disk, Path... directories) {
    return new SpillFiles(
        new SpillFiles.Settings(List.of(directories), 0, 2, Duration.ofHours(1)),
        disk,
        block -> memory.asSlice(block.offset(), block.bytes()));
  }

  private static Block block(int number) {
    return new Block(0, 64 << 20, number * (8L << 20), BlockAllocator.roomFor(BYTES));
  }

  private List<SpillItem> items() {
    for (int i = 0; i < 2; i++) {
      memory
          .asSlice(block(i).offset(), BYTES)
          .copyFrom(
              MemorySegment.ofArray(new java.util.Random(i).ints(BYTES / 4 + 1).toArray())
                  .asSlice(0, BYTES));
    }
    return List.of(new SpillItem(key(0), block(0), BYTES), new SpillItem(key(1), block(1), BYTES));
  }

  private static Optional<String> write(SpillFiles files, long number, List<SpillItem> items)
      throws Exception {
    CompletableFuture<Optional<String>> ended = new CompletableFuture<>();
    files.write(number, items, () -> {}, ended::complete);
    return ended.get(30, TimeUnit.SECONDS);
  }

  private static PullOutcome restore(SpillFiles files, SpillSpot spot, Block block)
      throws Exception {
    CompletableFuture<PullOutcome> ended = new CompletableFuture<>();
    files.restore(spot, block, ended::complete);
    return ended.get(30, TimeUnit.SECONDS);
  }

  /** Files that get so far and no further. */
  private static SpillFiles.Disk failing(java.util.function.Predicate<Path> fails) {
    return new FaultyDisk() {
      @Override
      Fault of(Path file) {
        boolean broken = fails.test(file);
        return written -> {
          if (broken && written > 1 << 20) {
            throw new IOException("No space left on device");
          }
        };
      }
    };
  }

  @Test
  void objectsOfOneFileAreReadBackEachByItself() throws Exception {
    try (SpillFiles files = open(SpillFiles.DISKS, left)) {
      assertThat(write(files, 1, items())).isEmpty();
      SpillSpot second = new SpillSpot(1, 1, BYTES, BYTES);
      assertThat(restore(files, second, block(3))).isEqualTo(new PullOutcome.Complete());
      assertThat(
              memory
                  .asSlice(block(3).offset(), BYTES)
                  .mismatch(memory.asSlice(block(1).offset(), BYTES)))
          .isEqualTo(-1);
      try (SpillFiles.Reading reading = files.open(second)) {
        ByteBuffer middle = ByteBuffer.allocate(3 << 20);
        reading.range(1_000_001, middle);
        assertThat(middle.array())
            .isEqualTo(
                memory
                    .asSlice(block(1).offset() + 1_000_001, 3 << 20)
                    .toArray(ValueLayout.JAVA_BYTE));
      }
      files.delete(1);
      assertThatThrownBy(() -> files.open(second)).isInstanceOf(NoSuchFileException.class);
      assertThat(restore(files, second, block(3))).isInstanceOf(PullOutcome.NotThere.class);
    }
    assertThat(left).isEmptyDirectory();
  }

  @Test
  @Tag("C230")
  @DisplayName("230 a disk that gets full in the middle of a file is left out")
  void aDiskThatGetsFullInTheMiddleOfAFileIsLeftOut() throws Exception {
    AtomicInteger tries = new AtomicInteger();
    SpillFiles.Disk disk =
        failing(
            file -> {
              boolean bad = file.startsWith(left);
              if (bad) {
                tries.incrementAndGet();
              }
              return bad;
            });
    try (SpillFiles files = open(disk, left, right)) {
      for (int i = 1; i <= 4; i++) {
        assertThat(write(files, i, items())).isEmpty();
      }
      assertThat(tries).as("it is not tried again at once").hasValue(1);
      try (var all = Files.walk(left)) {
        assertThat(all.filter(f -> f.getFileName().toString().matches("[0-9]+"))).isEmpty();
      }
      assertThat(restore(files, new SpillSpot(4, 0, 0, BYTES), block(3)))
          .isEqualTo(new PullOutcome.Complete());
    }
  }

  @Test
  void whenNoDiskTakesItAllAreNamed() throws Exception {
    try (SpillFiles files = open(failing(file -> true), left, right)) {
      assertThat(write(files, 1, items()).orElseThrow())
          .contains(left.toString(), right.toString(), "No space left on device");
    }
  }

  @Test
  void afterClosingEverythingEndsAtOnce() throws Exception {
    SpillFiles files = open(SpillFiles.DISKS, left);
    assertThat(write(files, 1, items())).isEmpty();
    files.close();
    assertThat(write(files, 2, items()).orElseThrow()).contains("closed");
    assertThat(restore(files, new SpillSpot(1, 0, 0, BYTES), block(3)))
        .isInstanceOf(PullOutcome.Failed.class);
    assertThat(left).isEmptyDirectory();
  }
}
