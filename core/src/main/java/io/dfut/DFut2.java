package io.dfut;

/**
 * The futures of a task with two results. One execution makes them all; each is fetched, passed on,
 * closed and freed on its own.
 *
 * @param <A> the type of result 1
 * @param <B> the type of result 2
 * @param first the future of result 1
 * @param second the future of result 2
 */
public record DFut2<A, B>(DFut<A> first, DFut<B> second) {}
