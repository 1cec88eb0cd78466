package io.dfut.samples.search;

/**
 * What the user gave cannot be used. The message says what is wrong and the way out, in one line;
 * it is all that the user sees.
 */
final class InputException extends RuntimeException {
  InputException(String message) {
    super(message);
  }

  InputException(String message, Throwable cause) {
    super(message, cause);
  }
}
