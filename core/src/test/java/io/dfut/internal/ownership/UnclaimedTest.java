package io.dfut.internal.ownership;

import static io.dfut.internal.ownership.Story.ELSEWHERE;
import static io.dfut.internal.ownership.Story.HERE;
import static io.dfut.internal.ownership.Story.THERE;
import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.ObjectId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.WorkerMessage.CopyAdded;
import io.dfut.internal.protocol.WorkerMessage.Resolve;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.spi.ObjectKey;
import java.util.List;
import org.junit.jupiter.api.Test;

class UnclaimedTest {
  private final WorkerId owner = new WorkerId(HERE, 1);
  private final TaskId task = new TaskId(owner, 5);
  private final ObjectId object = task.result(0);

  @Test
  void readersCopyThatItsOwnerDidNotLiveToHearOf() {
    assertThat(Unclaimed.in(new CopyAdded(object, 2, THERE)))
        .containsExactly(new Unclaimed(new ObjectKey(object, 2), List.of(THERE)));
  }

  @Test
  void resultsInStoresOfATaskWhoseOwnerIsGone() {
    TaskReturned answer =
        new TaskReturned(
            task,
            0,
            List.of(Story.value(1), Story.stored(0, ELSEWHERE)),
            List.of(),
            List.of(),
            List.of(),
            new WorkerId(ELSEWHERE, 1));
    assertThat(Unclaimed.in(answer))
        .containsExactly(new Unclaimed(new ObjectKey(task.result(1), 0), List.of(ELSEWHERE)));
  }

  @Test
  void questionsLeaveNothing() {
    assertThat(Unclaimed.in(new Resolve(object, owner))).isEmpty();
  }
}
