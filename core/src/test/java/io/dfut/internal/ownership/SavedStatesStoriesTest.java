package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.failed;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorId;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.CheckpointDue;
import io.dfut.internal.protocol.WorkerMessage.CheckpointRefused;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec;
import io.dfut.internal.task.TaskSpec.Restarts;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Saved states of actors: what their owner keeps, and what the next incarnation is given. */
final class SavedStatesStoriesTest {
  private static final Restarts ALWAYS = new Restarts(-1, 0);

  private final Story story = new Story();
  private final Story.Actor driver = story.worker(HERE);
  private final Story.Actor first = story.worker(THERE);
  private final Story.Actor second = story.worker(ELSEWHERE);
  private final Story.Actor third = story.worker(HERE);

  /** An actor on the first worker, which comes back on the second, then on the third. */
  private ActorId created(Restarts restarts) {
    driver.lend(first, second, third);
    ActorId actor = driver.create(restarts);
    story.deliverAll();
    begins(first, restarts);
    return actor;
  }

  private void begins(Story.Actor worker, Restarts restarts) {
    worker.returns(new Outcome.Actor(worker.id, "Counter", restarts));
    story.deliverAll();
  }

  private void isDue(ActorId actor, Story.Actor at) {
    driver.hears(new CheckpointDue(actor.object(), at.id));
    story.deliverAll();
  }

  /** Its state is due, asked for, and answered. */
  private ObjectId saves(ActorId actor, Story.Actor at, Outcome state) {
    isDue(actor, at);
    assertThat(at.task().spec().id().result(0)).isEqualTo(driver.state);
    ObjectId object = driver.state;
    at.returns(state);
    story.deliverAll();
    return object;
  }

  private void dies(Story.Actor worker) {
    story.kill(worker);
    story.deliverAll();
  }

  /** A node has taken over the only copy, as it was told to. */
  private void moved(ObjectId state, NodeId from, NodeId to) {
    driver.hears(new WorkerMessage.CopyMoved(state, 0, from, to));
    story.deliverAll();
  }

  private long moves() {
    return driver.effects.stream().filter(WorkerEffect.MoveCopy.class::isInstance).count();
  }

  private static TaskSpec.SavedState givenTo(Story.Actor worker) {
    return ((TaskSpec.Kind.Creation) worker.task().spec().kind()).options().state();
  }

  /** What the creation that was pushed there is given besides the constructor's arguments. */
  private static Object stateGivenTo(Story.Actor worker) {
    assertThat(givenTo(worker)).isEqualTo(TaskSpec.SavedState.LAST_ARGUMENT);
    List<PushedArgument> arguments = worker.task().arguments();
    assertThat(arguments).hasSize(1);
    return switch (arguments.getFirst()) {
      case PushedArgument.Value(InlineValue value) -> value.object();
      case PushedArgument.Resolved(ObjectId object, Outcome outcome) -> object;
      case PushedArgument.ResolvedList list -> throw new AssertionError(list);
    };
  }

  private void endsWith(ActorId actor) {
    driver.close(actor.object());
    story.deliverAll();
    story.workers().forEach(Story.Actor::waitsOutHandovers);
    story.assertNothingIsLeft();
  }

  @Test
  @DisplayName(
      "the next incarnation is given the newest state, also when it dies itself before it saved"
          + " one")
  void theNewestStateIsUsed() {
    ActorId actor = created(ALWAYS);
    saves(actor, first, value("one"));
    saves(actor, first, value("two"));
    dies(first);
    assertThat(stateGivenTo(second)).isEqualTo("two");
    begins(second, ALWAYS);
    dies(second);
    assertThat(stateGivenTo(third)).isEqualTo("two");
    begins(third, ALWAYS);
    endsWith(actor);
  }

