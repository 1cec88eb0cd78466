package io.dfut.samples.search;

import java.util.Locale;

/** The three kinds of tasks, in the order in which they run. */
enum Phase {
  MAP,
  REDUCE,
  SEARCH;

  /** What is printed. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
