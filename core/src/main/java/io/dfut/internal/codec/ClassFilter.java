package io.dfut.internal.codec;

/**
 * Decides which classes may be loaded because bytes name them. Asked before a class is loaded.
 * Thread-safe.
 */
public interface ClassFilter {
  /** Whether a class of this binary name (no array brackets) may be loaded and instantiated. */
  boolean admits(String className);

  /**
   * What to tell the user when it may not: names the class, the node, and the key that admits it.
   */
  String refusal(String className);

  /** Where it decides, for messages to the user: "node …". */
  default String place() {
    return "this node";
  }

  /** Admits every class: a system in one JVM without a network, where all bytes are its own. */
  static ClassFilter everything() {
    return new ClassFilter() {
      @Override
      public boolean admits(String className) {
        return true;
      }

      @Override
      public String refusal(String className) {
        throw new IllegalStateException("nothing is refused: " + className);
      }
    };
  }
}
