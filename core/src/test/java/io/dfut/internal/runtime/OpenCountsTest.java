package io.dfut.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class OpenCountsTest {
  private final OpenCounts counts = new OpenCounts();

  private Handle.Count added() {
    Handle.Count count = new Handle.Count(null, null, null, Optional.empty());
    counts.add(count);
    return count;
  }

  @Test
  void whatIsGivenBackIsForgotten() {
    for (int i = 0; i < 100_000; i++) {
      added().take("at once");
    }
    assertThat(counts.size()).isLessThanOrEqualTo(64);
  }

  @Test
  void whatIsOpenIsKeptInItsOrder() {
    List<Handle.Count> open = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      Handle.Count count = added();
      if (i % 3 == 0) {
        open.add(count);
      } else {
        count.take("at once");
      }
    }
    assertThat(counts).filteredOn(Handle.Count::isOpen).containsExactlyElementsOf(open);
    assertThat(counts.size()).isLessThan(2 * open.size() + 64);
  }
}
