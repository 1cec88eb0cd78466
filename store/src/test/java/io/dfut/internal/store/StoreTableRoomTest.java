package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.internal.spi.ObjectStore.Urgency;
import io.dfut.internal.store.StoreEffect.Decided;
import io.dfut.internal.store.StoreEffect.PinGranted;
import io.dfut.internal.store.StoreEffect.Refusal;
import io.dfut.internal.store.StoreEffect.Refused;
import io.dfut.internal.store.StoreEffect.SetTimer;
import io.dfut.internal.store.StoreEffect.StartPull;
import io.dfut.internal.store.StoreEffect.StartSpill;
import io.dfut.internal.store.StoreEffect.WriteGranted;
import io.dfut.internal.store.StoreInput.PullOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Stories of a full table: who gives way, who waits, and for how long. Time is driven by hand. */
final class StoreTableRoomTest {
  private static final long SECOND = 1_000_000_000L;

  /** What the smallest object takes; all sizes here are multiples of it. */
  private static final long UNIT = 64;

  private final List<StoreEffect> effects = new ArrayList<>();
  private StoreTable table;
  private long now = SECOND;
  private long lastWaiter;

  /** When the timer is set to fire; the table sees it fire when time is advanced. */
  private long timerNanos = Long.MAX_VALUE;

  private void open(long units, boolean spills) {
    table =
        new StoreTable(
            node(1),
            new StoreTable.Limits(
                units * UNIT,
                UNIT,
                10 * SECOND,
                60 * SECOND,
                3 * SECOND,
                units * UNIT,
                2,
                8,
                false,
                spills
                    ? Optional.of(new StoreTable.SpillLimits(units * UNIT, UNIT, 1, 1, 5 * SECOND))
                    : Optional.empty()));
    step(new StoreInput.PeerUp(node(2)));
  }

  // ------------------------------------------------------------------------------------------
  // least recently used

  /** Copies of 1, 2, 3 and 4 units in a store of ten, the first one pulled first. */
  private void fillWithCopies() {
    open(10, false);
    for (int i = 1; i <= 4; i++) {
      StartPull start = only(StartPull.class, fetch(i, i * UNIT));
      step(new StoreInput.PullEnded(start.transfer(), new PullOutcome.Complete()));
      step(new StoreInput.Unpin(key(i)));
    }
    assertThat(table.stats().usedBytes()).isEqualTo(10 * UNIT);
  }

  private List<Integer> here() {
    return IntStream.rangeClosed(1, 4).filter(i -> table.contains(key(i))).boxed().toList();
  }

  @Test
  @Tag("C216")
  @DisplayName("216 the least recently used copies are evicted first, as many as are needed")
  void leastRecentlyUsedGoFirst() {
    fillWithCopies();
    put(11, UNIT);
    assertThat(here()).containsExactly(2, 3, 4);

    fillWithCopies();
    put(11, 3 * UNIT);
    assertThat(here()).containsExactly(3, 4);

    fillWithCopies();
    put(11, 4 * UNIT);
    assertThat(here()).containsExactly(4);
    assertThat(table.stats().evictedBytes()).isEqualTo(6 * UNIT);
  }

  @Test
  @Tag("C216")
  @DisplayName("216 a copy that is read is not evicted, and counts as used just now afterwards")
  void aCopyInUseIsNoCandidateAndReturns() {
    fillWithCopies();
    only(PinGranted.class, step(new StoreInput.Pin(++lastWaiter, key(1))));
    put(11, UNIT);
    assertThat(here()).containsExactly(1, 3, 4);
    step(new StoreInput.Unpin(key(1)));
    put(12, 2 * UNIT); // one unit is free, since two came free for one
    assertThat(here()).as("the first is the last in the list now").containsExactly(1, 4);
    put(13, 4 * UNIT);
    assertThat(here()).containsExactly(1);
    put(14, UNIT);
    put(15, UNIT);
    assertThat(here()).as("two units were free").containsExactly(1);
    put(16, UNIT);
    assertThat(here()).as("it is a candidate again").isEmpty();
  }

  // ------------------------------------------------------------------------------------------------ slow is not stuck

  private static final int MANY = 402;

  /** A put of the whole store, which waits until all that is there has been written to disk. */
  private StartSpill wantEverything() {
    open(MANY, true);
    for (int i = 1; i <= MANY; i++) {
      put(i, UNIT);
    }
    return only(StartSpill.class, create(1000, MANY * UNIT));
  }

  private List<StoreEffect> written(StartSpill spill) {
    return step(new StoreInput.SpillEnded(spill.file(), Optional.empty()));
  }

  @Test
  @Tag("C218")
  @DisplayName("218 a full store that is being emptied refuses nobody, however long that takes")
  void aStoreThatIsBeingEmptiedRefusesNobody() {
    StartSpill spill = wantEverything();
    for (int i = 1; i < MANY; i++) {
      assertThat(advance(9 * SECOND)).as("after %s files", i).noneMatch(Refused.class::isInstance);
      spill = only(StartSpill.class, written(spill));
    }
    assertThat(now)
        .as("an hour, while a put may wait for ten seconds")
        .isGreaterThan(3600 * SECOND);
    only(WriteGranted.class, written(spill));
  }

