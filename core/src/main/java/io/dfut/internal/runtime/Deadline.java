package io.dfut.internal.runtime;

import java.time.Duration;

/** A moment on this JVM's monotonic clock, or never. */
record Deadline(long atNanos, Duration timeout) {
  static final Deadline NEVER = new Deadline(0, Duration.ZERO);

  static Deadline in(Duration timeout) {
    long nanos;
    try {
      nanos = timeout.toNanos();
    } catch (ArithmeticException e) {
      return NEVER; // 292 years
    }
    return new Deadline(System.nanoTime() + nanos, timeout);
  }

  boolean isNever() {
    return this == NEVER;
  }

  /** What is left; 0 or less when it has passed. */
  long leftNanos() {
    return isNever() ? Long.MAX_VALUE : atNanos - System.nanoTime();
  }
}
