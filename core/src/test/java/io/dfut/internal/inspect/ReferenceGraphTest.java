package io.dfut.internal.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.Inspection.Cycle;
import io.dfut.Inspection.Hold;
import io.dfut.Inspection.Link;
import io.dfut.Inspection.Role;
import io.dfut.Inspection.Row;
import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A driver owns an actor and a result that refers to the actor, whose field holds the result. */
class ReferenceGraphTest {
  private static final NodeId NODE = new NodeId("here", 1, 1);
  private static final WorkerId DRIVER = new WorkerId(NODE, 1);
  private static final WorkerId ACTOR_WORKER = new WorkerId(NODE, 2);
  private static final WorkerId ELSEWHERE = new WorkerId(new NodeId("there", 2, 2), 1);
  private static final ObjectId ACTOR = new ObjectId(DRIVER, 1, 0);
  private static final ObjectId RESULT = new ObjectId(DRIVER, 2, 0);

  private final List<Row> rows = new ArrayList<>();

  private static Row owned(
      ObjectId object,
      Map<String, Integer> counts,
      List<ObjectId> contains,
      WorkerId... borrowers) {
    return row(object.owner(), object, counts, contains, List.of(), Optional.empty(), borrowers);
  }

  private static Row actor(Map<String, Integer> counts, WorkerId... borrowers) {
    return row(DRIVER, ACTOR, counts, List.of(), List.of(), Optional.of(ACTOR_WORKER), borrowers);
  }

  private static Row borrowed(WorkerId borrower, ObjectId object, Map<String, Integer> counts) {
    return row(borrower, object, counts, List.of(), List.of(), Optional.empty());
  }

  private static Row row(
      WorkerId worker,
      ObjectId object,
      Map<String, Integer> counts,
      List<ObjectId> contains,
      List<ObjectId> lineage,
      Optional<WorkerId> actor,
      WorkerId... borrowers) {
    return new Row(
        worker,
        object,
        object.owner().equals(worker) ? Role.OWNER : Role.BORROWER,
        "inline",
        counts,
        0,
        "put at Somewhere.java:" + object.sequence(),
        contains,
        lineage,
        Set.of(borrowers),
        actor);
  }

  private List<Cycle> cycles() {
    return ReferenceGraph.cycles(rows);
  }

  private void actorHoldsAResultThatRefersToIt() {
    rows.add(actor(Map.of("containers", 1)));
    rows.add(owned(RESULT, Map.of("borrowers", 1), List.of(ACTOR), ACTOR_WORKER));
    rows.add(borrowed(ACTOR_WORKER, RESULT, Map.of("handles", 1)));
  }

  @Test
  void anActorThatHoldsAResultThatRefersToItIsACycle() {
    actorHoldsAResultThatRefersToIt();

    Cycle cycle = cycles().getFirst();

    assertThat(cycles()).hasSize(1);
    assertThat(cycle.rows()).extracting(Row::object).containsExactly(ACTOR, RESULT);
    assertThat(cycle.links())
        .containsExactly(
            new Link(ACTOR, Hold.ACTOR_HOLDS, RESULT), new Link(RESULT, Hold.CONTAINS, ACTOR));
    assertThat(cycle.toString())
        .isEqualTo(
            "objects that only keep each other:\n  "
                + ACTOR
                + " (put at Somewhere.java:1) is an actor that holds "
                + RESULT
                + "\n  "
                + RESULT
                + " (put at Somewhere.java:2) contains "
                + ACTOR);
  }

  @Test
  void aHandleOfTheDriverOnAnyOfItKeepsIt() {
    rows.add(actor(Map.of("containers", 1)));
    rows.add(owned(RESULT, Map.of("handles", 1, "borrowers", 1), List.of(ACTOR), ACTOR_WORKER));
    rows.add(borrowed(ACTOR_WORKER, RESULT, Map.of("handles", 1)));

    assertThat(cycles()).isEmpty();
  }

  @Test
  void aHandleOnWhatContainsItKeepsIt() {
    actorHoldsAResultThatRefersToIt();
    rows.removeFirst();
    rows.add(actor(Map.of("containers", 2)));
    rows.add(owned(new ObjectId(DRIVER, 3, 0), Map.of("handles", 1), List.of(ACTOR)));

    assertThat(cycles()).isEmpty();
  }

  @Test
  void whatHangsOnACycleIsNotPartOfIt() {
    actorHoldsAResultThatRefersToIt();
    ObjectId leaf = new ObjectId(ACTOR_WORKER, 1, 0);
    rows.add(owned(leaf, Map.of("handles", 1), List.of()));

    assertThat(cycles()).hasSize(1);
    assertThat(cycles().getFirst().rows()).extracting(Row::object).containsExactly(ACTOR, RESULT);
  }

