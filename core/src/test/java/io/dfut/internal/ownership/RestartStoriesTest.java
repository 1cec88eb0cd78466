package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.failed;
import static io.dfut.internal.ownership.Story.stored;
import static io.dfut.internal.ownership.Story.taken;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorId;
import io.dfut.ObjectId;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.ActorLost;
import io.dfut.internal.protocol.WorkerMessage.Resolved;
import io.dfut.internal.protocol.WorkerMessage.TaskPushed;
import io.dfut.internal.task.Failure;
import io.dfut.internal.task.Outcome;
import io.dfut.internal.task.TaskSpec.Restarts;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Actors that die and come back, and what becomes of their calls. */
final class RestartStoriesTest {
  private static final Restarts ONCE = new Restarts(1, 0);
  private static final Restarts ALWAYS = new Restarts(-1, -1);

  private final Story story = new Story();
  private final Story.Actor driver = story.worker(HERE);
  private final Story.Actor first = story.worker(THERE);
  private final Story.Actor second = story.worker(ELSEWHERE);
  private final Story.Actor third = story.worker(HERE);

  /** An actor on the first worker, which comes back on the second, then on the third. */
  private ActorId created(Restarts restarts, io.dfut.internal.task.Argument... arguments) {
    driver.lend(first, second, third);
    ActorId actor = driver.create(restarts, arguments);
    story.deliverAll();
    begins(first, restarts);
    return actor;
  }

  /** The constructor returns. */
  private void begins(Story.Actor worker, Restarts restarts) {
    worker.returns(new Outcome.Actor(worker.id, "Counter", restarts));
    story.deliverAll();
  }

  private void answers(Story.Actor worker, int calls) {
    for (int i = 0; i < calls; i++) {
      worker.returns(value(i));
    }
    story.deliverAll();
  }

  private static List<Long> sequences(Story.Actor worker) {
    return worker.tasks.stream().map(TaskPushed::sequence).toList();
  }

  private static List<ObjectId> objects(Story.Actor worker) {
    return worker.tasks.stream().map(push -> push.spec().id().result(0)).toList();
  }

  private List<ObjectId> calls(ActorId actor, int count) {
    List<ObjectId> calls = IntStream.range(0, count).mapToObj(i -> driver.call(actor)).toList();
    story.deliverAll();
    return calls;
  }

  private void assertNothingIsLeft() {
    story.deliverAll();
    story.workers().forEach(Story.Actor::waitsOutHandovers);
    story.assertNothingIsLeft();
  }

  @Test
  @Tag("C161")
  @DisplayName("161 an actor comes back as often as it may, and its end names every death")
  void comesBackAsOftenAsItMay() {
    ActorId actor = created(ONCE);
    story.kill(first);
    story.deliverAll();
    assertThat(second.task().attempt()).isEqualTo(1);
    begins(second, ONCE);
    assertThat(driver.outcome(actor.object()))
        .isEqualTo(new Outcome.Actor(second.id, "Counter", ONCE));
    ObjectId call = driver.call(actor);
    story.deliverAll();
    assertThat(sequences(second)).containsExactly(0L);
    answers(second, 1);
    assertThat(driver.outcome(call)).isInstanceOf(Outcome.Inline.class);

    story.kill(ELSEWHERE);
    story.deliverAll();
    assertThat(third.tasks).isEmpty();
    assertThat(driver.failure(actor.object()).kind()).isEqualTo(Failure.Kind.ACTOR_DIED);
    assertThat(driver.failure(actor.object()).message())
        .contains("node " + ELSEWHERE + " died", "anew after: [killed]");
    ObjectId after = driver.call(actor);
    assertThat(driver.failure(after).kind()).isEqualTo(Failure.Kind.ACTOR_DIED);
    driver.close(call, after, actor.object());
    assertNothingIsLeft();
  }

  @Test
  @DisplayName("an actor that may not come back dies at once, for its owner and for others")
  void staysDeadWithoutRestarts() {
    ActorId actor = created(Restarts.NONE);
    Story.Actor borrower = story.worker(HERE);
    borrower.finds(actor.object());
    borrower.gets(actor.object());
    story.deliverAll();
    story.kill(first);
    assertThat(story.mail).noneMatch(mail -> mail.message() instanceof ActorLost);
    assertThat(driver.failure(actor.object()).kind()).isEqualTo(Failure.Kind.ACTOR_DIED);
    assertThat(borrower.failure(actor.object()).kind()).isEqualTo(Failure.Kind.ACTOR_DIED);
    borrower.close(actor.object());
    driver.close(actor.object());
    assertNothingIsLeft();
  }