  @Test
  @DisplayName("an actor that never saved a state is made as it was at first")
  void withoutAStateNothingIsGiven() {
    ActorId actor = created(ALWAYS);
    dies(first);
    assertThat(givenTo(second)).isEqualTo(TaskSpec.SavedState.NONE);
    assertThat(second.task().arguments()).isEmpty();
    begins(second, ALWAYS);
    endsWith(actor);
  }

  @Test
  @DisplayName("a state that could not be given leaves the one before; one is asked for at a time")
  void aFailedStateLeavesTheOneBefore() {
    ActorId actor = created(ALWAYS);
    saves(actor, first, value("one"));
    isDue(actor, first);
    isDue(actor, first); // while the call is under way
    assertThat(first.tasks).hasSize(1);
    first.returns(failed(Failure.Kind.TASK_FAILED));
    story.deliverAll();
    assertThat(first.tasks).hasSize(1); // for what came meanwhile
    first.returns(failed(Failure.Kind.TASK_FAILED));
    story.deliverAll();
    assertThat(first.tasks).isEmpty();
    dies(first);
    assertThat(stateGivenTo(second)).isEqualTo("one");
    begins(second, ALWAYS);
    endsWith(actor);
  }

  @Test
  @DisplayName(
      "a large state is used, and the one before let go, when it is away from the actor's node")
  void theOldStateStaysUntilTheNewOneIsSafe() {
    ActorId actor = created(ALWAYS);
    ObjectId one = saves(actor, first, stored(0, THERE));
    assertThat(moves()).isEqualTo(1);
    moved(one, THERE, HERE);
    ObjectId two = saves(actor, first, stored(0, THERE));
    assertThat(driver.keeps(one)).isTrue();
    ObjectId three = saves(actor, first, stored(0, THERE)); // waits until the other has moved
    assertThat(driver.keeps(two)).isTrue();
    moved(two, THERE, HERE);
    assertThat(driver.keeps(one)).isFalse();
    assertThat(story.freed).contains(freed(one, HERE), freed(one, THERE));

    story.kill(THERE); // and with it the only copy of the third
    story.deliverAll();
    assertThat(stateGivenTo(second)).isEqualTo(two);
    begins(second, ALWAYS);
    assertThat(driver.keeps(three)).isFalse();
    endsWith(actor);
  }

  private static Story.Freed freed(ObjectId state, NodeId node) {
    return new Story.Freed(new io.dfut.internal.spi.ObjectKey(state, 0), node);
  }

  @Test
  @DisplayName("a state with a reference keeps what it refers to, until a newer state is used")
  void whatAStateRefersToIsKept() {
    ActorId actor = created(ALWAYS);
    ObjectId inner = driver.submit();
    story.deliverAll();
    Story.Actor maker = second.tasks.isEmpty() ? third : second;
    maker.returns(value("inner"));
    story.deliverAll();
    ObjectId state = saves(actor, first, value("outer", inner));
    driver.close(inner);
    story.deliverAll();
    assertThat(driver.keeps(inner)).isTrue();
    dies(first);
    Story.Actor next = second.tasks.isEmpty() ? third : second;
    assertThat(stateGivenTo(next)).isEqualTo(state);
    begins(next, ALWAYS);
    assertThat(driver.keeps(inner)).isTrue();
    saves(actor, next, value("alone"));
    driver.waitsOutHandovers();
    story.deliverAll();
    assertThat(driver.keeps(inner)).isFalse();
    endsWith(actor);
  }

  @Test
  @DisplayName(
      "an actor whose state is lost is made without one, and comes back again with the next")
  void aLostStateIsDoneWithout() {
    ActorId actor = created(ALWAYS);
    ObjectId state = saves(actor, first, stored(0, THERE));
    moved(state, THERE, HERE);
    driver.findsNoCopy(state); // there is no room, or no file, any more
    dies(first);
    assertThat(givenTo(second)).isEqualTo(TaskSpec.SavedState.LOST);
    assertThat(second.task().arguments()).isEmpty();
    begins(second, ALWAYS);
    saves(actor, second, value("new"));
    dies(second);
    assertThat(stateGivenTo(third)).isEqualTo("new");
    begins(third, ALWAYS);
    endsWith(actor);
  }

