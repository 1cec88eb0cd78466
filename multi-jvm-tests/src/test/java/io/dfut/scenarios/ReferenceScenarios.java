package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.ActorHandle;
import io.dfut.Arg;
import io.dfut.DFut;
import io.dfut.DFut2;
import io.dfut.DFutContext;
import io.dfut.DPromise;
import io.dfut.ObjectId;
import io.dfut.Returns2;
import io.dfut.SharedDFut;
import io.dfut.TaskCancelledException;
import io.dfut.TaskFailedException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The ways a reference travels. On each the value can be read as long as anybody can ask for it,
 * and is freed on every node as soon as nobody can.
 */
abstract class ReferenceScenarios extends ObjectScenarios {
  // ---- as arguments ----

  @Test
  @DisplayName("an argument, by value or by reference, outlives its owner's handles")
  void argumentOutlivesItsOwnersHandles() {
    ofEveryKind(
        (object, seen) -> {
          Gate gate = Gate.closed();
          SharedDFut<byte[]> shared = object.share();
          DFut<Seen> byValue = dfut.task(ObjectScenarios::seeAfter).submit(gate, object);
          DFut<Seen> byReference = dfut.task(ObjectScenarios::readAfter).submit(gate, shared);
          letGo(object, shared);
          gate.awaitArrived(2);
          gate.open();
          assertThat(byValue.get(SOON)).isEqualTo(seen);
          assertThat(byReference.get(SOON)).isEqualTo(seen);
          gone(object.id());
        });
  }

  record Parcel(
      String label,
      Optional<SharedDFut<byte[]>> optional,
      List<Map<String, SharedDFut<byte[]>>> nested,
      Object[] array) {
    static Parcel of(SharedDFut<byte[]> reference, SharedDFut<byte[]> another) {
      return new Parcel(
          "p",
          Optional.of(reference),
          List.of(Map.of("a", reference, "b", another)),
          new Object[] {1, another, null});
    }

    @SuppressWarnings("unchecked") // as of(…) made it
    List<SharedDFut<byte[]>> references() {
      return List.of(
          optional.orElseThrow(),
          nested.getFirst().get("a"),
          nested.getFirst().get("b"),
          (SharedDFut<byte[]>) array[1]);
    }
  }

  private static List<Seen> unpackAfter(Gate gate, Parcel parcel) throws InterruptedException {
    gate.pass();
    return parcel.references().stream().map(ObjectScenarios::read).toList();
  }

  private static Parcel repack(Gate gate, Parcel parcel) throws InterruptedException {
    gate.pass();
    return Parcel.of(parcel.references().getLast(), parcel.references().getFirst());
  }

  @Test
  @DisplayName("references stand anywhere in an object graph, there and back, the same one twice")
  void referencesStandAnywhereInAGraph() {
    ofEveryKind(
        (object, seen) -> {
          Gate gate = Gate.closed();
          SharedDFut<byte[]> shared = object.share();
          SharedDFut<byte[]> again = object.share();
          DFut<List<Seen>> unpacked =
              dfut.task(ReferenceScenarios::unpackAfter).submit(gate, Parcel.of(shared, again));
          DFut<Parcel> repacked =
              dfut.task(ReferenceScenarios::repack).submit(gate, Parcel.of(again, shared));
          DFut<List<Seen>> unpackedAgain =
              dfut.task(ReferenceScenarios::unpackAfter).submit(gate, repacked);
          letGo(object, shared, again);
          gate.open();
          assertThat(unpacked.get(SOON)).containsExactly(seen, seen, seen, seen);
          assertThat(unpackedAgain.get(SOON)).containsExactly(seen, seen, seen, seen);
          List<SharedDFut<byte[]>> back = repacked.get(SOON).references();
          repacked.close();
          gone(repacked.id());
          assertThat(back).extracting(SharedDFut::id).containsOnly(object.id());
          back.getLast().close(); // the other of the two; either may stand for both its places
          assertThat(read(back.getFirst())).isEqualTo(seen);
          back.forEach(SharedDFut::close);
          gone(object.id());
        });
  }

  /** Submits a lambda that captures the reference; lambda and handle are gone when this returns. */
  private DFut<Seen> readCaptured(Gate gate, DFut<byte[]> object) {
    try (SharedDFut<byte[]> captured = object.share()) {
      return dfut.task(
              () -> {
                gate.pass();
                return Seen.of(captured.get());
              })
          .submit();
    }
  }

