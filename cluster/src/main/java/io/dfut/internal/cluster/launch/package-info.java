/**
 * The command line, {@code ./dfut}: starts nodes, runs programs on them, and processes for tests.
 * Internal: nothing here is a promise to users but the command line itself.
 */
package io.dfut.internal.cluster.launch;
