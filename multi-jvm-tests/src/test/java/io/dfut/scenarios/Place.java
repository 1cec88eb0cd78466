package io.dfut.scenarios;

/** Where a suite's scenarios run. */
enum Place {
  /** One system in this JVM. */
  LOCAL {
    @Override
    Habitat open() {
      return Habitat.local();
    }
  },

  /** A cluster of two nodes on loopback, in this JVM. */
  TWO_NODES {
    @Override
    Habitat open() {
      return Habitat.twoNodes();
    }
  };

  abstract Habitat open();
}
