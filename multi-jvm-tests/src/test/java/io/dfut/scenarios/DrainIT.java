package io.dfut.scenarios;

import static io.dfut.scenarios.DyingCluster.now;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.dfut.ActorDiedException;
import io.dfut.ActorHandle;
import io.dfut.ActorUnavailableException;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.NodeFailedException;
import io.dfut.NodeId;
import io.dfut.OwnerDiedException;
import io.dfut.SharedDFut;
import io.dfut.internal.cluster.launch.JvmProcess;
import io.dfut.internal.cluster.launch.Launcher;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nodes that are told to leave: by a signal, or by {@code ./dfut stop}. Each test has one of its
 * own, a JVM that runs the launcher, which offers a resource of its own; another node stays.
 */
@Timeout(90)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class DrainIT {
  private static final Duration SOON = DyingCluster.SOON;
  private static final int LARGE = 200_000;
  private static final String READY = "node ";

  private static final List<String> SETTINGS =
      List.of(
          "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause=10s",
          "dfut.ownership.handover-grace=1s",
          "dfut.cluster.join-timeout=40s");

  @TempDir Path folder;
  private DFutSystem dfut;
  private FarNode stays;
  private final List<Leaver> leavers = new ArrayList<>();

  /** A node that will be told to leave. */
  private final class Leaver {
    final JvmProcess process;
    final String resource;
    private NodeId node;

    Leaver(String resource, String... more) {
      this.resource = resource;
      String[] flags =
          Stream.concat(SETTINGS.stream(), Stream.of(more))
              .map(setting -> "-D" + setting)
              .toArray(String[]::new);
      process =
          JvmProcess.of(
                  resource,
                  Launcher.class,
                  "start",
                  "--join",
                  dfut.node().address(),
                  "--cpus",
                  "2",
                  "--memory",
                  "64M",
                  "--resource",
                  resource + "=10",
                  "--allow",
                  "io.dfut.",
                  "--with-parent")
              .flags("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
              .flags("-Dlogback.configurationFile=io/dfut/internal/cluster/launch/logback.xml")
              .flags("-Ddfut.log.level=INFO")
              .flags("-D" + Signals.PORT + "=" + Signals.port())
              .flags(flags)
              .start();
      leavers.add(this);
      node(); // one at a time: JVMs that start take the processors
    }

    NodeId node() {
      if (node == null) {
        String said = process.awaitLine(line -> line.startsWith(READY), Duration.ofSeconds(60));
        String shown = said.substring(READY.length(), said.indexOf(" ready"));
        DyingCluster.eventually(shown + " is not known")
            .until(() -> dfut.nodes().stream().anyMatch(one -> one.toString().equals(shown)));
        node =
            dfut.nodes().stream()
                .filter(one -> one.toString().equals(shown))
                .findFirst()
                .orElseThrow();
      }
      return node;
    }

    JvmProcess stopCommand() {
      return JvmProcess.of("stop " + resource, Launcher.class, "stop", node().address())
          .flags("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
          .start();
    }

    void assertLeaves() {
      assertThat(process.awaitExit(SOON)).as(resource).isEqualTo(OptionalInt.of(0));
      DyingCluster.eventually("who has left is counted")
          .until(() -> !dfut.nodes().contains(node()));
      assertThat(process.lines()).noneMatch(line -> line.contains(" ERROR "));
    }

    boolean said(String... words) {
      return process.lines().stream().anyMatch(line -> Stream.of(words).allMatch(line::contains));
    }
  }

  @BeforeAll
  void start() {
    dfut =
        DFutSystem.start(
            ConfigFactory.parseString(String.join("\n", SETTINGS))
                .withFallback(ConfigFactory.parseString(Habitat.joining("")))
                .withFallback(Habitat.config(0)));
    stays = FarNode.start("stays", 4, dfut.node().address(), SETTINGS);
    stays.ready();
  }

  @AfterEach
  void nothingFailed() {
    Gate.openAll();
    assertThat(stays.errors()).isEmpty();
    dfut.inspect().assertNoLeaks(SOON);
    stays.inspect().assertNoLeaks(SOON);
  }

  @AfterAll
  void close() {
    Gate.openAll();
    leavers.forEach(leaver -> leaver.process.close());
    if (dfut != null) {
      dfut.close();
    }
    if (stays != null) {
      stays.close();
    }
    Gate.forgetAll();
  }

  // ---- what tasks do ----

  private static String here() {
    return DFutContext.current().node() + " attempt " + DFutContext.current().attempt();
  }

  private static String hereAfter(Gate gate) throws InterruptedException {
    gate.pass();
    return here();
  }

  private static byte[] bytes(Runs runs, int seed) {
    runs.note();
    return Tasks.bytes(seed, LARGE);
  }

  // ---- tasks ----

  @Test
  @Tag("C295")
  @DisplayName("295 a node with running tasks that gets SIGTERM lets them end, leaves, and exits 0")
  void terminatedNodeDrains() {
    Leaver plain = new Leaver("plain");
    Gate gate = Gate.closed();
    dfut.scope(
        () -> {
          List<DFut<String>> running =
              IntStream.range(0, 2)
                  .mapToObj(
                      i ->
                          dfut.task(DrainIT::hereAfter)
                              .resource("plain", 1)
                              .maxRetries(0)
                              .submit(gate))
                  .toList();
          gate.awaitArrived(2);
          plain.process.terminate();
          DyingCluster.eventually("its resources are still offered")
              .until(() -> plain.said("drains"));
          assertThat(now(dfut.task(DrainIT::here).submit())).startsWith(stays.node().toString());
          assertThat(plain.process.isAlive()).as("while its tasks run").isTrue();
          gate.open();
          for (DFut<String> task : running) {
            assertThat(task.get(SOON)).isEqualTo(plain.node() + " attempt 0");
          }
        });
    plain.assertLeaves();
  }

  @Test
  @Tag("C146")
  @DisplayName(
      "146 a task that does not end in time runs again elsewhere, without a retry of its own")
  void taskThatDoesNotEndInTimeRunsElsewhere() {
    Leaver hasty = new Leaver("hasty", "dfut.drain.timeout=2s");
    Gate gate = Gate.closed();
    ActorHandle<Hoard> held = dfut.actor(Hoard::new).resource("hasty", 1).create();
    SharedDFut<byte[]> kept = now(held.task(Hoard::put).submit());
    DFut<byte[]> anchor = anchor(hasty);
    dfut.scope(
        () -> {
          DFut<String> stuck =
              dfut.task(DrainIT::hereAfter).near(anchor).maxRetries(0).submit(gate);
          gate.awaitArrived(1);
          hasty.process.terminate();
          gate.awaitArrived(2);
          gate.open();
          assertThat(stuck.get(SOON)).isEqualTo(stays.node() + " attempt 1");
        });
    hasty.assertLeaves();
    assertThat(hasty.said("hereAfter", "interrupted")).isTrue();
    assertThat(hasty.said(kept.id().toString(), "held by")).isTrue();
    assertThat(hasty.said("Hoard", "maxRestarts is 0")).isTrue();
    try (DFut<byte[]> value = kept.borrow()) {
      assertThatThrownBy(() -> value.get(SOON))
          .isInstanceOf(OwnerDiedException.class)
          .hasMessageContaining("it was drained");
    }
    assertThatThrownBy(() -> now(held.task(Hoard::put).submit()))
        .isInstanceOf(ActorDiedException.class)
        .hasMessageContaining("was drained");
    kept.close();
    held.close();
    anchor.close();
  }

  // ---- under load, and what it stores ----

  @Test
  @Tag("C266")
  @DisplayName(
      "266 a node that is stopped twice under load fails no task, and no value is made again")
  void stoppedNodeFailsNothing() {
    Leaver loaded = new Leaver("loaded", "dfut.store.shared-memory=off");
    Runs runs = Runs.in(folder, "loaded");
    List<DFut<byte[]>> stored =
        IntStream.range(0, 40)
            .mapToObj(i -> dfut.task(DrainIT::bytes).resource("loaded", 1).submit(runs, i))
            .toList();
    DyingCluster.eventually("not all is made").until(() -> stored.stream().allMatch(DFut::isReady));
    CompletableFuture<Integer> load =
        CompletableFuture.supplyAsync(
            () -> {
              int done = 0;
              while (dfut.nodes().contains(loaded.node()) && done < 100_000) {
                done += 20;
                dfut.scope(
                    () ->
                        IntStream.range(0, 20)
                            .mapToObj(i -> dfut.task(DrainIT::here).maxRetries(0).submit())
                            .toList()
                            .forEach(task -> task.get(SOON)));
              }
              return done;
            },
            Thread::startVirtualThread);
    JvmProcess first = loaded.stopCommand();
    JvmProcess second = loaded.stopCommand();
    loaded.assertLeaves();
    assertThat(Stream.of(first, second).map(stop -> stop.awaitExit(SOON)))
        .as("one may have come too late to find the node: %s, %s", first.lines(), second.lines())
        .contains(OptionalInt.of(0))
        .doesNotContain(OptionalInt.empty());
    assertThat(Stream.of(first, second).flatMap(stop -> stop.lines().stream()))
        .anyMatch(line -> line.contains("has left"));
    assertThat(load.join()).isPositive();
    for (int i = 0; i < stored.size(); i++) {
      try (DFut<byte[]> value = stored.get(i)) {
        assertThat(value.get(SOON)).isEqualTo(Tasks.bytes(i, LARGE));
      }
    }
    assertThat(runs.lines()).as("runs of what it stored").hasSize(stored.size());
  }

  private static void exits() {
    System.exit(7);
  }

  @Test
  @DisplayName("a node whose task calls System.exit does not drain, and exits with that code")
  void exitOfABodyIsTheNodesExit() {
    Leaver host = new Leaver("exits");
    try (DFut<Void> exits = dfut.task(DrainIT::exits).resource("exits", 1).maxRetries(0).submit()) {
      assertThatThrownBy(() -> exits.get(SOON))
          .isInstanceOf(NodeFailedException.class)
          .hasMessageContaining("its JVM exited with status 7")
          .hasMessageMatching(
              "(?s).*status 7: the body of task DrainIT.exits .* called System.exit.*");
    }
    assertThat(host.process.awaitExit(SOON)).isEqualTo(OptionalInt.of(7));
  }

  // ---- actors ----

  /** Counts, and says where. */
  static final class Counter extends DFutActor<Void> {
    private int n;

    public int add() {
      return ++n;
    }

    public NodeId where() {
      return dfut().node();
    }
  }

  /** Owns a value that others hold. */
  static final class Hoard extends DFutActor<Void> {
    private final List<DFut<byte[]>> values = new ArrayList<>();

    public SharedDFut<byte[]> put() {
      DFut<byte[]> value = dfut().put(Tasks.bytes(3, LARGE));
      values.add(value);
      return value.share();
    }
  }

  @Test
  @DisplayName("an actor moves before its node leaves: no call fails, and no restart is spent")
  void actorsMove() {
    Leaver host = new Leaver("host");
    DFut<byte[]> anchor = anchor(host);
    ActorHandle<Counter> counter = dfut.actor(Counter::new).near(anchor).maxRestarts(1).create();
    assertThat(now(counter.task(Counter::where).submit())).isEqualTo(host.node());
    host.process.terminate();
    List<Integer> answers = new ArrayList<>();
    do { // no call may fail, whichever incarnation it finds
      List<DFut<Integer>> calls =
          IntStream.range(0, 50).mapToObj(i -> counter.task(Counter::add).submit()).toList();
      for (DFut<Integer> call : calls) {
        answers.add(now(call));
      }
    } while (!now(counter.task(Counter::where).submit()).equals(stays.node()));
    int before = answers.lastIndexOf(1);
    assertThat(answers.subList(0, before))
        .isEqualTo(IntStream.rangeClosed(1, before).boxed().toList());
    assertThat(answers.subList(before, answers.size()))
        .isEqualTo(IntStream.rangeClosed(1, answers.size() - before).boxed().toList());
    host.assertLeaves();
    assertThat(host.said(" leaves: ")).isFalse();
    dfut.kill(counter, true);
    DyingCluster.eventually("the restart was spent")
        .ignoreException(ActorUnavailableException.class)
        .until(() -> now(counter.task(Counter::add).submit()) > 0);
    counter.close();
    anchor.close();
  }

  @Test
  @DisplayName("an actor that moves takes along what it has not saved yet, large or small")
  void movingActorsForgetNothing() {
    Leaver host = new Leaver("bank");
    DFut<byte[]> anchor = anchor(host);
    List<ActorHandle<Ledger>> ledgers =
        Stream.of(Set.<Ledger.Trouble>of(), Set.of(Ledger.Trouble.LARGE))
            .map(
                troubles ->
                    dfut.actor(Ledger::new, 0, troubles)
                        .near(anchor)
                        .maxRestarts(1)
                        .checkpointOnDemand()
                        .create())
            .toList();
    for (ActorHandle<Ledger> ledger : ledgers) {
      assertThat(now(ledger.task(Ledger::where).submit())).isEqualTo(host.node());
      assertThat(now(ledger.task(Ledger::add).submit(5))).isEqualTo(5);
    }
    host.process.terminate();
    for (ActorHandle<Ledger> ledger : ledgers) {
      int sum = 5;
      do {
        assertThat(now(ledger.task(Ledger::add).submit(1))).isEqualTo(++sum);
      } while (!now(ledger.task(Ledger::where).submit()).equals(stays.node()));
      assertThat(now(ledger.task(Ledger::story).submit())).isEqualTo("restarted, restored from 0");
      ledger.close();
    }
    host.assertLeaves();
    anchor.close();
  }

  // ---- owned objects ----

  @Test
  @DisplayName("a node stays until others have let go of what its workers own")
  void ownedObjectsAreWaitedFor() {
    Leaver owner = new Leaver("owner");
    ActorHandle<Hoard> hoard = dfut.actor(Hoard::new).resource("owner", 1).create();
    SharedDFut<byte[]> shared = now(hoard.task(Hoard::put).submit());
    owner.process.terminate();
    DyingCluster.eventually("it does not drain").until(() -> owner.said("drains"));
    try (DFut<byte[]> value = shared.borrow()) {
      assertThat(value.get(SOON)).isEqualTo(Tasks.bytes(3, LARGE));
    }
    assertThat(owner.process.isAlive()).as("while something of it is held").isTrue();
    shared.close();
    owner.assertLeaves();
    hoard.close();
  }

  /** Something on that node, to be near to, which moves as well. */
  private DFut<byte[]> anchor(Leaver leaver) {
    DFut<byte[]> made =
        dfut.task(DrainIT::bytes).resource(leaver.resource, 1).submit(Runs.in(folder, "anchor"), 5);
    DyingCluster.eventually("it is not made").until(made::isReady);
    return made;
  }
}
