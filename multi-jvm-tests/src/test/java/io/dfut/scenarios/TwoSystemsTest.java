package io.dfut.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.SharedDFut;
import io.dfut.SystemClosedException;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Two systems in one JVM that know nothing of each other. */
final class TwoSystemsTest {
  private static final Duration SOON = Scenarios.SOON;

  @Test
  @Tag("C020")
  @DisplayName("020 closing one system leaves the handles of the other alone")
  void closingOneSystemLeavesTheOtherAlone() {
    try (DFutSystem second = DFutSystem.local(Habitat.config(1))) {
      DFut<Integer> ofFirst;
      DFut<Integer> pendingOfFirst;
      DFut<Integer> ofSecond = second.put(1);
      SharedDFut<Integer> shared = ofSecond.share();
      DFutSystem first = DFutSystem.local(Habitat.config(1));
      try (first) {
        ofFirst = first.put(2);
        pendingOfFirst = first.<Integer>promise().future();
        assertThatThrownBy(() -> second.task(Tasks::increment).submit(ofFirst))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining(ofFirst.id().toString());
      }
      second.scope(
          () -> {
            assertThat(second.task(Tasks::increment).submit(ofSecond).get(SOON)).isEqualTo(2);
            assertThat(second.task(Tasks::valueOf).submit(shared).get(SOON)).isEqualTo(1);
          });
      assertThatThrownBy(() -> pendingOfFirst.get(SOON)).isInstanceOf(SystemClosedException.class);
      assertThatThrownBy(() -> first.put(3)).isInstanceOf(SystemClosedException.class);
      assertThatThrownBy(() -> first.task(Tasks::increment).submit(3))
          .isInstanceOf(SystemClosedException.class);
      first.close();
      shared.close();
      ofSecond.close();
      second.inspect().assertNoLeaks(Duration.ofSeconds(10));
    }
  }
}