  @Test
  @Tag("C168")
  @DisplayName("168 without task retries calls in flight and meanwhile fail, later ones run")
  void callsFailWhileItComesBack() {
    ActorId actor = created(ONCE);
    List<ObjectId> inFlight = calls(actor, 3);
    answers(first, 1);
    story.kill(first);
    ObjectId meanwhile = driver.call(actor);
    for (ObjectId call : List.of(inFlight.get(1), inFlight.get(2), meanwhile)) {
      assertThat(driver.failure(call).kind()).isEqualTo(Failure.Kind.ACTOR_UNAVAILABLE);
    }
    assertThat(driver.failure(inFlight.get(1)).message()).contains("may or may not have run");
    assertThat(driver.failure(meanwhile).message()).contains("was not sent");
    assertThat(driver.outcome(inFlight.get(0))).isInstanceOf(Outcome.Inline.class);
    story.deliverAll();
    begins(second, ONCE);
    ObjectId later = driver.call(actor);
    story.deliverAll();
    assertThat(sequences(second)).containsExactly(0L);
    answers(second, 1);
    assertThat(driver.outcome(later)).isInstanceOf(Outcome.Inline.class);
    inFlight.forEach(driver::close);
    driver.close(meanwhile, later, actor.object());
    assertNothingIsLeft();
  }

  @Test
  @Tag("C164")
  @DisplayName("164 with task retries calls are sent again in their order, and others wait")
  void callsAreRepeatedInOrder() {
    ActorId actor = created(ALWAYS);
    List<ObjectId> inFlight = calls(actor, 4);
    TaskPushed old = first.task();
    answers(first, 1);
    ObjectId unmade = driver.submit(3).getFirst();
    ObjectId held = driver.call(actor, taken(unmade));
    ObjectId behind = driver.call(actor);
    story.kill(first);
    ObjectId meanwhile = driver.call(actor);
    story.deliverAll();
    Story.Actor next = second.tasks.stream().anyMatch(Story::isCreation) ? second : third;
    Story.Actor maker = next == second ? third : second;
    next.returns(
        next.tasks.stream().filter(Story::isCreation).findFirst().orElseThrow(),
        List.of(),
        new Outcome.Actor(next.id, "Counter", ALWAYS));
    story.deliverAll();
    assertThat(objects(next)).isEqualTo(inFlight.subList(1, 4));
    assertThat(sequences(next)).containsExactly(0L, 1L, 2L);
    // What the dead one said last comes late.
    driver.hears(
        new WorkerMessage.TaskReturned(
            inFlight.get(1).task(),
            old.attempt(),
            List.of(value("late")),
            List.of(),
            List.of(),
            List.of(),
            first.id));
    assertThat(driver.outcome(inFlight.get(1))).isNull();
    maker.returns(value("made"));
    story.deliverAll();
    assertThat(objects(next).subList(3, 6)).containsExactly(held, behind, meanwhile);
    answers(next, 6);
    for (ObjectId call : inFlight) {
      assertThat(driver.outcome(call)).isInstanceOf(Outcome.Inline.class);
    }
    inFlight.forEach(driver::close);
    driver.close(unmade, held, behind, meanwhile, actor.object());
    assertNothingIsLeft();
  }

  @Test
  @Tag("C153")
  @DisplayName("153 a call whose argument is late holds up those behind it, which are not late")
  void lateArgumentHoldsUpCalls() {
    ActorId actor = created(Restarts.NONE);
    List<ObjectId> arguments = List.of(driver.submit(3).getFirst(), driver.submit(3).getFirst());
    story.deliverAll();
    ObjectId one = driver.call(actor, taken(arguments.get(0)));
    ObjectId two = driver.call(actor, taken(arguments.get(1)));
    ObjectId three = driver.call(actor);
    story.deliverAll();
    assertThat(objects(first)).isEmpty();
    makes(arguments.get(1)); // in reverse
    assertThat(objects(first)).isEmpty();
    makes(arguments.get(0));
    assertThat(objects(first)).containsExactly(one, two, three);
    assertThat(sequences(first)).containsExactly(0L, 1L, 2L);
    answers(first, 3);
    driver.close(one, two, three, actor.object());
    arguments.forEach(driver::close);
    assertNothingIsLeft();
  }

