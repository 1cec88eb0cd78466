package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.lent;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.task.Failure;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * References that are passed down: an owner, its borrower on another node, and that one's borrower
 * on a third. Each story looks at who is known to the owner, and when the value goes.
 */
final class BorrowStoriesTest {
  private final Story story = new Story();
  private final Story.Actor last = story.worker(ELSEWHERE);
  private final Story.Actor borrower = story.worker(THERE).lend(last);
  private final Story.Actor owner = story.worker(HERE).lend(borrower);

  /** Whom the owner has known to hold the object while messages were delivered. */
  private Set<WorkerId> knownWhileDelivering(ObjectId object) {
    Set<WorkerId> known = new HashSet<>();
    story.deliverAll(() -> known.addAll(owner.borrowersOf(object)));
    return known;
  }

  private List<ObjectId> freed() {
    return story.freed.stream().map(freed -> freed.key().id()).toList();
  }

  /** The owner lends the object to a task, which has a handle on it now; the owner has none. */
  private ObjectId lends(ObjectId object) {
    ObjectId result = owner.submit(lent(object));
    story.deliverAll();
    borrower.finds(object);
    owner.close(object);
    return result;
  }

  @Test
  @Tag("C044")
  @DisplayName("044 a borrower that only passes through leaves no trace, and was never listed")
  void borrowerThatOnlyPassesThroughLeavesNoTrace() {
    ObjectId object = owner.put(stored(0, HERE));
    ObjectId result = lends(object);
    ObjectId used = borrower.submit(taken(object));
    Set<WorkerId> known = knownWhileDelivering(object);
    assertThat(last.task().arguments()).hasSize(1);
    last.returns(value(1));
    known.addAll(knownWhileDelivering(object));
    assertThat(freed()).isEmpty();
    borrower.close(used);
    borrower.returns(borrower.task(), List.of(object), value(2));
    TaskReturned answer = (TaskReturned) story.mail.getLast().message();
    assertThat(answer.held()).isEmpty();
    known.addAll(knownWhileDelivering(object));
    assertThat(known).isEmpty();
    assertThat(owner.row(object)).isNull();
    assertThat(borrower.row(object)).isNull();
    owner.close(result);
    story.assertNothingIsLeft();
    assertThat(freed()).containsExactly(object);
  }

  @Test
  @Tag("C044")
  @DisplayName("044 who gets it second-hand is listed for as long as it has it, the passer never")
  void onlyTheSecondHandBorrowerIsListed() {
    ObjectId object = owner.put(stored(0, HERE));
    ObjectId result = lends(object);
    ObjectId used = borrower.submit(lent(object));
    Set<WorkerId> known = knownWhileDelivering(object);
    last.finds(object);
    last.returns(last.task(), List.of(object), value(1));
    known.addAll(knownWhileDelivering(object));
    assertThat(owner.borrowersOf(object)).isEmpty();
    borrower.close(used);
    borrower.returns(borrower.task(), List.of(object), value(2));
    known.addAll(knownWhileDelivering(object));
    assertThat(known).containsExactly(last.id);
    owner.close(result);
    story.assertNothingIsLeft();
    assertThat(freed()).containsExactly(object);
  }

  /** The borrower submits a task that takes the object, and ends without waiting for it. */
  private ObjectId leavesATaskBehind(ObjectId object) {
    ObjectId used = borrower.submit(taken(object));
    story.deliverAll();
    borrower.close(used);
    borrower.returns(borrower.task(), List.of(object), value(2));
    story.deliverAll();
    assertThat(owner.borrowersOf(object)).containsExactly(borrower.id);
    assertThat(owner.row(object).counts()).containsOnlyKeys("borrowers");
    return used;
  }

  @Test
  @Tag("C045")
  @DisplayName("045 a borrower's own task keeps the value after the borrower's has returned")
  void borrowersOwnTaskKeepsTheValue() {
    ObjectId object = owner.put(stored(0, HERE));
    owner.close(lends(object));
    leavesATaskBehind(object);
    assertThat(freed()).isEmpty();
    last.returns(value(1));
    story.deliverAll();
    assertThat(freed()).containsExactly(object);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C046")
  @DisplayName("046 a dead borrower is dropped at once, the value in the step that ends the grace")
  void deadBorrowerIsDropped() {
    ObjectId object = owner.put(stored(0, HERE));
    owner.close(lends(object));
    leavesATaskBehind(object);
    story.kill(borrower);
    assertThat(owner.borrowersOf(object)).isEmpty();
    assertThat(owner.row(object).counts()).containsOnlyKeys("handovers");
    story.now += Story.GRACE - 1;
    owner.does(new WorkerInput.TimerFired(new WorkerTimer.HandoverEnd()));
    assertThat(freed()).as("one moment before the grace is over").isEmpty();
    story.now += 1;
    owner.does(new WorkerInput.TimerFired(new WorkerTimer.HandoverEnd()));
    assertThat(freed()).containsExactly(object);
    last.tasks.clear();
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C048")
  @DisplayName("048 a chain of borrowers is followed to its last link")
  void chainOfBorrowersIsFollowedToItsLastLink() {
    ObjectId object = owner.put(stored(0, HERE));
    ObjectId result = lends(object);
    ObjectId passed = borrower.submit(lent(object));
    story.deliverAll();
    last.finds(object);
    borrower.close(passed);
    borrower.returns(borrower.task(), List.of(object), value(2));
    knownWhileDelivering(object);
    last.returns(value(1)); // the handle stays, in an actor's field
    story.deliverAll();
    assertThat(owner.borrowersOf(object)).containsExactly(last.id);
    assertThat(owner.row(object).counts()).containsOnlyKeys("borrowers");
    assertThat(borrower.row(object)).isNull();
    owner.close(result);
    story.deliverAll();
    assertThat(freed()).isEmpty();
    last.close(object);
    story.deliverAll();
    assertThat(freed()).containsExactly(object);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C048")
  @DisplayName("048 the last link lives on although the middle one dies before it has returned")
  void lastLinkOutlivesTheDeathOfTheMiddleOne() {
    ObjectId object = owner.put(stored(0, HERE));
    ObjectId result = owner.submit(0, lent(object)).getFirst();
    story.deliverAll();
    borrower.finds(object);
    owner.close(object, result);
    borrower.submit(lent(object));
    story.deliverAll();
    last.finds(object);
    story.kill(borrower);
    last.returns(value(1));
    owner.waitsOutHandovers();
    story.deliverAll();
    assertThat(owner.borrowersOf(object)).containsExactly(last.id);
    last.close(object);
    story.deliverAll();
    assertThat(freed()).containsExactly(object);
    story.assertNothingIsLeft();
  }

  @Test
  @DisplayName("a borrower that waits for a task of an owner which ends hears of that end")
  void waitingBorrowerHearsOfTheOwnersEnd() {
    ObjectId pending = owner.submit();
    owner.submit(lent(pending));
    story.deliverAll();
    borrower.finds(pending);
    borrower.gets(pending);
    story.deliverAll();
    owner.does(new WorkerInput.Close("it was killed"));
    story.deliverAll();
    assertThat(borrower.outcome(pending)).isNull();
    borrower.hears(new WorkerMessage.WorkerDied(owner.id, "it was killed"));
    assertThat(borrower.failure(pending).kind()).isEqualTo(Failure.Kind.OWNER_DIED);
  }
}