  @Test
  @DisplayName("a creation that finds no copy of its state is pushed once more, without")
  void aStateThatIsNotFoundIsDoneWithout() {
    ActorId actor = created(ALWAYS);
    ObjectId state = saves(actor, first, stored(0, THERE));
    moved(state, THERE, HERE);
    story.kill(THERE);
    story.deliverAll();
    second.missesArguments(state);
    story.deliverAll();
    Story.Actor next = second.tasks.isEmpty() ? third : second;
    assertThat(givenTo(next)).isEqualTo(TaskSpec.SavedState.LOST);
    begins(next, ALWAYS);
    endsWith(actor);
  }

  @Test
  @DisplayName("the call for a state ends with the incarnation that it was sent to")
  void aCallForAStateIsNotRepeated() {
    Restarts repeating = new Restarts(-1, -1);
    ActorId actor = created(repeating);
    isDue(actor, first);
    ObjectId call = driver.call(actor);
    story.deliverAll();
    dies(first);
    begins(second, repeating);
    assertThat(second.tasks).hasSize(1);
    assertThat(second.task().spec().id().result(0)).isEqualTo(call);
    second.returns(value(1));
    story.deliverAll();
    saves(actor, second, value("second's"));
    driver.close(call);
    endsWith(actor);
  }

  @Test
  @DisplayName("an actor that is not made anew any more is told that its states are not kept")
  void statesOfTheLastIncarnationAreRefused() {
    Restarts once = new Restarts(1, 0);
    ActorId actor = created(once);
    ObjectId state = saves(actor, first, stored(0, THERE));
    moved(state, THERE, HERE);
    dies(first);
    assertThat(stateGivenTo(second)).isEqualTo(state);
    begins(second, once);
    story.deliverAll();
    assertThat(driver.keeps(state)).isFalse(); // it was the last time
    driver.hears(new CheckpointDue(actor.object(), second.id));
    assertThat(story.take(CheckpointRefused.class).to()).isEqualTo(second.id);
    assertThat(second.tasks).isEmpty();
    endsWith(actor);
  }

  @Test
  @DisplayName("what an earlier incarnation says is not heard")
  void wordsOfAnEarlierIncarnationAreIgnored() {
    ActorId actor = created(ALWAYS);
    dies(first);
    begins(second, ALWAYS);
    driver.hears(new CheckpointDue(actor.object(), first.id));
    assertThat(story.mail).isEmpty();
    story.deliverAll();
    assertThat(second.tasks).isEmpty();
    endsWith(actor);
  }

  @Test
  @DisplayName("nothing stays of the states of an actor that ends while it is asked for one")
  void nothingStaysOfAnActorThatEnds() {
    ActorId actor = created(ALWAYS);
    saves(actor, first, value("one"));
    ObjectId two = saves(actor, first, stored(0, THERE)); // is not safe yet
    isDue(actor, first);
    driver.hears(
        new WorkerMessage.ActorEnded(
            actor.object(), Failure.died(Failure.Kind.ACTOR_DIED, "it ended", 1, "it ended")));
    dies(first);
    assertThat(driver.keeps(two)).isFalse();
    assertThat(story.freed).contains(freed(two, THERE));
    endsWith(actor);
  }

  @Test
  @DisplayName("an owner that closes keeps no states")
  void aClosedOwnerKeepsNoStates() {
    ActorId actor = created(ALWAYS);
    ObjectId state = saves(actor, first, stored(0, THERE));
    moved(state, THERE, HERE);
    isDue(actor, first);
    driver.does(new WorkerInput.Close("closed"));
    assertThat(story.freed).contains(freed(state, HERE));
    driver.does(new WorkerInput.Received(new CheckpointDue(actor.object(), first.id)));
    assertThat(driver.machine.isEmpty()).isTrue();
  }
}
