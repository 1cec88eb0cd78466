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
  },

  /** A cluster of three JVMs: the driver in this one, and a node in each of the others. */
  THREE_JVMS {
    @Override
    Habitat open() {
      return Habitat.threeJvms();
    }
  };

  abstract Habitat open();
}
