package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.NodeId;
import io.dfut.internal.api.Resources;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.protocol.NodeMessage.FindName;
import io.dfut.internal.protocol.SchedulerMessage.NodeLoad;
import io.dfut.internal.spi.Membership;
import io.dfut.internal.spi.PeerInfo;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.actor.CoordinatedShutdown;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.cluster.Cluster;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Real ActorSystems that really talk over loopback, in one JVM. */
class MembershipActorTest {
  private static final Duration SOON = Duration.ofSeconds(10);

  private final List<Membership> started = new ArrayList<>();

  /** What a node heard, in order. */
  private record Heard(
      List<String> events, List<NodeMessage> messages, List<NodeId> peers, List<NodeId> directories)
      implements Membership.Listener {
    Heard() {
      this(
          new CopyOnWriteArrayList<>(),
          new CopyOnWriteArrayList<>(),
          new CopyOnWriteArrayList<>(),
          new CopyOnWriteArrayList<>());
    }

    @Override
    public void receive(NodeId from, NodeMessage message) {
      assertThat(peers).contains(from);
      messages.add(message);
    }

    @Override
    public void peerUp(PeerInfo peer) {
      peers.add(peer.node());
      events.add("up " + peer.node());
    }

    @Override
    public void peerDown(NodeId node, String cause) {
      peers.remove(node);
      events.add("down " + node + " " + cause);
    }

    @Override
    public void directoryAt(NodeId node) {
      directories.add(node);
    }

    @Override
    public void removed(String cause) {
      events.add("removed " + cause);
    }
  }

  private record Node(Membership membership, Heard heard) {
    NodeId id() {
      return membership.self();
    }

    void awaitPeers(Node... peers) {
      await("peers of " + id())
          .atMost(SOON)
          .untilAsserted(
              () ->
                  assertThat(heard.peers())
                      .containsExactlyInAnyOrder(
                          List.of(peers).stream().map(Node::id).toArray(NodeId[]::new)));
    }
  }

  private static Config config(String more) {
    return ConfigFactory.parseString(more).withFallback(ConfigFactory.load());
  }

  private Node start(String more, boolean offersWork) {
    return begin(new PekkoClusterProvider().start(config(more), offersWork), offersWork);
  }

  private Node begin(Membership membership, boolean offersWork) {
    started.add(membership);
    Heard heard = new Heard();
    NodeLoad load = new NodeLoad(membership.self(), 1, Resources.ONE_CPU, Resources.ONE_CPU, 0, 1);
    membership.begin(new PeerInfo(membership.self(), offersWork, Optional.empty(), load), heard);
    return new Node(membership, heard);
  }

  private Node first() {
    return start("", true);
  }

  private Node join(Node seed) {
    return start(joining(seed.id().address()), true);
  }

  private static String joining(String address) {
    return "dfut.cluster.join = [\"" + address + "\"]";
  }

  @AfterEach
  void leaveAll() {
    started.reversed().forEach(Membership::leave);
  }

  @Test
  void messagesOfAPeerComeInTheOrderInWhichTheyWereSent() {
    Node a = first();
    Node b = join(a);
    a.awaitPeers(b);
    b.awaitPeers(a);
    List<NodeMessage> sent = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      sent.add(new FindName(i, "namespace", "name"));
    }

    sent.forEach(message -> a.membership().send(b.id(), message));
    sent.forEach(message -> b.membership().send(a.id(), message));

