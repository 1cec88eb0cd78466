package io.dfut.internal.codec;

/** Numbers objects by identity, in the order in which they are added. Not thread-safe. */
final class IdentityTable {
  private Object[] keys;
  private int[] numbers;
  private int size;

  IdentityTable(int capacity) {
    keys = new Object[capacity];
    numbers = new int[capacity];
  }

  int size() {
    return size;
  }

  /** The object's number, or -1. */
  int find(Object key) {
    int slot = slot(keys, key);
    return keys[slot] == key ? numbers[slot] : -1;
  }

  /** The number the object has already, or {@code -1 - number} of the one it was given now. */
  int findOrAdd(Object key) {
    int slot = slot(keys, key);
    if (keys[slot] == key) {
      return numbers[slot];
    }
    int number = size;
    put(slot, key, number);
    return -1 - number;
  }

  /** Gives an object that is not here the number of another; numbers given later do not change. */
  void alias(Object key, int number) {
    int slot = slot(keys, key);
    if (keys[slot] != key) {
      put(slot, key, number);
      // An alias takes room but no number.
      aliases++;
      size--;
    }
  }

  private int aliases;

  private void put(int slot, Object key, int number) {
    keys[slot] = key;
    numbers[slot] = number;
    size++;
    if ((size + aliases) * 2 > keys.length) {
      grow();
    }
  }

  private void grow() {
    Object[] wider = new Object[keys.length * 2];
    int[] widerNumbers = new int[wider.length];
    for (int i = 0; i < keys.length; i++) {
      if (keys[i] != null) {
        int slot = slot(wider, keys[i]);
        wider[slot] = keys[i];
        widerNumbers[slot] = numbers[i];
      }
    }
    keys = wider;
    numbers = widerNumbers;
  }

  private static int slot(Object[] table, Object key) {
    int hash = System.identityHashCode(key);
    int mask = table.length - 1;
    int slot = (hash ^ (hash >>> 15)) & mask;
    while (table[slot] != null && table[slot] != key) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}
