package io.dfut.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.NodeMessage.WorkerEnded;
import org.junit.jupiter.api.Test;

class BurialsTest {
  private static final NodeId HERE = new NodeId("here", 1, 0);
  private static final NodeId THERE = new NodeId("there", 1, 0);

  private final Burials burials = new Burials(3);

  private static WorkerId worker(NodeId node, long sequence) {
    return new WorkerId(node, sequence);
  }

  @Test
  void newNodeIsToldOfOurOwnDeadOnlyInTheirOrder() {
    burials.bury(worker(HERE, 7), "it was killed");
    burials.bury(worker(THERE, 1), "it was killed, too");
    burials.bury(worker(HERE, 2), "it ended");
    assertThat(burials.noticesOf(HERE))
        .containsExactly(
            new WorkerEnded(worker(HERE, 7), "it was killed"),
            new WorkerEnded(worker(HERE, 2), "it ended"));
  }

  @Test
  void secondNoticeIsNoNews() {
    assertThat(burials.bury(worker(HERE, 1), "it ended")).isTrue();
    assertThat(burials.bury(worker(HERE, 1), "it ended again")).isFalse();
    assertThat(burials.noticesOf(HERE))
        .containsExactly(new WorkerEnded(worker(HERE, 1), "it ended"));
  }

  @Test
  void oldestAreForgottenBeyondTheBound() {
    for (int i = 0; i < 5; i++) {
      burials.bury(worker(HERE, i), "it ended");
    }
    assertThat(burials.isDead(worker(HERE, 1))).isFalse();
    assertThat(burials.isDead(worker(HERE, 2))).isTrue();
    assertThat(burials.noticesOf(HERE)).hasSize(3);
  }
}
