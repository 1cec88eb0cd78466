package io.dfut.internal.api;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import java.util.Objects;

/** Where a task or actor should run. */
public sealed interface Placement {
  /** The local node first, others when it is full. */
  record Anywhere() implements Placement {}

  /** A random node with room. */
  record Spread() implements Placement {}

  /** This node and no other. */
  record On(NodeId node) implements Placement {
    public On {
      Objects.requireNonNull(node, "node");
    }
  }

  /** The node that holds this object, if it has room. */
  record Near(ObjectId object) implements Placement {
    public Near {
      Objects.requireNonNull(object, "object");
    }
  }
}
