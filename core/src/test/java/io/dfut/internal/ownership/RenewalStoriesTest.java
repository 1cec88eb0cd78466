package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.lent;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ObjectId;
import io.dfut.internal.protocol.WorkerMessage.CopyAdded;
import io.dfut.internal.task.Outcome;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Results that refer to what a dead worker owned: made again where that gives other references. */
final class RenewalStoriesTest {
  private final Story story = new Story();
  private final Story.Actor doomed = story.worker(THERE);
  private final Story.Actor next = story.worker(HERE);
  private final Story.Actor driver = story.worker(HERE).lend(doomed, next);

  /** A result that refers to what its executor has put. */
  private ObjectId withReference(int maxRetries, boolean isStored) {
    ObjectId result = driver.submit(maxRetries).getFirst();
    story.deliverAll();
    ObjectId inner = doomed.put(value(7));
    Outcome outcome = isStored ? stored(0, THERE, inner) : value(1, inner);
    doomed.returns(doomed.task(), List.of(inner), outcome);
    story.deliverAll();
    return result;
  }

  private void isMadeAgain(ObjectId result) {
    assertThat(driver.pushesOf(result)).isEqualTo(2);
    Outcome again = value(2);
    next.returns(again);
    story.deliverAll();
    assertThat(driver.outcome(result)).isEqualTo(again);
    driver.close(result);
    driver.returnsIdleLeases();
    story.assertNothingIsLeft();
  }

  @Test
  void smallResultIsMadeAgain() {
    ObjectId result = withReference(3, false);
    story.kill(doomed);
    story.deliverAll();
    isMadeAgain(result);
  }

  @Test
  void storedResultWhoseCopyIsElsewhereIsMadeAgain() {
    ObjectId result = withReference(3, true);
    driver.hears(new CopyAdded(result, 0, HERE));
    story.kill(doomed);
    story.deliverAll();
    isMadeAgain(result);
  }

  @Test
  void whatWasMadeFromItIsMadeAgainAfterIt() {
    ObjectId first = withReference(3, false);
    ObjectId second = driver.submit(taken(first));
    story.deliverAll();
    ObjectId inner = ((Outcome.Inline) driver.outcome(first)).contained().getFirst();
    doomed.finds(inner);
    doomed.returns(doomed.task(), List.of(inner), stored(0, HERE, inner));
    story.deliverAll();
    story.kill(doomed);
    story.deliverAll();
    assertThat(driver.pushesOf(second)).as("not before the first is there").isEqualTo(1);
    next.returns(value(2));
    story.deliverAll();
    assertThat(driver.pushesOf(second)).isEqualTo(2);
    Outcome again = value(3);
    next.returns(again);
    story.deliverAll();
    assertThat(driver.outcome(second)).isEqualTo(again);
  }

  @Test
  void smallResultDoesNotKeepWhatItsTaskTook() {
    ObjectId taken = driver.put(stored(0, HERE));
    ObjectId result = driver.submit(taken(taken));
    story.deliverAll();
    driver.close(taken);
    ObjectId inner = doomed.put(value(7));
    doomed.returns(doomed.task(), List.of(inner), value(1, inner));
    story.deliverAll();
    assertThat(driver.row(taken)).isNull();
    Outcome before = driver.outcome(result);
    story.kill(doomed);
    story.deliverAll();
    assertThat(driver.outcome(result)).as("so it cannot be made again").isEqualTo(before);
  }

  @Test
  void resultWhoseArgumentsReferToTheDeadStays() {
    ObjectId theirs = doomed.put(value(7));
    driver.finds(theirs);
    ObjectId result = driver.submit(lent(theirs));
    story.deliverAll();
    doomed.finds(theirs);
    doomed.returns(doomed.task(), List.of(theirs), value(1, theirs));
    story.deliverAll();
    Outcome before = driver.outcome(result);
    story.kill(doomed);
    story.deliverAll();
    assertThat(driver.outcome(result)).isEqualTo(before);
    assertThat(driver.pushesOf(result)).isEqualTo(1);
  }

  @Test
  void resultOfATaskWithoutRetriesStays() {
    ObjectId result = withReference(0, false);
    Outcome before = driver.outcome(result);
    story.kill(doomed);
    story.deliverAll();
    assertThat(driver.outcome(result)).isEqualTo(before);
  }

  @Test
  void resultThatNobodyHoldsIsNotMadeAgain() {
    ObjectId result = withReference(3, false);
    driver.close(result);
    story.kill(doomed);
    story.deliverAll();
    assertThat(driver.pushesOf(result)).isEqualTo(1);
    driver.returnsIdleLeases();
    story.assertNothingIsLeft();
  }
}
