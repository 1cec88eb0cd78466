package io.dfut.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutBehaviors;
import io.dfut.DFutException;
import io.dfut.DFutSystem;
import io.dfut.SharedDFut;
import io.dfut.SystemClosedException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The library inside an application that already has an ActorSystem, without a network. */
class BehaviorsTest {
  private static final CountDownLatch NEVER = new CountDownLatch(1);

  private ActorSystem<Void> application;
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

  static int square(int x) {
    return x * x;
  }

  static int fail(String why) {
    throw new IllegalArgumentException(why);
  }

  static int waitForEver() throws InterruptedException {
    NEVER.await();
    return 0;
  }

  static int read(SharedDFut<Integer> reference) {
    return reference.get() + 1;
  }

  sealed interface Message {
    record Square(int x) implements Message {}

    record Fail(String why) implements Message {}

    record GetHere() implements Message {}

    record Take(SharedDFut<Integer> reference) implements Message {}

    record Done(String text) implements Message {}
  }

  @BeforeEach
  void startApplication() {
    application =
        ActorSystem.create(
            Behaviors.empty(),
            "application",
            ConfigFactory.parseString("pekko.loglevel = WARNING, dfut.cpus = 2")
                .withFallback(ConfigFactory.load()));
  }

  @AfterEach
  void stopApplication() throws Exception {
    application.terminate();
    application.getWhenTerminated().toCompletableFuture().get(20, TimeUnit.SECONDS);
  }

  private Behavior<Message> player() {
    return DFutBehaviors.setup(
        (actor, dfut) ->
            Behaviors.receive(Message.class)
                .onMessage(
                    Message.Square.class,
                    square -> {
                      try (DFut<Integer> future =
                          dfut.task(BehaviorsTest::square).submit(square.x())) {
                        dfut.pipeToSelf(
                            future,
                            (value, failure) ->
                                new Message.Done("squared " + value + " " + failure));
                      }
                      return Behaviors.same();
                    })
                .onMessage(
                    Message.Fail.class,
                    fail -> {
                      dfut.pipeToSelf(
                          dfut.task(BehaviorsTest::fail).submit(fail.why()),
                          (value, failure) ->
                              new Message.Done(
                                  failure.getClass().getSimpleName()
                                      + " "
                                      + failure.getCause().getMessage()));
                      return Behaviors.same();
                    })
                .onMessage(
                    Message.GetHere.class,
                    get -> {
                      try {
                        dfut.task(BehaviorsTest::waitForEver).submit().get();
                      } catch (IllegalStateException e) {
                        heard.add(e.getMessage());
                      }
                      return Behaviors.same();
                    })
                .onMessage(
                    Message.Take.class,
                    take -> {
                      dfut.pipeToSelf(
                          dfut.task(BehaviorsTest::read).submit(take.reference()),
                          (value, failure) -> new Message.Done("read " + value + " " + failure));
                      return Behaviors.same();
                    })
                .onMessage(
                    Message.Done.class,
                    done -> {
                      heard.add(done.text());
                      return Behaviors.same();
                    })
                .build());
  }

  private String next() throws InterruptedException {
    return heard.poll(20, TimeUnit.SECONDS);
  }

  @Test
  void aBehaviourPipesValuesAndFailuresToItself() throws Exception {
    DFutSystem dfut = DFutSystem.get(application);
    ActorRef<Message> player =
        application.systemActorOf(player(), "player", org.apache.pekko.actor.typed.Props.empty());
    player.tell(new Message.Square(7));
    assertThat(next()).isEqualTo("squared 49 null");
    player.tell(new Message.Fail("no"));
    assertThat(next()).isEqualTo("TaskFailedException no");
    assertThat(DFutSystem.get(application)).as("the same system at every call").isSameAs(dfut);
  }

  @Test
  void getOnTheDispatcherIsRefusedAndNamesPipeToSelf() throws Exception {
    DFutSystem.get(application);
    ActorRef<Message> player =
        application.systemActorOf(player(), "player", org.apache.pekko.actor.typed.Props.empty());
    player.tell(new Message.GetHere());
    assertThat(next()).contains("pipeToSelf").contains("dispatcher");
  }

