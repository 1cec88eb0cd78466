package io.dfut.internal.ownership;

import io.dfut.NodeId;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.protocol.WorkerMessage.CopyAdded;
import io.dfut.internal.protocol.WorkerMessage.CopyLeaves;
import io.dfut.internal.protocol.WorkerMessage.CopyMoved;
import io.dfut.internal.protocol.WorkerMessage.TaskReturned;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.task.Outcome;
import java.util.ArrayList;
import java.util.List;

/**
 * Copies of which only a message tells whose receiver is not there any more. An owner retires, or
 * dies, while a reader's report of its copy, or a result, is under way; nobody else would ever free
 * these bytes.
 *
 * @param key what they are kept under
 * @param nodes where they are
 */
public record Unclaimed(ObjectKey key, List<NodeId> nodes) {
  public Unclaimed {
    nodes = List.copyOf(nodes);
  }

  /** What is to be freed when nobody takes the message. */
  public static List<Unclaimed> in(WorkerMessage message) {
    return switch (message) {
      case CopyAdded added ->
          List.of(
              new Unclaimed(new ObjectKey(added.object(), added.attempt()), List.of(added.node())));
      case CopyLeaves leaves ->
          List.of(
              new Unclaimed(
                  new ObjectKey(leaves.object(), leaves.attempt()), List.of(leaves.from())));
      case CopyMoved moved ->
          List.of(
              new Unclaimed(new ObjectKey(moved.object(), moved.attempt()), List.of(moved.to())));
      case TaskReturned returned -> in(returned);
      default -> List.of();
    };
  }

  private static List<Unclaimed> in(TaskReturned returned) {
    List<Unclaimed> all = new ArrayList<>(0);
    for (int i = 0; i < returned.outcomes().size(); i++) {
      if (returned.outcomes().get(i) instanceof Outcome.Stored stored) {
        all.add(
            new Unclaimed(
                new ObjectKey(returned.task().result(i), stored.attempt()), stored.sources()));
      }
    }
    return all;
  }
}
