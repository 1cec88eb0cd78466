package io.dfut.samples.search;

/**
 * What a reduce task tells the driver beside its partition.
 *
 * @param node the node that ran it
 * @param terms different terms in the partition
 * @param postings pairs of a term and a file that has it
 * @param bytes the size of the partition
 */
record ReduceReport(String node, int terms, long postings, long bytes) {}
