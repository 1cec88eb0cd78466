package io.dfut.scenarios.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.SharedDFut;
import io.dfut.internal.cluster.launch.JvmProcess;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.serialization.SerializationExtension;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** References in the messages of ordinary typed actors, to another JVM. */
@Timeout(240)
final class MessagesIT {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final Duration UNTIL_EMPTY = Duration.ofSeconds(10);

  /** How long a message may be under way before it counts as lost. */
  private static final Duration TRANSIT = Duration.ofSeconds(3);

  private static final int LENGTH = 1_000_000;

  private JvmProcess node;
  private DFutSystem dfut;
  private ActorRef<KeeperProgram.Command> keeper;

  @BeforeEach
  void start() {
    node =
        JvmProcess.of("keeper", KeeperProgram.class)
            .flags("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Ddfut.cpus=1")
            .start();
    String address =
        node.awaitLine(line -> line.startsWith("ready "), PATIENCE).substring("ready ".length());
    dfut =
        DFutSystem.connect(
            address,
            ConfigFactory.parseString(
                    "dfut.values.allow = [\"io.dfut.\"], dfut.ownership.message-transit = "
                        + TRANSIT.toSeconds()
                        + " s")
                .withFallback(KeeperProgram.BINDING));
    keeper =
        ActorRefResolver.get(dfut.actorSystem())
            .resolveActorRef(
                "pekko://"
                    + dfut.actorSystem().name()
                    + "@"
                    + address
                    + "/system/"
                    + KeeperProgram.NAME);
  }

  @AfterEach
  void stop() {
    dfut.close();
    node.close();
  }

  private int asks(Function<ActorRef<KeeperProgram.Kept>, KeeperProgram.Command> message)
      throws Exception {
    return AskPattern.<KeeperProgram.Command, KeeperProgram.Kept>ask(
            keeper, message::apply, KeeperProgram.PATIENCE, dfut.actorSystem().scheduler())
        .toCompletableFuture()
        .get(KeeperProgram.PATIENCE.toSeconds(), TimeUnit.SECONDS)
        .bytes();
  }

  private void awaitNothingOnTheNode() {
    await("what the node holds in the end")
        .atMost(UNTIL_EMPTY)
        .untilAsserted(
            () ->
                assertThat(node.lines())
                    .filteredOn(line -> line.startsWith("Holdings"))
                    .last()
                    .isEqualTo(NodeProgram.Holdings.NOTHING.toString()));
  }

  @Test
  @Tag("C078")
  @DisplayName("078 a reference in a Pekko message makes the receiver a borrower")
  void receiverBorrowsWhatCameInAMessage() throws Exception {
    DFut<byte[]> object = dfut.put(new byte[LENGTH]);
    SharedDFut<byte[]> shared = object.share();
    asks(replyTo -> new KeeperProgram.Keep(shared, replyTo));
    shared.close();
    object.close();
    // The receiver keeps it for longer than the message would have counted.
    long until = System.nanoTime() + TRANSIT.plusSeconds(2).toNanos();
    await("the receiver's borrow outlives the message")
        .atMost(PATIENCE)
        .until(
            () -> {
              assertThat(dfut.inspect().rows())
                  .singleElement()
                  .satisfies(row -> assertThat(row.borrowers()).hasSize(1));
              return System.nanoTime() > until;
            });
    assertThat(asks(KeeperProgram.Read::new)).isEqualTo(LENGTH);
    asks(KeeperProgram.Drop::new);
    await("freed everywhere")
        .atMost(Duration.ofSeconds(2))
        .until(() -> dfut.inspect().rows().isEmpty());
    dfut.inspect().assertNoLeaks(UNTIL_EMPTY);
    awaitNothingOnTheNode();
  }

  @Test
  @Tag("C078")
  @DisplayName("078 a message that is lost leaves no borrower behind")
  void lostMessageLeavesNothingBehind() {
    DFut<byte[]> object = dfut.put(new byte[LENGTH]);
    SharedDFut<byte[]> shared = object.share();
    // Written as Artery would write it, and thrown away.
    SerializationExtension.get(Adapter.toClassic(dfut.actorSystem()))
        .serialize(new KeeperProgram.Keep(shared, dfut.actorSystem().deadLetters().unsafeUpcast()))
        .get();
    shared.close();
    object.close();
    assertThat(dfut.inspect().rows())
        .singleElement()
        .extracting(Inspection.Row::counts)
        .as("counted for the message")
        .isEqualTo(java.util.Map.of("transits", 1));
    await("the message must be lost")
        .atMost(TRANSIT.plusSeconds(5))
        .until(() -> dfut.inspect().rows().isEmpty());
    dfut.inspect().assertNoLeaks(UNTIL_EMPTY);
    awaitNothingOnTheNode();
  }
}
