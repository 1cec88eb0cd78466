package io.dfut.internal.ownership;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** How many tasks go to a worker at a time, by how soon they are back. */
final class PaceTest {
  private static final long LATER_MAX = 500_000;

  private final Pace pace = new Pace(2, 64, LATER_MAX);
  private long now = 1_000_000_000L;
  private int onTheirWay;

  /** Keeps the window full while many return, one after the other. */
  private void stream(long eachNanos) {
    for (int i = 0; i < 1_000; i++) {
      while (onTheirWay < pace.window()) {
        pace.sent(onTheirWay++, now);
      }
      now += eachNanos;
      onTheirWay--;
      pace.returned(now);
    }
  }

  @Test
  void quickTasksWidenTheWindowAndSlowOnesNarrowIt() {
    assertThat(pace.window()).isEqualTo(2);
    stream(1_000);
    assertThat(pace.window()).isEqualTo(64);
    stream(10_000_000);
    assertThat(pace.window()).isEqualTo(2);
  }

  @Test
  void oneMoreIsSoonOnlyBehindFewQuickOnes() {
    assertThat(pace.isSoon(1)).isFalse(); // nothing is known yet
    stream(1_000);
    assertThat(pace.isSoon(10)).isTrue();
    assertThat(pace.isSoon(40)).isFalse();
    stream(100_000);
    assertThat(pace.isSoon(1)).isFalse();
  }

  @Test
  void oneThatComesBackUnstartedStartsAnew() {
    stream(1_000);
    pace.handedBack();
    assertThat(pace.window()).isEqualTo(2);
    assertThat(pace.isSoon(1)).isFalse();
  }
}
