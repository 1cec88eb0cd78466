package io.dfut.internal.task;

import io.dfut.ObjectId;
import java.util.List;
import java.util.Objects;

/** One argument of a task, as its owner keeps it. */
public sealed interface Argument {
  /** A value; the references inside it are borrowed by the task. */
  record Value(InlineValue value, List<ObjectId> contained) implements Argument {
    public Value {
      Objects.requireNonNull(value, "value");
      contained = List.copyOf(contained);
    }
  }

  /** An object whose value the task receives. */
  record Reference(ObjectId object) implements Argument {
    public Reference {
      Objects.requireNonNull(object, "object");
    }
  }

  /** Objects whose values, in this order, make the list that the task receives. */
  record ReferenceList(List<ObjectId> objects) implements Argument {
    public ReferenceList {
      objects = List.copyOf(objects);
    }
  }

  /** The objects whose values are needed before the task can start. */
  default List<ObjectId> dependencies() {
    return switch (this) {
      case Value value -> List.of();
      case Reference reference -> List.of(reference.object());
      case ReferenceList list -> list.objects();
    };
  }

  /** The references that the task gets to see. */
  default List<ObjectId> lent() {
    return this instanceof Value(InlineValue value, List<ObjectId> contained)
        ? contained
        : List.of();
  }
}
