package io.dfut;

/**
 * The futures of a task with three results. One execution makes them all; each is fetched, passed
 * on, closed and freed on its own.
 *
 * @param <A> the type of result 1
 * @param <B> the type of result 2
 * @param <C> the type of result 3
 * @param first the future of result 1
 * @param second the future of result 2
 * @param third the future of result 3
 */
public record DFut3<A, B, C>(DFut<A> first, DFut<B> second, DFut<C> third) {}