  @Test
  @Tag("C034")
  @DisplayName("034 a reference captured by a lambda keeps its object until the task ends")
  void capturedReferenceKeepsItsObject() {
    ofEveryKind(
        (object, seen) -> {
          Gate gate = Gate.closed();
          DFut<Seen> result = readCaptured(gate, object);
          letGo(object);
          gate.awaitArrived(1);
          gate.open();
          assertThat(result.get(SOON)).isEqualTo(seen);
          gone(object.id());
        });
  }

  @Test
  @DisplayName("a reference may go ahead of its value, and of its failure")
  void referenceMayGoAheadOfItsValue() {
    for (int length : new int[] {SMALL, LARGE}) {
      DPromise<byte[]> promise = dfut.promise();
      ActorHandle<Keeper> keeper = keeping(keeper(), promise.future().share());
      DFut<Seen> read = keeper.task(Keeper::readFirst).submit();
      Gate gate = Gate.closed();
      SharedDFut<byte[]> shared =
          dfut.task(ObjectScenarios::bytesAfter).submit(gate, length, length).share();
      DFut<Seen> readByTask = dfut.task(ObjectScenarios::read).submit(shared);
      shared.close();
      gate.awaitArrived(1);
      promise.future().close();
      assertThat(read.isReady() || readByTask.isReady()).isFalse();
      assertThat(promise.complete(Tasks.bytes(5, length))).isTrue();
      gate.open();
      assertThat(read.get(SOON)).isEqualTo(Seen.of(Tasks.bytes(5, length)));
      assertThat(readByTask.get(SOON)).isEqualTo(Seen.of(Tasks.bytes(length, length)));
      dropBy(keeper);
    }
    DPromise<byte[]> unwanted = dfut.promise();
    unwanted.future().close();
    unwanted.complete(Tasks.bytes(1, LARGE));
    gone(unwanted.future().id());
  }

  private static String failureOf(SharedDFut<Integer> reference) {
    try {
      return "no failure but " + reference.get();
    } catch (TaskFailedException e) {
      return e.getCause().getMessage();
    }
  }

  @Test
  @DisplayName("a borrower hears of the failure of what it borrows")
  void borrowerHearsOfTheFailure() {
    DFut<Integer> failed = dfut.task(Tasks::fail).submit("of the owner's task");
    SharedDFut<Integer> shared = failed.share();
    DFut<String> heard = dfut.task(ReferenceScenarios::failureOf).submit(shared);
    failed.close();
    shared.close();
    assertThat(heard.get(SOON)).isEqualTo("of the owner's task");
    gone(failed.id());
  }

  // ---- as results ----

  @Test
  @DisplayName("what a task put and returned lives as long as somebody holds the reference")
  void returnedReferenceIsReadable() {
    for (int length : new int[] {SMALL, LARGE}) {
      Seen seen = Seen.of(Tasks.bytes(3, length));
      DFut<SharedDFut<byte[]>> result = dfut.task(ObjectScenarios::putAndShare).submit(3, length);
      SharedDFut<byte[]> held = result.get(SOON);
      result.close();
      gone(result.id());
      eventually("a lease stays after its task").until(this::noLeases); // the owner is parked now
      assertThat(read(held)).isEqualTo(seen);
      DFut<Seen> byValue = dfut.task(ObjectScenarios::see).submit(held.borrow());
      assertThat(byValue.get(SOON)).isEqualTo(seen);
    }
  }

  private boolean noLeases() {
    return nodes().stream().allMatch(node -> node.inspect().leases().isEmpty());
  }

  @Test
  @DisplayName("a returned reference goes on to another task, whose caller never looked at it")
  void returnedReferenceGoesOn() {
    for (int length : new int[] {SMALL, LARGE}) {
      Gate gate = Gate.closed();
      DFut<SharedDFut<byte[]>> result = dfut.task(ObjectScenarios::putAndShare).submit(4, length);
      DFut<Seen> read = dfut.task(ObjectScenarios::readAfter).submit(gate, result);
      ActorHandle<Keeper> keeper = keeper();
      DFut<Void> kept = keeper.task(Keeper::keepFirst).submit(result);
      letGo(result);
      gate.awaitArrived(1);
      gate.open();
      assertThat(read.get(SOON)).isEqualTo(Seen.of(Tasks.bytes(4, length)));
      kept.get(SOON);
      gone(result.id());
      assertThat(readBy(keeper)).isEqualTo(Seen.of(Tasks.bytes(4, length)));
    }
  }

