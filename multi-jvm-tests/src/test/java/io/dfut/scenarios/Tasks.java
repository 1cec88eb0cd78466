package io.dfut.scenarios;

import io.dfut.SharedDFut;
import java.util.List;
import java.util.Random;

/** What tasks do in more than one suite. */
final class Tasks {
  private Tasks() {}

  static Object echo(Object value) {
    return value;
  }

  static int increment(int value) {
    return value + 1;
  }

  static int add(int a, int b) {
    return a + b;
  }

  static int sum(List<Integer> values) {
    return values.stream().mapToInt(Integer::intValue).sum();
  }

  /** The value, once the gate is open. */
  static int after(Gate gate, int value) throws InterruptedException {
    gate.pass();
    return value;
  }

  /** The value, and a mark that the body ran. */
  static int counted(Tally tally, int value) {
    tally.add();
    return value;
  }

  static int valueOf(SharedDFut<Integer> reference) {
    return reference.get();
  }

  static int fail(String message) {
    throw new IllegalStateException(message);
  }

  /** Bytes that no other seed gives. */
  static byte[] bytes(int seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
