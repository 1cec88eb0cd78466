package io.dfut.internal.store;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * What {@code dfut.store.data.tls} says, checked as far as that needs no key store to be opened.
 * Immutable. Passwords never stand in the configuration, which is printed and copied: each comes
 * from a file or from the environment.
 *
 * @param keyStore holds this node's key and certificate
 * @param trustStore holds the certificates that peers' certificates must lead to
 * @param protocols versions of TLS that are spoken
 * @param cipherSuites what is offered; empty for what the JDK offers
 */
record TlsSettings(
    Path keyStore,
    String keyStorePassword,
    Path trustStore,
    String trustStorePassword,
    List<String> protocols,
    List<String> cipherSuites) {

  /** The variable with the password of the key store, if no file is named. */
  static final String KEY_STORE_PASSWORD = "DFUT_TLS_KEY_STORE_PASSWORD";

  /** The variable with the password of the trust store, if no file is named. */
  static final String TRUST_STORE_PASSWORD = "DFUT_TLS_TRUST_STORE_PASSWORD";

  private static final String PREFIX = "dfut.store.data.tls.";

  TlsSettings {
    protocols = List.copyOf(protocols);
    cipherSuites = List.copyOf(cipherSuites);
  }

  /**
   * Empty when TLS is off.
   *
   * @param store the configuration below {@code dfut.store}
   * @param environment looks a variable up; null for one that is not set
   * @throws IllegalArgumentException naming the key, its value and what is allowed
   */
  static Optional<TlsSettings> of(Config store, UnaryOperator<String> environment) {
    if (!read(store, "enabled", "on or off", Config::getBoolean)) {
      return Optional.empty();
    }
    Path keyStore = file(store, "key-store");
    Path trustStore = file(store, "trust-store");
    List<String> protocols =
        read(store, "protocols", "a list such as [\"TLSv1.3\"]", Config::getStringList);
    if (protocols.isEmpty()) {
      throw new IllegalArgumentException(
          PREFIX + "protocols is empty; allowed: a list such as [\"TLSv1.3\"]");
    }
    return Optional.of(
        new TlsSettings(
            keyStore,
            password(store, "key-store-password-file", KEY_STORE_PASSWORD, environment),
            trustStore,
            password(store, "trust-store-password-file", TRUST_STORE_PASSWORD, environment),
            protocols,
            read(store, "cipher-suites", "a list of names", Config::getStringList)));
  }

  private static Path file(Config store, String key) {
    String name = read(store, key, "the path of a PKCS12 or JKS file", Config::getString);
    if (name.isBlank()) {
      throw new IllegalArgumentException(
          PREFIX + key + " is not set; TLS needs the path of a PKCS12 or JKS file there");
    }
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(PREFIX + key + " is not a path: " + e.getMessage(), e);
    }
  }

  private static String password(
      Config store, String key, String variable, UnaryOperator<String> environment) {
    String name = read(store, key, "the path of a file, or nothing", Config::getString);
    if (name.isBlank()) {
      String password = environment.apply(variable);
      if (password == null || password.isEmpty()) {
        throw new IllegalArgumentException(
            PREFIX
                + key
                + " is not set, nor is the environment variable "
                + variable
                + "; one of them must give the password");
      }
      return password;
    }
    try {
      List<String> lines = Files.readAllLines(Path.of(name));
      if (lines.isEmpty() || lines.getFirst().isEmpty()) {
        throw new IllegalArgumentException(
            PREFIX + key + " is " + name + ", whose first line is empty; it must be the password");
      }
      return lines.getFirst();
    } catch (IOException | InvalidPathException e) {
      throw new IllegalArgumentException(
          PREFIX + key + " is " + name + ", which cannot be read: " + e, e);
    }
  }

  private interface Reader<T> {
    T read(Config config, String path);
  }

  private static <T> T read(Config store, String key, String allowed, Reader<T> reader) {
    String path = "data.tls." + key;
    try {
      return reader.read(store, path);
    } catch (ConfigException e) {
      Function<String, String> shown =
          p -> store.hasPath(p) ? store.getValue(p).unwrapped().toString() : "missing";
      throw new IllegalArgumentException(
          PREFIX + key + " is " + shown.apply(path) + "; allowed: " + allowed, e);
    }
  }

  @Override
  public String toString() {
    return "TlsSettings[" + keyStore + ", " + trustStore + ", " + protocols + "]"; // no passwords
  }
}