  @Test
  @DisplayName("a returned reference is freed when its result was not wanted")
  void returnedReferenceNobodyWants() {
    for (int length : new int[] {SMALL, LARGE}) {
      for (boolean early : new boolean[] {true, false}) {
        DFut<SharedDFut<byte[]>> result = dfut.task(ObjectScenarios::putAndShare).submit(5, length);
        if (!early) {
          assertThat(dfut.await(List.of(result), 1, SOON).ready()).hasSize(1);
        }
        result.close();
        nothingIsLeft();
      }
    }
  }

  @Test
  @DisplayName("a task may return what its own task has yet to make")
  void returnedReferenceMayBePending() {
    for (int length : new int[] {SMALL, LARGE}) {
      Gate gate = Gate.closed();
      DFut<SharedDFut<byte[]>> result =
          dfut.task(ObjectScenarios::startAndShare).submit(gate, 6, length);
      SharedDFut<byte[]> held = result.get(SOON);
      gate.awaitArrived(1);
      assertThat(held.isReady()).isFalse();
      DFut<Seen> read = dfut.task(ObjectScenarios::read).submit(held);
      gate.open();
      assertThat(read(held)).isEqualTo(Seen.of(Tasks.bytes(6, length)));
      assertThat(read.get(SOON)).isEqualTo(Seen.of(Tasks.bytes(6, length)));
    }
  }

  private static SharedDFut<SharedDFut<byte[]>> delegatePut(int seed, int length) {
    return DFutContext.current().task(ObjectScenarios::putAndShare).submit(seed, length).share();
  }

  @Test
  @DisplayName("references returned through two owners free the innermost last")
  void referencesThroughTwoOwners() {
    for (int length : new int[] {SMALL, LARGE}) {
      DFut<SharedDFut<SharedDFut<byte[]>>> result =
          dfut.task(ReferenceScenarios::delegatePut).submit(7, length);
      SharedDFut<SharedDFut<byte[]>> middle = result.get(SOON);
      result.close();
      gone(result.id());
      SharedDFut<byte[]> inner = middle.get();
      middle.close();
      gone(middle.id());
      assertThat(read(inner)).isEqualTo(Seen.of(Tasks.bytes(7, length)));
      inner.close();
      gone(inner.id());

      DFut<SharedDFut<SharedDFut<byte[]>>> unopened =
          dfut.task(ReferenceScenarios::delegatePut).submit(8, length);
      assertThat(dfut.await(List.of(unopened), 1, SOON).ready()).hasSize(1);
      unopened.close();
      nothingIsLeft();
    }
  }

  private static Returns2<SharedDFut<byte[]>, List<SharedDFut<byte[]>>> twice(
      SharedDFut<byte[]> reference) {
    return new Returns2<>(reference, List.of(reference, reference));
  }

  @Test
  @DisplayName("two results of one task hold the same reference independently")
  void twoResultsHoldTheSameReference() {
    ofEveryKind(
        (object, seen) -> {
          SharedDFut<byte[]> shared = object.share();
          DFut2<SharedDFut<byte[]>, List<SharedDFut<byte[]>>> results =
              dfut.multi2(ReferenceScenarios::twice).submit(shared);
          letGo(object, shared);
          assertThat(dfut.await(List.of(results.first(), results.second()), 2, SOON).ready())
              .hasSize(2);
          results.first().close();
          gone(results.first().id());
          DFut<Seen> read =
              dfut.task((List<SharedDFut<byte[]>> list) -> read(list.getLast()))
                  .submit(results.second());
          assertThat(read.get(SOON)).isEqualTo(seen);
          results.second().close();
          gone(results.second().id(), object.id());
        });
  }

  @Test
  @DisplayName("a reference comes back to an owner that had let go of it")
  void referenceComesBackToItsOwner() {
    ofEveryKind(
        (object, seen) -> {
          Gate gate = Gate.closed();
          DFut<SharedDFut<byte[]>> result =
              lent(
                  object, shared -> dfut.task(ObjectScenarios::giveBackAfter).submit(gate, shared));
          gate.open();
          SharedDFut<byte[]> back = result.get(SOON);
          assertThat(back.id()).isEqualTo(object.id());
          result.close();
          gone(result.id());
          assertThat(read(back)).isEqualTo(seen);

          ActorHandle<Keeper> keeper = keeping(keeper(), back);
          DFut<byte[]> borrowed = back.borrow();
          back.close();
          letGo(borrowed);
          DFut<SharedDFut<byte[]>> given = keeper.task(Keeper::giveFirst).submit();
          SharedDFut<byte[]> backAgain = given.get(SOON);
          given.close();
          dropBy(keeper);
          gone(given.id());
          assertThat(read(backAgain)).isEqualTo(seen);
          assertThat(dfut.task(ObjectScenarios::see).submit(backAgain.borrow()).get(SOON))
              .isEqualTo(seen);
        });
  }

