package io.dfut.internal.lease;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.JobId;
import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.lease.RequestQueue.Waiting;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.SchedulerMessage.RequestLease;
import io.dfut.internal.protocol.SchedulerMessage.Use;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

final class RequestQueueTest {
  private static final WorkerId OWNER = new WorkerId(new NodeId("here", 1, 0), 1);

  private static Waiting waiting(Random random, long order) {
    Resources need =
        Resources.NONE.with(Resources.CPU, random.nextInt(4)).with("gpu", random.nextInt(2));
    RequestLease request =
        new RequestLease(
            new LeaseId(OWNER, order),
            new JobId(OWNER.node(), 1),
            need,
            new Placement.Anywhere(),
            Map.of(),
            0,
            random.nextInt(3),
            0,
            Use.TASKS);
    return new Waiting(request, order, 0, random.nextInt(4) > 0);
  }

  /** What it should do, by looking at all of them. */
  private static Optional<Waiting> next(List<Waiting> model, Predicate<Resources> fits) {
    return model.stream()
        .filter(Waiting::here)
        .filter(waiting -> fits.test(waiting.request().resources()))
        .min(
            Comparator.<Waiting>comparingInt(waiting -> -waiting.request().depth())
                .thenComparingLong(Waiting::order));
  }

  @Test
  void servesTheDeepestAndOldestThatFitsWhateverComesAndGoes() {
    for (int seed = 0; seed < 50; seed++) {
      Random random = new Random(seed);
      RequestQueue queue = new RequestQueue();
      List<Waiting> model = new ArrayList<>();
      for (int order = 1; order <= 300; order++) {
        if (model.isEmpty() || random.nextInt(5) < 3) {
          Waiting added = waiting(random, order);
          queue.add(added);
          model.add(added);
        } else {
          LeaseId removed = model.remove(random.nextInt(model.size())).request().lease();
          assertThat(queue.remove(removed)).isTrue();
          assertThat(queue.remove(removed)).isFalse();
          assertThat(queue.contains(removed)).isFalse();
        }
        Resources free =
            Resources.NONE.with(Resources.CPU, random.nextInt(4)).with("gpu", random.nextInt(2));
        assertThat(queue.next(need -> need.fitsIn(free)))
            .isEqualTo(next(model, need -> need.fitsIn(free)));
        assertThat(queue.all()).containsExactlyElementsOf(model);
        assertThat(queue.size()).isEqualTo(model.size());
        assertThat(queue.servableCount())
            .isEqualTo((int) model.stream().filter(Waiting::here).count());
      }
    }
  }
}
