package io.dfut.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class SpreadTest {
  private static NodeId node(int n) {
    return new NodeId("10.0.0." + n, 25520, 1000 + n);
  }

  private static ObjectId object(long n) {
    return new ObjectId(new WorkerId(node(1), 1), n, 0);
  }

  private static final List<NodeId> SOURCES =
      IntStream.range(1, 5).mapToObj(SpreadTest::node).toList();

  @Test
  void readersOfOneObjectBeginAtDifferentSources() {
    Map<NodeId, Integer> first = new HashMap<>();
    for (int reader = 10; reader < 210; reader++) {
      List<NodeId> order = Spread.of(SOURCES, object(1), node(reader));
      assertThat(order).containsExactlyInAnyOrderElementsOf(SOURCES);
      assertThat(order).isEqualTo(Spread.of(SOURCES.reversed(), object(1), node(reader)));
      first.merge(order.getFirst(), 1, Integer::sum);
    }
    assertThat(first.values()).hasSize(4).allMatch(n -> n > 20);
  }

  @Test
  void objectsOfOneReaderComeFromDifferentSources() {
    Map<NodeId, Integer> first = new HashMap<>();
    for (int n = 0; n < 200; n++) {
      first.merge(Spread.of(SOURCES, object(n), node(9)).getFirst(), 1, Integer::sum);
    }
    assertThat(first.values()).hasSize(4).allMatch(n -> n > 20);
  }
}
