package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.NodeId;
import io.dfut.internal.spi.ObjectStore.Urgency;
import io.dfut.internal.store.StoreEffect.Absent;
import io.dfut.internal.store.StoreEffect.CutPull;
import io.dfut.internal.store.StoreEffect.Decided;
import io.dfut.internal.store.StoreEffect.PinGranted;
import io.dfut.internal.store.StoreEffect.PresentAlready;
import io.dfut.internal.store.StoreEffect.Refusal;
import io.dfut.internal.store.StoreEffect.Refused;
import io.dfut.internal.store.StoreEffect.RoomWanted;
import io.dfut.internal.store.StoreEffect.SetTimer;
import io.dfut.internal.store.StoreEffect.StartPull;
import io.dfut.internal.store.StoreEffect.WriteGranted;
import io.dfut.internal.store.StoreInput.PullOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Stories of the store's table, told with objects of hundreds of bytes in a store of one thousand.
 */
final class StoreTableTest {
  private static final long CAPACITY = 64 * 16; // 1024
  private static final long SECOND = 1_000_000_000L;
  private static final int PULLS_PER_PEER = 2;
  private static final int WAITS_MAX = 8;

  private final StoreTable table =
      new StoreTable(
          node(1),
          new StoreTable.Limits(
              CAPACITY,
              64,
              10 * SECOND,
              60 * SECOND,
              3 * SECOND,
              512,
              PULLS_PER_PEER,
              WAITS_MAX,
              false,
              Optional.empty()));

  private final List<StoreEffect> effects = new ArrayList<>();
  private long now = SECOND;
  private long lastWaiter;

  @AfterEach
  void invariantsHold() {
    table.checkInvariants();
  }

  // ------------------------------------------------------------------------------------------------------ put, pin

  @Test
  void sealedObjectCanBePinnedAndCountsAsPrimary() {
    put(1, 100);
    assertThat(only(PinGranted.class, pin(1)).bytes()).isEqualTo(100);
    assertThat(table.contents()).containsEntry(key(1), "primary, pinned by 1");
    assertThat(table.stats().primaries()).isEqualTo(1);
    unpin(1);
    free(1);
    assertNothingIsLeft();
  }

  @Test
  void objectThatIsBeingWrittenCannotBeReadYet() {
    only(WriteGranted.class, create(1, 100));
    only(Absent.class, pin(1));
    step(new StoreInput.Seal(key(1)));
    only(PinGranted.class, pin(1));
  }

  @Test
  void abortedWriteLeavesNothing() {
    only(WriteGranted.class, create(1, 100));
    step(new StoreInput.Abort(key(1)));
    only(Absent.class, pin(1));
    assertNothingIsLeft();
  }

  @Test
  void roomIsAskedForOnceWhenEvictingCannotGiveIt() {
    put(1, 600);
    assertThat(create(2, 600)).hasExactlyElementsOfTypes(RoomWanted.class, SetTimer.class);
    assertThat(table.roomWanted()).isTrue();
    assertThat(create(3, 600)).isEmpty();
    free(1);
    assertThat(table.roomWanted()).as("the third waits").isTrue();
    step(new StoreInput.Seal(key(2)));
    free(2);
    assertThat(table.roomWanted()).isFalse();
    step(new StoreInput.Seal(key(3)));
    assertThat(create(4, 600)).anyMatch(RoomWanted.class::isInstance);
    now += 20 * SECOND;
    step(new StoreInput.TimerFired());
    assertThat(table.roomWanted()).as("nobody waits any more").isFalse();
    free(3);
    assertNothingIsLeft();
  }

  @Test
  void secondPutOfTheSameKeyWaitsForTheFirstAndWritesNothing() {
    only(WriteGranted.class, create(1, 100));
    assertThat(create(1, 100)).noneMatch(WriteGranted.class::isInstance);
    assertThat(only(PresentAlready.class, step(new StoreInput.Seal(key(1)))).bytes())
        .isEqualTo(100);
    assertThat(only(PresentAlready.class, create(1, 100)).bytes()).isEqualTo(100);
    assertThat(table.stats().usedBytes()).isEqualTo(128);
  }

  @Test
  void secondPutWritesWhenTheFirstAborts() {
    create(1, 100);
    create(1, 100);
    only(WriteGranted.class, step(new StoreInput.Abort(key(1))));
  }

  @Test
  void fetchWaitsForAWriterHere() {
    create(1, 100);
    assertThat(fetch(1, 100, Urgency.GET, node(2))).noneMatch(PinGranted.class::isInstance);
    only(PinGranted.class, step(new StoreInput.Seal(key(1))));
  }