  // ---- inside other objects ----

  @Test
  @DisplayName("what a put value holds lives as long as that, and what is unwrapped lives on")
  void containerKeepsItsContent() {
    ofEveryKind(
        (object, seen) -> {
          SharedDFut<byte[]> shared = object.share();
          DFut<List<SharedDFut<byte[]>>> container = dfut.put(List.of(shared, shared));
          SharedDFut<List<SharedDFut<byte[]>>> containerShared = container.share();
          letGo(object, shared);
          assertThat(countsOf(object.id())).containsEntry("containers", 1);
          Gate gate = Gate.closed();
          DFut<Seen> byValue = dfut.task(ReferenceScenarios::readFirst).submit(gate, container);
          DFut<Seen> byReference =
              dfut.task(ReferenceScenarios::readFirstOf).submit(gate, containerShared);
          letGo(container, containerShared);
          gate.awaitArrived(2);
          gate.open();
          assertThat(byValue.get(SOON)).isEqualTo(seen);
          assertThat(byReference.get(SOON)).isEqualTo(seen);
          gone(container.id(), object.id());
        });
  }

  private static Seen readFirst(Gate gate, List<SharedDFut<byte[]>> container)
      throws InterruptedException {
    gate.pass();
    return read(container.getFirst());
  }

  private static Seen readFirstOf(Gate gate, SharedDFut<List<SharedDFut<byte[]>>> container)
      throws InterruptedException {
    gate.pass();
    return read(container.get().getFirst());
  }

  @Test
  @DisplayName("who unwraps a container and keeps its content keeps only that")
  void contentOutlivesItsContainer() {
    ofEveryKind(
        (object, seen) -> {
          SharedDFut<byte[]> shared = object.share();
          DFut<List<SharedDFut<byte[]>>> container = dfut.put(List.of(shared));
          ActorHandle<Keeper> keeper = keeper();
          keeper.task(Keeper::keepContent).submit(container).get(SOON);
          letGo(object, shared);
          SharedDFut<byte[]> mine = container.get(SOON).getFirst();
          container.close();
          gone(container.id());
          mine.close();
          assertThat(readBy(keeper)).isEqualTo(seen);
          dropBy(keeper);
          gone(object.id());
        });
  }

  @Test
  @DisplayName("two containers count the same content each for itself")
  void twoContainersCountTheSameContent() {
    ofEveryKind(
        (object, seen) -> {
          SharedDFut<byte[]> shared = object.share();
          DFut<List<SharedDFut<byte[]>>> one = dfut.put(List.of(shared));
          DFut<List<SharedDFut<byte[]>>> other =
              dfut.task(ReferenceScenarios::listOf).submit(shared);
          dfut.await(List.of(other), 1, SOON);
          letGo(object, shared);
          one.close();
          gone(one.id());
          assertThat(dfut.task(ReferenceScenarios::readFirst).submit(opened(), other).get(SOON))
              .isEqualTo(seen);
          other.close();
          gone(other.id(), object.id());
        });
  }

  private static List<SharedDFut<byte[]>> listOf(SharedDFut<byte[]> reference) {
    return List.of(reference);
  }

  /** A container, whose padding decides whether it lives in a table or in a store. */
  record Box(byte[] padding, int depth, SharedDFut<?> content) {}

  /** Boxes around an object, of alternating sizes, the innermost of depth 1. */
  private DFut<?> boxed(DFut<byte[]> object, int depth) {
    DFut<?> outermost = object;
    for (int i = 1; i <= depth; i++) {
      DFut<?> content = outermost;
      try (content;
          SharedDFut<?> shared = content.share()) {
        outermost = dfut.put(new Box(new byte[i % 2 == 0 ? SMALL : LARGE], i, shared));
      }
    }
    return outermost;
  }

  @SuppressWarnings("unchecked") // as boxed(…) made them
  private static Seen unboxByTasks(Gate gate, SharedDFut<?> reference) throws InterruptedException {
    Box box = (Box) reference.get();
    if (box.depth() > 1) {
      return DFutContext.current()
          .task(ReferenceScenarios::unboxByTasks)
          .submit(gate, box.content())
          .get();
    }
    gate.pass();
    return read((SharedDFut<byte[]>) box.content());
  }

