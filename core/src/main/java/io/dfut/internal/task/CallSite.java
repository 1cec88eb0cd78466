package io.dfut.internal.task;

/**
 * The line of user code that submitted a task or put a value. The runtime's own frames are skipped;
 * lines are cached per function class, since walking the stack costs more than submitting (a lambda
 * or method reference stands on one line). Immutable.
 *
 * @param className the user's class
 * @param method its method
 * @param file its source file, empty when unknown
 * @param line the line, negative when unknown
 */
public record CallSite(String className, String method, String file, int line) {
  /** Where nothing is known. */
  public static final CallSite UNKNOWN = new CallSite("unknown", "unknown", "", -1);

  private static final StackWalker WALKER = StackWalker.getInstance();

  /** Equal sites are kept once, while there are not more of them than any program has lines. */
  private static final Sharing<CallSite> SITES = new Sharing<>(10_000);

  private static final ClassValue<CallSite[]> BY_FUNCTION =
      new ClassValue<>() {
        @Override
        protected CallSite[] computeValue(Class<?> type) {
          return new CallSite[1];
        }
      };

  /** The innermost frame outside this library on the calling thread's stack. */
  public static CallSite here() {
    return WALKER.walk(
        frames ->
            frames
                .filter(frame -> isUserCode(frame.getClassName()))
                .findFirst()
                .map(
                    frame ->
                        new CallSite(
                            frame.getClassName(),
                            frame.getMethodName(),
                            frame.getFileName() == null ? "" : frame.getFileName(),
                            frame.getLineNumber()))
                .map(CallSite::kept)
                .orElse(UNKNOWN));
  }

  /** An equal site that all who ask share; worth it for what is kept for long. */
  public CallSite kept() {
    return SITES.of(this);
  }

  /** The same, walking the stack only the first time that this class of function is submitted. */
  public static CallSite of(Class<?> functionClass) {
    CallSite[] cached = BY_FUNCTION.get(functionClass);
    CallSite site = cached[0];
    if (site == null) {
      site = here();
      cached[0] = site; // a race finds the same line or another one that is as true
    }
    return site;
  }

  private static boolean isUserCode(String className) {
    if (className.startsWith("java.") || className.startsWith("jdk.")) {
      return false;
    }
    // Ours are the public classes directly in io.dfut and everything below internal; a user's
    // package may lie below too.
    return !className.startsWith("io.dfut.")
        || (className.indexOf('.', "io.dfut.".length()) > 0
            && !className.startsWith("io.dfut.internal."));
  }

  /** The site as a line of a stack trace. */
  public StackTraceElement element() {
    return new StackTraceElement(className, method, file.isEmpty() ? null : file, line);
  }

  @Override
  public String toString() {
    return element().toString();
  }
}
