package io.dfut.internal.drain;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.drain.DrainEffect.AskOwner;
import io.dfut.internal.drain.DrainEffect.Leave;
import io.dfut.internal.drain.DrainEffect.MoveActor;
import io.dfut.internal.drain.Seen.LivingActor;
import io.dfut.internal.drain.Seen.OwnedObject;
import io.dfut.internal.spi.ObjectKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class DrainMachineTest {
  private static final long BOUND = Duration.ofSeconds(30).toNanos();
  private static final NodeId HERE = new NodeId("here", 1, 0);
  private static final NodeId THERE = new NodeId("there", 2, 0);
  private static final NodeId ELSEWHERE = new NodeId("elsewhere", 3, 0);
  private static final WorkerId FAR = new WorkerId(THERE, 1);
  private static final WorkerId ACTOR = new WorkerId(HERE, 7);

  private final DrainMachine machine = new DrainMachine(BOUND);
  private final List<DrainEffect> effects = new ArrayList<>();
  private long now = 1;

  // What is there.
  private final List<String> running = new ArrayList<>();
  private final List<LivingActor> actors = new ArrayList<>();
  private final List<OwnedObject> owned = new ArrayList<>();
  private final Set<ObjectKey> primaries = new LinkedHashSet<>();
  private final List<NodeId> targets = new ArrayList<>(List.of(THERE));

  private static ObjectKey key(int number) {
    return new ObjectKey(new ObjectId(FAR, number, 0), 0);
  }

  private void does(DrainInput input) {
    effects.clear();
    machine.step(input, now, effects::add);
  }

  private void looks() {
    does(new DrainInput.Looked(new Seen(running, actors, owned, List.copyOf(primaries), targets)));
  }

  private void looksAfter(long nanos) {
    now += nanos;
    looks();
  }

  private List<String> left() {
    assertThat(effects).hasSize(1);
    return ((Leave) effects.getFirst()).left();
  }

  private <E extends DrainEffect> List<E> all(Class<E> type) {
    return effects.stream().filter(type::isInstance).map(type::cast).toList();
  }

  @BeforeEach
  void begins() {
    does(new DrainInput.Begun());
    assertThat(effects).containsExactly(new DrainEffect.Announce(), new DrainEffect.Look(0));
  }

  @Test
  void emptyNodeLeavesAtOnce() {
    looks();
    assertThat(left()).isEmpty();
  }

  @Test
  void drainingTwiceIsHarmless() {
    does(new DrainInput.Begun());
    assertThat(effects).isEmpty();
    looks();
    assertThat(left()).isEmpty();
    does(new DrainInput.Begun());
    looks();
    does(new DrainInput.CopySafe(key(1)));
    assertThat(effects).isEmpty();
  }

  @Test
  void runningTasksAreWaitedForUntilTheBound() {
    running.add("task long");
    looksAfter(BOUND - 1);
    assertThat(effects).containsExactly(new DrainEffect.Look(1));
    looksAfter(1);
    assertThat(left()).singleElement().asString().contains("task long").contains("interrupted");
  }

  @Test
  void primariesAreMovedAndOnlyThenTheNodeLeaves() {
    primaries.addAll(List.of(key(1), key(2)));
    targets.add(ELSEWHERE);
    looks();
    assertThat(effects)
        .containsExactly(
            new AskOwner(key(1), THERE),
            new AskOwner(key(2), ELSEWHERE),
            new DrainEffect.Look(DrainMachine.LOOK_NANOS));
    does(new DrainInput.CopySafe(key(1)));
    looks();
    assertThat(all(AskOwner.class)).as("asked a moment ago").isEmpty();
    assertThat(all(Leave.class)).isEmpty();
    primaries.remove(key(2)); // its owner has freed it
    looks();
    assertThat(left()).isEmpty();
  }

  @Test
  void silentOwnerIsAskedAgainAndToldOfAnotherNode() {
    primaries.add(key(1));
    targets.add(ELSEWHERE);
    looks();
    looksAfter(DrainMachine.ASK_AGAIN_NANOS);
    assertThat(all(AskOwner.class)).containsExactly(new AskOwner(key(1), ELSEWHERE));
  }

  @Test
  void fewPrimariesAreOnTheMoveAtATime() {
    IntStream.range(0, 2 * DrainMachine.MOVING_MAX).forEach(i -> primaries.add(key(i)));
    looks();
    List<AskOwner> first = all(AskOwner.class);
    assertThat(first).hasSize(DrainMachine.MOVING_MAX);
    does(new DrainInput.CopySafe(first.getFirst().key()));
    looks();
    assertThat(all(AskOwner.class)).hasSize(1).doesNotContainAnyElementsOf(first);
  }

  @Test
  void whatNobodyCouldTakeIsNamedAndNotWaitedFor() {
    targets.clear();
    primaries.add(key(1));
    actors.add(new LivingActor(ACTOR, "actor Counter", ""));
    looks();
    assertThat(left())
        .satisfiesExactly(
            actor -> assertThat(actor).contains("actor Counter"),
            copy -> assertThat(copy).contains(key(1).toString()));
  }

  @Test
  void actorsMoveOnceAndAreWaitedForUnlessTheyStay() {
    actors.add(new LivingActor(ACTOR, "actor Counter", ""));
    actors.add(new LivingActor(new WorkerId(HERE, 8), "actor Fixed", "its maxRestarts is 0"));
    looks();
    assertThat(all(MoveActor.class)).containsExactly(new MoveActor(ACTOR));
    looks();
    assertThat(all(MoveActor.class)).isEmpty();
    assertThat(all(Leave.class)).isEmpty();
    actors.removeFirst();
    looks();
    assertThat(left()).singleElement().asString().contains("Fixed").contains("maxRestarts is 0");
  }

  @Test
  void ownedObjectsAreHeldUntilTheyAreReleased() {
    ObjectId object = new ObjectId(new WorkerId(HERE, 3), 1, 0);
    owned.add(new OwnedObject(object, "put at A.java:1", Set.of(FAR)));
    targets.clear(); // whoever holds it may be a driver
    looks();
    assertThat(effects).containsExactly(new DrainEffect.Look(DrainMachine.LOOK_NANOS));
    now += BOUND;
    looks();
    assertThat(left())
        .singleElement()
        .asString()
        .contains(object.toString(), "A.java:1", FAR.toString());
  }

  @Test
  void thousandsThatAreLeftAreCounted() {
    targets.clear();
    IntStream.range(0, 5_000).forEach(i -> primaries.add(key(i)));
    looks();
    assertThat(left()).hasSize(DrainMachine.NAMED_MAX + 1).last().asString().contains("4980 more");
  }

  /** Things come and go as they like; the machine always leaves, and early only when it may. */
  @Test
  void randomNodesAreLeftInTime() {
    for (int seed = 0; seed < 2_000; seed++) {
      Random random = new Random(seed);
      DrainMachine any = new DrainMachine(BOUND);
      List<DrainEffect> out = new ArrayList<>();
      any.step(new DrainInput.Begun(), 0, out::add);
      Set<ObjectKey> here = new LinkedHashSet<>();
      Set<ObjectKey> safe = new HashSet<>();
      IntStream.range(0, random.nextInt(200)).forEach(i -> here.add(key(i)));
      int tasks = random.nextInt(5);
      boolean isStuck = random.nextInt(4) == 0;
      long time = 0;
      while (out.stream().noneMatch(Leave.class::isInstance)) {
        DrainEffect.Look look = (DrainEffect.Look) out.getLast();
        assertThat(look.delayNanos()).as("seed %d", seed).isNotNegative();
        for (DrainEffect effect : List.copyOf(out)) {
          if (effect instanceof AskOwner ask && random.nextInt(3) > 0) {
            if (random.nextInt(5) == 0) {
              here.remove(ask.key());
            } else {
              safe.add(ask.key());
              any.step(new DrainInput.CopySafe(ask.key()), time, out::add);
            }
          }
        }
        time += look.delayNanos() + random.nextInt(1_000_000);
        if (tasks > 0 && !isStuck && random.nextInt(10) == 0) {
          tasks--;
          here.add(key(1_000 + tasks)); // its result
        }
        out.clear();
        List<String> bodies = IntStream.range(0, tasks).mapToObj(i -> "task " + i).toList();
        any.step(
            new DrainInput.Looked(
                new Seen(bodies, List.of(), List.of(), List.copyOf(here), List.of(THERE))),
            time,
            out::add);
      }
      boolean nothingIsLeft = tasks == 0 && safe.containsAll(here);
      assertThat(((Leave) out.getLast()).left().isEmpty())
          .as("seed %d", seed)
          .isEqualTo(nothingIsLeft);
      assertThat(nothingIsLeft || time >= BOUND).as("seed %d leaves early", seed).isTrue();
      assertThat(time).as("seed %d", seed).isLessThan(BOUND + 2_000_000_000L);
    }
  }
}
