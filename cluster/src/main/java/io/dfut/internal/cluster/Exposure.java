package io.dfut.internal.cluster;

import com.typesafe.config.Config;
import io.dfut.internal.config.ConfigReader;
import io.dfut.internal.store.TlsEngines;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a node may listen where it is to: everything between nodes is encrypted or nothing is,
 * and nothing only where no other host can reach it, or where somebody has said that this is meant.
 */
final class Exposure {
  private static final Logger LOG = LoggerFactory.getLogger(Exposure.class);

  /** Pekko's transport with TLS. */
  static final String TLS_TRANSPORT = "tls-tcp";

  static final String TRANSPORT = "pekko.remote.artery.transport";
  private static final String INSECURE = "dfut.insecure";
  private static final String MEANT = "yes-i-mean-it";
  private static final String CANONICAL = "pekko.remote.artery.canonical.hostname";
  private static final String BIND = "pekko.remote.artery.bind.hostname";
  private static final String DATA = "dfut.store.data.host";

  private Exposure() {}

  /**
   * Looks at an {@code ActorSystem}'s whole configuration.
   *
   * @throws IllegalStateException naming the keys and the way out
   * @throws IllegalArgumentException when a key has a value that it cannot have
   */
  static void check(Config config) {
    ConfigReader read = new ConfigReader(config);
    String insecure =
        read.string(
            INSECURE,
            text -> List.of("no", "off", "false", MEANT).contains(text),
            "no, or " + MEANT);
    boolean encrypts = read.flag("dfut.tls.enabled");
    boolean arteryEncrypts = TLS_TRANSPORT.equalsIgnoreCase(config.getString(TRANSPORT));
    if (encrypts != arteryEncrypts) {
      throw new IllegalStateException(
          "dfut.tls.enabled is "
              + (encrypts ? "on" : "off")
              + " and "
              + TRANSPORT
              + " is "
              + config.getString(TRANSPORT)
              + ": messages and objects are both encrypted or neither is; "
              + (encrypts
                  ? "set it to "
                      + TLS_TRANSPORT
                      + ", with pekko.remote.artery.ssl.ssl-engine-provider"
                      + " = "
                      + TlsEngineProvider.class.getName()
                  : "set dfut.tls, which is for both"));
    }
    Optional<String> exposed =
        List.of(CANONICAL, BIND, DATA).stream()
            .filter(key -> config.hasPath(key) && !isLoopback(config.getString(key)))
            .findFirst();
    if (encrypts || exposed.isEmpty()) {
      return;
    }
    String key = exposed.get().equals(CANONICAL) ? "dfut.cluster.host" : exposed.get();
    String where = key + " is " + config.getString(exposed.get()) + ", which other hosts can reach";
    if (!insecure.equals(MEANT)) {
      throw new IllegalStateException(
          where
              + ", and dfut.tls.enabled is off: whoever reaches the port could join, run tasks and"
              + " read values; set dfut.tls, keep to 127.0.0.1, or, in a network in which everybody"
              + " may do that, set "
              + INSECURE
              + " = "
              + MEANT);
    }
    LOG.warn("{}, and nothing is encrypted, as {} says", where, INSECURE);
  }

  /** A name that nobody knows is not taken to be safe. */
  private static boolean isLoopback(String host) {
    try {
      return host.isEmpty() || InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      return false;
    }
  }

  /** Has Artery encrypt if objects are. */
  static Config secure(Config config) {
    // Opened here to be refused here: Pekko would open them when half of the node is there.
    if (TlsEngines.of(config.getConfig("dfut")).isEmpty()
        || !config.getString(TRANSPORT).equals("tcp")) {
      return config;
    }
    return config
        .withValue(TRANSPORT, com.typesafe.config.ConfigValueFactory.fromAnyRef(TLS_TRANSPORT))
        .withValue(
            "pekko.remote.artery.ssl.ssl-engine-provider",
            com.typesafe.config.ConfigValueFactory.fromAnyRef(TlsEngineProvider.class.getName()));
  }
}
