package io.dfut.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.NodeId;
import io.dfut.SharedDFut;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.typed.Cluster;
import org.apache.pekko.cluster.typed.Join;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The library inside an application's own Pekko cluster, whose settings are the application's. */
class EmbeddedClusterTest {
  private static final Config APPLICATION =
      ConfigFactory.parseString(
              """
              pekko.actor.provider = cluster
              pekko.remote.artery.canonical.hostname = 127.0.0.1
              pekko.remote.artery.canonical.port = 0
              pekko.loglevel = WARNING
              pekko.cluster.jmx.enabled = off
              pekko.cluster.roles = [ dfut-node ]
              pekko.actor.serialization-bindings."io.dfut.embedding.EmbeddedClusterTest$Parcel" = jackson-cbor
              dfut.cpus = 2
              dfut.tasks.allow = ["io.dfut.embedding."]
              dfut.values.allow = ["io.dfut.embedding."]
              """)
          .withFallback(ConfigFactory.load());

  private ActorSystem<Void> first;
  private ActorSystem<Void> second;

  static String where() {
    return DFutContext.current().node().toString();
  }

  static int square(int x) {
    return x * x;
  }

  /** What the application's own actors send each other. */
  record Parcel(@JsonProperty("content") SharedDFut<String> content) {
    @JsonCreator
    Parcel {}
  }

  private void startBoth() {
    first = ActorSystem.create(Behaviors.empty(), "application", APPLICATION);
    second = ActorSystem.create(Behaviors.empty(), "application", APPLICATION);
    Cluster one = Cluster.get(first);
    one.manager().tell(Join.create(one.selfMember().address()));
    Cluster.get(second).manager().tell(Join.create(one.selfMember().address()));
    DFutSystem.get(first);
    DFutSystem.get(second);
    Awaitility.await("both offer work to each other")
        .atMost(Duration.ofSeconds(60))
        .until(
            () ->
                DFutSystem.get(first).nodes().size() == 2
                    && DFutSystem.get(second).nodes().size() == 2);
  }

  @AfterEach
  void stop() throws Exception {
    for (ActorSystem<Void> system : List.of(second, first)) {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().get(60, TimeUnit.SECONDS);
    }
  }

  @Test
  void tasksRunOnBothNodesOfTheApplicationsCluster() {
    startBoth();
    DFutSystem dfut = DFutSystem.get(first);
    for (NodeId node : dfut.nodes()) {
      try (DFut<String> there = dfut.task(EmbeddedClusterTest::where).on(node).submit()) {
        assertThat(there.get(Duration.ofSeconds(30))).isEqualTo(node.toString());
      }
    }
    dfut.inspect().assertNoLeaks(Duration.ofSeconds(10));
  }

  @Test
  void aReferenceInAMessageBetweenNodesIsBorrowedByItsReceiver() throws Exception {
    startBoth();
    BlockingQueue<SharedDFut<String>> received = new LinkedBlockingQueue<>();
    ActorRef<Parcel> receiver =
        second.systemActorOf(
            Behaviors.receive(Parcel.class)
                .onMessage(
                    Parcel.class,
                    parcel -> {
                      received.add(parcel.content());
                      return Behaviors.same();
                    })
                .build(),
            "receiver",
            Props.empty());
    String path = ActorRefResolver.get(second).toSerializationFormat(receiver);
    ActorRef<Parcel> remote = ActorRefResolver.get(first).resolveActorRef(path);

    DFutSystem dfut = DFutSystem.get(first);
    DFut<String> value = dfut.put("for the other node");
    SharedDFut<String> shared = value.share();
    remote.tell(new Parcel(shared));
    SharedDFut<String> borrowed = received.poll(30, TimeUnit.SECONDS);
    assertThat(borrowed).isNotNull();
    assertThat(borrowed.get(Duration.ofSeconds(30))).isEqualTo("for the other node");
    value.close();
    shared.close();
    assertThat(borrowed.get(Duration.ofSeconds(30)))
        .as("the receiver keeps it alive after its owner let go")
        .isEqualTo("for the other node");
    borrowed.close();
    dfut.inspect().assertNoLeaks(Duration.ofSeconds(10));
    DFutSystem.get(second).inspect().assertNoLeaks(Duration.ofSeconds(10));
  }

  @Test
  void aMemberWithoutARoleOfOursIsToldWhichToAdd() {
    first =
        ActorSystem.create(
            Behaviors.empty(),
            "application",
            ConfigFactory.parseString("pekko.cluster.roles = [ backend ]")
                .withFallback(APPLICATION));
    second = first;
    assertThatThrownBy(() -> DFutSystem.get(first))
        .hasMessageContaining("pekko.cluster.roles")
        .hasMessageContaining("[backend]")
        .hasMessageContaining("dfut-node");
  }

  @Test
  void aClassThatIsNotAdmittedIsNamedWithTheKeyThatAdmitsIt() {
    startBoth();
    DFutSystem dfut = DFutSystem.get(first);
    NodeId other = DFutSystem.get(second).nodes().iterator().next();
    try (DFut<Integer> admitted = dfut.task((Integer x) -> Math.abs(x)).on(other).submit(-4)) {
      assertThat(admitted.get(Duration.ofSeconds(30)))
          .as("a lambda of an admitted class")
          .isEqualTo(4);
    }
    try (DFut<Double> refused = dfut.task(Math::sqrt).on(other).submit(4.0)) {
      assertThatThrownBy(() -> refused.get(Duration.ofSeconds(30)))
          .isInstanceOf(io.dfut.TaskNotAllowedException.class)
          .hasMessageContaining("java.lang.Math.sqrt")
          .hasMessageContaining("dfut.tasks.allow")
          .hasMessageContaining(other.toString());
    }
  }
}
