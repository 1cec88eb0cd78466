package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ActorHandle;
import io.dfut.Arg;
import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.Inspection;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.SharedDFut;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * References that travel between three JVMs on routes that are laid out beforehand: every hop is
 * placed on its node. When the last holder has let go, the object must be gone from every node
 * within about a second.
 */
@RunsOn(Place.THREE_JVMS)
final class TravelsIT extends ObjectScenarios {
  /** About a second; the nodes are three JVMs on two cores. */
  private static final Duration ABOUT_A_SECOND = Duration.ofMillis(1_500);

  /** The driver's node is the first; it has no slots. */
  private NodeId second;

  private NodeId third;

  @BeforeEach
  void nameNodes() {
    second = nodes().get(1).node();
    third = nodes().get(2).node();
  }

  // ---- the ways ----

  /** What a reference is wrapped in for one hop. */
  enum Way {
    /** It is the argument. */
    ARGUMENT {
      @Override
      Arg<?> wrap(DFutContext from, SharedDFut<byte[]> reference) {
        return Arg.of(reference);
      }
    },
    /** It stands somewhere in an argument. */
    GRAPH {
      @Override
      Arg<?> wrap(DFutContext from, SharedDFut<byte[]> reference) {
        return Arg.of(Map.of("left", List.of(reference), "right", List.of(reference)));
      }
    },
    /** It stands in an object that was put, which is the argument by value. */
    CONTAINER {
      @Override
      Arg<?> wrap(DFutContext from, SharedDFut<byte[]> reference) {
        return from.put(List.of(reference));
      }
    },
    /** It stands in an object that was put, to which the argument is a reference. */
    CONTAINER_REFERENCE {
      @Override
      Arg<?> wrap(DFutContext from, SharedDFut<byte[]> reference) {
        return Arg.of(from.put(List.of(reference)).share());
      }
    },
    /** It stands in the result of another task, on whatever node. */
    RESULT {
      @Override
      Arg<?> wrap(DFutContext from, SharedDFut<byte[]> reference) {
        return from.task(TravelsIT::inAList).submit(reference);
      }
    };

    abstract Arg<?> wrap(DFutContext from, SharedDFut<byte[]> reference);

    /** Takes it out again, whichever way it came. */
    @SuppressWarnings("unchecked") // as it was wrapped
    static SharedDFut<byte[]> unwrap(Object load) {
      return switch (load) {
        case Map<?, ?> graph -> unwrap(graph.get("right"));
        case List<?> container -> unwrap(container.getFirst());
        case SharedDFut<?> reference -> (SharedDFut<byte[]>) reference;
        default -> throw new IllegalStateException("nothing travels as " + load);
      };
    }
  }

  private static List<SharedDFut<byte[]>> inAList(SharedDFut<byte[]> reference) {
    return List.of(reference);
  }

  /** The end of a journey: where it was, and what was read there. */
  record Arrival(List<NodeId> route, Seen seen) {}

  /**
   * One stop of a journey: takes the reference out of what it came in, and sends it on the same way
   * to the next stop, or reads it at the last one.
   *
   * @param waits whether each stop waits for those below it, or leaves at once
   * @return the arrival, or a reference to the next stop's result
   */
  private static Object travel(
      Gate gate, Way way, boolean waits, List<NodeId> gone, List<NodeId> ahead, Object load)
      throws InterruptedException {
    DFutContext here = DFutContext.current();
    Object content = load;
    if (way == Way.CONTAINER_REFERENCE) {
      content = ((SharedDFut<?>) load).get();
    }
    SharedDFut<byte[]> reference = Way.unwrap(content);
    List<NodeId> route = new ArrayList<>(gone);
    route.add(here.node());
    if (ahead.isEmpty()) {
      gate.pass();
      return new Arrival(route, read(reference));
    }
    DFut<Object> next = send(here, gate, way, waits, route, ahead, reference);
    return waits ? next.get() : next.share();
  }

  private static DFut<Object> send(
      DFutContext from,
      Gate gate,
      Way way,
      boolean waits,
      List<NodeId> gone,
      List<NodeId> ahead,
      SharedDFut<byte[]> reference) {
    @SuppressWarnings("unchecked") // a task takes any load
    Arg<Object> load = (Arg<Object>) way.wrap(from, reference);
    return from.task(TravelsIT::travel)
        .on(ahead.getFirst())
        .cpus(0) // many journeys wait at their ends at the same time
        .submit(
            Arg.of(gate),
            Arg.of(way),
            Arg.of(waits),
            Arg.of(gone),
            Arg.of(ahead.subList(1, ahead.size())),
            load);
  }

