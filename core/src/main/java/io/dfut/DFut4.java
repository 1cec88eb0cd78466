package io.dfut;

/**
 * The futures of a task with four results. One execution makes them all; each is fetched, passed
 * on, closed and freed on its own.
 *
 * @param <A> the type of result 1
 * @param <B> the type of result 2
 * @param <C> the type of result 3
 * @param <D> the type of result 4
 * @param first the future of result 1
 * @param second the future of result 2
 * @param third the future of result 3
 * @param fourth the future of result 4
 */
public record DFut4<A, B, C, D>(DFut<A> first, DFut<B> second, DFut<C> third, DFut<D> fourth) {}
