package io.dfut.internal.cluster.launch;

/** The command line cannot be understood, or asks for what cannot be done. One line for people. */
final class UsageException extends RuntimeException {
  UsageException(String message) {
    super(message);
  }

  UsageException(String message, Throwable cause) {
    super(message, cause);
  }
}
