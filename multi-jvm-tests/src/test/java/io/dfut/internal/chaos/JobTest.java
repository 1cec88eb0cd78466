package io.dfut.internal.chaos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.ConfigFactory;
import io.dfut.DFutSystem;
import io.dfut.TaskFailedException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The programs of {@code chaos}, where nothing goes wrong; and what is said when something does.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class JobTest {
  private DFutSystem dfut;
  private final Tally tally = new Tally();

  @BeforeAll
  void start(@TempDir Path folder) {
    Ledger.start(folder.resolve("ledger"));
    dfut = DFutSystem.local(ConfigFactory.parseString("dfut.cpus = 4\ndfut.store.memory = 48 MiB"));
  }

  @AfterAll
  void close() {
    dfut.close();
  }

  @ParameterizedTest
  @EnumSource
  void answersAreRightAndNothingIsLeft(Job.Kind kind) {
    long before = tally.checked();
    long handedOver = Ledger.open().handedOver();
    for (int seed = 0; seed < 3; seed++) {
      new Job(dfut, tally, kind, seed, kind + " of seed " + seed).run();
    }
    dfut.inspect().assertNoLeaks(Duration.ofSeconds(10));
    assertThat(tally.checked()).isGreaterThan(before);
    assertThat(tally.errorsAllowed()).isEmpty();
    assertThat(tally.isTaskUnderWay()).isFalse();
    assertThat(tally.isHandingOver()).isFalse();
    boolean hands = Set.of(Job.Kind.RELAY, Job.Kind.FOREIGN, Job.Kind.KEEPER).contains(kind);
    assertThat(Ledger.open().handedOver() > handedOver).isEqualTo(hands);
  }

  @Test
  void wrongAnswerIsAViolation() {
    dfut.scope(
        () ->
            assertThatThrownBy(
                    () ->
                        tally.expect(
                            "the digest",
                            Bodies.digest(Bodies.numbers(1, 10)),
                            dfut.task(Bodies::digestOf).submit(Bodies.numbers(2, 10), 0)))
                .isInstanceOf(Violation.class)
                .hasMessageContaining("wrong answer of the digest"));
  }

  private static long fails() {
    throw new IllegalStateException("it is broken");
  }

  @Test
  void errorThatCannotBeRightIsAViolation() {
    dfut.scope(
        () ->
            assertThatThrownBy(() -> tally.value("the task", dfut.task(JobTest::fails).submit()))
                .isInstanceOf(Violation.class)
                .hasMessageContaining("the task")
                .hasMessageContaining("it is broken")
                .hasCauseInstanceOf(TaskFailedException.class));
  }
}
