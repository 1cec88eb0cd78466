/**
 * What makes many JVMs one system: membership, scheduling across nodes, the detection of failures,
 * and bootstrap. Internal: nothing here is a promise to users.
 */
package io.dfut.internal.cluster;
