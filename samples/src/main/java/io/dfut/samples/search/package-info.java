/**
 * The first application: a full-text index over a real corpus, built as map, shuffle and reduce
 * over distributed futures, and then asked. {@link io.dfut.samples.search.SearchMain} is the
 * program; {@code IndexTasks} is what runs as tasks; {@code SearchIndex} is the driver that submits
 * them. {@code docs/samples/search.md} has the picture.
 */
package io.dfut.samples.search;