  /** Whoever has the task returns. */
  private void makes(ObjectId object) {
    for (Story.Actor worker : List.of(second, third)) {
      worker.tasks.stream()
          .filter(push -> push.spec().id().equals(object.task()))
          .findFirst()
          .ifPresent(push -> worker.returns(push, List.of(), value("made")));
    }
    story.deliverAll();
  }

  @Test
  @DisplayName("a call is not sent more often than its retries say")
  void retriesOfCallsAreBounded() {
    Restarts restarts = new Restarts(-1, 1);
    ActorId actor = created(restarts);
    ObjectId call = calls(actor, 1).getFirst();
    story.kill(first);
    story.deliverAll();
    begins(second, restarts);
    assertThat(objects(second)).containsExactly(call);
    story.kill(second);
    story.deliverAll();
    assertThat(driver.failure(call).kind()).isEqualTo(Failure.Kind.ACTOR_UNAVAILABLE);
    begins(third, restarts);
    assertThat(third.tasks).isEmpty();
    driver.close(call, actor.object());
    assertNothingIsLeft();
  }

  @Test
  @Tag("C199")
  @DisplayName("199 a cancelled call is not repeated")
  void cancelledCallIsNotRepeated() {
    ActorId actor = created(ALWAYS);
    ObjectId call = calls(actor, 1).getFirst();
    driver.does(new WorkerInput.Cancel(call));
    story.kill(first);
    story.deliverAll();
    begins(second, ALWAYS);
    assertThat(second.tasks).isEmpty();
    assertThat(driver.failure(call).kind()).isEqualTo(Failure.Kind.CANCELLED);
    driver.close(call, actor.object());
    assertNothingIsLeft();
  }

  @Test
  @DisplayName("whoever borrows the actor asks its owner where it is next")
  void borrowersFollow() {
    ActorId actor = created(ALWAYS);
    Story.Actor borrower = story.worker(HERE);
    borrower.finds(actor.object());
    ObjectId call = borrower.call(actor);
    story.deliverAll();
    assertThat(objects(first)).containsExactly(call);
    borrower.hears(new WorkerMessage.WorkerDied(first.id, "killed")); // before the owner does
    story.deliver(ActorLost.class);
    assertThat(story.mail).noneMatch(mail -> mail.message() instanceof Resolved);
    story.kill(first);
    story.deliverAll();
    begins(second, ALWAYS);
    assertThat(objects(second)).containsExactly(call);
    answers(second, 1);
    assertThat(borrower.outcome(call)).isInstanceOf(Outcome.Inline.class);
    borrower.close(call, actor.object());
    driver.close(actor.object());
    assertNothingIsLeft();
  }

  @Test
  @Tag("C172")
  @DisplayName("172 who asks about an actor that was killed for good hears that, not of a restart")
  void killedForGood() {
    ActorId actor = created(ALWAYS);
    Story.Actor borrower = story.worker(HERE);
    borrower.finds(actor.object());
    ObjectId call = borrower.call(actor);
    story.deliverAll();
    borrower.hears(new WorkerMessage.WorkerDied(first.id, "it was killed"));
    story.deliver(ActorLost.class);
    driver.hears(
        new WorkerMessage.ActorEnded(
            actor.object(),
            Failure.died(Failure.Kind.ACTOR_DIED, "it was killed", 1, "it was killed")));
    story.kill(first);
    story.deliverAll();
    assertThat(second.tasks).isEmpty();
    assertThat(borrower.failure(actor.object()).message()).contains("it was killed");
    assertThat(borrower.failure(call).kind()).isEqualTo(Failure.Kind.ACTOR_DIED);
    borrower.close(call, actor.object());
    driver.close(actor.object());
    assertNothingIsLeft();
  }

