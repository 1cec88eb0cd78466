package outside;

/** An exception whose package no test node admits: there it travels as text. */
public final class UnadmittedException extends RuntimeException {
  /** Something of another type than a message. */
  private final int code;

  public UnadmittedException(String message, int code) {
    super(message);
    this.code = code;
  }

  public int code() {
    return code;
  }
}
