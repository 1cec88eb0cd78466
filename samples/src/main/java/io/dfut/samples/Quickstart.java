package io.dfut.samples;

import io.dfut.DFut;
import io.dfut.DFutSystem;
import io.dfut.SharedDFut;
import java.util.List;

/** The whole of it in twenty lines: values, futures by value, fan-in, a first-class reference. */
public final class Quickstart {
  static int square(int x) {
    return x * x;
  }

  static int add(int a, int b) {
    return a + b;
  }

  static int sum(List<Integer> xs) {
    return xs.stream().mapToInt(i -> i).sum();
  }

  /** Asks for the reference, not the value. */
  static int deferred(SharedDFut<Integer> ref) {
    return ref.get() + 1;
  }

  /** Prints 105. */
  public static void main(String[] args) {
    // One JVM, a worker slot per core, the same runtime as a cluster.
    try (DFutSystem dfut = DFutSystem.local()) {
      DFut<Integer> a = dfut.task(Quickstart::square).submit(3);
      DFut<Integer> b = dfut.task(Quickstart::square).submit(a); // a is passed by reference
      DFut<Integer> c = dfut.task(Quickstart::add).cpus(1).maxRetries(3).submit(a, 5); // mixed
      DFut<Integer> s = dfut.task(Quickstart::sum).submit(DFut.all(List.of(a, b, c))); // fan-in
      DFut<Integer> d = dfut.task(Quickstart::deferred).submit(s.share()); // first-class reference
      System.out.println(d.get());
    }
  }
}
