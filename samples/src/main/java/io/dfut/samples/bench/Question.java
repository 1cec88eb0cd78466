package io.dfut.samples.bench;

import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.RecipientRef;
import org.apache.pekko.actor.typed.Scheduler;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** What an actor of Pekko's is asked; the answer is the next number. */
record Question(int number, ActorRef<Integer> asker) {
  void answer() {
    asker.tell(Turns.next(number));
  }

  /** An actor that answers. */
  static Behavior<Question> answering() {
    return Behaviors.receiveMessage(
        question -> {
          question.answer();
          return Behaviors.same();
        });
  }

  static CompletionStage<Integer> ask(
      RecipientRef<Question> actor, int number, Scheduler scheduler) {
    return AskPattern.ask(
        actor, (ActorRef<Integer> asker) -> new Question(number, asker), Turns.PATIENCE, scheduler);
  }
}
