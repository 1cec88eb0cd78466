package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.lent;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorId;
import io.dfut.ObjectId;
import io.dfut.OwnerDiedException;
import io.dfut.TaskFailedException;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.ThrownError;
import org.junit.jupiter.api.Test;

/**
 * Attempts that fail since they read what a dead worker owned: who runs again, and who does not.
 */
final class SharedFateTest {
  private final Story story = new Story();
  private final Story.Actor executor = story.worker(HERE);
  private final Story.Actor driver = story.worker(HERE).lend(executor);
  private final Story.Actor mortal = story.worker(THERE);

  private static Outcome ownerDied() {
    return threw(new OwnerDiedException("its owner is gone"));
  }

  private static Outcome threw(Exception exception) {
    return new Outcome.Failed(
        Failure.caused(Failure.Kind.TASK_FAILED, "it threw", ThrownError.of(exception)));
  }

  private void assertRunsAgain(ObjectId result, int attempt) {
    story.deliverAll();
    assertThat(driver.outcome(result)).as("not yet").isNull();
    assertThat(executor.tasks).extracting(TaskPushed::attempt).containsExactly(attempt);
  }

  private void assertFailed(ObjectId result, int pushes) {
    story.deliverAll();
    assertThat(driver.failure(result).kind()).isEqualTo(Failure.Kind.TASK_FAILED);
    assertThat(driver.pushesOf(result)).isEqualTo(pushes);
    assertThat(executor.tasks).isEmpty();
    driver.close(result);
  }

  @Test
  void attemptThatCameByADeadReferenceRunsAgain() {
    ObjectId result = driver.submit(2).getFirst();
    story.deliverAll();
    story.kill(mortal);
    executor.returns(ownerDied());
    assertRunsAgain(result, 1);
    executor.returns(value("with new references"));
    story.deliverAll();
    assertThat(driver.outcome(result)).isInstanceOf(Outcome.Inline.class);
    driver.close(result);
    story.assertNothingIsLeft();
  }

  @Test
  void attemptWhoseChildFailedForADeadOwnerRunsAgain() {
    ObjectId result = driver.submit(1).getFirst();
    story.deliverAll();
    executor.returns(
        threw(new TaskFailedException("its child threw", new OwnerDiedException("gone"))));
    assertRunsAgain(result, 1);
    executor.returns(ownerDied());
    assertFailed(result, 2); // its one retry is spent
    story.assertNothingIsLeft();
  }

  @Test
  void attemptThatWasGivenADeadReferenceDoesNotRunAgain() {
    ObjectId object = mortal.put(value(1));
    driver.finds(object);
    ObjectId result = driver.submit(lent(object));
    story.deliverAll();
    story.kill(mortal);
    executor.returns(ownerDied());
    assertFailed(result, 1);
    driver.close(object);
    driver.waitsOutHandovers();
    story.assertNothingIsLeft();
  }

  @Test
  void attemptThatFoundADeadReferenceInsideAnArgumentDoesNotRunAgain() {
    ObjectId inner = mortal.put(value(1));
    driver.finds(inner);
    ObjectId outer = driver.put(value("outer", inner));
    ObjectId result = driver.submit(taken(outer));
    story.deliverAll();
    story.kill(mortal);
    executor.returns(ownerDied());
    assertFailed(result, 1);
    driver.close(outer, inner);
    driver.waitsOutHandovers();
    story.assertNothingIsLeft();
  }

  @Test
  void otherReferencesOfTheLivingDoNotKeepItFromRunningAgain() {
    ObjectId mine = driver.put(value(1));
    Story.Actor neighbour = story.worker(ELSEWHERE);
    ObjectId theirs = neighbour.put(value(2));
    driver.finds(theirs);
    ObjectId result = driver.submit(lent(mine), lent(theirs));
    story.deliverAll();
    story.kill(mortal);
    executor.returns(ownerDied());
    assertRunsAgain(result, 1);
    executor.returns(value(3));
    story.deliverAll();
    driver.close(result, mine, theirs);
    driver.waitsOutHandovers();
    story.deliverAll();
    neighbour.close(theirs);
    story.assertNothingIsLeft();
  }

  @Test
  void callsOfActorsAreNotRepeated() {
    ActorId actor = driver.create();
    story.deliverAll();
    executor.returns(new Outcome.Actor(executor.id, "Counter"));
    story.deliverAll();
    ObjectId result = driver.call(actor);
    story.deliverAll();
    executor.returns(ownerDied());
    assertFailed(result, 1);
    driver.close(actor.object());
    story.assertNothingIsLeft();
  }
}
