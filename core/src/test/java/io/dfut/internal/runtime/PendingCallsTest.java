package io.dfut.internal.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.ActorId;
import io.dfut.BackpressureException;
import io.dfut.NodeId;
import io.dfut.TaskId;
import io.dfut.WorkerId;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A caller has so many calls of an actor under way, and no more. */
final class PendingCallsTest {
  private static final WorkerId CALLER = new WorkerId(new NodeId("here", 1, 0), 1);
  private static final ActorId ONE = new ActorId(CALLER, 1);
  private static final ActorId OTHER = new ActorId(CALLER, 2);

  private final PendingCalls calls = new PendingCalls();

  private static TaskId call(int number) {
    return new TaskId(CALLER, 100 + number);
  }

  private ResultCell begins(int number, ActorId actor) {
    ResultCell result = new ResultCell();
    calls.begin(call(number), actor, "Counter", result, 2);
    return result;
  }

  @Test
  void whatIsTooManyIsRefusedUntilOneHasEnded() {
    begins(1, ONE);
    begins(2, ONE);
    assertThatThrownBy(() -> begins(3, ONE))
        .isInstanceOf(BackpressureException.class)
        .hasMessageContaining("2 calls of Counter")
        .hasMessageContaining("maxPendingCalls");
    assertThatCode(() -> begins(4, OTHER)).as("another actor").doesNotThrowAnyException();
    calls.end(call(3)); // which was refused
    assertThatThrownBy(() -> begins(5, ONE)).isInstanceOf(BackpressureException.class);
    calls.end(call(1));
    calls.end(call(1));
    begins(6, ONE);
    assertThatThrownBy(() -> begins(7, ONE)).isInstanceOf(BackpressureException.class);
  }

  @Test
  void whatIsAnsweredHasEndedThoughTheTableDoesNotKnow() {
    ResultCell first = begins(1, ONE);
    begins(2, ONE);
    assertThat(first.complete(new Outcome.Inline(InlineValue.encoded(new byte[1]), List.of())))
        .isTrue();
    begins(3, ONE);
    calls.end(call(1)); // the table says so, too
    assertThatThrownBy(() -> begins(4, ONE)).isInstanceOf(BackpressureException.class);
  }
}
