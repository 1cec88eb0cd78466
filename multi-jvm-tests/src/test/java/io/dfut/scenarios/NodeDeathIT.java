package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.dfut.ActorHandle;
import io.dfut.DFut;
import io.dfut.DFutActor;
import io.dfut.DFutContext;
import io.dfut.DFutException;
import io.dfut.DFutSystem;
import io.dfut.Func3;
import io.dfut.Inspection;
import io.dfut.NodeFailedException;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.OwnerDiedException;
import io.dfut.SharedDFut;
import io.dfut.Task3;
import io.dfut.TaskFailedException;
import io.dfut.internal.cluster.launch.JvmProcess;
import io.dfut.scenarios.ObjectScenarios.Keeper;
import io.dfut.scenarios.ObjectScenarios.Seen;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;

/**
 * One JVM is killed, which borrowed, owned, ran and had leased all sorts of things; each test is a
 * witness of one of them. The driver is in this JVM, two more nodes survive. Later tests let others
 * die too.
 */
@Timeout(90)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class NodeDeathIT {
  private static final Duration SOON = Duration.ofSeconds(10);

  /** Silence after which a node is thought dead, and how long the others look at each other. */
  private static final Duration PAUSE = Duration.ofSeconds(5);

  private static final Duration STABLE = Duration.ofSeconds(2);

  /** Before silence can tell anything: the kill is proven. */
  private static final Duration BOUND = PAUSE;

  private static final List<String> SETTINGS =
      List.of(
          "dfut.pekko.cluster.failure-detector.acceptable-heartbeat-pause="
              + PAUSE.toMillis()
              + "ms",
          "dfut.pekko.cluster.split-brain-resolver.stable-after=" + STABLE.toMillis() + "ms",
          "dfut.cluster.join-timeout=60s", // four JVMs start at once
          "pekko.remote.artery.bind.bind-timeout=60s",
          "dfut.ownership.handover-grace=3s",
          // The nodes are of one host; here they stand for nodes of many, which have copies.
          "dfut.store.shared-memory=off");

  private static final int SMALL = ObjectScenarios.SMALL;
  private static final int LARGE = ObjectScenarios.LARGE;

  private DFutSystem dfut;
  private FarNode victim;
  private FarNode near;
  private FarNode far;
  private final List<FarNode> living = new ArrayList<>();
  private long killedAtNanos;

  // ---- what waits for the death ----

  /** How something ended, and how long after the kill. */
  private record End(Object value, Throwable thrown, Duration after) {}

  private final Map<String, CompletableFuture<End>> ends = new ConcurrentHashMap<>();

  /** Runs this on a thread of its own, and notes its end. */
  private void watch(String what, Supplier<?> body) {
    CompletableFuture<End> end = new CompletableFuture<>();
    ends.put(what, end);
    Thread.ofVirtual()
        .name(what)
        .start(
            () -> {
              Object value = null;
              Throwable thrown = null;
              try {
                value = body.get();
              } catch (RuntimeException e) {
                thrown = e;
              }
              end.complete(
                  new End(value, thrown, Duration.ofNanos(System.nanoTime() - killedAtNanos)));
            });
  }

  private End endOf(String what) {
    End end =
        ends.get(what).orTimeout(SOON.toSeconds(), java.util.concurrent.TimeUnit.SECONDS).join();
    System.out.printf("%s: %d ms after the kill%n", what, end.after().toMillis());
    return end;
  }

  private static ConditionFactory eventually(String reason) {
    return Awaitility.await(reason).atMost(SOON).pollInterval(Duration.ofMillis(20));
  }

  private List<Inspection> looks() {
    return Stream.concat(Stream.of(dfut.inspect()), living.stream().map(FarNode::inspect)).toList();
  }

  private boolean isKnown(ObjectId object) {
    return looks().stream()
        .flatMap(look -> look.rows().stream())
        .anyMatch(row -> row.object().equals(object));
  }

  /** The value; the handle is closed. */
  private static <T> T now(DFut<T> future) {
    try (future) {
      return future.get(SOON);
    }
  }

  private ActorHandle<Keeper> keeperOn(FarNode node) {
    return dfut.actor(Keeper::new).on(node.node()).create();
  }

  // ---- the stories, up to the death ----

  private ActorHandle<Keeper> lastInTheChain;
  private ObjectId handedOn;

  private ActorHandle<Keeper> middle;

  private void borrowerHandsOnAndDies() {
    middle = keeperOn(victim);
    lastInTheChain = keeperOn(near);
    try (DFut<byte[]> object = dfut.put(Tasks.bytes(1, LARGE));
        SharedDFut<byte[]> shared = object.share()) {
      handedOn = object.id();
      now(middle.task(Keeper::keepFirst).submit(shared));
    }
    now(middle.task(Keeper::handTo).submit(lastInTheChain));
  }

  private final Gate never = Gate.closed();

  private static String failureOf(SharedDFut<byte[]> reference) {
    try {
      return "a value of " + reference.get().length;
    } catch (DFutException e) {
      return e.getClass().getSimpleName() + ": " + e.getMessage();
    }
  }

  private SharedDFut<byte[]> pending;

  private void readersWait() {
    pending =
        now(dfut.task(ObjectScenarios::startAndShare).on(victim.node()).submit(never, 1, SMALL));
    watch("the driver's get", () -> pending.get(Duration.ofSeconds(30)));
    DFut<String> task = dfut.task(NodeDeathIT::failureOf).on(near.node()).submit(pending);
    watch("a task's get", () -> readAndClose(task));
    try (DFut<byte[]> borrowed = pending.borrow()) {
      DFut<Object> consumer = dfut.task(Tasks::echo).on(near.node()).submit(borrowed);
      watch("a consumer by value", () -> readAndClose(consumer));
    }
  }

  private static <T> T readAndClose(DFut<T> future) {
    try (future) {
      return future.get(Duration.ofSeconds(30));
    }
  }

  private static SharedDFut<List<SharedDFut<byte[]>>> nestOver(NodeId inner) {
    DFutContext here = DFutContext.current();
    SharedDFut<byte[]> reference =
        here.task(ObjectScenarios::putAndShare).on(inner).submit(5, SMALL).get();
    return here.put(List.of(reference)).share();
  }

  private SharedDFut<List<SharedDFut<byte[]>>> outer;

  private void innerOwnerDies() {
    outer = now(dfut.task(NodeDeathIT::nestOver).on(near.node()).submit(victim.node()));
  }

  private static Seen handDown(Gate gate, List<NodeId> route, SharedDFut<byte[]> reference)
      throws InterruptedException {
    if (!route.isEmpty()) {
      return onTheWayDown(NodeDeathIT::handDown, route)
          .submit(gate, route.subList(1, route.size()), reference)
          .get();
    }
    gate.pass();
    return ObjectScenarios.read(reference);
  }

  /** Does not count against slots, and is not tried again: the deepest is to crash for good. */
  private static <T> Task3<Gate, List<NodeId>, T, Seen> onTheWayDown(
      Func3<Gate, List<NodeId>, T, Seen> body, List<NodeId> route) {
    return DFutContext.current().task(body).on(route.getFirst()).cpus(0).maxRetries(0);
  }

  private ObjectId handedDown;

  private void deepestCrashes() {
    try (DFut<byte[]> object = dfut.put(Tasks.bytes(8, LARGE));
        SharedDFut<byte[]> shared = object.share()) {
      handedDown = object.id();
      List<NodeId> route = List.of(far.node(), near.node(), far.node(), victim.node());
      DFut<Seen> top =
          dfut.task(NodeDeathIT::handDown).on(near.node()).cpus(0).submit(never, route, shared);
      watch("the top of five tasks", () -> readAndClose(top));
    }
  }

  @SuppressWarnings("unchecked") // as deepestCrashesWithTheOwner() wrapped them
  private static Seen unwrapDown(Gate gate, List<NodeId> route, SharedDFut<?> reference)
      throws InterruptedException {
    if (!route.isEmpty()) {
      SharedDFut<?> content = ((List<SharedDFut<?>>) reference.get()).getFirst();
      return onTheWayDown(NodeDeathIT::unwrapDown, route)
          .submit(gate, route.subList(1, route.size()), content)
          .get();
    }
    gate.pass();
    return ObjectScenarios.read((SharedDFut<byte[]>) reference);
  }

  private DFut<?> outermost;
  private final List<ObjectId> layers = new ArrayList<>();

  private void deepestCrashesWithTheOwner() {
    try (SharedDFut<byte[]> inner =
        now(dfut.task(ObjectScenarios::putAndShare).on(victim.node()).submit(9, SMALL))) {
      layers.add(inner.id());
      outermost = dfut.put(List.of(inner));
    }
    for (int depth = 2; depth <= 5; depth++) {
      try (DFut<?> content = outermost;
          SharedDFut<?> shared = content.share()) {
        layers.add(content.id());
        outermost = dfut.put(List.of(shared));
      }
    }
    layers.add(outermost.id());
    List<NodeId> route = List.of(far.node(), near.node(), far.node(), near.node(), victim.node());
    try (SharedDFut<?> shared = outermost.share()) {
      DFut<Seen> top =
          dfut.task(NodeDeathIT::unwrapDown).on(near.node()).cpus(0).submit(never, route, shared);
      watch("the top of five containers", () -> readAndClose(top));
    }
  }

  /** Submits tasks that wait, and owns them. */
  static final class Crowd extends DFutActor<Void> {
    private final List<DFut<?>> tasks = new ArrayList<>();

    /** Each with a shape of its own, so that each asks for a lease of its own. */
    public void submit(Gate gate, NodeId node, int count) {
      for (int i = 0; i < count; i++) {
        tasks.add(dfut().task(Tasks::after).cpus(0.35 + i * 0.001).on(node).submit(gate, i));
      }
    }

    /** Owns an object of which there is a copy only elsewhere. */
    public SharedDFut<byte[]> ownElsewhere(NodeId node, int seed, int length) {
      DFut<byte[]> object = dfut().task(Tasks::bytes).on(node).submit(seed, length);
      tasks.add(object);
      return object.share();
    }
  }

  private static final int LEASES_GRANTED = 5;
  private static final int LEASES_QUEUED = 50;
  private ActorHandle<Crowd> crowd;
  private SharedDFut<byte[]> ownedByTheVictim;

  private void leasesAndBytesOfTheVictim() {
    crowd = dfut.actor(Crowd::new).on(victim.node()).create();
    now(crowd.task(Crowd::submit).submit(never, far.node(), LEASES_GRANTED + LEASES_QUEUED));
    eventually("the victim's leases")
        .untilAsserted(
            () -> {
              List<String> states =
                  far.inspect().leases().stream()
                      .filter(lease -> lease.owner().node().equals(victim.node()))
                      .map(Inspection.Lease::state)
                      .toList();
              assertThat(states).filteredOn("granted"::equals).hasSize(LEASES_GRANTED);
              assertThat(states).filteredOn("queued"::equals).hasSize(LEASES_QUEUED);
            });
    ownedByTheVictim = now(crowd.task(Crowd::ownElsewhere).submit(near.node(), 7, LARGE));
    assertThat(ownedByTheVictim.get(SOON)).hasSize(LARGE); // now there is a copy here too
    assertThat(dfut.inspect().store().objects()).isEqualTo(3); // and what was handed on, and down
  }

  @BeforeAll
  void startAndKill() {
    dfut =
        DFutSystem.start(
            ConfigFactory.parseString(Habitat.joining("") + String.join("\n", SETTINGS))
                .withFallback(Habitat.config(0)));
    String join = dfut.node().address();
    victim = FarNode.start("victim", 2, join, SETTINGS);
    near = FarNode.start("near", 2, join, SETTINGS);
    far = FarNode.start("far", 2, join, SETTINGS);
    living.addAll(List.of(near, far));
    Stream.of(victim, near, far).forEach(FarNode::ready);
    Awaitility.await("four JVMs form a cluster").until(() -> dfut.nodes().size() == 4);
    borrowerHandsOnAndDies();
    readersWait();
    innerOwnerDies();
    deepestCrashes();
    deepestCrashesWithTheOwner();
    leasesAndBytesOfTheVictim();
    never.awaitArrived(LEASES_GRANTED + 3);
    killedAtNanos = System.nanoTime();
    victim.kill();
  }

  @AfterAll
  void closeAll() {
    Gate.openAll();
    if (dfut != null) {
      dfut.close();
    }
    Stream.of(victim, near, far).filter(node -> node != null).forEach(FarNode::close);
    Gate.forgetAll();
  }

  // ---- the witnesses ----

  private void assertNames(FarNode owner, String message) {
    assertThat(message).contains(owner.node().address()).contains("must outlive");
  }

  @Test
  @Order(1)
  @Tag("C121")
  @DisplayName("121 whoever is blocked in get hears in time that the owner died, and which")
  void blockedReadersHearInTime() {
    End driver = endOf("the driver's get");
    assertThat(driver.thrown()).isInstanceOf(OwnerDiedException.class);
    assertNames(victim, driver.thrown().getMessage());
    assertThat(driver.after()).isLessThan(BOUND);
    End task = endOf("a task's get");
    assertThat(task.value()).asString().startsWith("OwnerDiedException");
    assertNames(victim, task.value().toString());
    assertThat(task.after()).isLessThan(BOUND);
    End consumer = endOf("a consumer by value");
    assertThat(consumer.thrown()).isInstanceOf(OwnerDiedException.class);
    assertThat(consumer.after()).isLessThan(BOUND);
    pending.close();
    eventually("the dead owner's object is known still").until(() -> !isKnown(pending.id()));
  }

  @Test
  @Order(2)
  @Tag("C128")
  @DisplayName("128 the outer object is read, the inner one fails with its own owner")
  void innerFailsWithItsOwnOwner() {
    endOf("the driver's get"); // so the death is known here
    List<SharedDFut<byte[]>> content = outer.get(SOON);
    SharedDFut<byte[]> inner = content.getFirst();
    assertThatThrownBy(() -> inner.get(SOON))
        .isInstanceOf(OwnerDiedException.class)
        .hasMessageContaining(victim.node().address());
    inner.close();
    outer.close();
    eventually("the outer object stays").until(() -> !isKnown(outer.id()));
  }

  @Test
  @Order(3)
  @Tag("C132")
  @DisplayName("132 a dead owner's leases and requests vanish, and their resources are free")
  void leasesOfTheDeadVanish() {
    eventually("leases of the dead")
        .until(
            () ->
                looks().stream()
                    .flatMap(look -> look.leases().stream())
                    .noneMatch(lease -> lease.owner().node().equals(victim.node())));
    System.out.printf(
        "leases of the dead were gone %d ms after the kill%n",
        (System.nanoTime() - killedAtNanos) / 1_000_000);
    for (FarNode node : living) {
      assertThat(now(dfut.task(Tasks::echo).cpus(2).on(node.node()).submit(1)))
          .as("a task that needs all of %s", node)
          .isEqualTo(1);
    }
    assertThat(Duration.ofNanos(System.nanoTime() - killedAtNanos)).isLessThan(SOON);
  }

  @Test
  @Order(4)
  @DisplayName("a dead owner's object is freed wherever there is a copy, and readers are told")
  void bytesOfTheDeadAreFreed() {
    endOf("the driver's get");
    eventually("a copy of what the dead one owned stays")
        .untilAsserted(
            () ->
                assertThat(looks().stream().mapToLong(look -> look.store().objects()).sum())
                    .as("objects, with what was handed on, which is stored here")
                    .isEqualTo(1));
    assertThatThrownBy(() -> ownedByTheVictim.get(SOON)).isInstanceOf(OwnerDiedException.class);
    ownedByTheVictim.close();
  }

  @Test
  @Order(5)
  @DisplayName("a borrower's borrower outlives the borrower, whose node was killed")
  void lastInTheChainOutlivesTheMiddleOne() {
    eventually("the grace for what the dead one held")
        .untilAsserted(
            () -> {
              Map<String, Integer> counts =
                  dfut.inspect().rows().stream()
                      .filter(row -> row.object().equals(handedOn))
                      .findFirst()
                      .orElseThrow()
                      .counts();
              assertThat(counts).containsOnlyKeys("borrowers").containsEntry("borrowers", 1);
            });
    assertThat(now(lastInTheChain.task(Keeper::readFirst).submit()))
        .isEqualTo(Seen.of(Tasks.bytes(1, LARGE)));
    now(lastInTheChain.task(Keeper::dropFirst).submit());
    long start = System.nanoTime();
    Awaitility.await("the last holder has let go")
        .atMost(Duration.ofMillis(1_500))
        .until(() -> !isKnown(handedOn));
    System.out.printf(
        "gone %d ms after the last release%n", (System.nanoTime() - start) / 1_000_000);
    lastInTheChain.close();
  }

  private void assertCrashed(End end) {
    assertThat(end.after()).isLessThan(BOUND);
    // Not by its class: one that travels as a cause is rebuilt only if a message is all it needs.
    assertThat(end.thrown())
        .isInstanceOf(TaskFailedException.class)
        .rootCause()
        .hasMessageStartingWith(NodeFailedException.class.getName() + ": ")
        .hasMessageContaining(victim.node().address());
  }

  @Test
  @Order(6)
  @Tag("C075")
  @DisplayName("075 the crash of the deepest is heard at the top, and the reference given up")
  void crashOfTheDeepestGivesTheReferenceUp() {
    assertCrashed(endOf("the top of five tasks"));
    eventually("what was handed down stays").until(() -> !isKnown(handedDown));
    assertThat(looks().stream().mapToLong(look -> look.store().objects()).sum()).isZero();
  }

  @Test
  @Order(7)
  @Tag("C076")
  @DisplayName("076 the crash of the deepest takes the innermost along, if it owned that")
  void crashOfTheDeepestTakesTheInnermostAlong() {
    assertCrashed(endOf("the top of five containers"));
    try (DFut<?> top = outermost) {
      Object value = top.get(SOON);
      for (int depth = 4; depth > 0; depth--) {
        try (SharedDFut<?> content = (SharedDFut<?>) ((List<?>) value).getFirst()) {
          value = content.get(SOON);
        }
      }
      try (SharedDFut<?> innermost = (SharedDFut<?>) ((List<?>) value).getFirst()) {
        assertThat(innermost.id()).isEqualTo(layers.getFirst());
        assertThatThrownBy(() -> innermost.get(SOON))
            .isInstanceOf(OwnerDiedException.class)
            .hasMessageContaining(victim.node().address());
      }
    }
    eventually("a layer stays").untilAsserted(() -> assertThat(layers).noneMatch(this::isKnown));
  }

  /** The program of a driver that leaves a detached actor behind. */
  static final class Detaching {
    private Detaching() {}

    /** The cluster's address. */
    public static void main(String[] args) {
      try (DFutSystem driver =
          DFutSystem.connect(
              args[0], ConfigFactory.parseString("dfut.values.allow = [\"io.dfut.\"]"))) {
        ActorHandle<Keeper> actor =
            driver.actor(Keeper::new).named("c130").detached().spread().create();
        actor.task(Keeper::keepSecond).submit(driver.put(new byte[] {1}).share()).get(SOON);
        actor.task(Keeper::putOwn).submit(2, LARGE).get(SOON);
        System.out.println("leaving");
      }
    }
  }

  @Test
  @Order(8)
  @Tag("C130")
  @DisplayName("130 a detached actor outlives its driver, with what it owns, not what that owned")
  void detachedActorOutlivesItsDriver() {
    try (JvmProcess driver =
        JvmProcess.of("detaching", Detaching.class, dfut.node().address())
            .flags("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
            .flags(SETTINGS.stream().map(s -> "-D" + s).toArray(String[]::new))
            .start()) {
      assertThat(driver.awaitExit(Duration.ofSeconds(60)))
          .as("%s", driver.lines())
          .isEqualTo(OptionalInt.of(0));
      assertThat(driver.lines()).contains("leaving");
    }
    ActorHandle<Keeper> actor = dfut.getActor(Keeper.class, "c130").orElseThrow();
    assertThat(now(actor.task(Keeper::readFirst).submit()))
        .isEqualTo(Seen.of(Tasks.bytes(2, LARGE)));
    try (SharedDFut<byte[]> own = now(actor.task(Keeper::giveFirst).submit())) {
      assertThat(own.get(SOON)).as("read by another driver").isEqualTo(Tasks.bytes(2, LARGE));
    }
    eventually("what the driver owned can be read after its end")
        .untilAsserted(
            () ->
                assertThatThrownBy(() -> now(actor.task(Keeper::readSecond).submit()))
                    .satisfies(
                        thrown ->
                            assertThat(Stream.iterate(thrown, t -> t != null, Throwable::getCause))
                                .hasAtLeastOneElementOfType(OwnerDiedException.class)));
    dfut.kill(actor);
    actor.close();
  }

  // ---- store usage ----

  /** Owns two objects. */
  static final class Holder extends DFutActor<Void> {
    private DFut<byte[]> one;
    private DFut<byte[]> ten;

    public void put() {
      one = dfut().put(new byte[1_000_000]);
      ten = dfut().put(new byte[10_000_000]);
    }

    public void dropOne() {
      one.close();
    }

    public void dropTen() {
      ten.close();
    }
  }

  private void assertStored(int megabytes) {
    long start = System.nanoTime();
    eventually(megabytes + " MB in all stores")
        .untilAsserted(
            () ->
                assertThat(
                        Math.round(
                            looks().stream().mapToLong(look -> look.store().usedBytes()).sum()
                                / 1e6))
                    .isEqualTo(megabytes));
    System.out.printf("%d MB after %d ms%n", megabytes, (System.nanoTime() - start) / 1_000_000);
  }

  @Test
  @Order(9)
  @Tag("C041")
  @DisplayName("041 store usage follows handles and node deaths step by step")
  void storeUsageFollowsHandlesAndDeaths() {
    assertStored(0);
    DFut<byte[]> one = dfut.put(new byte[1_000_000]);
    DFut<byte[]> ten = dfut.put(new byte[10_000_000]);
    assertStored(11);
    one.close();
    assertStored(10);
    ten.close();
    assertStored(0);
    ActorHandle<Holder> first = dfut.actor(Holder::new).on(near.node()).create();
    ActorHandle<Holder> second = dfut.actor(Holder::new).on(far.node()).create();
    now(first.task(Holder::put).submit());
    now(second.task(Holder::put).submit());
    assertStored(22);
    now(first.task(Holder::dropOne).submit());
    now(second.task(Holder::dropTen).submit());
    assertStored(11);
    living.remove(far);
    far.kill();
    assertStored(10);
    dfut.kill(first);
    assertStored(0);
    first.close();
    second.close();
  }

  @Test
  @Order(10)
  @DisplayName("after all deaths nothing is left on the nodes that live, and nothing was an error")
  void nothingIsLeft() {
    middle.close();
    crowd.close();
    looks().forEach(look -> look.assertNoLeaks(SOON));
    assertThat(living).allSatisfy(node -> assertThat(node.errors()).isEmpty());
  }
}
