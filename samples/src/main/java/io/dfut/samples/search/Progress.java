package io.dfut.samples.search;

import java.io.PrintStream;
import java.util.Locale;

/**
 * How far a phase is: a bar that is drawn over on a terminal; elsewhere, in a log say, a line for
 * each quarter. Not thread-safe.
 */
final class Progress {
  private static final int BAR_CELLS = 32;
  private static final int LINES_PER_PHASE = 4;

  private final PrintStream out;
  private final boolean bar;
  private String label = "";
  private int total;
  private int linesDone;
  private long startNanos;

  Progress(PrintStream out, boolean bar) {
    this.out = out;
    this.bar = bar;
  }

  /** Whether this program's output is a terminal that can draw over a line. */
  static boolean onTerminal() {
    return System.console() != null
        && System.console().isTerminal()
        && !"dumb".equals(System.getenv("TERM"));
  }

  void begin(String phase, int tasks) {
    label = phase;
    total = tasks;
    linesDone = 0;
    startNanos = System.nanoTime();
    if (bar) {
      update(0);
    }
  }

  void update(int done) {
    if (bar) {
      int filled = BAR_CELLS * done / total;
      out.print(
          "\r%-7s[%s%s] %s"
              .formatted(label, "#".repeat(filled), "-".repeat(BAR_CELLS - filled), state(done)));
      if (done == total) {
        out.println();
      }
      out.flush();
    } else {
      int lines = LINES_PER_PHASE * done / total;
      if (lines > linesDone) {
        linesDone = lines;
        out.println("%-7s%s".formatted(label, state(done)));
      }
    }
  }

  private String state(int done) {
    double seconds = (System.nanoTime() - startNanos) / 1e9;
    return String.format(Locale.ROOT, "%d of %d tasks, %.1f s", done, total, seconds);
  }
}
