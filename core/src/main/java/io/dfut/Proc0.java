package io.dfut;

import java.io.Serializable;

/**
 * A void function of no arguments that can run on another node: a method reference or a lambda. Its
 * task gives a {@code DFut<Void>} whose value is {@code null} once it has run.
 */
@FunctionalInterface
public interface Proc0 extends Serializable {
  /** Runs the procedure; whatever it throws becomes the task's failure. */
  void run() throws Exception;
}
