package io.dfut;

import java.io.Serializable;

/**
 * A function of three arguments that can run on another node: a method reference or a lambda. It is
 * {@link Serializable} only so that its class, method and captured values can be read off it; no
 * Java serialization crosses the network. Stateless implementations are thread-safe.
 *
 * @param <A> the type of argument 1
 * @param <B> the type of argument 2
 * @param <C> the type of argument 3
 * @param <R> the type of the result
 */
@FunctionalInterface
public interface Func3<A, B, C, R> extends Serializable {
  /** Runs the function; whatever it throws becomes the task's failure. */
  R apply(A a, B b, C c) throws Exception;
}
