package io.dfut;

import java.io.Serializable;

/**
 * A function of no arguments that can run on another node: a method reference or a lambda. It is
 * {@link Serializable} only so that its class, method and captured values can be read off it; no
 * Java serialization crosses the network. Stateless implementations are thread-safe.
 *
 * @param <R> the type of the result
 */
@FunctionalInterface
public interface Func0<R> extends Serializable {
  /** Runs the function; whatever it throws becomes the task's failure. */
  R apply() throws Exception;
}