  @Test
  void fetchPullsWhenTheWriterHereAborts() {
    peerUp(2);
    create(1, 100);
    fetch(1, 100, Urgency.GET, node(2));
    only(StartPull.class, step(new StoreInput.Abort(key(1))));
  }

  @Test
  void unpinWithoutPinIsOurBug() {
    put(1, 100);
    assertThatThrownBy(() -> unpin(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("unpinned");
  }

  // ---------------------------------------------------------------------------------------------------------- free

  @Test
  void freedObjectStaysForItsReadersAndIsGoneWithTheLast() {
    put(1, 100);
    pin(1);
    pin(1);
    free(1);
    assertThat(table.contains(key(1))).isFalse();
    only(Absent.class, pin(1));
    unpin(1);
    assertThat(table.stats().usedBytes()).isPositive();
    unpin(1);
    assertNothingIsLeft();
  }

  @Test
  void fetchOfAFreedObjectThatIsStillReadJoinsItsReaders() {
    put(1, 100);
    pin(1);
    free(1);
    only(PinGranted.class, fetch(1, 100, Urgency.GET, node(2)));
    unpin(1);
    assertThat(table.stats().usedBytes()).isPositive();
    unpin(1);
    assertNothingIsLeft();
  }

  @Test
  void objectFreedWhileItIsWrittenIsDroppedAtTheSeal() {
    create(1, 100);
    free(1);
    assertThat(table.stats().usedBytes()).isPositive(); // the writer still writes there
    step(new StoreInput.Seal(key(1)));
    assertNothingIsLeft();
  }

  @Test
  void freeingTwiceOrTheUnknownChangesNothing() {
    put(1, 100);
    free(1);
    free(1);
    free(2);
    assertNothingIsLeft();
  }

  @Test
  void putAfterAFreeRevivesWhatIsStillRead() {
    put(1, 100);
    pin(1);
    free(1);
    only(PresentAlready.class, create(1, 100));
    unpin(1);
    assertThat(table.contents()).containsEntry(key(1), "primary");
  }

  // ---------------------------------------------------------------------------------------------
  // eviction, promotion

  @Test
  void leastRecentlyUsedSecondariesGiveWayAndPrimariesDoNot() {
    peerUp(2);
    put(1, 400);
    pullHere(2, 256);
    pullHere(3, 256);
    pin(2);
    unpin(2); // now 3 is the older one
    put(4, 200);
    assertThat(table.contents()).containsOnlyKeys(key(1), key(2), key(4));
    assertThat(table.stats().evictedBytes()).isEqualTo(256);
  }

  @Test
  void nothingIsEvictedWhenThatWouldNotMakeEnoughRoom() {
    peerUp(2);
    put(1, 600);
    pullHere(2, 256);
    assertThat(create(3, 600)).noneMatch(WriteGranted.class::isInstance);
    assertThat(table.contains(key(2))).isTrue();
  }

  @Test
  void promotedCopyIsNoLongerEvicted() {
    peerUp(2);
    pullHere(1, 512);
    assertThat(only(Decided.class, promote(1)).yes()).isTrue();
    assertThat(only(Decided.class, promote(1)).yes()).isTrue();
    assertThat(only(Decided.class, promote(2)).yes()).isFalse();
    assertThat(create(2, 600)).noneMatch(WriteGranted.class::isInstance);
    assertThat(table.contents()).containsEntry(key(1), "primary");
  }

  // ---------------------------------------------------------------------------------------------------------- room

  @Test
  void putWaitsForRoomAndGoesOnWhenSomethingIsFreed() {
    put(1, 900);
    assertThat(create(2, 300)).noneMatch(WriteGranted.class::isInstance);
    only(WriteGranted.class, free(1));
  }

  @Test
  void putFailsAfterTheBoundNamingTheHolders() {
    put(1, 900);
    only(SetTimer.class, create(2, 300));
    now += 10 * SECOND;
    Refusal.Full full = (Refusal.Full) only(Refused.class, step(new StoreInput.TimerFired())).why();
    assertThat(full.askedBytes()).isEqualTo(300);
    assertThat(full.capacityBytes()).isEqualTo(CAPACITY);
    assertThat(full.usedBytes()).isEqualTo(960);
    assertThat(full.pinnedBytes()).isEqualTo(960);
    assertThat(full.waitedNanos()).isEqualTo(10 * SECOND);
    assertThat(full.holders())
        .hasSize(1)
        .first()
        .asString()
        .contains(key(1).toString(), "900 bytes", "primary");
    free(1);
    assertNothingIsLeft();
  }

  @Test
  void earlyTimerRefusesNobodyAndIsSetAgain() {
    put(1, 900);
    long at = only(SetTimer.class, create(2, 300)).atNanos();
    now += SECOND;
    assertThat(only(SetTimer.class, step(new StoreInput.TimerFired())).atNanos()).isEqualTo(at);
  }

  @Test
  void objectLargerThanTheStoreIsRefusedAtOnce() {
    only(Refused.class, create(1, CAPACITY + 1));
    assertNothingIsLeft();
  }

  @Test
  void smallPutOvertakesALargeOneOnlyByTheLargeOnesSize() {
    put(1, 512);
    create(2, 576); // waits
    only(WriteGranted.class, create(3, 256));
    step(new StoreInput.Seal(key(3)));
    only(WriteGranted.class, create(4, 256));
    step(new StoreInput.Seal(key(4)));
    free(4);
    assertThat(create(5, 128)).noneMatch(WriteGranted.class::isInstance); // 256 + 256 + 128 > 576
    free(3);
    assertThat(table.waitCount()).isEqualTo(2);
    List<StoreEffect> granted = free(1);
    assertThat(granted.stream().filter(WriteGranted.class::isInstance)).hasSize(2);
  }

  @Test
  void putThatGivesUpLeavesNothing() {
    put(1, 900);
    create(2, 300);
    assertThat(giveUp(lastWaiter).yes()).isTrue();
    assertThat(giveUp(lastWaiter).yes()).isFalse();
    free(1);
    assertNothingIsLeft();
  }

  @Test
  void tooManyWaitsAreRefused() {
    put(1, 1000);
    for (int i = 0; i < WAITS_MAX; i++) {
      create(10 + i, 100);
    }
    assertThat(only(Refused.class, create(99, 100)).why()).isInstanceOf(Refusal.TooManyWait.class);
  }

  // ---------------------------------------------------------------------------------------------------------- pull

  @Test
  void onePullRunsWhoeverAsks() {
    peerUp(2);
    StartPull start = only(StartPull.class, fetch(1, 300, Urgency.ARGUMENT, node(2)));
    assertThat(start.source()).isEqualTo(node(2));
    assertThat(start.fromBytes()).isZero();
    assertThat(fetch(1, 300, Urgency.GET, node(2))).noneMatch(StartPull.class::isInstance);
    assertThat(complete(start).stream().filter(PinGranted.class::isInstance)).hasSize(2);
    assertThat(table.stats().pulls()).isEqualTo(1);
    assertThat(table.contents()).containsEntry(key(1), "secondary, pinned by 2");
  }

  @Test
  void pullGoesOnFromTheNextSourceWhereTheFirstEnded() {
    peerUp(2);
    peerUp(3);
    StartPull first = only(StartPull.class, fetch(1, 300, Urgency.GET, node(2), node(3)));
    StartPull second = only(StartPull.class, ended(first, new PullOutcome.Failed(200, "reset")));
    assertThat(second.source()).isEqualTo(node(3));
    assertThat(second.fromBytes()).isEqualTo(200);
    assertThat(second.block()).isEqualTo(first.block());
    only(PinGranted.class, complete(second));
  }

  @Test
  void pullStartsAgainWhenTheNextSourcesBytesDiffer() {
    peerUp(2);
    peerUp(3);
    StartPull first = only(StartPull.class, fetch(1, 300, Urgency.GET, node(2), node(3)));
    StartPull second = only(StartPull.class, ended(first, new PullOutcome.Failed(200, "reset")));
    StartPull third = only(StartPull.class, ended(second, new PullOutcome.PrefixDiffers()));
    assertThat(third.source()).isEqualTo(node(3));
    assertThat(third.fromBytes()).isZero();
  }

  @Test
  @Tag("C238")
  @DisplayName("238 a hundred words of where an object is cause one pull, and none once it is here")
  void manyUpdatesCauseOnePull() {
    peerUp(2);
    peerUp(3);
    StartPull start = only(StartPull.class, fetch(1, 300, Urgency.ARGUMENT, node(2)));
    for (int i = 0; i < 100; i++) {
      List<StoreEffect> effects =
          fetch(1, 300, i % 2 == 0 ? Urgency.ARGUMENT : Urgency.GET, node(2 + i % 3), node(3));
      assertThat(effects).noneMatch(StartPull.class::isInstance);
      giveUp(lastWaiter); // no more than some may wait at a time
    }
    only(PinGranted.class, complete(start));
    assertThat(fetch(1, 300, Urgency.GET, node(4))).hasOnlyElementsOfType(PinGranted.class);
    assertThat(table.stats().pulls()).isEqualTo(1);
  }

  @Test
  @Tag("C239")
  @DisplayName("239 a copy in the memory of a third node is preferred to one on the owner's disk")
  void copyInMemoryIsPreferredToOneOnDisk() {
    peerUp(2);
    peerUp(3);
    StartPull first = only(StartPull.class, fetch(1, 300, Urgency.GET, node(2), node(3)));
    assertThat(first.source()).isEqualTo(node(2));
    assertThat(first.fromMemory()).isTrue();
    StartPull second = only(StartPull.class, ended(first, new PullOutcome.OnDisk()));
    assertThat(second.source()).isEqualTo(node(3));
    assertThat(second.block()).as("the room is kept").isEqualTo(first.block());
    only(PinGranted.class, complete(second));
  }

  @Test
  void whatIsOnDiskEverywhereIsPulledFromThere() {
    peerUp(2);
    peerUp(3);
    StartPull first = only(StartPull.class, fetch(1, 300, Urgency.GET, node(2), node(3)));
    StartPull second = only(StartPull.class, ended(first, new PullOutcome.OnDisk()));
    StartPull third = only(StartPull.class, ended(second, new PullOutcome.OnDisk()));
    assertThat(third.source()).isEqualTo(node(2));
    assertThat(third.fromMemory()).isFalse();
    StartPull fourth = only(StartPull.class, ended(third, new PullOutcome.NotThere("gone")));
    assertThat(fourth.source()).isEqualTo(node(3));
    assertThat(fourth.fromMemory()).isFalse();
    only(PinGranted.class, complete(fourth));
  }

  @Test
  void onlySourceIsTakenAsItIs() {
    peerUp(2);
    peerUp(3);
    assertThat(only(StartPull.class, fetch(1, 300, Urgency.GET, node(2))).fromMemory()).isFalse();
  }

  @Test
  void pullFailsWhenNoSourceIsLeft() {
    peerUp(2);
    peerUp(3);
    StartPull first = only(StartPull.class, fetch(1, 300, Urgency.GET, node(2), node(3)));
    StartPull second = only(StartPull.class, ended(first, new PullOutcome.NotThere("evicted")));
    Refused refused = only(Refused.class, ended(second, new PullOutcome.Failed(100, "reset")));
    assertThat(refused.why())
        .isInstanceOf(Refusal.SourceLost.class)
        .asString()
        .contains("evicted", "reset");
    assertNothingIsLeft();
  }

  @Test
  void urgentPullsGoFirstAndHoldTheOthersBack() {
    peerUp(2);
    peerUp(3);
    StartPull running = only(StartPull.class, fetch(1, 300, Urgency.ARGUMENT, node(2)));
    fetch(2, 200, Urgency.ARGUMENT, node(3)); // fits into the bound
    fetch(3, 300, Urgency.ARGUMENT, node(3));
    fetch(4, 300, Urgency.GET, node(3));
    assertThat(only(StartPull.class, complete(running)).key()).isEqualTo(key(4));
  }

  @Test
  void queuedPullBecomesMoreUrgentWithItsWaiters() {
    peerUp(2);
    peerUp(3);
    StartPull running = only(StartPull.class, fetch(1, 400, Urgency.ARGUMENT, node(2)));
    fetch(2, 300, Urgency.ARGUMENT, node(3));
    fetch(3, 300, Urgency.ARGUMENT, node(3));
    fetch(3, 300, Urgency.GET, node(3));
    assertThat(only(StartPull.class, complete(running)).key()).isEqualTo(key(3));
  }

  @Test
  void pullLargerThanTheBoundGoesAlone() {
    peerUp(2);
    StartPull large = only(StartPull.class, fetch(1, 700, Urgency.GET, node(2)));
    assertThat(fetch(2, 100, Urgency.GET, node(2))).noneMatch(StartPull.class::isInstance);
    assertThat(only(StartPull.class, complete(large)).key()).isEqualTo(key(2));
  }

  @Test
  void onlySoManyPullsRunFromOneNodeAndAnotherSourceIsTaken() {
    peerUp(2);
    peerUp(3);
    only(StartPull.class, fetch(1, 64, Urgency.GET, node(2)));
    only(StartPull.class, fetch(2, 64, Urgency.GET, node(2)));
    assertThat(fetch(3, 64, Urgency.GET, node(2))).noneMatch(StartPull.class::isInstance);
    assertThat(only(StartPull.class, fetch(4, 64, Urgency.GET, node(2), node(3))).source())
        .isEqualTo(node(3));
  }

  @Test
  void pullWaitsForANodeThatIsNotKnownYetAndThenGoesOn() {
    fetch(1, 300, Urgency.GET, node(2));
    assertThat(only(StartPull.class, peerUp(2)).source()).isEqualTo(node(2));
  }

  @Test
  void pullDoesNotWaitForAnUnknownNodeForLong() {
    assertThat(only(SetTimer.class, fetch(1, 300, Urgency.GET, node(2))).atNanos())
        .isEqualTo(now + 3 * SECOND);
    now += 3 * SECOND;
    assertThat(only(Refused.class, step(new StoreInput.TimerFired())).why())
        .isInstanceOf(Refusal.SourceLost.class)
        .asString()
        .contains("known");
    assertNothingIsLeft();
  }

  /**
   * Found by the simulation: with its room it was taken for one that runs, and its deadline moved
   * on for ever.
   */
  @Test
  void pullThatHasItsRoomButOnlyAnUnknownSourceLeftEndsAtItsDeadline() {
    peerUp(2);
    StartPull start = only(StartPull.class, fetch(1, 300, Urgency.GET, node(2), node(3)));
    ended(start, new PullOutcome.Failed(100, "reset"));
    now += 3 * SECOND;
    assertThat(only(Refused.class, step(new StoreInput.TimerFired())).why())
        .isInstanceOf(Refusal.SourceLost.class);
    assertNothingIsLeft();
  }

  @Test
  void deadNodeIsNotWaitedFor() {
    step(new StoreInput.PeerDown(node(2)));
    peerUp(2); // late news
    only(Refused.class, fetch(1, 300, Urgency.GET, node(2)));
  }

  @Test
  void pullFromADyingNodeIsCutAndGoesOnElsewhere() {
    peerUp(2);
    peerUp(3);
    StartPull first = only(StartPull.class, fetch(1, 300, Urgency.GET, node(2), node(3)));
    assertThat(only(CutPull.class, step(new StoreInput.PeerDown(node(2)))).transfer())
        .isEqualTo(first.transfer());
    assertThat(only(StartPull.class, ended(first, new PullOutcome.Failed(100, "closed"))).source())
        .isEqualTo(node(3));
  }

  @Test
  void pullThatNobodyWantsIsCutAndItsMemoryComesBackWithItsEnd() {
    peerUp(2);
    StartPull start = only(StartPull.class, fetch(1, 300, Urgency.GET, node(2)));
    step(new StoreInput.GiveUp(999, lastWaiter));
    assertThat(effects).anyMatch(CutPull.class::isInstance);
    assertThat(table.stats().usedBytes()).isPositive();
    ended(start, new PullOutcome.Failed(64, "cut"));
    assertNothingIsLeft();
  }

  @Test
  void pullThatNobodyWantsLeavesNoCopyEvenIfItIsCutTooLate() {
    peerUp(2);
    StartPull start = only(StartPull.class, fetch(1, 300, Urgency.GET, node(2)));
    step(new StoreInput.GiveUp(999, lastWaiter));
    ended(start, new PullOutcome.Complete()); // nobody tells the owner of it: nobody would free it
    assertNothingIsLeft();
  }

  @Test
  void pullThatIsWantedAgainWhileItIsCutGoesOnFromTheSameSource() {
    peerUp(2);
    StartPull start = only(StartPull.class, fetch(1, 300, Urgency.GET, node(2)));
    giveUp(lastWaiter);
    fetch(1, 300, Urgency.GET, node(2));
    StartPull again = only(StartPull.class, ended(start, new PullOutcome.Failed(64, "cut")));
    assertThat(again.source()).isEqualTo(node(2));
    assertThat(again.fromBytes()).isEqualTo(64);
  }

  @Test
  void objectFreedWhileItIsPulledRefusesItsWaitersAtOnce() {
    peerUp(2);
    StartPull start = only(StartPull.class, fetch(1, 300, Urgency.GET, node(2)));
    free(1);
    assertThat(effects).anyMatch(Refused.class::isInstance).anyMatch(CutPull.class::isInstance);
    only(Refused.class, fetch(1, 300, Urgency.GET, node(2)));
    complete(start);
    assertNothingIsLeft();
  }

  @Test
  void pullThatFindsNoRoomIsRefusedAtItsDeadlineAndOneThatRunsIsNot() {
    peerUp(2);
    put(1, 700);
    only(StartPull.class, fetch(2, 200, Urgency.GET, node(2)));
    fetch(3, 300, Urgency.GET, node(2));
    now += 60 * SECOND;
    step(new StoreInput.TimerFired());
    assertThat(effects.stream().filter(Refused.class::isInstance)).hasSize(1);
    assertThat(table.contents()).containsKey(key(2)).doesNotContainKey(key(3));
  }

  @Test
  void fetchOfWhatIsHereNeedsNoSource() {
    put(1, 100);
    only(PinGranted.class, fetch(1, 100, Urgency.GET));
    only(Refused.class, fetch(2, 100, Urgency.GET));
    only(Refused.class, fetch(2, 100, Urgency.GET, node(1))); // itself
  }

  @Test
  void reportOfAnUnknownPullChangesNothing() {
    step(new StoreInput.PullEnded(77, new PullOutcome.Complete()));
    assertNothingIsLeft();
  }

  // --------------------------------------------------------------------------------------------------------- close

  @Test
  void closingRefusesAllWhoWaitAndAllWhoCome() {
    peerUp(2);
    put(1, 700);
    create(2, 600);
    StartPull start = only(StartPull.class, fetch(3, 200, Urgency.GET, node(2)));
    step(new StoreInput.Close());
    assertThat(effects.stream().filter(Refused.class::isInstance)).hasSize(2);
    assertThat(effects).anyMatch(CutPull.class::isInstance);
    ended(start, new PullOutcome.Failed(0, "closed"));
    only(Refused.class, create(4, 1));
    only(Refused.class, fetch(5, 1, Urgency.GET, node(2)));
    only(Absent.class, pin(1));
    step(new StoreInput.Close());
    assertThat(table.waitCount()).isZero();
  }

  // --------------------------------------------------------------------------------------------------------- verbs

  private List<StoreEffect> step(StoreInput input) {
    effects.clear();
    table.step(input, now, effects::add);
    table.checkInvariants();
    return List.copyOf(effects);
  }

  private List<StoreEffect> create(int key, long bytes) {
    return step(new StoreInput.Create(++lastWaiter, key(key), bytes, "put"));
  }

  private void put(int key, long bytes) {
    only(WriteGranted.class, create(key, bytes));
    step(new StoreInput.Seal(key(key)));
  }

  private List<StoreEffect> pin(int key) {
    return step(new StoreInput.Pin(++lastWaiter, key(key)));
  }

  private List<StoreEffect> unpin(int key) {
    return step(new StoreInput.Unpin(key(key)));
  }

  private List<StoreEffect> free(int key) {
    return step(new StoreInput.Free(key(key)));
  }

  private List<StoreEffect> promote(int key) {
    return step(new StoreInput.Promote(++lastWaiter, key(key)));
  }

  private List<StoreEffect> fetch(int key, long bytes, Urgency urgency, NodeId... sources) {
    return step(new StoreInput.Fetch(++lastWaiter, key(key), bytes, List.of(sources), urgency));
  }

  private Decided giveUp(long waiter) {
    return only(Decided.class, step(new StoreInput.GiveUp(1_000_000, waiter)));
  }

  private List<StoreEffect> peerUp(int node) {
    return step(new StoreInput.PeerUp(node(node)));
  }

  private List<StoreEffect> ended(StartPull start, PullOutcome outcome) {
    return step(new StoreInput.PullEnded(start.transfer(), outcome));
  }

  private List<StoreEffect> complete(StartPull start) {
    return ended(start, new PullOutcome.Complete());
  }

  private void pullHere(int key, long bytes) {
    complete(only(StartPull.class, fetch(key, bytes, Urgency.GET, node(2))));
    unpin(key);
  }

  private static <E extends StoreEffect> E only(Class<E> type, List<StoreEffect> effects) {
    List<E> found = effects.stream().filter(type::isInstance).map(type::cast).toList();
    assertThat(found).as("%s in %s", type.getSimpleName(), effects).hasSize(1);
    return found.getFirst();
  }

  private void assertNothingIsLeft() {
    assertThat(table.stats().usedBytes()).isZero();
    assertThat(table.contents()).isEmpty();
    assertThat(table.waitCount()).isZero();
  }
}