  /** Who owns the travelling object. */
  enum Owner {
    /** The driver, which put it. */
    DRIVER,
    /** The driver, for which a task on the second node made it. */
    DRIVER_MADE_ELSEWHERE,
    /** A worker of the second node, whose task put it and has ended. */
    SECOND
  }

  private SharedDFut<byte[]> owned(Owner owner, int seed, int length) {
    return switch (owner) {
      case DRIVER -> {
        try (DFut<byte[]> object = dfut.put(Tasks.bytes(seed, length))) {
          yield object.share();
        }
      }
      case DRIVER_MADE_ELSEWHERE -> {
        try (DFut<byte[]> object = dfut.task(Tasks::bytes).on(second).submit(seed, length)) {
          yield object.share();
        }
      }
      case SECOND -> {
        try (DFut<SharedDFut<byte[]>> given =
            dfut.task(ObjectScenarios::putAndShare).on(second).submit(seed, length)) {
          yield given.get(SOON);
        }
      }
    };
  }

  private static Object journeysEnd(Object result) {
    Object value = result;
    while (value instanceof SharedDFut<?> deeper) {
      try (deeper) {
        value = deeper.get(SOON);
      }
    }
    return value;
  }

  /** The last holder has just let go: the objects are gone from every node very soon. */
  private void goneAtOnce(List<ObjectId> ids) {
    long start = System.nanoTime();
    eventually("nobody can ask for it, but it is still there")
        .atMost(ABOUT_A_SECOND)
        .untilAsserted(
            () -> {
              assertThat(rows().stream().filter(row -> ids.contains(row.object()))).isEmpty();
              assertThat(habitat().inStores(Inspection.Store::objects)).isZero();
            });
    System.out.printf(
        "%d objects: gone %d ms after the last release%n",
        ids.size(), (System.nanoTime() - start) / 1_000_000);
  }

  private record Journey(ObjectId object, Seen seen, DFut<Object> end) {}

  @ParameterizedTest(name = "a reference that travels three stops as {0}")
  @EnumSource(Way.class)
  @DisplayName("a reference travels three stops, there and back, with and without those between")
  void referenceTravels(Way way) {
    List<NodeId> route = List.of(third, second, third);
    Gate gate = Gate.closed();
    List<Journey> journeys = new ArrayList<>();
    int seed = 0;
    for (Owner owner : Owner.values()) {
      for (int length : new int[] {SMALL, LARGE}) {
        for (boolean waits : new boolean[] {true, false}) {
          SharedDFut<byte[]> object = owned(owner, ++seed, length);
          DFut<Object> end =
              dfut.scope(() -> send(dfut, gate, way, waits, List.of(), route, object));
          journeys.add(new Journey(object.id(), Seen.of(Tasks.bytes(seed, length)), end));
          object.close();
        }
      }
    }
    gate.awaitArrived(journeys.size());
    eventually("the driver still counts handles of its own, or has freed what others hold")
        .untilAsserted(
            () ->
                assertThat(journeys)
                    .filteredOn(journey -> journey.object().owner().node().equals(dfut.node()))
                    .allSatisfy(
                        journey ->
                            assertThat(countsOf(journey.object()))
                                .isNotEmpty()
                                .doesNotContainKey("handles")));
    gate.open();
    for (Journey journey : journeys) {
      assertThat(journeysEnd(journey.end().get(SOON)))
          .isEqualTo(new Arrival(route, journey.seen()));
      journey.end().close();
    }
    goneAtOnce(journeys.stream().map(Journey::object).toList());
  }

  private ActorHandle<Keeper> keeperOn(NodeId node) {
    return dfut.actor(Keeper::new).on(node).create();
  }

  private static void handOn(ActorHandle<Keeper> from, ActorHandle<Keeper> to) {
    from.task(Keeper::handTo).submit(to).get(SOON);
  }