  @Test
  void anActorThatHoldsItselfIsACycleOfOne() {
    rows.add(actor(Map.of("borrowers", 1), ACTOR_WORKER));
    rows.add(borrowed(ACTOR_WORKER, ACTOR, Map.of("handles", 1)));

    assertThat(cycles().getFirst().links())
        .containsExactly(new Link(ACTOR, Hold.ACTOR_HOLDS, ACTOR));
  }

  @Test
  void anActorThatCanBeFoundByNameOrOutlivesItsOwnerIsNoCycle() {
    rows.add(owned(ACTOR, Map.of("borrowers", 1), List.of(), ACTOR_WORKER));
    rows.add(borrowed(ACTOR_WORKER, ACTOR, Map.of("handles", 1)));

    assertThat(cycles()).isEmpty();
  }

  @Test
  void aTaskAMessageUnderWayAndAnythingUnknownKeepIt() {
    for (String reason : List.of("arguments", "transits", "holds", "handovers", "news")) {
      rows.clear();
      actorHoldsAResultThatRefersToIt();
      rows.removeFirst();
      rows.add(actor(Map.of("containers", 1, reason, 1)));

      assertThat(cycles()).as(reason).isEmpty();
    }
  }

  @Test
  void aBorrowerOnAnotherNodeKeepsIt() {
    rows.add(actor(Map.of("containers", 1)));
    rows.add(owned(RESULT, Map.of("borrowers", 2), List.of(ACTOR), ACTOR_WORKER, ELSEWHERE));
    rows.add(borrowed(ACTOR_WORKER, RESULT, Map.of("handles", 1)));

    assertThat(cycles()).isEmpty();
  }

  @Test
  void whatAnotherNodeOwnsIsTakenToBeInUse() {
    ObjectId remote = new ObjectId(ELSEWHERE, 1, 0);
    rows.add(actor(Map.of("borrowers", 1), ELSEWHERE));
    rows.add(borrowed(ACTOR_WORKER, remote, Map.of("handles", 1)));

    assertThat(cycles()).isEmpty();
  }

  @Test
  void whatStandsBetweenTheActorAndTheResultIsPartOfTheCycle() {
    ObjectId remote = new ObjectId(ELSEWHERE, 1, 0);
    ObjectId outer = new ObjectId(ACTOR_WORKER, 1, 0);
    rows.add(actor(Map.of("containers", 1)));
    rows.add(owned(RESULT, Map.of("borrowers", 1), List.of(ACTOR), ACTOR_WORKER));
    rows.add(borrowed(ACTOR_WORKER, RESULT, Map.of("containers", 1)));
    rows.add(owned(outer, Map.of("handles", 1), List.of(RESULT, remote)));
    rows.add(borrowed(ACTOR_WORKER, remote, Map.of("containers", 1)));

    assertThat(cycles()).hasSize(1);
    assertThat(cycles().getFirst().rows())
        .extracting(Row::object)
        .containsExactly(ACTOR, RESULT, outer);
  }

  @Test
  void aContainerThatTheRowsDoNotShowKeepsIt() {
    actorHoldsAResultThatRefersToIt();
    rows.removeFirst();
    rows.add(actor(Map.of("containers", 2)));

    assertThat(cycles()).isEmpty();
  }

  @Test
  void aValueThatRefersToItselfIsACycle() {
    rows.add(owned(RESULT, Map.of("containers", 1), List.of(RESULT)));

    assertThat(cycles().getFirst().links())
        .containsExactly(new Link(RESULT, Hold.CONTAINS, RESULT));
  }

  /** A stored result of an actor's task may be made again from what its task took. */
  @Test
  void aDescriptionThatTakesTheActorClosesACycle() {
    ObjectId stored = new ObjectId(ACTOR_WORKER, 1, 0);
    rows.add(actor(Map.of("borrowers", 1), ACTOR_WORKER));
    rows.add(borrowed(ACTOR_WORKER, ACTOR, Map.of("lineage", 1)));
    rows.add(
        row(
            ACTOR_WORKER,
            stored,
            Map.of("handles", 1),
            List.of(),
            List.of(ACTOR),
            Optional.empty()));

    assertThat(cycles().getFirst().links())
        .containsExactly(
            new Link(ACTOR, Hold.ACTOR_HOLDS, stored), new Link(stored, Hold.LINEAGE, ACTOR));
  }

  @Test
  void aDescriptionOfTheActorsOwnerDoesNotKeepTheActor() {
    rows.add(actor(Map.of("lineage", 1)));
    rows.add(
        row(
            DRIVER,
            RESULT,
            Map.of("borrowers", 1),
            List.of(),
            List.of(ACTOR),
            Optional.empty(),
            ACTOR_WORKER));
    rows.add(borrowed(ACTOR_WORKER, RESULT, Map.of("handles", 1)));

    assertThat(cycles()).isEmpty();
  }
}
