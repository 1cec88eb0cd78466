package io.dfut.internal.cluster;

import com.typesafe.config.Config;
import java.util.List;
import org.apache.pekko.cluster.ConfigValidation;
import org.apache.pekko.cluster.Invalid;
import org.apache.pekko.cluster.JoinConfigCompatChecker;
import org.apache.pekko.cluster.Valid;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Refuses a node whose wire version, or what else all must agree on, differs. Asked by Pekko on
 * both sides before a node joins.
 */
public final class JoinCompatibility extends JoinConfigCompatChecker {
  private static final List<String> KEYS = List.of(Terms.WIRE_VERSION_KEY, Terms.HOPS_MAX);

  /** Called by Pekko. */
  public JoinCompatibility() {}

  @Override
  public scala.collection.immutable.Seq<String> requiredKeys() {
    return CollectionConverters.asScala(KEYS).toSeq();
  }

  @Override
  public ConfigValidation check(Config theirs, Config ours) {
    List<String> differences =
        KEYS.stream()
            .filter(key -> !value(theirs, key).equals(value(ours, key)))
            .map(
                key ->
                    key + " is " + value(theirs, key) + " there and " + value(ours, key) + " here")
            .toList();
    return differences.isEmpty()
        ? Valid.getInstance()
        : new Invalid(CollectionConverters.asScala(differences).toSeq());
  }

  private static String value(Config config, String key) {
    return config.hasPath(key) ? config.getString(key) : "not set";
  }
}
