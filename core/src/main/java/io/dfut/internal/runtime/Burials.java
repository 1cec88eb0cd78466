package io.dfut.internal.runtime;

import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.NodeMessage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Workers that ended, of any node: the last ones, since messages of the dead come for seconds at
 * most. Thread-safe; asked for every push, so without a lock.
 */
final class Burials {
  private final int most;
  private final Map<WorkerId, String> causes = new ConcurrentHashMap<>();

  /** The same in the order of their ends. Guarded by itself. */
  private final ArrayDeque<WorkerId> order = new ArrayDeque<>();

  Burials(int most) {
    this.most = most;
  }

  /** Notes a worker's end; false when it is known. */
  boolean bury(WorkerId worker, String cause) {
    synchronized (order) {
      if (causes.putIfAbsent(worker, cause) != null) {
        return false;
      }
      order.add(worker);
      if (order.size() > most) {
        causes.remove(order.removeFirst());
      }
      return true;
    }
  }

  boolean isDead(WorkerId worker) {
    return !causes.isEmpty() && causes.containsKey(worker);
  }

  /**
   * What a node must be told that is met now: the ends of this node's own workers, oldest first.
   * Something that one of them had said to it may have waited for the meeting; it has been sent
   * before this, and must not stand for ever.
   */
  List<NodeMessage.WorkerEnded> noticesOf(NodeId node) {
    List<NodeMessage.WorkerEnded> notices = new ArrayList<>();
    synchronized (order) {
      for (WorkerId worker : order) {
        if (worker.node().equals(node)) {
          notices.add(new NodeMessage.WorkerEnded(worker, causes.get(worker)));
        }
      }
    }
    return notices;
  }
}
