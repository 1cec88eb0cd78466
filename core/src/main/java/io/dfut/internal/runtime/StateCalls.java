package io.dfut.internal.runtime;

import io.dfut.ActorId;
import io.dfut.Checkpointed;
import io.dfut.TaskId;
import io.dfut.internal.api.Placement;
import io.dfut.internal.api.Resources;
import io.dfut.internal.task.FunctionRef;
import io.dfut.internal.task.TaskSpec;
import java.util.List;

/** The calls by which owners ask their actors for their states. */
final class StateCalls {
  /** No user's function has this kind of invocation, so nobody else can make such a call. */
  private static final int NO_INVOCATION = 0;

  private static final FunctionRef CHECKPOINT =
      FunctionRef.copied(
          new FunctionRef.Descriptor(
              Checkpointed.class.getName(),
              "checkpoint",
              "()Ljava/lang/Object;",
              NO_INVOCATION,
              "()Ljava/lang/Object;",
              0,
              List.of()));

  private StateCalls() {}

  static TaskSpec of(TaskId call, ActorId actor, TaskSpec creation) {
    return new TaskSpec(
        call,
        creation.job(),
        CHECKPOINT,
        CHECKPOINT.toString(),
        List.of(),
        1,
        new TaskSpec.Kind.Call(actor),
        Resources.NONE,
        0,
        List.of(),
        0,
        new Placement.Anywhere(),
        creation.depth(),
        creation.site());
  }

  static boolean is(TaskSpec spec) {
    FunctionRef.Descriptor function = spec.function().descriptor();
    return function.invocation() == NO_INVOCATION
        && function.className().equals(Checkpointed.class.getName());
  }
}
