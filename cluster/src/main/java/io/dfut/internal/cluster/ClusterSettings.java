package io.dfut.internal.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
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

  /**
   * @throws IllegalArgumentException when a key has a value it cannot have; names it
   */
  static ClusterSettings of(Config config) {
    try {
      Config cluster = config.getConfig("dfut.cluster");
      String systemName = cluster.getString("system-name");
      if (!systemName.matches("[a-zA-Z0-9][a-zA-Z0-9_-]*")) {
        throw refuse("system-name", systemName, "letters, digits, - and _");
      }
      return new ClusterSettings(
          systemName,
          cluster.getString("host"),
          number(cluster, "port", 0, 65_535),
          join(cluster, systemName),
          number(cluster, "nodes-min", 1, 10_000),
          positive(cluster, "join-timeout"),
          positive(cluster, "meet-timeout"),
          positive(cluster, "leave-timeout"),
          positive(cluster, "hello-pause"),
          new Outbox.Limits(
              number(cluster, "outbox-messages-max", 1, Integer.MAX_VALUE),
              number(cluster, "batch-messages-max", 1, WireCodec.MESSAGES_MAX)),
          ProofSettings.of(cluster));
    } catch (ConfigException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  private static List<Address> join(Config cluster, String systemName) {
    List<Address> join = new ArrayList<>();
    for (String text : cluster.getStringList("join")) {
      HostAndPort at = HostAndPort.parse(text, PREFIX + "join");
      join.add(new Address("pekko", systemName, at.host(), at.port()));
    }
    return List.copyOf(join);
  }

  private static int number(Config cluster, String key, int least, int most) {
    int value = cluster.getInt(key);
    if (value < least || value > most) {
      throw refuse(key, String.valueOf(value), "from " + least + " to " + most);
    }
    return value;
  }

  static Duration positive(Config cluster, String key) {
    Duration value = cluster.getDuration(key);
    if (!value.isPositive()) {
      throw refuse(key, value.toString(), "a duration above zero, such as 10 s");
    }
    return value;
  }

  private static IllegalArgumentException refuse(String key, String value, String what) {
    return new IllegalArgumentException(PREFIX + key + " is " + value + "; it must be " + what);
  }
}
