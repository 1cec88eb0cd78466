package io.dfut;

/**
 * What a method with two results returns, so that each becomes an object of its own. It is taken
 * apart where the task ran; {@code null} is allowed.
 *
 * @param <A> the type of result 1
 * @param <B> the type of result 2
 * @param first result 1
 * @param second result 2
 */
public record Returns2<A, B>(A first, B second) {}
