package io.dfut.samples.search;

/**
 * What a map task tells the driver beside its blocks.
 *
 * @param node the node that ran it
 * @param lengths how many terms each file has, in the order of the chunk; 0 for one that is not
 *     text
 * @param bytes how many bytes were read
 * @param notText files left out because they hold a zero byte
 * @param blockBytes the size of each partition's block
 */
record MapReport(String node, int[] lengths, long bytes, int notText, int[] blockBytes) {}
