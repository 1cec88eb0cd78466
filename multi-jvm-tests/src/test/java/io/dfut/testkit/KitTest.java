package io.dfut.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtensionConfigurationException;
import org.junit.jupiter.api.extension.ParameterResolutionException;

/** What the kit does with tests in one JVM, seen on tests that it is to fail. */
final class KitTest {
  @Test
  void aTestThatLeavesSomethingFailsAndTheNextHasANewSystem() {
    Runs runs = Runs.of(KitCases.Leaking.class);
    assertThat(runs.failure())
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("left after PT1S")
        .hasMessageContaining("put at ")
        .hasMessageContaining("KitCases");
    assertThat(runs.succeeded()).isEqualTo(2);
    assertThat(runs.printed()).contains("Leaking: leaves() failed");
  }

  @Test
  void aClassMayTurnTheLeakCheckOff() {
    assertThat(Runs.of(KitCases.LeakingUnchecked.class).failures()).isEmpty();
  }

  @Test
  void handlesOfATestAreReleasedAndThoseThatNobodyHoldsAreCollected() {
    assertThat(Runs.of(KitCases.Dropping.class).failures()).isEmpty();
  }

  @Test
  void aTestThatEndsWithAFutureThatNobodyWillSettleFails() {
    assertThat(Runs.of(KitCases.HangingAtItsEnd.class).failure())
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("neither a value nor a reason to wait within PT2S")
        .hasMessageContaining("KitCases.one")
        .hasMessageContaining("where no such request is");
  }

  @Test
  @Timeout(60)
  void aTestThatBlocksOnAFutureThatNobodyWillSettleIsInterruptedAndFails() {
    Runs runs = Runs.of(KitCases.HangingInGet.class);
    assertThat(runs.failure())
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("neither a value nor a reason to wait")
        .hasMessageContaining("where no such request is");
    assertThat(Thread.interrupted()).as("the interrupt stays with the test").isFalse();
    assertThat(runs.printed()).contains("---- pending\n").contains("queued at node");
  }

  @Test
  void aTestThatWaitsWithAReasonGoesOn() {
    assertThat(Runs.of(KitCases.Slow.class).failures()).isEmpty();
  }

  @Test
  void theSystemIsInjectedEverywhere() {
    Runs runs = Runs.of(KitCases.Injected.class);
    assertThat(runs.failures()).isEmpty();
    assertThat(runs.succeeded()).isEqualTo(5);
  }

  @Test
  void aFieldThatTheTestHasSetIsLeftAlone() {
    assertThat(Runs.of(KitCases.OwnSystem.class).failures()).isEmpty();
  }

  @Test
  void aTestMayCloseItsSystem() {
    Runs runs = Runs.of(KitCases.Closing.class);
    assertThat(runs.failures()).isEmpty();
    assertThat(runs.succeeded()).isEqualTo(2);
  }

  @Test
  void mistakesAreNamed() {
    assertThat(Runs.of(KitCases.WantsNodes.class).failure())
        .isInstanceOf(ParameterResolutionException.class)
        .hasStackTraceContaining("DFutNodes is for @DFutCluster");
    assertThat(Runs.of(KitCases.Both.class).failure())
        .isInstanceOf(ExtensionConfigurationException.class)
        .hasMessageContaining("take one");
    assertThat(Runs.of(KitCases.NoTime.class).failure())
        .hasMessageContaining("patience is \"soon\"; it must be a time such as \"30 s\"");
    assertThat(Runs.of(KitCases.NoSettings.class).failure())
        .hasMessageContaining("settings are no HOCON");
    assertThat(Runs.of(KitCases.NoNodes.class).failure())
        .hasMessageContaining("nodes is 0; it must be at least 1");
  }
}
