/** How a node leaves on purpose: what it waits for, and what it has moved elsewhere. Pure. */
package io.dfut.internal.drain;