  private void unboxed(DFut<byte[]> object, Seen seen, int depth, Runnable meanwhile) {
    Gate gate = Gate.closed();
    DFut<?> outermost = boxed(object, depth);
    SharedDFut<?> shared = outermost.share();
    DFut<Seen> result = dfut.task(ReferenceScenarios::unboxByTasks).submit(gate, shared);
    letGo(outermost, shared);
    gate.awaitArrived(1);
    meanwhile.run();
    gate.open();
    assertThat(result.get(SOON)).isEqualTo(seen);
    gone(outermost.id(), object.id());
  }

  @Test
  @Tag("C076")
  @DisplayName("076 containers in containers unwrapped by nested tasks keep the innermost")
  void nestedContainersKeepTheInnermost() {
    for (int depth : new int[] {1, 5}) {
      ofEveryKind((object, seen) -> unboxed(object, seen, depth, () -> {}));
    }
  }

  @Test
  @DisplayName("containers that nobody unwraps go as a whole, however deep")
  void nestedContainersGoAsAWhole() {
    ofEveryKind(
        (object, seen) -> {
          DFut<?> outermost = boxed(object, 30);
          assertThat(countsOf(object.id())).containsOnlyKeys("containers");
          outermost.close();
          gone(outermost.id(), object.id());
        });
  }

  @Test
  @DisplayName("a container of what another worker owns keeps it, a promise's value too")
  void containerOfABorrowedReference() {
    for (int length : new int[] {SMALL, LARGE}) {
      Seen seen = Seen.of(Tasks.bytes(9, length));
      DPromise<List<SharedDFut<byte[]>>> promise = dfut.promise();
      DFut<List<SharedDFut<byte[]>>> container;
      ObjectId id;
      try (DFut<SharedDFut<byte[]>> result =
              dfut.task(ObjectScenarios::putAndShare).submit(9, length);
          SharedDFut<byte[]> borrowed = result.get(SOON)) {
        id = borrowed.id();
        container = dfut.put(List.of(borrowed));
        promise.complete(List.of(borrowed));
      }
      assertThat(dfut.task(ReferenceScenarios::readFirst).submit(opened(), container).get(SOON))
          .isEqualTo(seen);
      container.close();
      gone(container.id());
      assertThat(
              dfut.task(ReferenceScenarios::readFirst).submit(opened(), promise.future()).get(SOON))
          .isEqualTo(seen);
      promise.future().close();
      gone(promise.future().id(), id);
    }
  }

  // ---- from borrower to borrower ----

  private static Seen descend(Gate gate, int depth, SharedDFut<byte[]> reference)
      throws InterruptedException {
    if (depth > 1) {
      return DFutContext.current()
          .task(ReferenceScenarios::descend)
          .submit(gate, depth - 1, reference)
          .get();
    }
    gate.pass();
    return read(reference);
  }

  /** The same, but no task waits for the one that it submits. */
  private static Object descendAndLeave(Gate gate, int depth, SharedDFut<byte[]> reference)
      throws InterruptedException {
    if (depth > 1) {
      return DFutContext.current()
          .task(ReferenceScenarios::descendAndLeave)
          .submit(gate, depth - 1, reference)
          .share();
    }
    gate.pass();
    return read(reference);
  }

  private static Object deepest(Object result) {
    Object value = result;
    while (value instanceof SharedDFut<?> deeper) {
      value = deeper.get(SOON);
    }
    return value;
  }

  private void descended(DFut<byte[]> object, Seen seen, boolean leave, Runnable meanwhile) {
    Gate gate = Gate.closed();
    DFut<?> result =
        leave
            ? lent(
                object,
                shared -> dfut.task(ReferenceScenarios::descendAndLeave).submit(gate, 5, shared))
            : lent(
                object, shared -> dfut.task(ReferenceScenarios::descend).submit(gate, 5, shared));
    gate.awaitArrived(1);
    meanwhile.run();
    gate.open();
    assertThat(deepest(result.get(SOON))).isEqualTo(seen);
    gone(object.id());
  }

  @Test
  @Tag("C075")
  @DisplayName("075 a reference handed down five tasks survives until the deepest ends")
  void referenceHandedDownSurvives() {
    ofEveryKind((object, seen) -> descended(object, seen, false, () -> {}));
  }

