/**
 * Benchmarks that need nothing but the public API: {@code ./dfut bench NAME}. What they measure,
 * and what was measured, stands in {@code docs/benchmarks.md}.
 */
package io.dfut.samples.bench;
