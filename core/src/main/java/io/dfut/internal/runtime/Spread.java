package io.dfut.internal.runtime;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import java.util.Comparator;
import java.util.List;

/**
 * In which order a node tries the copies of an object. If all began with the primary, a value that
 * every node wants would come from one of them however many have it by then. So each begins
 * elsewhere, by a number that follows from the node, the object and the source; the same node keeps
 * to the same order.
 */
final class Spread {
  private Spread() {}

  /** The same sources, in the order of {@code reader}. */
  static List<NodeId> of(List<NodeId> sources, ObjectId object, NodeId reader) {
    return sources.size() < 2
        ? sources
        : sources.stream()
            .sorted(Comparator.comparingLong(source -> weight(source, object, reader)))
            .toList();
  }

  private static long weight(NodeId source, ObjectId object, NodeId reader) {
    long mixed = source.hashCode() * 0x9E3779B97F4A7C15L;
    mixed = (mixed ^ (mixed >>> 32) ^ reader.hashCode()) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 29) ^ object.hashCode()) * 0x94D049BB133111EBL;
    return mixed ^ (mixed >>> 31);
  }
}
