package io.dfut.internal.cluster;

import com.typesafe.config.Config;
import io.dfut.internal.config.ConfigReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.actor.Address;

/** What is configured below {@code dfut.cluster}, checked. Immutable. */
record ClusterSettings(
    String systemName,
    String host,
    int port,
    List<Address> join,
    int nodesMin,
    Duration joinTimeout,
    Duration meetTimeout,
    Duration leaveTimeout,
    Duration helloPause,
    Outbox.Limits limits,
    ProofSettings proof) {
  private static final String PREFIX = "dfut.cluster.";
  private static final String DATA_PORT = "dfut.store.data.port";

  /**
   * @throws IllegalArgumentException when a key has a value it cannot have; names it
   */
  static ClusterSettings of(Config config) {
    ConfigReader read = new ConfigReader(config);
    String systemName =
        read.string(
            PREFIX + "system-name",
            text -> text.matches("[a-zA-Z0-9][a-zA-Z0-9_-]*"),
            "letters, digits, - and _");
    ClusterSettings settings =
        new ClusterSettings(
            systemName,
            read.string(PREFIX + "host", text -> !text.isBlank(), "a host name or address"),
            read.integer(PREFIX + "port", 0, 65_535),
            join(read, systemName),
            read.integer(PREFIX + "nodes-min", 1, 10_000),
            read.positive(PREFIX + "join-timeout"),
            read.positive(PREFIX + "meet-timeout"),
            read.positive(PREFIX + "leave-timeout"),
            read.positive(PREFIX + "hello-pause"),
            new Outbox.Limits(
                read.integer(PREFIX + "outbox-messages-max", 1, Integer.MAX_VALUE),
                read.integer(PREFIX + "batch-messages-max", 1, WireCodec.MESSAGES_MAX)),
            ProofSettings.of(read));
    settings.refusePortOfDataPlane(read);
    return settings;
  }

  private void refusePortOfDataPlane(ConfigReader read) {
    if (port != 0
        && read.root().hasPath(DATA_PORT)
        && read.root().getValue(DATA_PORT).unwrapped().equals(port)) {
      throw read.refuse(
          DATA_PORT, "another port than that of " + PREFIX + "port, or 0 for any free one", null);
    }
  }

  private static List<Address> join(ConfigReader read, String systemName) {
    List<Address> join = new ArrayList<>();
    for (String text : read.strings(PREFIX + "join", "a list of \"host:port\"")) {
      HostAndPort at = HostAndPort.parse(text, PREFIX + "join");
      join.add(new Address("pekko", systemName, at.host(), at.port()));
    }
    return List.copyOf(join);
  }
}
