package io.dfut.internal.cluster;

import com.typesafe.config.Config;
import io.dfut.NodeId;

/** What all nodes of a cluster must have in common. */
final class Terms {
  /** Of control messages and handshakes. Counted up when an older node would misread a message. */
  static final int WIRE_VERSION = 3;

  /** Where {@link #WIRE_VERSION} stands in the configuration, for the check at joining. */
  static final String WIRE_VERSION_KEY = "dfut.cluster.wire-version";

  /** Must be the same everywhere: a lease request counts its redirections on its way. */
  static final String HOPS_MAX = "dfut.lease.spillback-hops-max";

  private Terms() {}

  static Wire.Preamble of(Config config, NodeId self) {
    return new Wire.Preamble(
        config.getInt(WIRE_VERSION_KEY),
        config.hasPath(HOPS_MAX) ? config.getInt(HOPS_MAX) : 0,
        self);
  }
}
