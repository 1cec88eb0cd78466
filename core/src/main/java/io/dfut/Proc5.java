package io.dfut;

import java.io.Serializable;

/**
 * A void function of five arguments that can run on another node: a method reference or a lambda.
 * Its task gives a {@code DFut<Void>} whose value is {@code null} once it has run.
 *
 * @param <A> the type of argument 1
 * @param <B> the type of argument 2
 * @param <C> the type of argument 3
 * @param <D> the type of argument 4
 * @param <E> the type of argument 5
 */
@FunctionalInterface
public interface Proc5<A, B, C, D, E> extends Serializable {
  /** Runs the procedure; whatever it throws becomes the task's failure. */
  void run(A a, B b, C c, D d, E e) throws Exception;
}
