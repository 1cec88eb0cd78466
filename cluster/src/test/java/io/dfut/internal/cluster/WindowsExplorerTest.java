package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.internal.cluster.LossyLink.Bug;
import io.dfut.internal.explore.Explorer;
import org.junit.jupiter.api.Test;

/**
 * Every reachable state of the windows of sender and receiver over a connection with faults: each
 * message is handled once and in order, and the sender learns of it (ADR 0009).
 */
final class WindowsExplorerTest {
  private static final Explorer.Limits LIMITS = new Explorer.Limits(1_000, 3_000_000, 1);

  private static Explorer.Report explore(int messages, int faults, int reconnects, Bug bug) {
    Explorer.Report report =
        Explorer.explore(
            messages + " messages, " + faults + " faults, " + reconnects + " reconnects",
            () -> new LossyLink(messages, faults, reconnects, bug),
            LIMITS,
            System.out);
    System.out.println("WindowsExplorerTest " + report.summary());
    return report;
  }

  @Test
  void everyMessageIsHandledOnceAndInOrderWhateverTwoFaultsDo() {
    for (int messages = 1; messages <= 5; messages++) {
      Explorer.Report report = explore(messages, 2, 1, Bug.NONE);
      assertThat(report.violation()).isEmpty();
      assertThat(report.exhausted()).as("all states were seen").isTrue();
    }
  }

  @Test
  void aReceiverThatTakesWhateverComesIsFound() {
    Explorer.Violation violation = explore(3, 2, 1, Bug.TAKES_ALL).violation().orElseThrow();
    assertThat(violation.cause()).hasMessageContaining("turn of");
    assertThat(violation.path()).as("a shortest path: %s", violation).hasSize(3);
  }

  @Test
  void aSenderThatWaitsForEverIsFound() {
    Explorer.Violation violation = explore(3, 1, 0, Bug.PATIENT).violation().orElseThrow();
    assertThat(violation.cause()).hasMessageContaining("nothing can happen any more");
  }
}
