package io.dfut.internal.task;

import java.lang.reflect.Constructor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What user code threw, as data: class name, text, frames, cause and suppressed. Within a JVM the
 * exception itself stays beside it. Depth and numbers are bounded. Immutable, apart from the
 * exception that user code may change.
 */
public final class ThrownError {
  /** How the class of a received error is found. */
  @FunctionalInterface
  public interface Classes {
    /**
     * The class, loaded only if it is admitted; empty when it is not, or is not on the class path.
     */
    Optional<Class<?>> find(String className);
  }

  private static final int DEPTH_MAX = 16;
  private static final int SUPPRESSED_MAX = 16;
  private static final int FRAMES_MAX = 512;
  private static final int TEXT_MAX = 16_384;

  private final String className;
  private final String text;
  private final List<Frame> frames;
  private final Optional<ThrownError> cause;
  private final List<ThrownError> suppressed;

  /**
   * The exception itself, for as long as the error has not left the JVM; null on the other side.
   */
  private final Throwable live;

  /** One line of a stack trace. */
  public record Frame(String className, String method, String file, int line) {
    StackTraceElement element() {
      return new StackTraceElement(className, method, file.isEmpty() ? null : file, line);
    }
  }

  /** From the wire. */
  public ThrownError(
      String className,
      String text,
      List<Frame> frames,
      Optional<ThrownError> cause,
      List<ThrownError> suppressed) {
    this(className, text, frames, cause, suppressed, null);
  }

  private ThrownError(
      String className,
      String text,
      List<Frame> frames,
      Optional<ThrownError> cause,
      List<ThrownError> suppressed,
      Throwable live) {
    this.className = className;
    this.text = text;
    this.frames = List.copyOf(frames);
    this.cause = cause;
    this.suppressed = List.copyOf(suppressed);
    this.live = live;
  }

  /** Takes an exception down. Never throws, whatever the exception's own methods do. */
  public static ThrownError of(Throwable thrown) {
    return of(thrown, DEPTH_MAX, Collections.newSetFromMap(new IdentityHashMap<>()));
  }

  private static ThrownError of(Throwable thrown, int depth, Set<Throwable> seen) {
    seen.add(thrown);
    List<Frame> frames = new ArrayList<>();
    for (StackTraceElement element : thrown.getStackTrace()) {
      if (frames.size() == FRAMES_MAX) {
        break;
      }
      String file = element.getFileName();
      frames.add(
          new Frame(
              element.getClassName(),
              element.getMethodName(),
              file == null ? "" : file,
              element.getLineNumber()));
    }
    Throwable cause = thrown.getCause();
    Optional<ThrownError> causeError =
        cause == null || depth == 0 || seen.contains(cause)
            ? Optional.empty()
            : Optional.of(of(cause, depth - 1, seen));
    List<ThrownError> suppressed = new ArrayList<>();
    for (Throwable s : thrown.getSuppressed()) {
      if (depth > 0 && suppressed.size() < SUPPRESSED_MAX && !seen.contains(s)) {
        suppressed.add(of(s, depth - 1, seen));
      }
    }
    return thrown instanceof RemoteError remote // what it stands for goes on, not the stand-in
        ? new ThrownError(remote.className, remote.text, frames, causeError, suppressed, thrown)
        : new ThrownError(
            thrown.getClass().getName(), text(thrown), frames, causeError, suppressed, thrown);
  }

  private static String text(Throwable thrown) {
    String text;
    try {
      text = thrown.getMessage();
    } catch (RuntimeException | Error e) { // an exception's own failure must not hide it
      text = "(its getMessage() threw " + e.getClass().getName() + ")";
    }
    if (text == null) {
      return "";
    }
    return text.length() <= TEXT_MAX ? text : text.substring(0, TEXT_MAX) + "…";
  }

  public String className() {
    return className;
  }

  public String text() {
    return text;
  }

  public List<Frame> frames() {
    return frames;
  }

  public Optional<ThrownError> cause() {
    return cause;
  }

  public List<ThrownError> suppressed() {
    return suppressed;
  }

  /**
   * The exception: itself within its JVM, else one of its class where that is found and has a
   * constructor for a message or none, else one that carries its name and text. The frames are the
   * original ones either way.
   */
  public Throwable toThrowable(Classes classes) {
    if (live != null) {
      return live;
    }
    Throwable causeThrowable = cause.map(error -> error.toThrowable(classes)).orElse(null);
    Throwable made =
        classes
            .find(className)
            .filter(Throwable.class::isAssignableFrom)
            .flatMap(type -> instantiate(type, causeThrowable))
            .orElseGet(() -> new RemoteError(className, text, causeThrowable));
    made.setStackTrace(frames.stream().map(Frame::element).toArray(StackTraceElement[]::new));
    for (ThrownError s : suppressed) {
      made.addSuppressed(s.toThrowable(classes));
    }
    return made;
  }

  private Optional<Throwable> instantiate(Class<?> type, Throwable causeThrowable) {
    String message = text.isEmpty() ? null : text;
    Optional<Throwable> made =
        construct(type, new Class<?>[] {String.class, Throwable.class}, message, causeThrowable)
            .or(() -> construct(type, new Class<?>[] {String.class}, message))
            .or(() -> construct(type, new Class<?>[] {Object.class}, message))
            .or(() -> construct(type, new Class<?>[] {}));
    // A constructor may have made another message of it; then the text would be lost, so the plain
    // carrier is better.
    made = made.filter(t -> text.equals(text(t)));
    made.ifPresent(
        t -> {
          if (causeThrowable != null && t.getCause() == null) {
            try {
              t.initCause(causeThrowable);
            } catch (IllegalStateException e) {
              t.addSuppressed(causeThrowable); // its constructor fixed the cause to none
            }
          }
        });
    return made;
  }

  private static Optional<Throwable> construct(
      Class<?> type, Class<?>[] parameters, Object... arguments) {
    try {
      Constructor<?> constructor = type.getDeclaredConstructor(parameters);
      if (!type.getName().startsWith("java.")) {
        constructor.setAccessible(true);
      }
      return Optional.of((Throwable) constructor.newInstance(arguments));
    } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
      return Optional.empty(); // the next constructor is tried, and in the end the carrier is used
    }
  }

  @Override
  public String toString() {
    return text.isEmpty() ? className : className + ": " + text;
  }

  /**
   * Stands for an exception whose class is not on this class path, not admitted, or cannot be made.
   */
  static final class RemoteError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String className;
    private final String text;

    RemoteError(String className, String text, Throwable cause) {
      super(text.isEmpty() ? className : className + ": " + text, cause);
      this.className = className;
      this.text = text;
    }
  }
}
