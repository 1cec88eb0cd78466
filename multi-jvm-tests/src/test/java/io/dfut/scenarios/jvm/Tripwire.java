package io.dfut.scenarios.jvm;

import java.io.ObjectInputStream;
import java.io.Serializable;

/** Says when it is loaded, and when it is read: no node may do either because bytes name it. */
public final class Tripwire implements Serializable {
  private static final long serialVersionUID = 1L;

  static {
    System.out.println("tripwire loaded");
  }

  /** Called by Java's serialisation only. */
  private void readObject(ObjectInputStream in) {
    System.out.println("tripwire read");
  }
}
