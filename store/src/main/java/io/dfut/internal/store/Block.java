package io.dfut.internal.store;

/**
 * A piece of a slab that holds one object, or nothing yet. Immutable. It names memory without
 * holding any, so that the machine can hand it about; only {@link StoreMemory} turns it into bytes.
 *
 * @param slab the slab's number, never used again once the slab is closed
 * @param slabBytes the size of that slab, so that whoever touches it first can open it
 * @param offset where in the slab
 * @param bytes the room taken, at least the size of the object
 */
record Block(int slab, long slabBytes, long offset, long bytes) {
  Block {
    if (slab < 0 || offset < 0 || bytes <= 0 || offset + bytes > slabBytes) {
      throw new IllegalArgumentException(
          "no such block: "
              + bytes
              + " bytes at "
              + offset
              + " of slab "
              + slab
              + " of "
              + slabBytes
              + " bytes");
    }
  }
}
