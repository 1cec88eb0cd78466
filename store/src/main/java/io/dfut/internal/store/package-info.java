/**
 * The object store of a node: the table that decides, the memory that holds, and the sockets that
 * move values. Internal: nothing here is a promise to users.
 */
package io.dfut.internal.store;
