/**
 * What whoever starts JVMs of one cluster on this host needs, to cut them off from each other too.
 */
package io.dfut.internal.jvms;
