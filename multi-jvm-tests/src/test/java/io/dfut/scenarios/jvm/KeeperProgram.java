package io.dfut.scenarios.jvm;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.SharedDFut;
import java.io.IOException;
import java.time.Duration;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.AbstractBehavior;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.Receive;

/** A node with an ordinary typed actor that keeps references which come in its messages. */
public final class KeeperProgram {
  static final String NAME = "keeper";

  /** Binds the messages to Pekko's Jackson serializer; for both sides. */
  static final Config BINDING =
      ConfigFactory.parseString(
          "pekko.actor.serialization-bindings.\""
              + ByJackson.class.getName()
              + "\" = jackson-cbor");

  private KeeperProgram() {}

  interface ByJackson {}

  sealed interface Command extends ByJackson {}

  /** Keep the reference. Answered with how many are kept. */
  record Keep(
      @JsonProperty("content") SharedDFut<byte[]> content,
      @JsonProperty("replyTo") ActorRef<Kept> replyTo)
      implements Command {
    @JsonCreator
    Keep {}
  }

  /** Read what is kept. Answered with its length. */
  record Read(@JsonProperty("replyTo") ActorRef<Kept> replyTo) implements Command {
    @JsonCreator
    Read {}
  }

  /** Close what is kept. */
  record Drop(@JsonProperty("replyTo") ActorRef<Kept> replyTo) implements Command {
    @JsonCreator
    Drop {}
  }

  /** The answer to all of them. */
  record Kept(@JsonProperty("bytes") int bytes) implements ByJackson {
    @JsonCreator
    Kept {}
  }

  private static final class Keeper extends AbstractBehavior<Command> {
    private SharedDFut<byte[]> content;

    Keeper(ActorContext<Command> context) {
      super(context);
    }

    @Override
    public Receive<Command> createReceive() {
      return newReceiveBuilder()
          .onMessage(Keep.class, this::keep)
          .onMessage(Read.class, this::read)
          .onMessage(Drop.class, this::drop)
          .build();
    }

    private Behavior<Command> keep(Keep message) {
      content = message.content();
      message.replyTo().tell(new Kept(0));
      return this;
    }

    private Behavior<Command> read(Read message) {
      content
          .toCompletionStage()
          .thenAccept(bytes -> message.replyTo().tell(new Kept(bytes.length)));
      return this;
    }

    private Behavior<Command> drop(Drop message) {
      content.close();
      message.replyTo().tell(new Kept(0));
      return this;
    }
  }

  /** As {@link NodeProgram}. */
  public static void main(String[] args) throws IOException {
    NodeProgram.run(
        args,
        BINDING,
        node ->
            node.actorSystem().systemActorOf(Behaviors.setup(Keeper::new), NAME, Props.empty()));
  }

  /** How long an answer may take on a machine that has other things to do. */
  static final Duration PATIENCE = Duration.ofSeconds(30);
}
