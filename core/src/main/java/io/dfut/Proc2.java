package io.dfut;

import java.io.Serializable;

/**
 * A void function of two arguments that can run on another node: a method reference or a lambda.
 * Its task gives a {@code DFut<Void>} whose value is {@code null} once it has run.
 *
 * @param <A> the type of argument 1
 * @param <B> the type of argument 2
 */
@FunctionalInterface
public interface Proc2<A, B> extends Serializable {
  /** Runs the procedure; whatever it throws becomes the task's failure. */
  void run(A a, B b) throws Exception;
}