  @Test
  void aReferenceInALocalMessageIsBorrowedByTheReceiver() throws Exception {
    DFutSystem dfut = DFutSystem.get(application);
    ActorRef<Message> player =
        application.systemActorOf(player(), "player", org.apache.pekko.actor.typed.Props.empty());
    DFut<Integer> value = dfut.task(BehaviorsTest::square).submit(4);
    player.tell(new Message.Take(value.share()));
    assertThat(next()).isEqualTo("read 17 null");
  }

  @Test
  void whatABehaviourOwnsGoesWithItsActor() throws Exception {
    DFutSystem dfut = DFutSystem.get(application);
    Behavior<Message> keeper =
        DFutBehaviors.setup(
            (actor, context) -> {
              DFut<String> kept = context.put("kept");
              return Behaviors.receive(Message.class)
                  .onMessage(
                      Message.Done.class,
                      done -> {
                        heard.add(kept.get());
                        return Behaviors.stopped();
                      })
                  .build();
            });
    ActorRef<Message> actor =
        application.systemActorOf(keeper, "keeper", org.apache.pekko.actor.typed.Props.empty());
    Awaitility.await("the put stands in a table")
        .untilAsserted(() -> assertThat(dfut.inspect().rows()).hasSize(1));
    actor.tell(new Message.Done(""));
    assertThat(next()).isEqualTo("kept");
    dfut.inspect().assertNoLeaks(Duration.ofSeconds(10));
  }

  /** Counts messages; its methods are only called as a behaviour's here. */
  static final class Counter extends DFutActor<String> {
    private final BlockingQueue<String> heard;
    private int count;

    Counter(BlockingQueue<String> heard) {
      this.heard = heard;
    }

    @Override
    protected void onMessage(String message) {
      count += dfut().task(BehaviorsTest::square).submit(2).get();
      heard.add(message + " " + count);
      if (message.equals("stop")) {
        stopSelf();
      }
    }

    @Override
    protected void onStop() {
      heard.add("stopped");
    }
  }

  @Test
  void aDFutActorRunsAsABehaviourAndMayBlockInItsMessages() throws Exception {
    DFutSystem.get(application);
    Behavior<String> behavior = DFutActor.behavior(Counter::new, heard);
    ActorRef<String> actor =
        application.systemActorOf(behavior, "counter", org.apache.pekko.actor.typed.Props.empty());
    actor.tell("one");
    actor.tell("stop");
    assertThat(next()).isEqualTo("one 4");
    assertThat(next()).isEqualTo("stop 8");
    assertThat(next()).isEqualTo("stopped");
  }

  @Test
  void aBehaviourWithoutASystemSaysWhatIsMissing() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    Behavior<String> guarded =
        Behaviors.setup(
            actor -> {
              try {

                DFutActor<String> outside = new Counter(heard);
                ((Counter) outside).onMessage("x");
              } catch (IllegalStateException e) {
                heard.add(e.getMessage());
              }
              started.countDown();
              return Behaviors.empty();
            });
    application.systemActorOf(guarded, "guarded", org.apache.pekko.actor.typed.Props.empty());
    assertThat(started.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(next()).contains("made with new").contains("dfut.actor(");
  }

  @Test
  void theSystemClosesWithTheApplicationAndNothingHangs() throws Exception {
    DFutSystem dfut = DFutSystem.get(application);
    DFut<Integer> pending = dfut.task(BehaviorsTest::waitForEver).submit();
    Thread waiting =
        Thread.ofVirtual()
            .start(
                () -> {
                  try {
                    pending.get();
                  } catch (DFutException e) {
                    heard.add(e.getClass().getSimpleName());
                  }
                });
    application.terminate();
    assertThat(next()).isEqualTo(SystemClosedException.class.getSimpleName());
    waiting.join();
    assertThatThrownBy(() -> dfut.put(1)).isInstanceOf(SystemClosedException.class);
  }
}
