package io.dfut.samples.bench;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFutSystem;
import java.io.NotSerializableException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.NoSerializationVerificationNeeded;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.serialization.SerializerWithStringManifest;

/**
 * What Artery itself does between two nodes of ours, over the same connection as our own messages:
 * asks, and numbers that go to and fro with so many on their way. As little as possible is said:
 * the bytes of a number by Pekko's own serialiser, and where the answer goes once, or with each
 * ask.
 */
final class PingPong {
  private static final String NAME = "bench-echo";

  /** What the actors of Artery's own figures need of a node's configuration. */
  static final Config CONFIG =
      ConfigFactory.parseString(
          """
          pekko.actor.serializers.dfut-bench = "%s"
          pekko.actor.serialization-bindings."%s" = dfut-bench
          """
              .formatted(QuestionSerializer.class.getName(), Question.class.getName()));

  private final ActorSystem<?> system;
  private final ActorRef<Object> echo;
  private final ActorRef<Object> pinger;

  /**
   * @param address of a node where {@link #answerAt} was called
   */
  PingPong(DFutSystem dfut, String address) {
    system = dfut.actorSystem();
    echo =
        ActorRefResolver.get(system)
            .resolveActorRef("pekko://" + system.name() + "@" + address + "/system/" + NAME);
    pinger = system.systemActorOf(pinging(echo), "bench-pinger", Props.empty());
  }

  /** Answers whoever pings this node. */
  static void answerAt(DFutSystem node) {
    node.actorSystem().systemActorOf(echoing(), NAME, Props.empty());
  }

  CompletionStage<Integer> ask(int number) {
    return Question.ask(echo.narrow(), number, system.scheduler());
  }

  /** Sends so many numbers, and gives the sum of what came back. */
  long run(int count, int window) throws Exception {
    CompletableFuture<Long> sum = new CompletableFuture<>();
    pinger.tell(new Round(count, window, sum));
    return sum.get(Turns.PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  private record Round(int count, int window, CompletableFuture<Long> sum)
      implements NoSerializationVerificationNeeded {}

  /** Answers numbers to who introduced itself last, questions to their askers. */
  private static Behavior<Object> echoing() {
    return Behaviors.setup(
        context -> {
          Partner partner = new Partner();
          return Behaviors.receive(Object.class)
              .onMessage(
                  Integer.class,
                  number -> {
                    partner.ref.tell(Turns.next(number));
                    return Behaviors.same();
                  })
              .onMessage(
                  Question.class,
                  question -> {
                    if (question.number() == Partner.INTRODUCTION) {
                      partner.ref = question.asker();
                    }
                    question.answer();
                    return Behaviors.same();
                  })
              .build();
        });
  }

  private static final class Partner {
    static final int INTRODUCTION = -1;
    ActorRef<Integer> ref;
  }

  private static Behavior<Object> pinging(ActorRef<Object> echo) {
    return Behaviors.setup(
        context -> {
          Pinger pinger = new Pinger(echo, context.getSelf().narrow());
          return Behaviors.receive(Object.class)
              .onMessage(
                  Round.class,
                  round -> {
                    pinger.begin(round);
                    return Behaviors.same();
                  })
              .onMessage(
                  Integer.class,
                  number -> {
                    pinger.take(number);
                    return Behaviors.same();
                  })
              .build();
        });
  }

  private static final class Pinger {
    private final ActorRef<Object> echo;
    private final ActorRef<Integer> self;
    private Round round;
    private int sent;
    private int received;
    private long sum;

    Pinger(ActorRef<Object> echo, ActorRef<Integer> self) {
      this.echo = echo;
      this.self = self;
    }

    void begin(Round next) {
      round = next;
      sent = 0;
      received = 0;
      sum = 0;
      echo.tell(new Question(Partner.INTRODUCTION, self)); // answered with 0, which adds nothing
    }

    void take(int number) {
      if (number == 0) {
        while (sent < Math.min(round.window(), round.count())) {
          echo.tell(sent++);
        }
        return;
      }
      sum += number;
      if (sent < round.count()) {
        echo.tell(sent++);
      }
      if (++received == round.count()) {
        round.sum().complete(sum);
      }
    }
  }

  /** A number and a path. Made by Pekko. */
  public static final class QuestionSerializer extends SerializerWithStringManifest {
    private final ActorRefResolver resolver;

    /** Called by Pekko. */
    public QuestionSerializer(ExtendedActorSystem system) {
      resolver = ActorRefResolver.get(Adapter.toTyped(system));
    }

    @Override
    public int identifier() {
      return 0x0BE7C;
    }

    @Override
    public String manifest(Object question) {
      return "Q";
    }

    @Override
    public byte[] toBinary(Object question) {
      Question it = (Question) question;
      byte[] asker =
          resolver.toSerializationFormat(it.asker()).getBytes(StandardCharsets.ISO_8859_1);
      return ByteBuffer.allocate(Integer.BYTES + asker.length)
          .putInt(it.number())
          .put(asker)
          .array();
    }

    @Override
    public Object fromBinary(byte[] bytes, String manifest) throws NotSerializableException {
      if (!manifest.equals("Q") || bytes.length < Integer.BYTES) {
        throw new NotSerializableException("not a question: " + manifest);
      }
      String asker =
          new String(
              bytes, Integer.BYTES, bytes.length - Integer.BYTES, StandardCharsets.ISO_8859_1);
      return new Question(ByteBuffer.wrap(bytes).getInt(), resolver.resolveActorRef(asker));
    }
  }
}
