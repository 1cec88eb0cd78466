package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/**
 * A driver in this JVM, two nodes in JVMs of their own that live on, and one or more that offer
 * {@link #SOIL} and are killed: a task that needs it runs there, and after a death on the next one.
 * Not thread-safe.
 */
final class DyingCluster implements AutoCloseable {
  /** The resource that only those nodes have that are to die. */
  static final String SOIL = "soil";

  static final Duration SOON = Duration.ofSeconds(30);

  /** Silence after which a node is thought dead; JVMs that start take the processors for long. */
  static final Duration PAUSE = Duration.ofSeconds(8);

  /** For a node to join while a dead one is not removed yet, which holds everybody up. */
  private static final Duration START_PATIENCE = Duration.ofSeconds(40);

  private static final Duration STABLE = Duration.ofSeconds(1);

  /** Within this a death is known everywhere: the detector's time, and two seconds. */
  static final Duration BOUND = PAUSE.plus(STABLE).plusSeconds(2);

  static final List<String> SETTINGS =
      List.of(
          "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause="
              + PAUSE.toMillis()
              + "ms",
          "dfut.pekko.cluster.split-brain-resolver.stable-after=" + STABLE.toMillis() + "ms",
          "dfut.ownership.handover-grace=1s",
          // The nodes are of one host; here they stand for nodes of many, which have copies.
          "dfut.store.shared-memory=off");

  final DFutSystem dfut;
  final FarNode near;
  final FarNode far;

  /** Who has soil and lives, the oldest first. */
  private final List<FarNode> mortals = new ArrayList<>();

  private int started;

  DyingCluster() {
    dfut =
        DFutSystem.start(
            settings()
                .withFallback(ConfigFactory.parseString(Habitat.joining("")))
                .withFallback(Habitat.config(0)));
    near = FarNode.start("near", 2, dfut.node().address(), SETTINGS);
    far = FarNode.start("far", 2, dfut.node().address(), SETTINGS);
    addMortals(1);
    near.ready();
    far.ready();
    Awaitility.await("four JVMs form a cluster").until(() -> dfut.nodes().size() == 4);
  }

  static Config settings() {
    return ConfigFactory.parseString(String.join("\n", SETTINGS));
  }

  /** Starts so many more nodes with soil. */
  void addMortals(int count) {
    List<FarNode> starting = IntStream.range(0, count).mapToObj(i -> starting(SOIL)).toList();
    mortals.addAll(starting);
    known(starting);
  }

  /** Starts a node for each of these resources, which is to die as well. */
  List<FarNode> startWith(String... resources) {
    List<FarNode> starting = Stream.of(resources).map(this::starting).toList();
    known(starting);
    return starting;
  }

  /** Starts so many nodes with these settings, which are to die as well. */
  List<FarNode> startAlike(int count, List<String> more) {
    List<String> settings = Stream.concat(SETTINGS.stream(), more.stream()).toList();
    List<FarNode> starting =
        IntStream.range(0, count)
            .mapToObj(i -> FarNode.start("mortal-" + started++, 4, dfut.node().address(), settings))
            .toList();
    known(starting);
    return starting;
  }

  private FarNode starting(String resource) {
    List<String> settings =
        Stream.concat(SETTINGS.stream(), Stream.of("dfut.resources." + resource + "=4")).toList();
    return FarNode.start("mortal-" + started++, 4, dfut.node().address(), settings);
  }

  private void known(List<FarNode> starting) {
    List<NodeId> ids = starting.stream().map(FarNode::node).toList();
    eventually("the new nodes are not known")
        .atMost(START_PATIENCE)
        .until(() -> dfut.nodes().containsAll(ids));
  }

  /** The oldest node with soil. */
  FarNode mortal() {
    return mortals.getFirst();
  }

  FarNode mortal(NodeId node) {
    return mortals.stream().filter(one -> one.node().equals(node)).findFirst().orElseThrow();
  }

  /** The JVM is killed. */
  void kill(FarNode victim) {
    mortals.remove(victim);
    victim.kill();
  }

  /** The node leaves in an orderly way; returns its exit code. */
  OptionalInt leave(FarNode leaving) {
    mortals.remove(leaving);
    return leaving.leave();
  }

  /** A like node comes, and the one with soil is killed; returns who died. */
  FarNode replaceMortal() {
    FarNode victim = mortal();
    addMortals(1);
    kill(victim);
    return victim;
  }

  /** It has ended by itself, or is about to. */
  void forget(NodeId dead) {
    FarNode node = mortal(dead);
    mortals.remove(node);
    node.close();
  }

  static ConditionFactory eventually(String reason) {
    return Awaitility.await(reason).atMost(SOON).pollInterval(Duration.ofMillis(20));
  }

  /** Its value, and closes it. */
  static <T> T now(DFut<T> future) {
    try (future) {
      return future.get(SOON);
    }
  }

  /** Until its value is known, without having it brought here. */
  <T> DFut<T> made(DFut<T> future) {
    eventually("it is not made").until(future::isReady);
    return future;
  }

  List<FarNode> living() {
    return Stream.concat(Stream.of(near, far), mortals.stream()).toList();
  }

  List<Inspection> looks() {
    return Stream.concat(Stream.of(dfut.inspect()), living().stream().map(FarNode::inspect))
        .toList();
  }

  boolean isKnown(ObjectId object) {
    return looks().stream()
        .flatMap(look -> look.rows().stream())
        .anyMatch(row -> row.object().equals(object));
  }

  void assertNothingIsLeft() {
    looks().forEach(look -> look.assertNoLeaks(SOON));
    assertThat(living()).allSatisfy(node -> assertThat(node.errors()).isEmpty());
  }

  @Override
  public void close() {
    dfut.close();
    living().forEach(FarNode::close);
  }
}
