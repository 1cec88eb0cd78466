package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ObjectId;
import io.dfut.internal.protocol.WorkerMessage.BorrowReleased;
import io.dfut.internal.protocol.WorkerMessage.Borrowed;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** References that come up: a worker puts something and returns the reference to its caller. */
final class ReturnedReferencesTest {
  private final Story story = new Story();
  private final Story.Actor nested = story.worker(ELSEWHERE);
  private final Story.Actor worker = story.worker(THERE).lend(nested);
  private final Story.Actor caller = story.worker(HERE).lend(worker);

  private List<ObjectId> freed() {
    return story.freed.stream().map(freed -> freed.key().id()).toList();
  }

  /** The worker's task puts an object and returns a reference to it; the answer is in the mail. */
  private ObjectId putsAndReturns() {
    story.deliverAll();
    ObjectId inner = worker.put(stored(0, THERE));
    worker.returns(worker.task(), List.of(inner), value("holds the reference", inner));
    assertThat(worker.row(inner).counts()).containsOnlyKeys("transits");
    return inner;
  }

  @Test
  @Tag("C060")
  @DisplayName("060 a returned reference is freed when its result was not wanted")
  void returnedReferenceOfAnUnwantedResult() {
    ObjectId result = caller.submit();
    caller.close(result);
    ObjectId inner = putsAndReturns();
    story.deliver(TaskReturned.class);
    assertThat(caller.row(result)).isNull();
    assertThat(freed()).as("before the caller has answered").isEmpty();
    story.deliver(Borrowed.class); // with this the transit ends, and the caller is listed
    assertThat(worker.borrowersOf(inner)).containsExactly(caller.id);
    story.deliverAll();
    assertThat(freed()).containsExactly(inner);
    assertThat(caller.row(inner)).isNull();
    assertThat(worker.row(inner)).isNull();
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C061")
  @DisplayName("061 a returned reference lives as long as the result that holds it")
  void returnedReferenceLivesAsLongAsItsResult() {
    ObjectId result = caller.submit();
    ObjectId inner = putsAndReturns();
    story.deliverAll();
    caller.returnsIdleLeases(); // the worker has nothing to do any more, but owns something
    story.deliverAll();
    assertThat(worker.row(inner).counts()).containsOnlyKeys("borrowers");
    assertThat(worker.borrowersOf(inner)).containsExactly(caller.id);
    assertThat(caller.row(inner).counts()).containsOnlyKeys("containers");
    assertThat(freed()).isEmpty();
    caller.close(result);
    assertThat(story.take(BorrowReleased.class).to()).isEqualTo(worker.id);
    assertThat(caller.row(inner)).isNull();
    worker.hears(new BorrowReleased(inner, caller.id, Long.MAX_VALUE));
    assertThat(freed()).containsExactly(inner);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C062")
  @DisplayName("062 a returned reference moves on to another borrower, and its caller forgets it")
  void returnedReferenceMovesOn() {
    ObjectId result = caller.submit();
    ObjectId inner = putsAndReturns();
    story.deliverAll();
    caller.returnsIdleLeases();
    Story.Actor second = story.worker(ELSEWHERE);
    caller.lend(second);
    ObjectId consumed = caller.submit(taken(result));
    story.deliverAll();
    second.finds(inner, result);
    caller.close(result);
    second.returns(value("keeps what it found"));
    story.deliverAll();
    assertThat(caller.row(result)).isNull();
    assertThat(caller.row(inner)).isNull();
    assertThat(worker.borrowersOf(inner)).containsExactly(second.id);
    assertThat(freed()).isEmpty();
    second.close(inner);
    story.deliverAll();
    assertThat(freed()).containsExactly(inner);
    caller.close(consumed);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C065")
  @DisplayName("065 references returned through two owners free the innermost last")
  void referencesReturnedThroughTwoOwners() {
    ObjectId result = caller.submit();
    story.deliverAll();
    ObjectId middle = worker.submit();
    story.deliverAll();
    ObjectId innermost = nested.put(stored(0, ELSEWHERE));
    nested.returns(nested.task(), List.of(innermost), stored(0, ELSEWHERE, innermost));
    story.deliverAll();
    worker.returns(worker.task(), List.of(middle), value("holds the middle one", middle));
    story.deliverAll();
    assertThat(nested.borrowersOf(innermost)).containsExactly(worker.id);
    assertThat(worker.borrowersOf(middle)).containsExactly(caller.id);
    assertThat(caller.row(innermost)).as("it has not looked into the middle one").isNull();
    assertThat(freed()).isEmpty();
    caller.close(result);
    story.deliverAll();
    assertThat(freed()).containsExactly(middle, innermost);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C065")
  @DisplayName("065 who has unwrapped the innermost keeps it when both results above it go")
  void innermostThatWasUnwrappedOutlivesTheResultsAboveIt() {
    ObjectId result = caller.submit();
    story.deliverAll();
    ObjectId middle = worker.submit();
    story.deliverAll();
    ObjectId innermost = nested.put(stored(0, ELSEWHERE));
    nested.returns(nested.task(), List.of(innermost), value("innermost", innermost));
    story.deliverAll();
    worker.returns(worker.task(), List.of(middle), value("middle", middle));
    story.deliverAll();
    caller.finds(middle, result);
    caller.gets(middle);
    story.deliverAll();
    caller.finds(innermost, middle);
    caller.close(result, middle);
    story.deliverAll();
    assertThat(worker.row(middle)).isNull();
    assertThat(nested.borrowersOf(innermost)).containsExactly(caller.id);
    assertThat(freed()).isEmpty();
    caller.close(innermost);
    story.deliverAll();
    assertThat(freed()).containsExactly(innermost);
    story.assertNothingIsLeft();
  }
}
