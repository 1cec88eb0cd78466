package io.dfut.samples.bench;

/** What was asked for cannot be done; the message is one line with the way out. */
final class OptionException extends RuntimeException {
  OptionException(String message) {
    super(message);
  }

  OptionException(String message, Throwable cause) {
    super(message, cause);
  }
}
