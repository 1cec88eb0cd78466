package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static io.dfut.internal.ownership.Story.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.Inspection;
import io.dfut.ObjectId;
import io.dfut.internal.protocol.Transit;
import io.dfut.internal.protocol.WorkerMessage.Borrowed;
import io.dfut.internal.protocol.WorkerMessage.TransitClosed;
import io.dfut.internal.task.Outcome;
import java.util.List;
import org.junit.jupiter.api.Test;

/** References in messages of the user's own actors, which may be lost without anybody's knowing. */
class MessageTransitTest {
  private final Story story = new Story();
  private final Story.Actor owner = story.worker(HERE);
  private final Story.Actor receiver = story.worker(THERE);

  @Test
  void receiverReadsAfterTheSenderClosed() {
    ObjectId object = owner.put(value(1));
    Transit transit = owner.sends(object);
    owner.close(object);
    assertThat(owner.keeps(object)).as("for the message").isTrue();
    receiver.receives(transit, owner);
    story.deliverAll();
    owner.waitsOutMessages();
    receiver.gets(object);
    story.deliverAll();
    assertThat(receiver.outcome(object)).isInstanceOf(Outcome.Inline.class);
    receiver.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void borrowersRowSaysThroughWhatItCame() {
    ObjectId inner = owner.put(value(1));
    ObjectId outer = owner.put(value(2, inner));
    owner.lend(receiver);
    ObjectId result = owner.submit(Story.lent(outer));
    story.deliverAll();
    receiver.finds(outer);
    receiver.finds(inner, outer);
    assertThat(receiver.machine.describe())
        .extracting(Inspection.Row::madeBy)
        .containsExactly("borrowed through task", "borrowed through task");
    story.deliverAll();
    receiver.returns(receiver.task(), List.of(inner, outer), value(3));
    receiver.receives(owner.sends(inner), owner);
    assertThat(receiver.machine.describe())
        .extracting(Inspection.Row::madeBy)
        .containsExactly("borrowed through a message");
    story.deliverAll();
    receiver.close(inner);
    owner.close(inner, outer, result);
    story.assertNothingIsLeft();
  }

  @Test
  void transitEndsWhenTheReceiverIsKnownAndNotLater() {
    ObjectId object = owner.put(value(1));
    receiver.receives(owner.sends(object), owner);
    story.deliverAll();
    assertThat(owner.row(object).counts()).containsOnlyKeys("handles", "borrowers");
    receiver.close(object);
    owner.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void lostMessageStopsCountingAfterItsTime() {
    ObjectId object = owner.put(value(1));
    owner.sends(object);
    owner.close(object);
    story.now += Story.TRANSIT / 2;
    ObjectId other = owner.put(value(2));
    owner.sends(other);
    owner.close(other);
    story.now += Story.TRANSIT / 2;
    owner.does(new WorkerInput.TimerFired(new WorkerTimer.TransitEnd()));
    assertThat(owner.row(object)).isNull();
    assertThat(owner.keeps(other)).as("younger").isTrue();
    owner.waitsOutMessages();
    story.assertNothingIsLeft();
  }

  @Test
  void messageThatComesAfterItsTimeGetsADefiniteAnswer() {
    ObjectId object = owner.put(value(1));
    Transit transit = owner.sends(object);
    owner.close(object);
    owner.waitsOutMessages();
    receiver.receives(transit, owner);
    receiver.gets(object);
    story.deliverAll();
    assertThat(receiver.failure(object).detail()).isEqualTo("FREED");
    receiver.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void borrowerSendsOnWhatItClosesAtOnce() {
    Story.Actor third = story.worker(ELSEWHERE);
    ObjectId object = owner.put(value(1));
    receiver.receives(owner.sends(object), owner);
    story.deliverAll();
    Transit second = receiver.sends(object);
    receiver.close(object);
    owner.close(object);
    story.deliverAll();
    assertThat(owner.keeps(object)).isTrue();
    third.receives(second, receiver);
    Story.Mail closed = null;
    story.deliver(Borrowed.class);
    closed = story.take(TransitClosed.class); // the passer lets go last
    story.deliverAll();
    assertThat(owner.row(object).borrowers()).containsKeys(receiver.id, third.id);
    story.deliver(closed);
    story.deliverAll();
    assertThat(owner.row(object).borrowers()).containsOnlyKeys(third.id);
    third.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void referenceComesHomeToItsOwner() {
    ObjectId object = owner.put(value(1));
    receiver.receives(owner.sends(object), owner);
    story.deliverAll();
    Transit back = receiver.sends(object);
    receiver.close(object);
    owner.close(object);
    owner.receives(back, receiver);
    story.deliverAll();
    assertThat(owner.row(object).counts()).containsOnlyKeys("handles");
    assertThat(owner.outcome(object)).isInstanceOf(Outcome.Inline.class);
    owner.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void oneWhoHoldsItAlreadyLetsTheSenderGoAtOnce() {
    ObjectId object = owner.put(value(1));
    receiver.receives(owner.sends(object), owner);
    story.deliverAll();
    receiver.receives(owner.sends(object), owner);
    assertThat(story.mail).hasSize(1).first().matches(m -> m.message() instanceof TransitClosed);
    story.deliverAll();
    receiver.close(object, object);
    owner.close(object);
    story.assertNothingIsLeft();
  }

  @Test
  void whatIsUnderWayWhenTheOwnerDiesIsNotWaitedFor() {
    ObjectId object = owner.put(value(1));
    receiver.receives(owner.sends(object), owner);
    story.deliverAll();
    receiver.sends(object);
    receiver.close(object);
    story.kill(owner);
    story.assertNothingIsLeft();
  }

  @Test
  void whatIsUnderWayWhenTheSenderClosesIsNotWaitedFor() {
    ObjectId object = owner.put(value(1));
    owner.sends(object);
    owner.does(new WorkerInput.Close("the test ends"));
    assertThat(owner.row(object)).isNull();
  }
}
