package io.dfut.internal.ownership;

/**
 * Where a reader waits for an object's outcome. Opaque to the machines, which only hand it back in
 * effects; the shell (or the simulator) knows what it is.
 */
public interface Settleable {}
