package io.dfut.internal.cluster;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Who ends this JVM, and with which status, as far as that can be seen from inside. Thread-safe.
 */
public final class JvmExit {
  /** The name that {@link Runtime#exit} documents; what it logs there is said nowhere. */
  private static final String LOGGER = "java.lang.Runtime";

  private static final Pattern STATUS = Pattern.compile("status: (-?[0-9]+)");

  /** Kept from the garbage collector, which would take its handler along; null if not watched. */
  private static Logger watched;

  private static volatile OptionalInt status = OptionalInt.empty();

  private JvmExit() {}

  /**
   * From now on the status that {@code System.exit} is called with is seen. For a JVM that is ours:
   * a logger is set up, which is an application's own business in its JVM. Of no effect where
   * {@code System.Logger} goes elsewhere than to {@code java.util.logging}. Idempotent.
   */
  public static synchronized void watchStatus() {
    if (watched != null) {
      return;
    }
    watched = Logger.getLogger(LOGGER);
    watched.setLevel(Level.FINE);
    watched.setUseParentHandlers(false);
    watched.addHandler(
        new Handler() {
          @Override
          public void publish(LogRecord said) {
            Matcher found = STATUS.matcher(String.valueOf(said.getMessage()));
            if (found.find() && isExitCalled()) {
              status = OptionalInt.of(Integer.parseInt(found.group(1)));
            }
          }

          @Override
          public void flush() {
            // nothing is kept
          }

          @Override
          public void close() {
            // nothing is open
          }
        });
  }

  /** By this thread. A signal that ends the JVM is told of by the same logger. */
  private static boolean isExitCalled() {
    return StackWalker.getInstance()
        .walk(
            frames ->
                frames.anyMatch(frame -> isExit(frame.getClassName(), frame.getMethodName())));
  }

  private static boolean isExit(String className, String method) {
    return method.equals("exit") && className.equals("java.lang.Runtime");
  }

  /** What {@code System.exit} was called with; empty if it was not, or that is not watched. */
  public static OptionalInt status() {
    return status;
  }

  static String withStatus() {
    return status.isPresent() ? " with status " + status.getAsInt() : "";
  }

  /**
   * What called {@code System.exit} on a thread that is no task's; empty if nothing has, or we have
   * ourselves.
   */
  static Optional<String> calledBy() {
    for (Map.Entry<Thread, StackTraceElement[]> each : Thread.getAllStackTraces().entrySet()) {
      Optional<String> caller = calledBy(each.getValue());
      if (caller.isPresent()) {
        return caller.map(who -> who + " on thread " + each.getKey().getName());
      }
    }
    return Optional.empty();
  }

  private static Optional<String> calledBy(StackTraceElement[] frames) {
    boolean exits = false;
    for (StackTraceElement frame : frames) {
      if (isExit(frame.getClassName(), frame.getMethodName())) {
        exits = true;
      } else if (exits && !frame.getClassName().equals("java.lang.System")) {
        if (frame.getClassName().startsWith("io.dfut.internal.cluster.launch.")) {
          return Optional.empty(); // told to end: that is in order
        }
        return Optional.of(
            frame.getClassName().startsWith("org.apache.pekko.actor.ActorSystemImpl")
                ? "Pekko could not go on after a fatal error, such as running out of memory,"
                : frame.getClassName() + "." + frame.getMethodName() + " called System.exit");
      }
    }
    return Optional.empty();
  }
}
