package io.dfut;

import java.io.Serializable;

/**
 * A void function of seven arguments that can run on another node: a method reference or a lambda.
 * Its task gives a {@code DFut<Void>} whose value is {@code null} once it has run.
 *
 * @param <A> the type of argument 1
 * @param <B> the type of argument 2
 * @param <C> the type of argument 3
 * @param <D> the type of argument 4
 * @param <E> the type of argument 5
 * @param <F> the type of argument 6
 * @param <G> the type of argument 7
 */
@FunctionalInterface
public interface Proc7<A, B, C, D, E, F, G> extends Serializable {
  /** Runs the procedure; whatever it throws becomes the task's failure. */
  void run(A a, B b, C c, D d, E e, F f, G g) throws Exception;
}
