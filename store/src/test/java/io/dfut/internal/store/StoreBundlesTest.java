package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.internal.spi.ObjectStore.Urgency;
import io.dfut.internal.store.StoreEffect.CutPull;
import io.dfut.internal.store.StoreEffect.PinGranted;
import io.dfut.internal.store.StoreEffect.Refused;
import io.dfut.internal.store.StoreEffect.StartPull;
import io.dfut.internal.store.StoreEffect.WriteGranted;
import io.dfut.internal.store.StoreInput.PullOutcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Arguments of tasks come all or not at all: the table by hand. */
final class StoreBundlesTest {
  private static final long CAPACITY = 1024;
  private static final long SECOND = 1_000_000_000L;

  private final StoreTable table =
      new StoreTable(
          node(1),
          new StoreTable.Limits(
              CAPACITY,
              64,
              10 * SECOND,
              60 * SECOND,
              3 * SECOND,
              CAPACITY,
              100,
              100,
              false,
              Optional.empty()));

  /** Pulls that run, by key. */
  private final Map<Integer, StartPull> running = new LinkedHashMap<>();

  /** Waiters that were answered with a pin. */
  private final Map<Long, Integer> pinned = new HashMap<>();

  private final List<Refused> refused = new ArrayList<>();
  private final Map<Long, List<Integer>> bundles = new HashMap<>();
  private long now = SECOND;
  private long last;

  @AfterEach
  void invariantsHold() {
    table.checkInvariants();
  }

  private List<StoreEffect> step(StoreInput input) {
    List<StoreEffect> effects = new ArrayList<>();
    table.step(input, now, effects::add);
    for (StoreEffect effect : effects) {
      switch (effect) {
        case StartPull start -> running.put(number(start), start);
        case PinGranted pin -> pinned.merge(pin.waiter() / 100, 1, Integer::sum);
        case Refused no -> refused.add(no);
        default -> {}
      }
    }
    return effects;
  }

  private static int number(StartPull start) {
    for (int k = 0; k < 100; k++) {
      if (key(k).equals(start.key())) {
        return k;
      }
    }
    throw new AssertionError(start);
  }

  /** A task needs these objects of so many bytes each; says which bundle that is. */
  private long needs(long bytes, Integer... keys) {
    long bundle = ++last;
    List<StoreInput.Fetch> fetches = new ArrayList<>();
    for (int k : keys) {
      fetches.add(
          new StoreInput.Fetch(
              bundle * 100 + fetches.size(), key(k), bytes, List.of(node(2)), Urgency.ARGUMENT));
    }
    bundles.put(bundle, List.of(keys));
    step(new StoreInput.FetchBundle(bundle, fetches));
    return bundle;
  }

  private List<StoreEffect> arrives(int k) {
    return ends(k, new PullOutcome.Complete());
  }

  private List<StoreEffect> ends(int k, PullOutcome outcome) {
    return step(new StoreInput.PullEnded(running.remove(k).transfer(), outcome));
  }

  /** The task has run. */
  private void ends(long bundle) {
    for (int k : bundles.get(bundle)) {
      step(new StoreInput.Unpin(key(k)));
    }
    step(new StoreInput.EndBundle(bundle));
  }

  @Test
  @Tag("C235")
  @DisplayName(
      "235 ten bundles in a store that fits one and a half: one after the other, all whole")
  void bundlesThatDoNotFitTogetherComeOneAfterTheOther() {
    step(new StoreInput.PeerUp(node(2)));
    for (int task = 0; task < 10; task++) { // 640 bytes each, of 1024
      needs(
          64,
          java.util.stream.IntStream.range(task * 10, task * 10 + 10)
              .boxed()
              .toArray(Integer[]::new));
    }
    for (int task = 0; task < 10; task++) {
      assertThat(running.keySet())
          .as("nothing of another")
          .containsExactlyInAnyOrderElementsOf(bundles.get(task + 1L));
      assertThat(pinned).as("nothing before all of it").doesNotContainKey(task + 1L);
      for (int k : List.copyOf(running.keySet())) {
        arrives(k);
      }
      assertThat(pinned).containsEntry(task + 1L, 10);
      assertThat(running).as("the next waits for the task").isEmpty();
      ends(task + 1L);
    }
    assertThat(refused).isEmpty();
    assertThat(table.waitCount()).isZero();
    assertThat(table.activeBundles()).isZero();
  }

