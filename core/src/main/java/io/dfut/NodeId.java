package io.dfut;

import java.util.Objects;

/**
 * One life of one node: the address its cluster peers use and the incarnation that tells a
 * restarted node from the one before it. Immutable and thread-safe.
 *
 * @param host the host name or address the node is reached under, {@code "local"} in a system
 *     without a network
 * @param port the port of its control messages, 0 in a system without a network
 * @param incarnation drawn anew at every start, so that a restarted node is another node
 */
public record NodeId(String host, int port, long incarnation) implements Comparable<NodeId> {
  /** Refuses a missing host and a port outside 0 to 65535. */
  public NodeId {
    Objects.requireNonNull(host, "host");
    if (host.isBlank()) {
      throw new IllegalArgumentException("host is blank");
    }
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port " + port + " is outside 0 to 65535");
    }
  }

  @Override
  public int compareTo(NodeId other) {
    int byHost = host.compareTo(other.host);
    if (byHost != 0) {
      return byHost;
    }
    int byPort = Integer.compare(port, other.port);
    return byPort != 0 ? byPort : Long.compare(incarnation, other.incarnation);
  }

  /** The address without the incarnation, {@code host:port}: what a person types. */
  public String address() {
    return host + ":" + port;
  }

  // Within a JVM it is mostly the same object.
  @Override
  public boolean equals(Object other) {
    return this == other
        || (other instanceof NodeId node
            && incarnation == node.incarnation
            && port == node.port
            && host.equals(node.host));
  }

  // The incarnation is drawn at random at each start: the host would add nothing but time.
  @Override
  public int hashCode() {
    return 31 * port + Long.hashCode(incarnation);
  }

  @Override
  public String toString() {
    return host + ":" + port + "#" + Long.toHexString(incarnation);
  }
}