  @Test
  @Tag("C075")
  @DisplayName("075 the same when none of the tasks waits for the one below it")
  void referenceHandedDownOutlivesThoseWhoHandedIt() {
    ofEveryKind((object, seen) -> descended(object, seen, true, () -> {}));
  }

  private static int failAtTheBottom(Gate gate, int depth, SharedDFut<byte[]> reference)
      throws InterruptedException {
    if (depth > 1) {
      return DFutContext.current()
          .task(ReferenceScenarios::failAtTheBottom)
          .submit(gate, depth - 1, reference)
          .get();
    }
    gate.pass();
    throw new IllegalStateException("after " + reference.get().length);
  }

  @Test
  @Tag("C075")
  @DisplayName("075 the deepest that throws gives the reference up as well")
  void deepestThatThrowsGivesUpTheReference() {
    ofEveryKind(
        (object, seen) -> {
          Gate gate = Gate.closed();
          DFut<Integer> result =
              lent(
                  object,
                  shared -> dfut.task(ReferenceScenarios::failAtTheBottom).submit(gate, 5, shared));
          gate.awaitArrived(1);
          gate.open();
          assertThatThrownBy(() -> result.get(SOON))
              .isInstanceOf(TaskFailedException.class)
              .hasStackTraceContaining("after " + seen.length());
          gone(object.id());
        });
  }

  private static void readCounted(Gate gate, Tally tally, int hash, SharedDFut<byte[]> reference)
      throws InterruptedException {
    gate.pass();
    if (Arrays.hashCode(reference.get()) == hash) {
      tally.add();
    }
  }

  private static void leaveBehind(Gate gate, Tally tally, int hash, SharedDFut<byte[]> reference) {
    DFutContext.current()
        .task(ReferenceScenarios::readCounted)
        .submit(Arg.of(gate), Arg.of(tally), Arg.of(hash), Arg.of(reference));
  }

  @Test
  @DisplayName("a task that nobody waits for keeps its reference after the one that submitted it")
  void taskLeftBehindKeepsItsReference() {
    ofEveryKind(
        (object, seen) -> {
          Gate gate = Gate.closed();
          Tally tally = Tally.zero();
          SharedDFut<byte[]> shared = object.share();
          dfut.task(ReferenceScenarios::leaveBehind)
              .submit(Arg.of(gate), Arg.of(tally), Arg.of(seen.hash()), Arg.of(shared))
              .get(SOON);
          letGo(object, shared);
          gate.awaitArrived(1);
          gate.open();
          eventually("the task left behind could not read its reference")
              .until(() -> tally.count() == 1);
          gone(object.id());
        });
  }

  private static void handOn(ActorHandle<Keeper> from, ActorHandle<Keeper> to) {
    from.task(Keeper::handTo).submit(to).get(SOON);
  }

  @Test
  @DisplayName("a borrower's borrower outlives the borrower, which let go of it")
  void borrowersBorrowerOutlivesTheBorrower() {
    ofEveryKind(
        (object, seen) -> {
          ActorHandle<Keeper> one = keptByAnActor(object);
          ActorHandle<Keeper> two = keeper();
          ActorHandle<Keeper> three = keeper();
          handOn(one, two); // the owner holds nothing any more
          dropBy(one);
          assertThat(readBy(two)).isEqualTo(seen);
          handOn(two, three);
          dropBy(two);
          handOn(three, one); // and back to one that has had it
          dropBy(three);
          assertThat(readBy(one)).isEqualTo(seen);
          dropBy(one);
          gone(object.id());
        });
  }

  private void ended(ActorHandle<?> actor) {
    eventually("an actor goes on living")
        .until(
            () ->
                nodes().stream()
                    .flatMap(node -> node.inspect().actors().stream())
                    .noneMatch(row -> row.id().equals(actor.id())));
  }

  @Test
  @DisplayName("a borrower's borrower outlives the borrower, which is killed")
  void borrowersBorrowerOutlivesTheKilledBorrower() {
    ofEveryKind(
        (object, seen) -> {
          ActorHandle<Keeper> one = keptByAnActor(object);
          ActorHandle<Keeper> two = keeper();
          handOn(one, two);
          dfut.kill(one);
          ended(one);
          assertThat(readBy(two)).isEqualTo(seen);
          ActorHandle<Keeper> three = keeper();
          handOn(two, three);
          two.close();
          ended(two);
          assertThat(readBy(three)).isEqualTo(seen);
          dfut.kill(three);
          gone(object.id());
        });
  }

