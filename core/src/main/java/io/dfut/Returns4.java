package io.dfut;

/**
 * What a method with four results returns, so that each becomes an object of its own. It is taken
 * apart where the task ran; {@code null} is allowed.
 *
 * @param <A> the type of result 1
 * @param <B> the type of result 2
 * @param <C> the type of result 3
 * @param <D> the type of result 4
 * @param first result 1
 * @param second result 2
 * @param third result 3
 * @param fourth result 4
 */
public record Returns4<A, B, C, D>(A first, B second, C third, D fourth) {}
