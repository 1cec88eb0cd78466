package io.dfut.testkit;

import io.dfut.DFutSystem;
import java.util.Optional;

/** Where tests run: a system that is shared by the tests of a class. */
interface Place extends AutoCloseable {
  /** The same until {@link #repair} makes another. */
  DFutSystem driver();

  /** Empty where there is one JVM. */
  Optional<DFutNodes> nodes();

  /** Undoes what a test has done to it; false when it has to be replaced. */
  boolean repair();

  /** Whether messages are held back that nobody but who sent them knows of. */
  boolean isCut();

  /** What a test did to the connections and threads of nodes ends. */
  void letGo();

  /** What its JVMs said last; empty where there is none but this. */
  String tails();

  /** Never fails for what is gone already. */
  @Override
  void close();
}