  @Test
  @Tag("C077")
  @DisplayName("077 an actor that holds a reference twice must let go twice, or die")
  void actorThatHoldsAReferenceTwice() {
    ofEveryKind(
        (object, seen) -> {
          ActorHandle<Keeper> keeper = keptTwiceByAnActor(object);
          assertThat(readBy(keeper)).isEqualTo(seen);
          dropBy(keeper);
          assertThat(keeper.task(Keeper::readSecond).submit().get(SOON)).isEqualTo(seen);
          keeper.task(Keeper::dropSecond).submit().get(SOON);
          gone(object.id());
        });
    for (boolean kill : new boolean[] {true, false}) {
      ofEveryKind(
          (object, seen) -> {
            ActorHandle<Keeper> keeper = keptTwiceByAnActor(object);
            assertThat(keeper.task(Keeper::readSecond).submit().get(SOON)).isEqualTo(seen);
            if (kill) {
              dfut.kill(keeper);
            } else {
              keeper.close();
            }
            gone(object.id());
          });
    }
  }

  @Test
  @DisplayName("what an actor put lives as long as a borrower holds it, and ends with the actor")
  void actorsOwnObjectIsBorrowed() {
    for (int length : new int[] {SMALL, LARGE}) {
      ActorHandle<Keeper> owner = keeper();
      owner.task(Keeper::putOwn).submit(10, length).get(SOON);
      DFut<SharedDFut<byte[]>> given = owner.task(Keeper::giveFirst).submit();
      SharedDFut<byte[]> borrowed = given.get(SOON);
      given.close();
      dropBy(owner);
      gone(given.id());
      ActorHandle<Keeper> other = keeping(keeper(), borrowed);
      DFut<byte[]> mine = borrowed.borrow();
      borrowed.close();
      mine.close();
      assertThat(readBy(other)).isEqualTo(Seen.of(Tasks.bytes(10, length)));
      dropBy(other);
      gone(borrowed.id());
    }
  }

  private static final int MANY = 40;

  @Test
  @DisplayName("many references on many ways at once, dropped in any order")
  void manyReferencesOnManyWays() {
    List<ActorHandle<Keeper>> keepers = List.of(keeper(), keeper(), keeper());
    Random random = new Random(11);
    for (int round = 0; round < MANY; round++) {
      int length = round % 2 == 0 ? SMALL : LARGE;
      Seen seen = Seen.of(Tasks.bytes(round, length));
      int seed = round;
      dfut.scope(
          () -> {
            DFut<byte[]> object = dfut.task(Tasks::bytes).submit(seed, length);
            SharedDFut<byte[]> shared = object.share();
            List<DFut<Void>> kept = new ArrayList<>();
            keepers.forEach(keeper -> kept.add(keeper.task(Keeper::keepFirst).submit(shared)));
            DFut<List<SharedDFut<byte[]>>> container =
                dfut.task(ReferenceScenarios::listOf).submit(shared);
            DFut<Seen> read = dfut.task(ObjectScenarios::read).submit(shared);
            DFut<Object> descended =
                dfut.task(ReferenceScenarios::descendAndLeave).submit(opened(), 3, shared);
            DFut<Seen> contained =
                dfut.task(ReferenceScenarios::readFirst).submit(opened(), container);
            List<Runnable> drops = new ArrayList<>();
            drops.add(object::close);
            drops.add(shared::close);
            drops.add(container::close);
            keepers.forEach(
                keeper ->
                    drops.add(
                        () -> {
                          assertThat(readBy(keeper)).isEqualTo(seen);
                          dropBy(keeper);
                        }));
            drops.add(() -> assertThat(deepest(descended.get(SOON))).isEqualTo(seen));
            Collections.shuffle(drops, random);
            drops.forEach(Runnable::run);
            assertThat(read.get(SOON)).isEqualTo(seen);
            assertThat(contained.get(SOON)).isEqualTo(seen);
            assertThat(kept).allSatisfy(done -> assertThat(done.get(SOON)).isNull());
          });
    }
  }

  private static Seen readAtTheThirdRun(Tally tally, Gate gate, SharedDFut<byte[]> reference)
      throws InterruptedException {
    Seen seen = readAfter(gate, reference);
    if (tally.add() < 3) {
      throw new UnsupportedOperationException("not yet");
    }
    return seen;
  }

