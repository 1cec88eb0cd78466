package io.dfut.internal.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;

/** Keys and certificates, made by the JDK's keytool, each in a store of its own below a folder. */
record Certificates(Path folder) {
  static final String PASSWORD = "not-a-secret";

  /**
   * {@code node} is signed by {@code authority}, which is what {@code trust} holds; so are {@code
   * other}, which has another host's name, and {@code expired}; {@code stranger} signs itself.
   */
  static Certificates makeIn(Path folder) throws Exception {
    Path all = folder.resolve("all.p12");
    keytool(all, "authority", "-ext", "bc:c");
    // The names of the nodes in tests, and where they listen.
    String names = "san=dns:node1,dns:node2,dns:node3,dns:localhost,ip:127.0.0.1";
    keytool(all, "node", "-signer", "authority", "-ext", names);
    keytool(all, "other", "-signer", "authority", "-ext", "san=dns:elsewhere");
    keytool(
        all,
        "expired",
        "-signer",
        "authority",
        "-startdate",
        "-10d",
        "-validity",
        "5",
        "-ext",
        names);
    keytool(all, "stranger", "-ext", names);
    KeyStore made = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(all)) {
      made.load(in, PASSWORD.toCharArray());
    }
    Certificates certificates = new Certificates(folder);
    for (String alias : List.of("node", "other", "expired", "stranger")) {
      KeyStore one = empty();
      one.setKeyEntry(
          alias,
          made.getKey(alias, PASSWORD.toCharArray()),
          PASSWORD.toCharArray(),
          made.getCertificateChain(alias));
      certificates.write(alias, one);
    }
    KeyStore trust = empty();
    trust.setCertificateEntry("authority", made.getCertificate("authority"));
    certificates.write("trust", trust);
    KeyStore itself = empty();
    itself.setCertificateEntry("expired", made.getCertificate("expired"));
    itself.setCertificateEntry("authority", made.getCertificate("authority"));
    certificates.write("trust-expired", itself);
    certificates.write("nothing", empty());
    Files.writeString(folder.resolve("password"), PASSWORD + "\n");
    return certificates;
  }

  private static void keytool(Path store, String alias, String... more) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-J-XX:TieredStopAtLevel=1",
                "-genkeypair",
                "-keyalg",
                "EC",
                "-alias",
                alias,
                "-dname",
                "CN=" + alias,
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD));
    command.addAll(List.of(more));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) {
      throw new IOException(command + " said " + said);
    }
  }

  private static KeyStore empty() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private void write(String name, KeyStore store) throws GeneralSecurityException, IOException {
    try (OutputStream out = Files.newOutputStream(store(name))) {
      store.store(out, PASSWORD.toCharArray());
    }
  }

  /** The file with this name. */
  Path store(String name) {
    return folder.resolve(name + ".p12");
  }

  TlsSettings settings(String key, String trust) {
    return new TlsSettings(
        store(key), PASSWORD, store(trust), PASSWORD, List.of("TLSv1.3"), List.of(), true);
  }

  /** What a user writes for the same. */
  String config(String key, String trust) {
    return """
    tls {
      enabled = on
      key-store = "%s"
      key-store-password-file = "%s"
      trust-store = "%s"
      trust-store-password-file = "%3$s.password"
    }
    """
        .formatted(store(key), folder.resolve("password"), store(trust))
        .replace(store(trust) + ".password", folder.resolve("password").toString());
  }
}
