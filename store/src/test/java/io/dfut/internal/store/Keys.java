package io.dfut.internal.store;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.spi.ObjectKey;

/** Names for tests. */
final class Keys {
  private Keys() {}

  static NodeId node(int number) {
    return new NodeId("node" + number, 25520, number);
  }

  static ObjectKey key(int number) {
    return new ObjectKey(new ObjectId(new WorkerId(node(1), 1), number, 0), 0);
  }
}
