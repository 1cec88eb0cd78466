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
 * What {@code dfut.tls} says, checked as far as that needs no key store to be opened. Immutable.
 * Passwords never stand in the configuration, which is printed and copied: each comes from a file
 * or from the environment.
 *
 * @param keyStore holds this node's key and certificate
 * @param trustStore holds the certificates that peers' certificates must lead to
 * @param protocols versions of TLS that are spoken
 * @param cipherSuites what is offered; empty for what the JDK offers
 * @param checksHostNames whether who connects wants to see the name that it connects to
 */
record TlsSettings(
    Path keyStore,
    String keyStorePassword,
    Path trustStore,
    String trustStorePassword,
    List<String> protocols,
    List<String> cipherSuites,
    boolean checksHostNames) {

  /** The variable with the password of the key store, if no file is named. */
  static final String KEY_STORE_PASSWORD = "DFUT_TLS_KEY_STORE_PASSWORD";

  /** The variable with the password of the trust store, if no file is named. */
  static final String TRUST_STORE_PASSWORD = "DFUT_TLS_TRUST_STORE_PASSWORD";

  private static final String PREFIX = "dfut.tls.";
  private static final String STORE = "the path of a PKCS12 or JKS file";
  private static final String FILE = "the path of a file, or nothing";
  private static final String PROTOCOLS = "a list such as [\"TLSv1.3\"]";

  TlsSettings {
    protocols = List.copyOf(protocols);
    cipherSuites = List.copyOf(cipherSuites);
  }

  /**
   * Empty when TLS is off.
   *
   * @param dfut the configuration below {@code dfut}
   * @param environment looks a variable up; null for one that is not set
   * @throws IllegalArgumentException naming the key, its value and what is allowed
   */
  static Optional<TlsSettings> of(Config dfut, UnaryOperator<String> environment) {
    // All are read, also when TLS is off: a wrong one is better refused now than when it is on.
    boolean enabled = read(dfut, "enabled", "on or off", Config::getBoolean);
    String keyStore = read(dfut, "key-store", STORE, Config::getString);
    String keyPassword = read(dfut, "key-store-password-file", FILE, Config::getString);
    String trustStore = read(dfut, "trust-store", STORE, Config::getString);
    String trustPassword = read(dfut, "trust-store-password-file", FILE, Config::getString);
    List<String> protocols = read(dfut, "protocols", PROTOCOLS, Config::getStringList);
    List<String> suites = read(dfut, "cipher-suites", "a list of names", Config::getStringList);
    boolean checksHostNames = read(dfut, "check-host-names", "on or off", Config::getBoolean);
    if (protocols.isEmpty()) {
      throw new IllegalArgumentException(PREFIX + "protocols is []; allowed: " + PROTOCOLS);
    }
    if (suites.stream().anyMatch(String::isBlank)) {
      throw new IllegalArgumentException(
          PREFIX + "cipher-suites is " + suites + "; allowed: a list of names, none of them blank");
    }
    if (!enabled) {
      return Optional.empty();
    }
    return Optional.of(
        new TlsSettings(
            file("key-store", keyStore),
            password("key-store-password-file", keyPassword, KEY_STORE_PASSWORD, environment),
            file("trust-store", trustStore),
            password("trust-store-password-file", trustPassword, TRUST_STORE_PASSWORD, environment),
            protocols,
            suites,
            checksHostNames));
  }

  private static Path file(String key, String name) {
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
      String key, String name, String variable, UnaryOperator<String> environment) {
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

  private static <T> T read(Config dfut, String key, String allowed, Reader<T> reader) {
    String path = "tls." + key;
    try {
      return reader.read(dfut, path);
    } catch (ConfigException e) {
      Function<String, String> shown =
          p -> dfut.hasPath(p) ? dfut.getValue(p).unwrapped().toString() : "missing";
      throw new IllegalArgumentException(
          PREFIX + key + " is " + shown.apply(path) + "; allowed: " + allowed, e);
    }
  }

  @Override
  public String toString() {
    return "TlsSettings[" + keyStore + ", " + trustStore + ", " + protocols + "]"; // no passwords
  }
}