  @Test
  void bundlesThatFitTogetherComeTogetherAndShareWhatTheyHaveInCommon() {
    step(new StoreInput.PeerUp(node(2)));
    needs(128, 1, 2, 3);
    needs(128, 2, 3, 4, 5);
    needs(128, 6, 7);
    assertThat(table.activeBundles()).isEqualTo(2);
    assertThat(running).containsOnlyKeys(1, 2, 3, 4, 5);
  }

  @Test
  @Tag("C237")
  @DisplayName(
      "237 memory shrinks: the newest bundle is stopped and gives back what it has; cancelling the"
          + " other starts it again")
  void newestIsStoppedWhenMemoryShrinks() {
    step(new StoreInput.PeerUp(node(2)));
    long first = needs(128, 1, 2);
    long second = needs(128, 3, 4);
    arrives(3);
    assertThat(table.contents()).containsEntry(key(3), "secondary, pinned by 1");
    assertThat(step(new StoreInput.Create(9001, key(50), 576, "put")))
        .hasAtLeastOneElementOfType(WriteGranted.class);
    assertThat(table.activeBundles()).as("what is left does not hold both").isEqualTo(1);
    assertThat(table.contents()).as("it gave back what it had").doesNotContainKey(key(3));
    ends(4, new PullOutcome.Failed(0, "cut"));
    step(new StoreInput.EndBundle(first)); // its task was cancelled
    ends(1, new PullOutcome.Failed(0, "cut"));
    ends(2, new PullOutcome.Failed(0, "cut"));
    assertThat(running).containsOnlyKeys(3, 4);
    arrives(3);
    arrives(4);
    assertThat(pinned).containsEntry(second, 2).doesNotContainKey(first);
    ends(second);
    assertThat(table.waitCount()).isZero();
  }

  @Test
  void oneThatIsStoppedIsTheFirstOfThoseThatWait() {
    step(new StoreInput.PeerUp(node(2)));
    long first = needs(128, 1, 2);
    needs(128, 3, 4);
    needs(256, 5, 6);
    step(new StoreInput.Create(9001, key(50), 576, "put"));
    ends(3, new PullOutcome.Failed(0, "cut"));
    ends(4, new PullOutcome.Failed(0, "cut"));
    arrives(1);
    arrives(2);
    ends(first);
    assertThat(running).containsOnlyKeys(3, 4);
  }

  @Test
  void aPutThatMissesRoomStopsABundleThatIsNotComplete() {
    step(new StoreInput.PeerUp(node(2)));
    long bundle = needs(256, 1, 2);
    arrives(1);
    assertThat(step(new StoreInput.Create(9001, key(50), 600, "put")))
        .hasAtLeastOneElementOfType(CutPull.class)
        .hasAtLeastOneElementOfType(WriteGranted.class);
    ends(2, new PullOutcome.Failed(0, "cut"));
    assertThat(pinned).isEmpty();
    step(new StoreInput.Seal(key(50)));
    step(new StoreInput.Free(key(50)));
    for (int k : List.copyOf(running.keySet())) {
      arrives(k);
    }
    assertThat(pinned).containsEntry(bundle, 2);
    ends(bundle);
  }

  @Test
  void whatIsCompleteIsNotStopped() {
    step(new StoreInput.PeerUp(node(2)));
    long bundle = needs(256, 1, 2);
    arrives(1);
    arrives(2);
    step(new StoreInput.Create(9001, key(50), 600, "put"));
    assertThat(table.activeBundles()).isEqualTo(1);
    ends(bundle);
  }

  @Test
  void aMemberThatIsLostDoesNotKeepTheOthers() {
    step(new StoreInput.PeerUp(node(2)));
    needs(128, 1, 2);
    arrives(1);
    assertThat(ends(2, new PullOutcome.NotThere("gone")))
        .hasAtLeastOneElementOfType(PinGranted.class)
        .hasAtLeastOneElementOfType(Refused.class);
  }

  @Test
  void whoWaitsIsToldThatTheStoreCloses() {
    step(new StoreInput.PeerUp(node(2)));
    needs(512, 1, 2);
    needs(512, 3, 4);
    step(new StoreInput.Close());
    assertThat(refused).hasSize(4).allMatch(no -> no.why() instanceof StoreEffect.Refusal.Closed);
    ends(1, new PullOutcome.Failed(0, "cut"));
    ends(2, new PullOutcome.Failed(0, "cut"));
  }
}
