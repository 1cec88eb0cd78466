package io.dfut.internal.task;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import java.util.List;
import java.util.Objects;

/** What became of an object: what a reply carries and what a reader is told. */
public sealed interface Outcome {
  /**
   * The value itself.
   *
   * @param contained the references inside it
   */
  record Inline(InlineValue value, List<ObjectId> contained) implements Outcome {
    public Inline {
      Objects.requireNonNull(value, "value");
      contained = List.copyOf(contained);
    }
  }

  /**
   * Where the value is.
   *
   * @param attempt which execution made it; part of its key in every store
   * @param bytes the size of the encoding
   * @param sources nodes with a copy, the primary first; never empty
   * @param contained the references inside it
   */
  record Stored(int attempt, long bytes, List<NodeId> sources, List<ObjectId> contained)
      implements Outcome {
    public Stored {
      sources = List.copyOf(sources);
      contained = List.copyOf(contained);
      if (sources.isEmpty()) {
        throw new IllegalArgumentException("a stored value without a source");
      }
    }
  }

  /**
   * The "value" of an actor's creation: where the actor is.
   *
   * @param worker the worker that it is
   * @param className its class
   * @param restarts what becomes of it and its calls should it die
   */
  record Actor(WorkerId worker, String className, TaskSpec.Restarts restarts) implements Outcome {
    public Actor {
      Objects.requireNonNull(worker, "worker");
      Objects.requireNonNull(className, "className");
      Objects.requireNonNull(restarts, "restarts");
    }

    /** One that is not made anew. */
    public Actor(WorkerId worker, String className) {
      this(worker, className, TaskSpec.Restarts.NONE);
    }
  }

  /** There is no value. */
  record Failed(Failure failure) implements Outcome {
    public Failed {
      Objects.requireNonNull(failure, "failure");
    }
  }

  /** The references inside the value; none where there is no value. */
  default List<ObjectId> references() {
    return switch (this) {
      case Inline inline -> inline.contained();
      case Stored stored -> stored.contained();
      case Actor actor -> List.of();
      case Failed failed -> List.of();
    };
  }
}