  @Test
  @Tag("C172")
  @DisplayName("172 calls that a killed actor refuses wait in their order for the next one")
  void refusedCallsWait() {
    ActorId actor = created(ALWAYS);
    List<ObjectId> calls = calls(actor, 3);
    first.returns(failed(Failure.Kind.ACTOR_UNAVAILABLE));
    first.returns(failed(Failure.Kind.ACTOR_UNAVAILABLE));
    story.deliverAll();
    ObjectId meanwhile = driver.call(actor);
    assertThat(first.tasks).as("nothing more is sent to it").hasSize(1);
    driver.hears(
        new WorkerMessage.ActorEnded(
            actor.object(),
            Failure.died(Failure.Kind.ACTOR_UNAVAILABLE, "it was killed", 1, "it was killed")));
    story.deliverAll();
    story.kill(first);
    begins(second, ALWAYS);
    assertThat(objects(second))
        .containsExactly(calls.get(0), calls.get(1), calls.get(2), meanwhile);
    answers(second, 4);
    calls.forEach(driver::close);
    driver.close(meanwhile, actor.object());
    assertNothingIsLeft();
  }

  @Test
  @Tag("C111")
  @DisplayName("111 a value of an actor whose calls are repeated is made again by the next one")
  void lostValueOfAnActorIsMadeAgain() {
    ActorId actor = created(ALWAYS);
    ObjectId call = calls(actor, 1).getFirst();
    first.returns(stored(0, THERE));
    story.deliverAll();
    story.kill(THERE);
    story.deliverAll();
    begins(second, ALWAYS);
    assertThat(objects(second)).containsExactly(call);
    second.returns(stored(1, ELSEWHERE));
    story.deliverAll();
    assertThat(driver.outcome(call)).isEqualTo(stored(1, ELSEWHERE));
    driver.close(call, actor.object());
    assertNothingIsLeft();
  }

  @Test
  @DisplayName("a call that is made again comes before one that takes its result")
  void callBeforeItsTaker() { // seed 4671 of the simulation, which hung
    ActorId actor = created(ALWAYS);
    ObjectId made = calls(actor, 1).getFirst();
    first.returns(stored(0, THERE));
    story.deliverAll();
    ObjectId taker = driver.call(actor, taken(made));
    story.deliverAll();
    story.kill(THERE);
    story.deliverAll();
    begins(second, ALWAYS);
    assertThat(objects(second)).containsExactly(made);
    second.returns(stored(1, ELSEWHERE));
    story.deliverAll();
    assertThat(objects(second)).containsExactly(taker);
    answers(second, 1);
    driver.close(made, taker, actor.object());
    assertNothingIsLeft();
  }

  @Test
  @DisplayName("what the constructor takes is kept for the next incarnation, and no longer")
  void constructorsArgumentsAreKept() {
    ObjectId argument = driver.put(stored(0, HERE));
    ActorId actor = created(ONCE, taken(argument));
    driver.close(argument);
    assertThat(driver.keeps(argument)).isTrue();
    story.kill(first);
    story.deliverAll();
    begins(second, ONCE);
    assertThat(driver.keeps(argument)).as("it may not come back again").isFalse();
    driver.close(actor.object());
    assertNothingIsLeft();
  }

  @Test
  @DisplayName("a node that dies while the actor is made anew costs a retry, not a restart")
  void deathWhileItComesBack() {
    ActorId actor = created(ONCE);
    story.kill(first);
    story.deliverAll();
    story.kill(second);
    story.deliverAll();
    assertThat(driver.failure(actor.object()).kind())
        .as("its creation has no retries here")
        .isEqualTo(Failure.Kind.WORKER_CRASHED);
    driver.close(actor.object());
    assertNothingIsLeft();
  }

  @Test
  @DisplayName("an actor that nobody has any more does not come back")
  void nobodyHasIt() {
    ActorId actor = created(ALWAYS);
    driver.close(actor.object());
    story.kill(first);
    story.deliverAll();
    assertThat(second.tasks).isEmpty();
    assertNothingIsLeft();
  }

  @Test
  @DisplayName("an actor whose owner died with it does not come back, and its callers hear so")
  void ownerDiesToo() {
    Story.Actor owner = story.worker(THERE);
    owner.lend(first);
    ActorId actor = owner.create(ALWAYS);
    story.deliverAll();
    begins(first, ALWAYS);
    driver.finds(actor.object());
    ObjectId call = driver.call(actor);
    story.deliverAll();
    story.kill(THERE);
    story.deliverAll();
    assertThat(driver.failure(call).kind()).isEqualTo(Failure.Kind.ACTOR_DIED);
    driver.close(call, actor.object());
    assertNothingIsLeft();
  }
}
