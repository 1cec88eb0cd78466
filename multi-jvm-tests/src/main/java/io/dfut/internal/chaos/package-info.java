/**
 * {@code ./dfut chaos}: a random workload with known answers on real JVMs that are killed, frozen,
 * cut off and started again meanwhile. Nobody's promise.
 */
package io.dfut.internal.chaos;
