package io.dfut.scenarios;

import static io.dfut.scenarios.DyingCluster.SOIL;
import static io.dfut.scenarios.DyingCluster.SOON;
import static io.dfut.scenarios.DyingCluster.eventually;
import static io.dfut.scenarios.DyingCluster.now;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFut2;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.DFutSystem;
import io.dfut.GetTimeoutException;
import io.dfut.NodeFailedException;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.ObjectLostException;
import io.dfut.ObjectLostException.Reason;
import io.dfut.Returns2;
import io.dfut.SharedDFut;
import io.dfut.scenarios.ObjectScenarios.Keeper;
import io.dfut.scenarios.ObjectScenarios.Seen;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Values that were on a node which is killed: what is made again, and how often its body ran. Every
 * test starts a node that takes the dead one's place.
 */
@Timeout(240)
final class RecoveryIT extends DeathScenarios {
  private static final int LARGE = 200_000;

  /** Milliseconds: longer than the silence after which a node is thought dead. */
  private static final int SLOW = 500 + (int) DyingCluster.PAUSE.toMillis();

  // ---- what tasks do ----

  private static byte[] bytes(Runs runs, int seed, int length) {
    runs.note();
    return Tasks.bytes(seed, length);
  }

  /** Of each byte of its argument another, which depends on its place. */
  private static byte[] turned(Runs runs, byte[] before) {
    runs.note();
    return turn(before);
  }

  private static byte[] turn(byte[] before) {
    byte[] after = new byte[before.length];
    for (int i = 0; i < after.length; i++) {
      after[i] = (byte) (31 * before[i] + i);
    }
    return after;
  }

  private static Returns2<byte[], byte[]> two(Runs runs, int seed) {
    runs.note();
    return new Returns2<>(Tasks.bytes(seed, LARGE), Tasks.bytes(seed + 1, LARGE));
  }

  private static byte[] slowly(Runs runs, int seed, int millis) {
    runs.note();
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    return Tasks.bytes(seed, LARGE);
  }

  private static int halts(Runs runs, int attempts) {
    runs.note();
    if (DFutContext.current().attempt() < attempts) {
      Runtime.getRuntime().halt(9);
    }
    return DFutContext.current().attempt() + 1;
  }

  private static int waits(Runs runs, Gate gate) throws InterruptedException {
    runs.note();
    gate.pass();
    return DFutContext.current().attempt() + 1;
  }

  private static int lengthOf(byte[] value) {
    return value.length;
  }

  // ---- helpers ----

  private DFut<byte[]> madeThere(Runs runs, int seed, int length) {
    return cluster.made(dfut.task(RecoveryIT::bytes).resource(SOIL, 1).submit(runs, seed, length));
  }

  private void copyTo(FarNode node, DFut<byte[]> object) {
    try (DFut<Seen> seen = dfut.task(Seen::of).on(node.node()).submit(object)) {
      seen.get(SOON);
    }
  }

  private static void assertRan(Runs runs, int times) {
    assertThat(runs.lines()).as("runs").hasSize(times);
  }

  private static ObjectLostException lossOf(DFut<?> future) {
    return catchThrowableOfType(ObjectLostException.class, () -> future.get(SOON));
  }

  // ---- a node that is told to stop ----

  @Test
  @DisplayName("what a leaving node interrupts has not failed: it runs again elsewhere")
  void interruptedTaskOfALeavingNodeRunsAgain() {
    Runs runs = runs("waiting");
    Gate gate = Gate.closed();
    try (DFut<Integer> waiting =
        dfut.task(RecoveryIT::waits).resource(SOIL, 1).submit(runs, gate)) {
      gate.awaitArrived(1);
      FarNode leaving = cluster.mortal();
      cluster.addMortals(1);
      assertThat(cluster.leave(leaving)).isEqualTo(OptionalInt.of(0));
      gate.awaitArrived(2);
      gate.open();
      assertThat(waiting.get(SOON)).isEqualTo(2);
    }
    assertRan(runs, 2);
  }

  // ---- the scenarios ----