  private void forEveryOwner(java.util.function.BiConsumer<SharedDFut<byte[]>, Seen> story) {
    int seed = 100;
    for (Owner owner : Owner.values()) {
      for (int length : new int[] {SMALL, LARGE}) {
        int used = ++seed;
        dfut.scope(
            () -> {
              SharedDFut<byte[]> object = owned(owner, used, length);
              story.accept(object, Seen.of(Tasks.bytes(used, length)));
              goneAtOnce(List.of(object.id()));
            });
      }
    }
  }

  @Test
  @DisplayName("a borrower hands it on to a third node after its owner's side has let go")
  void handedOnAfterTheOwnerLetGo() {
    ActorHandle<Keeper> near = keeperOn(second);
    ActorHandle<Keeper> far = keeperOn(third);
    forEveryOwner(
        (object, seen) -> {
          keeping(near, object);
          object.close();
          handOn(near, far);
          dropBy(near);
          assertThat(readBy(far)).isEqualTo(seen);
          dropBy(far);
        });
  }

  @Test
  @DisplayName("two ways to one node at once, and the last of them to let go frees the object")
  void twoWaysAtOnce() {
    ActorHandle<Keeper> near = keeperOn(second);
    ActorHandle<Keeper> far = keeperOn(third);
    forEveryOwner(
        (object, seen) -> {
          Gate gate = Gate.closed();
          DFut<Object> viaSecond =
              send(dfut, gate, Way.GRAPH, false, List.of(), List.of(second, third), object);
          keeping(far, object); // the short way to where the other one leads
          keeping(near, object);
          object.close();
          gate.awaitArrived(1);
          dropBy(near);
          gate.open();
          assertThat(journeysEnd(viaSecond.get(SOON)))
              .isEqualTo(new Arrival(List.of(second, third), seen));
          viaSecond.close();
          assertThat(readBy(far)).isEqualTo(seen);
          dropBy(far);
        });
  }

  @Test
  @DisplayName("a reference comes back, by two other nodes, to an owner that had let go of it")
  void backToItsOwner() {
    for (int length : new int[] {SMALL, LARGE}) {
      Seen seen = Seen.of(Tasks.bytes(3, length));
      ActorHandle<Keeper> owner = keeperOn(second);
      ActorHandle<Keeper> other = keeperOn(third);
      owner.task(Keeper::putOwn).submit(3, length).get(SOON);
      SharedDFut<byte[]> mine;
      try (DFut<SharedDFut<byte[]>> given = owner.task(Keeper::giveFirst).submit()) {
        mine = given.get(SOON);
      }
      dropBy(owner);
      keeping(other, mine);
      mine.close();
      handOn(other, owner);
      dropBy(other);
      eventually("the owner does not see that it is the only holder")
          .untilAsserted(() -> assertThat(countsOf(mine.id())).containsOnlyKeys("handles"));
      assertThat(readBy(owner)).isEqualTo(seen);
      dropBy(owner);
      goneAtOnce(List.of(mine.id()));
    }
  }

  private static SharedDFut<SharedDFut<byte[]>> putOn(NodeId other, int seed, int length) {
    return DFutContext.current()
        .task(ObjectScenarios::putAndShare)
        .on(other)
        .submit(seed, length)
        .share();
  }

  @Test
  @DisplayName("a result on one node holds a result on another, which holds what that node owns")
  void resultsThatHoldResults() {
    for (int length : new int[] {SMALL, LARGE}) {
      Seen seen = Seen.of(Tasks.bytes(4, length));
      ActorHandle<Keeper> far = keeperOn(third);
      SharedDFut<SharedDFut<byte[]>> middle;
      try (DFut<SharedDFut<SharedDFut<byte[]>>> outer =
          dfut.task(TravelsIT::putOn).on(second).submit(third, 4, length)) {
        middle = outer.get(SOON);
      }
      SharedDFut<byte[]> inner = middle.get(SOON);
      middle.close();
      gone(middle.id());
      try (DFut<List<SharedDFut<byte[]>>> stored =
          dfut.task(TravelsIT::inAList).on(second).submit(inner)) {
        inner.close();
        far.task(Keeper::keepContent).submit(stored).get(SOON);
      }
      assertThat(readBy(far)).isEqualTo(seen);
      dropBy(far);
      goneAtOnce(List.of(middle.id(), inner.id()));
    }
  }
}
