package io.dfut.scenarios;

import io.dfut.Inspection;
import io.dfut.NodeId;
import java.util.function.Supplier;

/** A node of a {@link Habitat}, in this JVM or another, that can be looked at. */
record Node(NodeId node, Supplier<Inspection> looks) {
  Inspection inspect() {
    return looks.get();
  }
}
