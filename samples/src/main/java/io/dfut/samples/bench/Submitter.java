package io.dfut.samples.bench;

import io.dfut.DFut;
import io.dfut.DFutContext;
import io.dfut.SharedDFut;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Submits tasks that all take the same object. */
final class Submitter {
  /** How the tasks take the object. */
  enum How {
    /** They do not: what the others are compared with. */
    WITHOUT("take nothing"),
    /** The task gets a view of the bytes. */
    BY_VALUE("take one object of 1 MiB by value"),
    /** The task gets the reference, and does not look into it. */
    BY_REFERENCE("take a reference to one object of 1 MiB");

    private final String text;

    How(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private Submitter() {}

  /** The task without the object. */
  static int nothing() {
    return 0;
  }

  /** The task by value. */
  static int first(ByteBuffer object) {
    return object.get(0);
  }

  /** The task by reference. */
  static int seen(SharedDFut<ByteBuffer> object) {
    return object.id().index();
  }

  /** Submits the tasks from a context that owns the object or borrows it, and waits for all. */
  static Span run(DFutContext dfut, SharedDFut<ByteBuffer> object, How how, int tasks) {
    return switch (how) {
      case WITHOUT -> run(() -> dfut.task(Submitter::nothing).submit(), tasks);
      case BY_VALUE -> {
        try (DFut<ByteBuffer> value = object.borrow()) {
          yield run(() -> dfut.task(Submitter::first).submit(value), tasks);
        }
      }
      case BY_REFERENCE -> run(() -> dfut.task(Submitter::seen).submit(object), tasks);
    };
  }

  private static Span run(Supplier<DFut<Integer>> submission, int tasks) {
    List<DFut<Integer>> futures = new ArrayList<>(tasks);
    long began = System.nanoTime();
    for (int i = 0; i < tasks; i++) {
      futures.add(submission.get());
    }
    long submitted = System.nanoTime();
    for (DFut<Integer> future : futures) {
      future.get();
      future.close();
    }
    return new Span(submitted - began, System.nanoTime() - began);
  }
}
