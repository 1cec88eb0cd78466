package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorId;
import io.dfut.ObjectId;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A detached actor whose owner is dead, looked up in the directory. */
final class FoundActorTest {
  private final Story story = new Story();
  private final Story.Actor executor = story.worker(THERE);
  private final Story.Actor owner = story.worker(ELSEWHERE).lend(executor);
  private final Story.Actor finder = story.worker(HERE);
  private ActorId actor;

  @BeforeEach
  void actorIsMade() {
    actor = owner.create();
    story.deliverAll();
    executor.returns(new Outcome.Actor(executor.id, "Counter"));
    story.deliverAll();
  }

  private void callIsAnswered() {
    ObjectId call = finder.call(actor);
    story.deliverAll();
    executor.returns(value(1));
    story.deliverAll();
    assertThat(finder.outcome(call)).isInstanceOf(Outcome.Inline.class);
    finder.close(call, actor.object());
    story.assertNothingIsLeft();
  }

  @Test
  void newsOfTheOwnersDeathThatComesAfterTheAddressChangesNothing() {
    story.kill(owner);
    finder.findsActor(actor, executor);
    // The registration finds nobody; so does any other message to the owner.
    finder.hears(new WorkerMessage.WorkerDied(owner.id, "it is dead"));
    callIsAnswered();
  }

  @Test
  void addressFromTheDirectoryCountsMoreThanTheOwnersDeath() {
    finder.finds(actor.object());
    story.kill(owner);
    assertThat(finder.failure(actor.object()).kind()).isEqualTo(Failure.Kind.OWNER_DIED);
    finder.findsActor(actor, executor);
    finder.close(actor.object());
    callIsAnswered();
  }
}
