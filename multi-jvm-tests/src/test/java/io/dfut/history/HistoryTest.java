package io.dfut.history;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.history.History.Run;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The checker of histories sees what no one object can have answered, and nothing else. */
final class HistoryTest {
  /** A register: a write, or a read of what it answers. */
  private record Operation(boolean isWrite, int value) {}

  private static final History<Integer, Operation> REGISTER =
      new History<>(
          0,
          (state, operation) -> {
            if (operation.isWrite()) {
              return Optional.of(operation.value());
            }
            return state == operation.value() ? Optional.of(state) : Optional.empty();
          });

  private static Run<Operation> write(int value, long called, long answered) {
    return Run.answered(new Operation(true, value), called, answered);
  }

  private static Run<Operation> failedWrite(int value, long called, long failed) {
    return Run.failed(new Operation(true, value), called, failed);
  }

  private static Run<Operation> read(int value, long called, long answered) {
    return Run.answered(new Operation(false, value), called, answered);
  }

  private static Optional<Run<Operation>> unexplained(List<Run<Operation>> runs) {
    return REGISTER.unexplained(runs);
  }

  @Test
  void whatIsRunOneAfterTheOtherIsExplained() {
    assertThat(unexplained(List.of(read(0, 1, 2), write(1, 3, 4), read(1, 5, 6)))).isEmpty();
  }

  @Test
  void anAnswerFromThePastIsNot() {
    Run<Operation> stale = read(0, 5, 6);
    assertThat(unexplained(List.of(write(1, 3, 4), stale))).contains(stale);
  }

  @Test
  void aLostWriteOfAnAnsweredOneIsSeen() {
    Run<Operation> stale = read(1, 7, 8);
    assertThat(unexplained(List.of(write(1, 1, 2), write(2, 3, 4), read(2, 5, 6), stale)))
        .contains(stale);
  }

  @Test
  void operationsAtOneTimeGoInAnyOrder() {
    assertThat(unexplained(List.of(write(1, 1, 10), read(0, 2, 9), read(1, 3, 8), read(1, 9, 11))))
        .isEmpty();
    assertThat(unexplained(List.of(write(1, 1, 10), write(2, 1, 10), read(1, 11, 12)))).isEmpty();
  }

  @Test
  void butTwoReadersSeeThemInOneOrder() {
    Run<Operation> back = read(0, 5, 6);
    assertThat(unexplained(List.of(write(1, 1, 10), read(1, 2, 4), back))).contains(back);
  }

  @Test
  void whatFailedMayHaveHappenedOrNot() {
    assertThat(unexplained(List.of(failedWrite(1, 1, 9), read(0, 2, 3)))).isEmpty();
    assertThat(unexplained(List.of(failedWrite(1, 1, 9), read(0, 2, 3), read(1, 4, 5)))).isEmpty();
    assertThat(unexplained(List.of(failedWrite(1, 1, 2), read(1, 4, 5)))).isEmpty();
    assertThat(unexplained(List.of(failedWrite(1, 1, 2), read(0, 4, 5)))).isEmpty();
  }

  @Test
  void butNotTwiceAndNeitherBeforeItsCallNorAfterItsFailure() {
    Run<Operation> twice = read(1, 8, 9);
    assertThat(
            unexplained(
                List.of(
                    failedWrite(1, 1, 12), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7), twice)))
        .contains(twice);
    Run<Operation> early = read(1, 1, 2);
    assertThat(unexplained(List.of(failedWrite(1, 3, 5), early))).contains(early);
    Run<Operation> late = read(1, 6, 7);
    assertThat(unexplained(List.of(failedWrite(1, 1, 3), read(0, 4, 5), late))).contains(late);
  }

  @Test
  void longHistoriesOfARealRegisterAreExplainedUntilOneAnswerIsChanged() {
    Random random = new Random(7);
    List<Run<Operation>> runs = new ArrayList<>();
    int value = 0;
    for (int i = 0; i < 20_000; i++) { // each has its effect at 10 i, and up to four are open
      long called = 10L * i - random.nextInt(20);
      long answered = 10L * i + random.nextInt(20);
      boolean isWrite = random.nextBoolean();
      value = isWrite ? i : value;
      runs.add(Run.answered(new Operation(isWrite, value), called, answered));
    }
    assertThat(REGISTER.unexplained(runs)).isEmpty();
    int changed = 15_000;
    while (runs.get(changed).operation().isWrite()) {
      changed++;
    }
    runs.set(changed, read(100, 10L * changed, 10L * changed + 1));
    assertThat(REGISTER.unexplained(runs)).contains(runs.get(changed));
  }
}
