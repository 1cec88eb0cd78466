package io.dfut;

import java.util.List;
import java.util.Objects;

/**
 * What may stand for a task's parameter of type {@code T} apart from a plain value: a future, whose
 * value the system fetches before the task starts; an explicit value, needed for {@code null}; or a
 * list of futures for a parameter of type {@code List<T>}.
 *
 * @param <T> the type of the parameter
 */
public sealed interface Arg<T> permits DFut, Arg.Value, Arg.All {
  /** A value, explicitly: {@code Arg.of(null)} where a bare {@code null} would be ambiguous. */
  static <T> Arg<T> of(T value) {
    return new Value<>(value);
  }

  /**
   * An explicit value.
   *
   * @param <T> the type of the parameter
   * @param value the value, or {@code null}
   */
  record Value<T>(T value) implements Arg<T> {}

  /**
   * Futures whose values, in this order, make the list that the task receives.
   *
   * @param <T> the type of the list's elements
   * @param futures the futures, none of them {@code null}
   */
  record All<T>(List<DFut<T>> futures) implements Arg<List<T>> {
    /** Copies the list; refuses {@code null} and {@code null} elements. */
    public All {
      Objects.requireNonNull(futures, "futures");
      futures = List.copyOf(futures);
    }
  }
}
