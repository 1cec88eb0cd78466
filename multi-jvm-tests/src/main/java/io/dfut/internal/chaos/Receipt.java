package io.dfut.internal.chaos;

/**
 * What an {@link Account} answers.
 *
 * @param incarnation which one of the actor
 * @param index how many calls of this caller it has run, this one included
 * @param balance the sum of their amounts
 */
record Receipt(long incarnation, int index, long balance) {}