  @Test
  @Tag("C218")
  @DisplayName("218 when a disk hangs, the time that a put may wait counts from the last file")
  void graceCountsFromTheLastProgress() {
    StartSpill spill = wantEverything();
    for (int i = 0; i < 20; i++) {
      advance(9 * SECOND);
      spill = only(StartSpill.class, written(spill));
    }
    assertThat(advance(10 * SECOND - 1)).noneMatch(Refused.class::isInstance);
    Refused refused = only(Refused.class, advance(1));
    assertThat(((Refusal.Full) refused.why()).spilling()).contains("are being spilled to disk");
    assertThat(((Refusal.Full) refused.why()).waitedNanos()).isEqualTo(190 * SECOND);
  }

  @Test
  @Tag("C218")
  @DisplayName("218 a file that is written slowly is progress, too")
  void aFileThatIsWrittenSlowlyIsProgress() {
    StartSpill spill = wantEverything();
    for (int i = 0; i < 100; i++) {
      assertThat(advance(9 * SECOND)).noneMatch(Refused.class::isInstance);
      step(new StoreInput.SpillProgressed(spill.file()));
    }
    step(new StoreInput.SpillProgressed(spill.file() + 1)); // of a file that is not written
    assertThat(advance(10 * SECOND - 1)).noneMatch(Refused.class::isInstance);
    only(Refused.class, advance(1));
  }

  @Test
  @Tag("C218")
  @DisplayName("218 a disk that fails makes no progress; the error says how it fails")
  void failuresAreNoProgress() {
    StartSpill spill = wantEverything();
    advance(9 * SECOND);
    spill = only(StartSpill.class, written(spill));
    assertThat(
            step(new StoreInput.SpillEnded(spill.file(), Optional.of("No space left on device"))))
        .as("not tried again at once")
        .noneMatch(StartSpill.class::isInstance);
    spill = only(StartSpill.class, advance(5 * SECOND));
    step(new StoreInput.SpillEnded(spill.file(), Optional.of("No space left on device")));
    List<StoreEffect> last = advance(5 * SECOND);
    assertThat(((Refusal.Full) only(Refused.class, last).why()).spilling())
        .contains("No space left on device");
    assertThat(table.stats().spillFailures()).isEqualTo(2);
  }

  @Test
  @Tag("C218")
  @DisplayName("218 without a disk a put waits for its time and no longer")
  void withoutADiskTheTimeCountsFromTheStart() {
    open(4, false);
    put(1, 4 * UNIT);
    create(2, UNIT);
    assertThat(advance(10 * SECOND - 1)).noneMatch(Refused.class::isInstance);
    only(Refused.class, advance(1));
  }

  // ------------------------------------------------------------------------------------------------- leaving clients

  /**
   * A client here is a thread of the node's JVM: it leaves when it is interrupted, or its writing
   * fails.
   */
  @Test
  @Tag("C219")
  @DisplayName("219 a client that leaves takes its unfinished objects along, and nobody else's")
  void aClientThatLeavesTakesItsUnfinishedObjectsAlong() {
    open(10, false);
    only(WriteGranted.class, create(1, 6 * UNIT)); // the client writes it
    create(2, 7 * UNIT); // the client waits for room
    long waitsOfClient = lastWaiter;
    put(3, 4 * UNIT); // another client's
    create(4, 5 * UNIT); // and one that waits
    create(5, UNIT);

    assertThat(only(Decided.class, step(new StoreInput.GiveUp(9_999, waitsOfClient))).yes())
        .isTrue();
    List<StoreEffect> left = step(new StoreInput.Abort(key(1)));
    assertThat(left.stream().filter(WriteGranted.class::isInstance))
        .extracting(effect -> ((WriteGranted) effect).key())
        .containsExactly(key(4), key(5));
    assertThat(table.contents()).containsOnlyKeys(key(3), key(4), key(5));
    assertThat(table.waitCount()).isZero();
    assertThat(table.stats().usedBytes()).isEqualTo(10 * UNIT);
  }

  // ---------------------------------------------------------------------------------------------------------- verbs

  private List<StoreEffect> step(StoreInput input) {
    effects.clear();
    table.step(input, now, effects::add);
    table.checkInvariants();
    for (StoreEffect effect : effects) {
      if (effect instanceof SetTimer set) {
        timerNanos = set.atNanos();
      }
    }
    return List.copyOf(effects);
  }

  /** Lets time pass; the timer fires whenever it was set to. What that made happen. */
  private List<StoreEffect> advance(long nanos) {
    long end = now + nanos;
    List<StoreEffect> all = new ArrayList<>();
    while (timerNanos <= end) {
      now = Math.max(now, timerNanos);
      timerNanos = Long.MAX_VALUE;
      all.addAll(step(new StoreInput.TimerFired()));
    }
    now = end;
    return all;
  }

  private List<StoreEffect> create(int key, long bytes) {
    return step(new StoreInput.Create(++lastWaiter, key(key), bytes, "put"));
  }

  private void put(int key, long bytes) {
    only(WriteGranted.class, create(key, bytes));
    step(new StoreInput.Seal(key(key)));
  }

  private List<StoreEffect> fetch(int key, long bytes) {
    return step(new StoreInput.Fetch(++lastWaiter, key(key), bytes, List.of(node(2)), Urgency.GET));
  }

  private static <E extends StoreEffect> E only(Class<E> type, List<StoreEffect> effects) {
    List<E> found = effects.stream().filter(type::isInstance).map(type::cast).toList();
    assertThat(found).as("%s in %s", type.getSimpleName(), effects).hasSize(1);
    return found.getFirst();
  }
}
