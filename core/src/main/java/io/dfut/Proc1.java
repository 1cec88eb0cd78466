package io.dfut;

import java.io.Serializable;

/**
 * A void function of one argument that can run on another node: a method reference or a lambda. Its
 * task gives a {@code DFut<Void>} whose value is {@code null} once it has run.
 *
 * @param <A> the type of argument 1
 */
@FunctionalInterface
public interface Proc1<A> extends Serializable {
  /** Runs the procedure; whatever it throws becomes the task's failure. */
  void run(A a) throws Exception;
}
