/** What can be read off a snapshot of the tables. */
package io.dfut.internal.inspect;
