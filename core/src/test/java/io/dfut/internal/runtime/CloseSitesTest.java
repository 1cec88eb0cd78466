package io.dfut.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Lines of close() are noted, but not so many that noting them is what a program does. */
final class CloseSitesTest {
  private static final long SECOND = 1_000_000_000L;

  @Test
  void lineIsTheCallersOutsideTheLibrary() {
    String here = new CloseSites(0).here();
    assertThat(here).startsWith("at ").doesNotContain("io.dfut.internal");
  }

  @Test
  void noMoreThanSoManyInASecond() {
    CloseSites sites = new CloseSites(0);
    assertThat(admitted(sites, 5, 3 * CloseSites.PER_SECOND)).isEqualTo(CloseSites.PER_SECOND);
    assertThat(sites.admits(SECOND - 1)).isFalse();
    assertThat(admitted(sites, SECOND, 3 * CloseSites.PER_SECOND))
        .as("in the next second")
        .isEqualTo(CloseSites.PER_SECOND);
    assertThat(sites.admits(2 * SECOND)).isTrue();
  }

  private static long admitted(CloseSites sites, long now, int asked) {
    return IntStream.range(0, asked).filter(i -> sites.admits(now)).count();
  }
}
