package io.dfut.scenarios.jvm;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** Keys and certificates of nodes, good and bad, made by the JDK's keytool below a folder. */
record Identities(Path folder) {
  static final String PASSWORD = "no-word-that-stands-anywhere-else";

  /** Signed by the authority that all trust, and in its time. */
  static final String NODE = "node";

  /** The others: out of its time, signed by itself, signed by an authority that nobody trusts. */
  static final List<String> BAD = List.of("expired", "self", "foreign");

  static Identities makeIn(Path folder) throws Exception {
    Path all = folder.resolve("all.p12");
    String[] names = {"-ext", "san=ip:127.0.0.1"};
    keytool(all, "authority", "-ext", "bc:c");
    keytool(all, "another", "-ext", "bc:c");
    keytool(all, NODE, with(names, "-signer", "authority"));
    keytool(
        all,
        "expired",
        with(names, "-signer", "authority", "-startdate", "-10d", "-validity", "5"));
    keytool(all, "self", names);
    keytool(all, "foreign", with(names, "-signer", "another"));
    KeyStore made = open(all);
    Identities identities = new Identities(folder);
    for (String alias : with(BAD.toArray(String[]::new), NODE)) {
      KeyStore one = empty();
      one.setKeyEntry(
          alias,
          made.getKey(alias, PASSWORD.toCharArray()),
          PASSWORD.toCharArray(),
          made.getCertificateChain(alias));
      write(identities.store(alias), one);
    }
    KeyStore trust = empty();
    trust.setCertificateEntry("authority", made.getCertificate("authority"));
    write(identities.store("trust"), trust);
    Files.writeString(folder.resolve("password"), PASSWORD + "\n");
    return identities;
  }

  private static String[] with(String[] some, String... more) {
    List<String> all = new ArrayList<>(List.of(some));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  private static void keytool(Path store, String alias, String... more) throws Exception {
    String[] command =
        with(
            new String[] {
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
              PASSWORD
            },
            more);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) {
      throw new IOException(alias + ": " + said);
    }
  }

  private static KeyStore empty() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static KeyStore open(Path file) throws GeneralSecurityException, IOException {
    try (InputStream in = Files.newInputStream(file)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(in, PASSWORD.toCharArray());
      return store;
    }
  }

  private static void write(Path file, KeyStore store)
      throws GeneralSecurityException, IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, PASSWORD.toCharArray());
    }
  }

  Path store(String name) {
    return folder.resolve(name + ".p12");
  }

  /** What a node with this key is started with, as {@code path=value}. */
  List<String> settings(String key) {
    return List.of(
        "dfut.tls.enabled=on",
        "dfut.tls.key-store=" + store(key),
        "dfut.tls.key-store-password-file=" + folder.resolve("password"),
        "dfut.tls.trust-store=" + store("trust"),
        "dfut.tls.trust-store-password-file=" + folder.resolve("password"));
  }

  /** A connection of somebody with this key, or with none, who trusts the authority. */
  SSLSocket connect(Optional<String> key, int port) throws Exception {
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(open(store("trust")));
    KeyManager[] keys = null;
    if (key.isPresent()) {
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(open(store(key.get())), PASSWORD.toCharArray());
      keys = factory.getKeyManagers();
    }
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys, trust.getTrustManagers(), null);
    Socket socket = new Socket("127.0.0.1", port);
    socket.setSoTimeout(10_000);
    return (SSLSocket) context.getSocketFactory().createSocket(socket, "127.0.0.1", port, true);
  }
}
