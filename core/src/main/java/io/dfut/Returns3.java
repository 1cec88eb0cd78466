package io.dfut;

/**
 * What a method with three results returns, so that each becomes an object of its own. It is taken
 * apart where the task ran; {@code null} is allowed.
 *
 * @param <A> the type of result 1
 * @param <B> the type of result 2
 * @param <C> the type of result 3
 * @param first result 1
 * @param second result 2
 * @param third result 3
 */
public record Returns3<A, B, C>(A first, B second, C third) {}
