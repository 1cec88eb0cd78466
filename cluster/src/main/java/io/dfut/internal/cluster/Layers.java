package io.dfut.internal.cluster;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigValue;
import java.util.Map;

/**
 * Lays {@code dfut.pekko} between what the user set below {@code pekko} and Pekko's own defaults. A
 * {@code reference.conf} could not: the order of the class path would decide which of two wins.
 */
final class Layers {
  private Layers() {}

  /** The configuration for an {@code ActorSystem} of ours. */
  static Config layer(Config complete) {
    Config users = ConfigFactory.empty();
    if (complete.hasPath("pekko")) {
      for (Map.Entry<String, ConfigValue> entry : complete.getConfig("pekko").entrySet()) {
        if (!isDefault(entry.getValue().origin())) {
          users = users.withValue("pekko." + entry.getKey(), entry.getValue());
        }
      }
    }
    Config ours = complete.getConfig("dfut.pekko").atPath("pekko");
    return users.withFallback(ours).withFallback(complete);
  }

  /** Whether a value stands in some library's {@code reference.conf}. */
  private static boolean isDefault(ConfigOrigin origin) {
    if ("reference.conf".equals(origin.resource())) {
      return true;
    }
    return origin.url() != null && origin.url().getPath().endsWith("/reference.conf");
  }
}
