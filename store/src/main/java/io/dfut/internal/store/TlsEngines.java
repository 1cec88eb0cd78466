package io.dfut.internal.store;

import com.typesafe.config.Config;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Collections;
import java.util.Date;
import java.util.Optional;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * What {@code dfut.tls} comes to: engines for messages and objects alike, in which both sides must
 * show a certificate that the other's trust store accepts. Thread-safe.
 *
 * <p>Who connects also wants to see the name of the host that it connects to, unless that is
 * switched off. Who is connected to does not know a name to compare. That a peer is a member of
 * this very cluster is what joining and the data plane's token say, as without TLS (ADR 0012).
 */
public final class TlsEngines {
  private final SSLContext context;
  private final String[] protocols;
  private final String[] cipherSuites;
  private final boolean checksHostNames;

  /**
   * Reads the configuration and opens both stores; empty when TLS is off.
   *
   * @param dfut the configuration below {@code dfut}
   * @throws IllegalArgumentException naming the key, its value and what is allowed
   */
  public static Optional<TlsEngines> of(Config dfut) {
    return TlsSettings.of(dfut, System::getenv).map(TlsEngines::new);
  }

  /**
   * Opens both stores.
   *
   * @throws IllegalArgumentException when one cannot be used, naming its key and file
   */
  TlsEngines(TlsSettings settings) {
    String key = "dfut.tls.key-store";
    char[] password = settings.keyStorePassword().toCharArray();
    KeyStore keys = load(settings.keyStore(), password, key);
    String trustKey = "dfut.tls.trust-store";
    KeyStore trusted =
        load(settings.trustStore(), settings.trustStorePassword().toCharArray(), trustKey);
    try {
      if (Collections.list(keys.aliases()).stream().noneMatch(alias -> isKey(keys, alias))) {
        throw new IllegalArgumentException(
            key + " is " + settings.keyStore() + ", which holds no key");
      }
      if (trusted.size() == 0) {
        throw new IllegalArgumentException(
            trustKey + " is " + settings.trustStore() + ", which holds no certificate");
      }
      KeyManagerFactory keyManagers =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keyManagers.init(keys, password);
      TrustManagerFactory trustManagers =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trustManagers.init(trusted);
      context = SSLContext.getInstance("TLS");
      context.init(
          keyManagers.getKeyManagers(),
          new TrustManager[] {new InTime(trustManagers.getTrustManagers())},
          null);
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException(
          key + " " + settings.keyStore() + " or " + trustKey + " cannot be used: " + e, e);
    }
    protocols = settings.protocols().toArray(String[]::new);
    cipherSuites = settings.cipherSuites().toArray(String[]::new);
    checksHostNames = settings.checksHostNames();
    try {
      client("localhost", 1);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "dfut.tls.protocols and cipher-suites are "
              + settings.protocols()
              + " and "
              + settings.cipherSuites()
              + "; the JDK says: "
              + e.getMessage(),
          e);
    }
  }

  private static boolean isKey(KeyStore store, String alias) {
    try {
      return store.isKeyEntry(alias);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a store that was loaded", e);
    }
  }

  private static KeyStore load(Path file, char[] password, String key) {
    try (InputStream in = Files.newInputStream(file)) {
      KeyStore store = KeyStore.getInstance("PKCS12"); // reads JKS too
      store.load(in, password);
      return store;
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalArgumentException(
          key + " is " + file + ", which cannot be opened with the password given: " + e, e);
    }
  }

  private void set(SSLParameters parameters, boolean client) {
    parameters.setProtocols(protocols);
    if (cipherSuites.length > 0) {
      parameters.setCipherSuites(cipherSuites);
    }
    if (!client) {
      parameters.setNeedClientAuth(true);
    } else if (checksHostNames) {
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
    }
  }

  private SSLEngine engine(SSLEngine engine, boolean client) {
    engine.setUseClientMode(client);
    SSLParameters parameters = engine.getSSLParameters();
    set(parameters, client);
    engine.setSSLParameters(parameters);
    return engine;
  }

  /** For who connects to that host. */
  public SSLEngine client(String host, int port) {
    return engine(context.createSSLEngine(host, port), true);
  }

  /** For who is connected to. */
  public SSLEngine server() {
    return engine(context.createSSLEngine(), false);
  }

  /**
   * Shakes hands with whoever listens there, to find out why others cannot; empty when both sides
   * accept each other, or when nobody answers.
   *
   * @param patience for each answer
   */
  public Optional<String> complaint(InetSocketAddress address, Duration patience) {
    int millis = Math.toIntExact(patience.toMillis());
    try (Socket socket = new Socket()) {
      socket.connect(address, millis);
      socket.setSoTimeout(millis);
      try (SSLSocket tls =
          (SSLSocket)
              context
                  .getSocketFactory()
                  .createSocket(socket, address.getHostString(), address.getPort(), true)) {
        SSLParameters parameters = tls.getSSLParameters();
        set(parameters, true);
        tls.setSSLParameters(parameters);
        tls.startHandshake();
        return refusal(tls);
      }
    } catch (SocketTimeoutException nothingToSay) {
      return Optional.empty();
    } catch (SSLException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** A refusal of our certificate comes after our part of the handshake. */
  private static Optional<String> refusal(SSLSocket tls) throws IOException {
    try {
      tls.getInputStream().read();
      return Optional.empty();
    } catch (SocketException e) { // the reset may overtake the alert that says why
      return Optional.of("it breaks the connection off after the handshake: " + e.getMessage());
    }
  }

  /**
   * Whether who listens there answers to the beginning of a TLS handshake. Needs no certificate.
   *
   * @param patience for each answer
   */
  public static boolean isSpokenAt(InetSocketAddress address, Duration patience) {
    int millis = Math.toIntExact(patience.toMillis());
    try (Socket socket = new Socket()) {
      SSLEngine engine = SSLContext.getDefault().createSSLEngine();
      engine.setUseClientMode(true);
      ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
      engine.wrap(ByteBuffer.allocate(0), hello);
      socket.connect(address, millis);
      socket.setSoTimeout(millis);
      socket.getOutputStream().write(hello.array(), 0, hello.position());
      byte[] answer = socket.getInputStream().readNBytes(2);
      return answer.length == 2
          && (ByteBuffer.wrap(answer).getShort() == DataFrames.TLS_HELLO
              || ByteBuffer.wrap(answer).getShort() == DataFrames.TLS_ALERT);
    } catch (IOException | GeneralSecurityException e) {
      return false;
    }
  }

  /**
   * Accepts what the JDK's own manager accepts, unless a certificate is out of its time: the JDK
   * does not look at that when the very certificate is in the trust store.
   */
  private static final class InTime extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager jdk;

    InTime(TrustManager[] managers) {
      if (managers.length != 1 || !(managers[0] instanceof X509ExtendedTrustManager only)) {
        throw new IllegalArgumentException("the JDK has no trust manager for X.509 certificates");
      }
      jdk = only;
    }

    private static void check(X509Certificate[] chain) throws CertificateException {
      Date now = new Date();
      for (X509Certificate certificate : chain) {
        if (now.after(certificate.getNotAfter())) {
          throw outOfTime(certificate, " expired at ", certificate.getNotAfter());
        }
        if (now.before(certificate.getNotBefore())) {
          throw outOfTime(certificate, " is valid only from ", certificate.getNotBefore());
        }
      }
    }

    private static CertificateException outOfTime(
        X509Certificate certificate, String what, Date bound) {
      return new CertificateException(
          "the certificate of " + certificate.getSubjectX500Principal() + what + bound.toInstant());
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      check(chain);
      jdk.checkClientTrusted(chain, type, engine);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      check(chain);
      jdk.checkServerTrusted(chain, type, engine);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      check(chain);
      jdk.checkClientTrusted(chain, type, socket);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      check(chain);
      jdk.checkServerTrusted(chain, type, socket);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      check(chain);
      jdk.checkClientTrusted(chain, type);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      check(chain);
      jdk.checkServerTrusted(chain, type);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return jdk.getAcceptedIssuers();
    }
  }
}
