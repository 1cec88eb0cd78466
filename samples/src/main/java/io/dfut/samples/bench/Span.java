package io.dfut.samples.bench;

/**
 * How long one submitter took, from its first submission.
 *
 * @param submittedNanos until its last submission had returned
 * @param doneNanos until it had the last result
 */
record Span(long submittedNanos, long doneNanos) {}