  @Test
  @Tag("C084")
  @DisplayName("084 a lost result is made again for a task that takes it, until retries are spent")
  void lostResultIsMadeAgain() {
    Runs runs = runs("producer");
    DFut<byte[]> result =
        cluster.made(
            dfut.task(RecoveryIT::bytes)
                .resource(SOIL, 1)
                .maxRetries(1)
                .submit(runs, 1, 10_000_000));
    cluster.replaceMortal();
    try (DFut<Integer> length = dfut.task(RecoveryIT::lengthOf).resource(SOIL, 1).submit(result)) {
      assertThat(length.get(SOON)).isEqualTo(10_000_000);
    }
    assertRan(runs, 2);
    cluster.replaceMortal();
    ObjectLostException lost = lossOf(result);
    assertThat(lost.reason()).isEqualTo(Reason.RETRIES_SPENT);
    assertThat(lost).hasMessageContaining(result.id().toString()).hasMessageContaining("2 times");
    assertRan(runs, 2);
    result.close();
  }

  @Test
  @Tag("C085")
  @DisplayName("085 a surviving copy is used, and pinned, before anything is run again")
  void survivingCopyIsUsed() {
    Runs runs = runs("producer");
    DFut<byte[]> result = madeThere(runs, 2, LARGE);
    copyTo(cluster.near, result);
    assertThat(cluster.near.inspect().store().pinnedBytes()).as("only a copy").isZero();
    NodeId dead = cluster.replaceMortal().node();
    eventually("the death is not known").until(() -> !dfut.nodes().contains(dead));
    eventually("the copy is not pinned")
        .until(() -> cluster.near.inspect().store().pinnedBytes() >= LARGE);
    assertThat(result.get(SOON)).isEqualTo(Tasks.bytes(2, LARGE));
    assertRan(runs, 1);
    result.close();
  }

  @Test
  @Tag("C092")
  @DisplayName("092 a put whose handle is closed lives on for the lineage of a result")
  void putLivesOnForTheLineage() {
    Runs runs = runs("consumer");
    DFut<byte[]> put = dfut.put(Tasks.bytes(3, LARGE));
    ObjectId putId = put.id();
    DFut<byte[]> result =
        cluster.made(dfut.task(RecoveryIT::turned).resource(SOIL, 1).submit(runs, put));
    put.close();
    cluster.replaceMortal();
    assertThat(result.get(SOON)).isEqualTo(turn(Tasks.bytes(3, LARGE)));
    assertRan(runs, 2);
    assertThat(cluster.isKnown(putId)).as("it may be needed again").isTrue();
    result.close();
    eventually("it stays without the result").until(() -> !cluster.isKnown(putId));
  }

  /** Owns more than fits into its node's memory; the first is on disk only. */
  static final class Hoarder extends DFutActor<Void> {
    private final List<DFut<byte[]>> values = new ArrayList<>();

    public SharedDFut<byte[]> put(int count, int length) {
      for (int i = 0; i < count; i++) {
        values.add(dfut().put(Tasks.bytes(i, length)));
      }
      return values.getFirst().share();
    }

    public String lossOfFirst() {
      try {
        return "a value of " + values.getFirst().get().length;
      } catch (ObjectLostException e) {
        return e.reason() + ": " + e.getMessage();
      }
    }
  }