  @Test
  @DisplayName("a task that is run again has its references still")
  void retriedTaskHasItsReferences() {
    ofEveryKind(
        (object, seen) -> {
          Gate gate = Gate.closed();
          Tally tally = Tally.zero();
          DFut<Seen> result =
              lent(
                  object,
                  shared ->
                      dfut.task(ReferenceScenarios::readAtTheThirdRun)
                          .retryOn(UnsupportedOperationException.class)
                          .submit(tally, gate, shared));
          gate.awaitArrived(1);
          gate.open();
          assertThat(result.get(SOON)).isEqualTo(seen);
          assertThat(tally.count()).isEqualTo(3);
          gone(object.id());
        });
  }

  @Test
  @DisplayName("a cancelled task gives its references up, running or waiting")
  void cancelledTaskGivesItsReferencesUp() {
    ofEveryKind(
        (object, seen) -> {
          Gate never = Gate.closed();
          DPromise<Gate> promise = dfut.promise();
          SharedDFut<byte[]> shared = object.share();
          DFut<Seen> running = dfut.task(ObjectScenarios::readAfter).submit(never, shared);
          DFut<Seen> waiting =
              dfut.task(ObjectScenarios::readAfter).submit(promise.future(), shared);
          letGo(object, shared);
          never.awaitArrived(1);
          for (DFut<Seen> task : List.of(running, waiting)) {
            assertThat(task.cancel()).isTrue();
            assertThatThrownBy(() -> task.get(SOON)).isInstanceOf(TaskCancelledException.class);
          }
          gone(object.id());
        });
  }

  @Test
  @DisplayName("whoever borrows again at once what it has just let go of finds it there")
  void borrowedAgainAtOnce() {
    ofEveryKind(
        (object, seen) -> {
          ActorHandle<Keeper> keeper = keeper();
          SharedDFut<byte[]> shared = object.share();
          List<DFut<Seen>> reads = new ArrayList<>();
          for (int i = 0; i < 100; i++) {
            keeper.task(Keeper::keepFirst).submit(shared).close();
            reads.add(keeper.task(Keeper::readFirst).submit());
            reads.add(dfut.task(ObjectScenarios::read).submit(shared));
            keeper.task(Keeper::dropFirst).submit().close();
          }
          object.close();
          shared.close();
          assertThat(reads).allSatisfy(read -> assertThat(read.get(SOON)).isEqualTo(seen));
          gone(object.id());
        });
  }

  private static List<SharedDFut<byte[]>> putMany(int count) {
    return IntStream.range(0, count).mapToObj(i -> putAndShare(i, SMALL)).toList();
  }

  private static List<Seen> readAll(List<SharedDFut<byte[]>> references) {
    return references.stream().map(ObjectScenarios::read).toList();
  }

  @Test
  @DisplayName("a result with a thousand references, and a value put with them")
  void thousandReferencesInOneValue() {
    int count = 1_000;
    List<Seen> seen =
        IntStream.range(0, count).mapToObj(i -> Seen.of(Tasks.bytes(i, SMALL))).toList();
    DFut<List<SharedDFut<byte[]>>> result = dfut.task(ReferenceScenarios::putMany).submit(count);
    List<SharedDFut<byte[]>> borrowed = result.get(SOON);
    DFut<List<SharedDFut<byte[]>>> again = dfut.put(borrowed);
    result.close();
    borrowed.forEach(SharedDFut::close);
    gone(result.id());
    try (again;
        DFut<List<Seen>> read = dfut.task(ReferenceScenarios::readAll).submit(again)) {
      assertThat(read.get(SOON)).isEqualTo(seen);
    }
    nothingIsLeft();
  }

  @Test
  @Tag("C075")
  @DisplayName("075 a reference handed down five tasks stays in a full store")
  void referenceHandedDownStaysInAFullStore() {
    descended(
        dfut.put(Tasks.bytes(1, HUGE)), Seen.of(Tasks.bytes(1, HUGE)), false, this::fillStores);
    storesAreEmpty();
    fillStores();
  }

  @Test
  @Tag("C076")
  @DisplayName("076 the innermost of five containers stays in a full store")
  void innermostStaysInAFullStore() {
    unboxed(dfut.put(Tasks.bytes(1, HUGE)), Seen.of(Tasks.bytes(1, HUGE)), 5, this::fillStores);
    storesAreEmpty();
    fillStores();
  }

  private static Gate opened() {
    Gate gate = Gate.closed();
    gate.open();
    return gate;
  }
}
