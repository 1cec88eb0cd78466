package io.dfut.internal.task;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ThrownErrorTest {
  /** As it is after the wire, where the exception itself is gone. */
  private static ThrownError sent(ThrownError error) {
    return new ThrownError(
        error.className(), error.text(), error.frames(), error.cause(), error.suppressed());
  }

  @Test
  void standInForAnUnknownExceptionTravelsOnAsWhatItStandsFor() {
    ThrownError first = sent(ThrownError.of(new UnsupportedOperationException("no")));
    Throwable here = first.toThrowable(className -> Optional.empty());
    assertThat(here).hasMessage("java.lang.UnsupportedOperationException: no");
    ThrownError onward = sent(ThrownError.of(here));
    assertThat(onward.className()).isEqualTo("java.lang.UnsupportedOperationException");
    assertThat(onward.text()).isEqualTo("no");
    assertThat(onward.toThrowable(className -> Optional.of(UnsupportedOperationException.class)))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage("no");
  }
}
