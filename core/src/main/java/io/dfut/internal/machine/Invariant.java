package io.dfut.internal.machine;

/**
 * Checks of what must always hold. A failing check is our own bug: it stops the actor with every
 * value needed to see why.
 */
public final class Invariant {
  private Invariant() {}

  /** Throws when {@code holds} is false; the format is that of {@link String#format}. */
  public static void check(boolean holds, String format, Object... values) {
    if (!holds) {
      throw new IllegalStateException("invariant broken: " + String.format(format, values));
    }
  }

  /** The same without a varargs array, for hot paths. */
  public static void check(boolean holds, String message) {
    if (!holds) {
      throw new IllegalStateException("invariant broken: " + message);
    }
  }

  /** The same with one value, boxed only when it fails. */
  public static void check(boolean holds, String message, Object value) {
    if (!holds) {
      throw new IllegalStateException("invariant broken: " + message + ": " + value);
    }
  }
}
