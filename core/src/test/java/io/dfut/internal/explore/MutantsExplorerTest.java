package io.dfut.internal.explore;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Shows that the explorer bites: deliberate bugs in the machines of ownership are found, each by a
 * shortest path. They are those of the simulator's {@code MutationsSimTest}.
 */
@Execution(ExecutionMode.SAME_THREAD)
final class MutantsExplorerTest {
  private static final int STATES_MAX = 30_000;

  /** A bug, and the scenario and number of faults in which it shows. */
  private record Sought(Mutant mutant, String scenario, int crashes, int repeats) {
    @Override
    public String toString() {
      return mutant.name();
    }
  }

  private static Sought in(
      String scenario,
      int crashes,
      int repeats,
      String name,
      String file,
      String right,
      String wrong) {
    return new Sought(new Mutant(name, file, right, wrong), scenario, crashes, repeats);
  }

  static Stream<Sought> mutants() {
    return Stream.of(
        in(
            "lent",
            0,
            0,
            "the submitted count is dropped before the borrowers are added",
            "TaskBook.java",
            """
                came.forEach(counter::holdReleased);
                answer.held().forEach(\
            held -> counter.onHeld(held.object(), answer.executor(), held.epoch()));
                releaseArguments(task);
            """,
            """
                came.forEach(counter::holdReleased);
                releaseArguments(task);
                counter.sweep();
                answer.held().forEach(\
            held -> counter.onHeld(held.object(), answer.executor(), held.epoch()));
            """),
        in(
            "again",
            0,
            1,
            "a release has no epoch",
            "Row.java",
            "if (known == null || known > borrowEpoch) {",
            "if (known == null) {"),
        in(
            "unwrap",
            0,
            0,
            "containment is not counted",
            "OwnershipTable.java",
            "counter.containerAdded(innerRow);",
            ";"),
        in(
            "rebuilt",
            1,
            0,
            "lineage is freed too early",
            "TaskBook.java",
            "isNeeded |= row != null && (row.value instanceof Outcome.Stored || row.freed);",
            ""),
        in(
            "made-there",
            1,
            0,
            "a stale attempt is accepted",
            "TaskBook.java",
            """
            if (task == null
                    || task.attempt != answer.attempt()
                    || !answer.executor().equals(task.location)) {
            """,
            "if (task == null) {\n"),
        in(
            "made-there",
            0,
            0,
            "a passed reference is not counted in transit",
            "ReferenceCounter.java",
            "if (isDead(receiver) || isDead(row.id.owner())) {",
            "if (receiver != null) {"),
        in(
            "hand-on",
            1,
            0,
            "nothing is kept for those that a dead worker handed references to",
            "ReferenceCounter.java",
            "if (ending || handoverGraceNanos == 0",
            "if (ending || handoverGraceNanos > 0"),
        in(
            "unwrap",
            0,
            0,
            "a release is sent before the registration is acknowledged",
            "ReferenceCounter.java",
            """
            case REGISTERING -> {
                    return; // no release before the acknowledgement, which looks again
                  }
                  case REGISTERED -> {
            """,
            "case REGISTERING, REGISTERED -> {\n"),
        in(
            "hand-on",
            1,
            0,
            "transits to the dead are not dropped",
            "ReferenceCounter.java",
            "if (open.receiver().filter(isDead).isPresent() || ownerIsDead) {",
            "if (ownerIsDead) {"),
        in(
            "hand-on",
            1,
            0,
            "a dead borrower's last words are heard",
            "ReferenceCounter.java",
            "if (row != null && !row.freed && !isDead(message.borrower())) {",
            "if (row != null && !row.freed) {"),
        in(
            "sideways",
            0,
            0,
            "an inner reference is not covered by the value that held it",
            "ReferenceCounter.java",
            "holdAdded(cover);\n          row.coverBy(cover);",
            "cover.holds += 0;"),
        in(
            "unwrap",
            0,
            0,
            "a value's end does not release what it contains",
            "ReferenceCounter.java",
            "row.containers--;\n    suspect(row);",
            "row.containers--;"));
  }

  @ParameterizedTest
  @MethodSource("mutants")
  void mutantIsFound(Sought sought) {
    String violation =
        sought.mutant.explore(sought.scenario, sought.crashes, sought.repeats, STATES_MAX);
    System.out.printf(
        "MutantsExplorerTest \"%s\" in %s, %d crashes, %d repeats: %s%n",
        sought, sought.scenario, sought.crashes, sought.repeats, violation);
    assertThat(violation).startsWith("violation after").doesNotContain("this waits");
  }
}
