package io.dfut.internal.protocol;

import io.dfut.ObjectId;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.Outcome;
import java.util.List;

/** One argument of a task on its way to the executor: what the owner knew of it when it pushed. */
public sealed interface PushedArgument {
  /** A plain value. */
  record Value(InlineValue value) implements PushedArgument {}

  /** An object's value, inline or at the places named. */
  record Resolved(ObjectId object, Outcome outcome) implements PushedArgument {}

  /** The values of several objects, to be made a list. */
  record ResolvedList(List<Resolved> elements) implements PushedArgument {
    public ResolvedList {
      elements = List.copyOf(elements);
    }
  }
}