    await("all messages").atMost(SOON).until(() -> b.heard().messages().size() == sent.size());
    await("all messages").atMost(SOON).until(() -> a.heard().messages().size() == sent.size());
    assertThat(b.heard().messages()).isEqualTo(sent);
    assertThat(a.heard().messages()).isEqualTo(sent);
  }

  @Test
  void threeNodesMeetAndAgreeOnTheDirectory() {
    Node a = first();
    Node b = join(a);
    Node c = start(joining(b.id().address()), false);

    a.awaitPeers(b, c);
    b.awaitPeers(a, c);
    c.awaitPeers(a, b);
    for (Node node : List.of(a, b, c)) {
      await("directory").atMost(SOON).until(() -> node.heard().directories().contains(a.id()));
      assertThat(node.heard().directories()).containsExactly(a.id());
    }
    c.membership().broadcast(new FindName(1, "namespace", "name"));
    await("broadcast").atMost(SOON).until(() -> a.heard().messages().size() == 1);
    await("broadcast").atMost(SOON).until(() -> b.heard().messages().size() == 1);
  }

  @Test
  void aLeavingNodeIsAnnouncedAsSuchAndItsLastMessagesArrive() {
    Node a = first();
    Node b = join(a);
    a.awaitPeers(b);
    b.awaitPeers(a);
    for (int i = 0; i < 1000; i++) {
      b.membership().send(a.id(), new FindName(i, "namespace", "name"));
    }

    b.membership().leave();

    await("b is gone").atMost(SOON).until(() -> a.heard().events().size() == 2);
    assertThat(a.heard().events().getLast())
        .isEqualTo("down " + b.id() + " it left the cluster in an orderly way");
    assertThat(a.heard().messages()).hasSize(1000);
    assertThat(b.heard().events()).noneMatch(event -> event.startsWith("removed"));
    assertThat(b.membership().system().getWhenTerminated().toCompletableFuture()).isDone();
    a.membership().send(b.id(), new FindName(1, "namespace", "nobody is there: ignored"));
  }

  @Test
  void theDirectoryMovesWhenItsNodeLeaves() {
    Node a = first();
    Node b = join(a);
    b.awaitPeers(a);

    a.membership().leave();

    await("directory").atMost(SOON).until(() -> b.heard().directories().contains(b.id()));
    assertThat(b.heard().directories()).containsExactly(a.id(), b.id());
  }

  @Test
  void aNodeThatIsThrownOutIsToldAndReportedDeadOnce() {
    Node a = first();
    Node b = join(a);
    Node c = join(a);
    a.awaitPeers(b, c);
    b.awaitPeers(a, c);
    c.awaitPeers(a, b);

    Cluster cluster = Cluster.get(Adapter.toClassic(a.membership().system()));
    cluster.down(Cluster.get(Adapter.toClassic(c.membership().system())).selfAddress());

    await("a hears").atMost(SOON).until(() -> !a.heard().peers().contains(c.id()));
    await("b hears").atMost(SOON).until(() -> !b.heard().peers().contains(c.id()));
    await("c hears")
        .atMost(SOON)
        .untilAsserted(
            () ->
                assertThat(c.heard().events())
                    .filteredOn(event -> event.startsWith("removed"))
                    .hasSize(1));
    await("c stops")
        .atMost(SOON)
        .until(() -> c.membership().system().getWhenTerminated().toCompletableFuture().isDone());
    assertThat(a.heard().events().stream().filter(event -> event.startsWith("down"))).hasSize(1);
    assertThat(b.heard().events().stream().filter(event -> event.startsWith("down"))).hasSize(1);
  }

  @Test
  void aNodeThatIsSuddenlyGoneIsFoundOutByTheOthers() throws Exception {
    Node a = first();
    Node b = join(a);
    Node c =
        start(
            joining(a.id().address())
                + "\npekko.coordinated-shutdown.run-by-actor-system-terminate = off",
            true);
    a.awaitPeers(b, c);
    b.awaitPeers(a, c);
    c.awaitPeers(a, b);

    c.membership().system().terminate(); // without a word, as a crash would

    for (Node survivor : List.of(a, b)) {
      await("the end of c")
          .atMost(Duration.ofSeconds(30))
          .until(() -> !survivor.heard().peers().contains(c.id()));
      assertThat(survivor.heard().events().getLast())
          .startsWith("down " + c.id() + " it did not answer any more");
    }
    a.membership().send(b.id(), new FindName(1, "namespace", "name"));
    await("the others go on").atMost(SOON).until(() -> b.heard().messages().size() == 1);
  }

  @Test
  void aStartWaitsForAsManyNodesAsItIsTold() {
    Node a = first();
    Membership second =
        new PekkoClusterProvider()
            .start(config(joining(a.id().address()) + "\ndfut.cluster.nodes-min = 2"), true);

    Node b = begin(second, true);

    assertThat(b.heard().peers()).containsExactly(a.id());
  }

  @Test
  void aStartFailsWhenTooFewNodesCome() {
    Membership alone =
        new PekkoClusterProvider()
            .start(config("dfut.cluster.nodes-min = 2, dfut.cluster.join-timeout = 2 s"), true);

    assertThatThrownBy(() -> begin(alone, true))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("fewer than 2 nodes (dfut.cluster.nodes-min)");
  }

  @Test
  void aRestartedNodeIsAnotherNode() {
    Node a = first();
    Node b = join(a);
    a.awaitPeers(b);
    b.membership().leave();

    Node again = start(joining(a.id().address()) + "\ndfut.cluster.port = " + b.id().port(), true);

    a.awaitPeers(again);
    again.awaitPeers(a);
    assertThat(again.id().address()).isEqualTo(b.id().address());
    assertThat(again.id()).isNotEqualTo(b.id());
  }

  @Test
  void anotherWireVersionIsRefusedNamingBoth() {
    Node a = first();

    assertThatThrownBy(
            () ->
                new PekkoClusterProvider(Terms.WIRE_VERSION + 1)
                    .start(config(joining(a.id().address())), true))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("wire version " + Terms.WIRE_VERSION)
        .hasMessageContaining("wire version " + (Terms.WIRE_VERSION + 1))
        .hasMessageContaining(a.id().address());
    assertThat(a.heard().events()).isEmpty();
  }

  @Test
  void pekkosOwnCheckRefusesAnotherVersionToo() {
    Config ours = config("dfut.cluster.wire-version = 1, dfut.lease.spillback-hops-max = 4");
    Config theirs = config("dfut.cluster.wire-version = 2, dfut.lease.spillback-hops-max = 5");
    JoinCompatibility check = new JoinCompatibility();

    assertThat(check.check(ours, ours).toString()).isEqualTo("Valid");
    assertThat(check.check(theirs, ours).toString())
        .contains(
            "dfut.cluster.wire-version is 2 there and 1 here",
            "dfut.lease.spillback-hops-max is 5 there and 4 here");
  }

  @Test
  void aTakenPortIsNamedWithTheWayOut() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = taken.getLocalPort();

      assertThatThrownBy(() -> start("dfut.cluster.port = " + port, true))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage(
              "port "
                  + port
                  + " on 127.0.0.1 is taken; choose another with dfut.cluster.port or --port, 0 for"
                  + " any free one");
    }
  }

  @Test
  void othersMayComeThroughAPortThatSomebodyElseHolds() throws Exception {
    try (ServerSocket proxy = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String told = "dfut.cluster.port = " + proxy.getLocalPort() + "\n";

      assertThatThrownBy(
              () -> start(told + "pekko.remote.artery.bind.port = " + taken.getLocalPort(), true))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(
              "port "
                  + taken.getLocalPort()
                  + " on 127.0.0.1 is taken; choose another with"
                  + " pekko.remote.artery.bind.port");
      Node node = start(told + "pekko.remote.artery.bind.port = 0", true);
      assertThat(node.membership().self().port()).isEqualTo(proxy.getLocalPort());
    }
  }

  @Test
  void anAddressWhereNobodyListensIsNamed() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }

    assertThatThrownBy(
            () -> start(joining("127.0.0.1:" + port) + "\ndfut.cluster.join-timeout = 1 s", true))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("nobody answers at 127.0.0.1:" + port);
    await("nothing is left running")
        .atMost(SOON)
        .until(
            () ->
                Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread.getName().startsWith("dfut-")));
  }

  @Test
  void anAddressWhereSomethingElseListensIsNamed() throws Exception {
    try (ServerSocket other = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      String address = "127.0.0.1:" + other.getLocalPort();

      assertThatThrownBy(() -> start(joining(address) + "\ndfut.cluster.join-timeout = 2 s", true))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("somebody listens at " + address);
    }
  }

  @Test
  void javaSerialisationSwitchedOnIsRefused() {
    assertThatThrownBy(() -> start("pekko.actor.allow-java-serialization = on", true))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("pekko.actor.allow-java-serialization is on");
  }

  @Test
  void anAddressThatCannotBeReadIsRefused() {
    assertThatThrownBy(() -> start(joining("127.0.0.1"), true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dfut.cluster.join is \"127.0.0.1\"; it must be host:port");
  }

  @Test
  void anApplicationsOwnClusterNodesMeetAndStayWhenDFutLeaves() throws Exception {
    Config application =
        ConfigFactory.parseString(
                """
                pekko.actor.provider = cluster
                pekko.loglevel = WARNING
                pekko.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                pekko.cluster { jmx.enabled = off, roles = ["shop", "dfut-node"] }
                """)
            .withFallback(ConfigFactory.load());
    ActorSystem<Void> one = ActorSystem.create(Behaviors.empty(), "application", application);
    ActorSystem<Void> two = ActorSystem.create(Behaviors.empty(), "application", application);
    try {
      Cluster seed = Cluster.get(Adapter.toClassic(one));
      seed.join(seed.selfAddress());
      Cluster.get(Adapter.toClassic(two)).join(seed.selfAddress());
      Node a = begin(new PekkoClusterProvider().embedded(one).orElseThrow(), true);
      Node b = begin(new PekkoClusterProvider().embedded(two).orElseThrow(), true);

      a.awaitPeers(b);
      b.awaitPeers(a);
      b.membership().leave();

      await("b said goodbye").atMost(SOON).until(() -> a.heard().peers().isEmpty());
      assertThat(two.whenTerminated().isCompleted()).isFalse();
    } finally {
      two.terminate();
      one.terminate();
      two.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
      one.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void anApplicationsOwnNodeWithoutARoleOfOursIsToldWhichToAdd() throws Exception {
    ActorSystem<Void> system =
        ActorSystem.create(
            Behaviors.empty(),
            "application",
            ConfigFactory.parseString(
                    """
                    pekko.actor.provider = cluster
                    pekko.loglevel = WARNING
                    pekko.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                    pekko.cluster.jmx.enabled = off
                    """)
                .withFallback(ConfigFactory.load()));
    try {
      assertThatThrownBy(() -> new PekkoClusterProvider().embedded(system))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("pekko.cluster.roles of this ActorSystem is []; add \"dfut-node\"");
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void anActorSystemThatIsNoClusterNodeHasNoMembership() throws Exception {
    ActorSystem<Void> system =
        ActorSystem.create(
            Behaviors.empty(),
            "application",
            ConfigFactory.parseString("pekko.loglevel = WARNING")
                .withFallback(ConfigFactory.load()));
    try {
      assertThat(new PekkoClusterProvider().embedded(system)).isEmpty();
    } finally {
      system.terminate();
      system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
    }
  }

  @Test
  void peersHearOfAnOrderlyEndHoweverTheSystemEnds() {
    Node a = first();
    Node b = join(a);
    a.awaitPeers(b);

    CoordinatedShutdown.get(b.membership().system()).runAll(CoordinatedShutdown.unknownReason());

    await("b is gone").atMost(SOON).until(() -> a.heard().events().size() == 2);
    assertThat(a.heard().events().getLast()).contains("it left the cluster in an orderly way");
  }
}