  /** Spoils every spill file below a directory. */
  private static int spoil(Path directory) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(directory)) {
      files = all.filter(file -> file.getFileName().toString().matches("[0-9]+")).toList();
    }
    for (Path file : files) {
      byte[] bytes = Files.readAllBytes(file);
      for (int i = 0; i < bytes.length; i += 512) {
        bytes[i] ^= 1;
      }
      Files.write(file, bytes);
    }
    return files.size();
  }

  @Test
  @Tag("C093")
  @DisplayName("093 a put whose last good copy was on the dead node says that nothing can make it")
  void lostPutSaysThatNothingCanMakeIt() throws IOException {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    FarNode home =
        cluster
            .startAlike(
                1, List.of("dfut.store.memory=64MiB", "dfut.store.spill.directories.0=" + disk))
            .getFirst();
    ActorHandle<Hoarder> owner = dfut.actor(Hoarder::new).on(home.node()).create();
    ActorHandle<Keeper> reader = dfut.actor(Keeper::new).on(cluster.mortal().node()).create();
    try (SharedDFut<byte[]> first = now(owner.task(Hoarder::put).submit(30, 4_000_000))) {
      now(reader.task(Keeper::keepFirst).submit(first));
    }
    assertThat(now(reader.task(Keeper::readFirst).submit()))
        .isEqualTo(Seen.of(Tasks.bytes(0, 4_000_000)));
    assertThat(spoil(disk)).isPositive();
    NodeId dead = cluster.replaceMortal().node();
    long killedNanos = System.nanoTime();
    eventually("the death is not known").until(() -> !dfut.nodes().contains(dead));
    assertThat(now(owner.task(Hoarder::lossOfFirst).submit()))
        .startsWith(Reason.PUT_WITHOUT_LINEAGE + ": ")
        .contains("Make it in a task");
    assertThat(Duration.ofNanos(System.nanoTime() - killedNanos)).isLessThan(DyingCluster.BOUND);
    reader.close();
    owner.close();
    eventually("the owner's values")
        .untilAsserted(() -> home.inspect().assertNoLeaks(Duration.ofSeconds(1)));
    home.kill();
  }

  /** A task that takes what the one before has made, which is not held any longer. */
  private DFut<byte[]> turnedOn(String resource, Runs runs, DFut<byte[]> before) {
    try (before) {
      return cluster.made(dfut.task(RecoveryIT::turned).resource(resource, 1).submit(runs, before));
    }
  }

  @Test
  @Tag("C094")
  @DisplayName("094 a chain that was lost on two nodes gives the same, each link run once more")
  void chainLostOnTwoNodesIsRebuilt() {
    List<FarNode> victims = cluster.startWith("clay", "loam");
    List<Runs> links = IntStream.range(0, 4).mapToObj(i -> runs("link-" + i)).toList();
    DFut<byte[]> last =
        cluster.made(
            dfut.task(RecoveryIT::bytes).resource("clay", 1).submit(links.getFirst(), 4, LARGE));
    byte[] expected = Tasks.bytes(4, LARGE);
    for (int i = 1; i < 4; i++) {
      last = turnedOn(i % 2 == 0 ? "clay" : "loam", links.get(i), last);
      expected = turn(expected);
    }
    List<FarNode> others = cluster.startWith("clay", "loam");
    victims.forEach(FarNode::kill);
    assertThat(last.get(SOON)).isEqualTo(expected);
    links.forEach(runs -> assertRan(runs, 2));
    last.close();
    others.forEach(FarNode::kill);
  }

  @Test
  @DisplayName("of a lost chain only those links run again that lead from what is left to the end")
  void onlyWhatIsNeededRunsAgain() {
    List<Runs> links = IntStream.range(0, 5).mapToObj(i -> runs("link-" + i)).toList();
    DFut<byte[]> second = turnedOn(SOIL, links.get(1), madeThere(links.get(0), 5, LARGE));
    copyTo(cluster.near, second);
    DFut<byte[]> third =
        cluster.made(dfut.task(RecoveryIT::turned).resource(SOIL, 1).submit(links.get(2), second));
    DFut<byte[]> branch =
        cluster.made(dfut.task(RecoveryIT::turned).resource(SOIL, 1).submit(links.get(4), second));
    DFut<byte[]> fourth = turnedOn(SOIL, links.get(3), third);
    branch.close(); // nobody needs it any more
    cluster.replaceMortal();
    assertThat(fourth.get(SOON)).isEqualTo(turn(turn(turn(Tasks.bytes(5, LARGE)))));
    assertThat(links.stream().map(Runs::count)).containsExactly(1, 1, 2, 2, 1);
    second.close();
    fourth.close();
  }

  @Test
  @Tag("C095")
  @DisplayName("095 tasks, the owner and a borrower that all want one lost value share one rebuild")
  void readersShareOneRebuild() {
    Runs runs = runs("producer");
    DFut<byte[]> result = madeThere(runs, 6, LARGE);
    ActorHandle<Keeper> borrower = dfut.actor(Keeper::new).on(cluster.far.node()).create();
    try (SharedDFut<byte[]> shared = result.share()) {
      now(borrower.task(Keeper::keepFirst).submit(shared));
    }
    cluster.replaceMortal();
    List<DFut<Seen>> readers = new ArrayList<>();
    for (FarNode node : List.of(cluster.near, cluster.far, cluster.mortal())) {
      readers.add(dfut.task(Seen::of).on(node.node()).submit(result));
      readers.add(dfut.task(Seen::of).on(node.node()).submit(result));
    }
    readers.add(borrower.task(Keeper::readFirst).submit());
    readers.add(borrower.task(Keeper::readFirst).submit());
    assertThat(result.get(SOON)).isEqualTo(Tasks.bytes(6, LARGE));
    readers.forEach(
        reader -> {
          try (reader) {
            assertThat(reader.get(SOON)).isEqualTo(Seen.of(Tasks.bytes(6, LARGE)));
          }
        });
    assertRan(runs, 2);
    borrower.close();
    result.close();
  }

  @Test
  @Tag("C096")
  @DisplayName("096 of two results the lost one is made again, and the other's copy stays valid")
  void onlyTheLostResultIsRestored() {
    Runs runs = runs("producer");
    DFut2<byte[], byte[]> both = dfut.multi2(RecoveryIT::two).resource(SOIL, 1).submit(runs, 7);
    cluster.made(both.first());
    copyTo(cluster.near, both.first());
    cluster.replaceMortal();
    assertThat(both.second().get(SOON)).isEqualTo(Tasks.bytes(8, LARGE));
    assertThat(both.first().get(SOON)).isEqualTo(Tasks.bytes(7, LARGE));
    assertRan(runs, 2);
    long pulled = cluster.near.inspect().store().pulls();
    copyTo(cluster.near, both.first());
    assertThat(cluster.near.inspect().store().pulls()).as("still there").isEqualTo(pulled);
    both.first().close();
    both.second().close();
  }

  /** Asks again and again, with little patience, until there is a value. */
  private static byte[] askOftenFor(DFut<byte[]> future) {
    while (true) {
      try {
        return future.get(Duration.ofMillis(300));
      } catch (GetTimeoutException e) {
        // asks again, while the value is being made
      }
    }
  }

  @Test
  @Tag("C101")
  @DisplayName("101 a rebuild that takes longer than any detector is not started a second time")
  void slowRebuildIsNotStartedTwice() {
    Runs runs = runs("producer");
    DFut<byte[]> result =
        cluster.made(dfut.task(RecoveryIT::slowly).resource(SOIL, 1).submit(runs, 9, SLOW));
    for (int lost = 1; lost <= 3; lost++) {
      cluster.replaceMortal();
      DFut<Seen> consumer = dfut.task(Seen::of).resource(SOIL, 1).submit(result);
      int rebuilds = lost;
      eventually("it is not made again").until(() -> runs.count() == 1 + rebuilds);
      try (consumer;
          DFut<Seen> late = dfut.task(Seen::of).resource(SOIL, 1).submit(result)) {
        if (lost == 3) { // else the driver's copy would be left
          assertThat(askOftenFor(result)).isEqualTo(Tasks.bytes(9, LARGE));
        }
        assertThat(consumer.get(SOON)).isEqualTo(Seen.of(Tasks.bytes(9, LARGE)));
        assertThat(late.get(SOON)).isEqualTo(Seen.of(Tasks.bytes(9, LARGE)));
      }
      assertRan(runs, 1 + lost);
    }
    result.close();
  }

  private DFut<byte[]> chain(DFutSystem owner, Runs runs, int links) {
    DFut<byte[]> last = owner.task(RecoveryIT::bytes).resource(SOIL, 1).submit(runs, 10, LARGE);
    for (int i = 1; i < links; i++) {
      try (DFut<byte[]> before = last) {
        last = owner.task(RecoveryIT::turned).resource(SOIL, 1).submit(runs, before);
      }
    }
    return cluster.made(last);
  }

  @Test
  @Tag("C102")
  @DisplayName("102 a short chain is rebuilt, one beyond the budget names the key to raise")
  void lineageBeyondItsBudgetIsDropped() {
    try (DFutSystem frugal =
        DFutSystem.connect(
            dfut.node().address(),
            ConfigFactory.parseString(
                    "dfut.lineage.max-bytes = 10 kB\ndfut.values.allow = [\"io.dfut.\"]")
                .withFallback(DyingCluster.settings()))) {
      Runs few = runs("few");
      DFut<byte[]> end = chain(frugal, few, 5);
      cluster.replaceMortal();
      byte[] expected = Tasks.bytes(10, LARGE);
      for (int i = 1; i < 5; i++) {
        expected = turn(expected);
      }
      assertThat(end.get(SOON)).isEqualTo(expected);
      assertRan(few, 10);
      end.close();

      Runs many = runs("many");
      DFut<byte[]> far = chain(frugal, many, 100);
      cluster.replaceMortal();
      ObjectLostException lost = lossOf(far);
      assertThat(lost.reason()).isEqualTo(Reason.LINEAGE_EVICTED);
      assertThat(lost)
          .hasMessageContaining("dfut.lineage.max-bytes = 10000")
          .hasMessageContaining(frugal.node().toString());
      assertRan(many, 100);
      far.close();
      frugal.inspect().assertNoLeaks(SOON);
    }
  }

  @Test
  @Tag("C140")
  @DisplayName("140 a body that halts its JVM fails with how often it ran, and where it died")
  void haltingBodyIsReportedAsADeath() {
    Runs runs = runs("body");
    cluster.addMortals(1);
    NodeId victim = cluster.mortal().node();
    try (DFut<Integer> result =
        dfut.task(RecoveryIT::halts).on(victim).maxRetries(0).submit(runs, 1)) {
      NodeFailedException failure =
          catchThrowableOfType(NodeFailedException.class, () -> result.get(SOON));
      assertThat(failure.attempts()).isEqualTo(1);
      assertThat(failure.causeOfDeath()).isNotBlank();
      assertThat(failure).hasMessageContaining(victim.toString()).hasMessageContaining("halts");
    }
    cluster.forget(victim);
    assertRan(runs, 1);
  }

  private NodeId whereRan(Runs runs, int index) {
    return cluster.living().stream()
        .map(FarNode::node)
        .filter(node -> runs.lines().get(index).contains(" on " + node + " "))
        .findFirst()
        .orElseThrow();
  }

  @Test
  @Tag("C141")
  @DisplayName("141 a body that halts at first runs a second time, and not with no retries")
  void haltingBodyRunsAgainWithinItsBound() {
    cluster.addMortals(2);
    Runs again = runs("again");
    try (DFut<Integer> result =
        dfut.task(RecoveryIT::halts).resource(SOIL, 1).maxRetries(1).submit(again, 1)) {
      assertThat(result.get(SOON)).as("attempts").isEqualTo(2);
    }
    cluster.forget(whereRan(again, 0));
    assertRan(again, 2);

    Runs once = runs("once");
    try (DFut<Integer> result =
        dfut.task(RecoveryIT::halts).resource(SOIL, 1).maxRetries(0).submit(once, 1)) {
      assertThat(catchThrowableOfType(NodeFailedException.class, () -> result.get(SOON)).attempts())
          .isEqualTo(1);
    }
    cluster.forget(whereRan(once, 0));
    assertRan(once, 1);
  }

  @Test
  @Tag("C303")
  @DisplayName("303 three kills are survived by three retries, and no attempt is run twice")
  void asManyKillsAsRetriesAreSurvived() {
    cluster.addMortals(3);
    Runs runs = runs("body");
    Gate gate = Gate.closed();
    try (DFut<Integer> result =
        dfut.task(RecoveryIT::waits).resource(SOIL, 1).maxRetries(3).submit(runs, gate)) {
      for (int kill = 0; kill < 3; kill++) {
        int begun = kill + 1;
        eventually("it does not run again").until(() -> runs.count() == begun);
        cluster.kill(cluster.mortal(whereRan(runs, kill)));
      }
      eventually("it does not run a fourth time").until(() -> runs.count() == 4);
      gate.open();
      assertThat(result.get(SOON)).as("attempts").isEqualTo(4);
    }
    assertThat(runs.lines())
        .extracting(line -> line.substring(line.indexOf(" attempt ")))
        .containsExactly(" attempt 0", " attempt 1", " attempt 2", " attempt 3");
  }
}
