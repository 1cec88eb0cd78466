package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.typesafe.config.Config;
import io.dfut.internal.spi.ObjectStore.DataEndpoint;
import io.dfut.internal.spi.ObjectStore.Pinned;
import io.dfut.internal.spi.ObjectStore.SourceLostException;
import io.dfut.internal.spi.ObjectStore.Urgency;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.testkit.typed.javadsl.LoggingTestKit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Stores of one JVM that pull from each other over TLS. */
@Timeout(60)
final class TlsTransportTest {
  private static final int MIB = 1 << 20;

  @TempDir static Path folder;
  private static Certificates certificates;

  private final Stores stores = new Stores();

  @BeforeAll
  static void makeCertificates() throws Exception {
    certificates = Certificates.makeIn(folder);
  }

  @AfterEach
  void close() {
    stores.close();
  }

  private SlabObjectStore open(int node, String overrides, DataTransport transport) {
    return stores.open(
        node, "store.memory = 160 MiB\nstore.data.unix-sockets = off\n" + overrides, transport);
  }

  private SlabObjectStore open(int node, String key, String trust) {
    return open(node, "", new TlsTransport(new TlsEngines(certificates.settings(key, trust))));
  }

  private static void introduce(SlabObjectStore puller, int node, SlabObjectStore source) {
    puller.peerUp(node(node), source.endpoint().orElseThrow());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 16_383, 16_384, 16_385, MIB - 1, MIB, MIB + 1, 64 * MIB})
  void objectArrivesAsItWas(int bytes) throws Exception {
    SlabObjectStore one = open(1, "node", "trust");
    SlabObjectStore two = open(2, "node", "trust");
    introduce(two, 1, one);
    Values value = Values.of(1, bytes);
    one.putPrimary(key(1), value);
    try (Pinned pinned = Stores.get(two.fetch(key(1), bytes, List.of(node(1)), Urgency.GET))) {
      assertThat(value.isIn(pinned)).isTrue();
    }
    assertThat(two.stats().pulledBytes()).isEqualTo(bytes);
    await("the source lets go").untilAsserted(() -> Stores.assertNoLeaks(one));
    Stores.assertNoLeaks(two);
  }

  @Test
  void manyObjectsAtOnceShareFewConnections() throws Exception {
    SlabObjectStore one = open(1, "node", "trust");
    SlabObjectStore two = open(2, "node", "trust");
    introduce(two, 1, one);
    List<Values> values = new ArrayList<>();
    List<CompletionStage<Pinned>> fetches = new ArrayList<>();
    for (int k = 0; k < 200; k++) {
      values.add(Values.of(k, 1 + k * 977));
      one.putPrimary(key(k), values.get(k));
    }
    for (int k = 0; k < 200; k++) {
      fetches.add(two.fetch(key(k), 1 + k * 977, List.of(node(1)), Urgency.GET));
    }
    for (int k = 0; k < 200; k++) {
      try (Pinned pinned = Stores.get(fetches.get(k))) {
        assertThat(values.get(k).isIn(pinned)).isTrue();
      }
    }
    assertThat(one.dataPlane().orElseThrow().connectionCount()).isBetween(1, 4);
  }

  @Test
  void whatGoesOverTheWireIsNotTheValue() throws Exception {
    // A relay that remembers what passes.
    SlabObjectStore one = open(1, "node", "trust");
    SlabObjectStore two = open(2, "node", "trust");
    byte[] content = "a recognisable secret, many times over; ".repeat(1000).getBytes();
    one.putPrimary(key(1), new Values(content));
    try (Relay relay = Relay.to(one.endpoint().orElseThrow().address())) {
      two.peerUp(node(1), new DataEndpoint(relay.address(), one.endpoint().orElseThrow().token()));
      try (Pinned pinned =
          Stores.get(two.fetch(key(1), content.length, List.of(node(1)), Urgency.GET))) {
        assertThat(new Values(content).isIn(pinned)).isTrue();
      }
      String seen = relay.seen();
      assertThat(seen.length()).isGreaterThan(content.length);
      assertThat(seen)
          .doesNotContain("recognisable")
          .doesNotContain(one.endpoint().orElseThrow().token());
    }
  }

  @ParameterizedTest
  @CsvSource({
    // puller, its trust, source, its trust, what the puller says, what the source says
    "stranger, trust, node, trust, refused it with, shows no certificate",
    "node, trust, stranger, trust, unable to find valid certification path, refused it with",
    "expired, trust, node, trust, refused it with, CN=expired expired at",
    "node, trust, expired, trust, CN=expired expired at, refused it with",
    "expired, trust, node, trust-expired, refused it with, CN=expired expired at",
    "node, trust, other, trust, No subject alternative DNS name matching node1, refused it with",
  })
  void certificateThatIsNotAcceptedEndsThePullWithTheReasonOnBothSides(
      String key, String trust, String sourceKey, String sourceTrust, String here, String there) {
    SlabObjectStore one = open(1, sourceKey, sourceTrust);
    SlabObjectStore two = open(2, key, trust);
    introduce(two, 1, one);
    one.putPrimary(key(1), Values.of(1, 10));
    LoggingTestKit.warn("")
        .withMessageRegex("data connection to .* refused: .*" + here + ".*")
        .expect(
            stores.kit().system(),
            () ->
                LoggingTestKit.warn("")
                    .withMessageRegex("data connection from .* refused by .*" + there + ".*")
                    .expect(
                        stores.kit().system(),
                        () -> {
                          assertThatThrownBy(
                                  () ->
                                      Stores.get(
                                          two.fetch(key(1), 10, List.of(node(1)), Urgency.GET)))
                              .hasCauseInstanceOf(SourceLostException.class)
                              .hasMessageContaining(here);
                          return null;
                        }));
    assertThat(one.stats().servedBytes()).isZero();
    await("refused").until(() -> one.dataPlane().orElseThrow().connectionCount() == 0);
  }

  @Test
  void peerThatSpeaksPlainIsToldApart() {
    SlabObjectStore one = open(1, "node", "trust");
    SlabObjectStore two = open(2, "", new PlainTransport());
    introduce(two, 1, one);
    introduce(one, 2, two);
    one.putPrimary(key(1), Values.of(1, 10));
    two.putPrimary(key(2), Values.of(2, 10));
    for (SlabObjectStore puller : List.of(one, two)) {
      int other = puller == one ? 2 : 1;
      assertThatThrownBy(
              () -> Stores.get(puller.fetch(key(other), 10, List.of(node(other)), Urgency.GET)))
          .hasCauseInstanceOf(SourceLostException.class)
          .hasMessageContaining("dfut.tls.enabled must be the same on all nodes");
    }
  }

  @Test
  void strangerWithoutACertificateAndOneThatSaysNothingAreClosedInTime() throws Exception {
    SlabObjectStore one =
        open(
            1,
            "store.data.handshake-timeout = 1 s",
            new TlsTransport(new TlsEngines(certificates.settings("node", "trust"))));
    InetSocketAddress address = one.endpoint().orElseThrow().address();
    javax.net.ssl.SSLContext trusting = javax.net.ssl.SSLContext.getInstance("TLS");
    java.security.KeyStore trust =
        java.security.KeyStore.getInstance(
            certificates.store("trust").toFile(), Certificates.PASSWORD.toCharArray());
    javax.net.ssl.TrustManagerFactory managers =
        javax.net.ssl.TrustManagerFactory.getInstance(
            javax.net.ssl.TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trust);
    trusting.init(null, managers.getTrustManagers(), null);
    try (Socket silent = new Socket(address.getAddress(), address.getPort());
        Socket nameless =
            trusting.getSocketFactory().createSocket(address.getAddress(), address.getPort())) {
      silent.setSoTimeout(20_000);
      nameless.setSoTimeout(20_000);
      assertThatThrownBy(
              () -> {
                nameless
                    .getOutputStream()
                    .write(
                        DataFrames.hello(one.endpoint().orElseThrow().token().getBytes()).array());
                nameless.getInputStream().read();
              })
          .hasMessageContaining("certificate_required");
      assertThat(silent.getInputStream().read()).isEqualTo(-1);
    }
    await("all closed").until(() -> one.dataPlane().orElseThrow().connectionCount() == 0);
  }

  @Test
  void truncatedConnectionGivesWayToTheNextSourceWhereItStopped() throws Exception {
    SlabObjectStore one = open(1, "node", "trust");
    SlabObjectStore two = open(2, "node", "trust");
    SlabObjectStore three = open(3, "node", "trust");
    Values value = Values.of(1, 64 * MIB);
    one.putPrimary(key(1), value);
    two.putPrimary(key(1), value);
    try (Relay relay = Relay.to(one.endpoint().orElseThrow().address())) {
      relay.cutAfter(20 * MIB);
      three.peerUp(
          node(1), new DataEndpoint(relay.address(), one.endpoint().orElseThrow().token()));
      introduce(three, 2, two);
      try (Pinned pinned =
          Stores.get(three.fetch(key(1), 64 * MIB, List.of(node(1), node(2)), Urgency.GET))) {
        assertThat(value.isIn(pinned)).isTrue();
      }
    }
    assertThat(two.stats().servedBytes()).isBetween(44L * MIB, 46L * MIB);
  }

  @Test
  void changedByteOnTheWireIsNoticedByTls() throws Exception {
    SlabObjectStore one = open(1, "node", "trust");
    SlabObjectStore two = open(2, "node", "trust");
    one.putPrimary(key(1), Values.of(1, 5 * MIB));
    try (Relay relay = Relay.to(one.endpoint().orElseThrow().address())) {
      relay.spoilAt(3 * MIB);
      two.peerUp(node(1), new DataEndpoint(relay.address(), one.endpoint().orElseThrow().token()));
      assertThatThrownBy(
              () -> Stores.get(two.fetch(key(1), 5 * MIB, List.of(node(1)), Urgency.GET)))
          .hasCauseInstanceOf(SourceLostException.class)
          .hasMessageContaining("TLS");
    }
    assertThat(two.stats().usedBytes()).isZero();
  }

  @Test
  void settingsLeadToTlsAndPasswordsAreNotShown() throws Exception {
    StoreSettings settings = StoreSettings.of(Stores.config(certificates.config("node", "trust")));
    assertThat(settings.toString()).doesNotContain(Certificates.PASSWORD);
    DataTransport transport = SlabObjectStoreProvider.transport(settings);
    assertThat(transport).isInstanceOf(TlsTransport.class);
    SlabObjectStore one = open(1, "", transport);
    SlabObjectStore two = open(2, "node", "trust");
    introduce(two, 1, one);
    one.putPrimary(key(1), Values.of(1, 10));
    Stores.get(two.fetch(key(1), 10, List.of(node(1)), Urgency.GET)).close();
  }

  @Test
  void passwordsComeFromTheEnvironmentWhereNoFileIsNamed() {
    Config store =
        Stores.config(
            "tls { enabled = on, key-store = \"%s\", trust-store = \"%s\" }"
                .formatted(certificates.store("node"), certificates.store("trust")));
    TlsSettings settings = TlsSettings.of(store, name -> "secret of " + name).orElseThrow();
    assertThat(settings.keyStorePassword()).isEqualTo("secret of DFUT_TLS_KEY_STORE_PASSWORD");
    assertThat(settings.trustStorePassword()).isEqualTo("secret of DFUT_TLS_TRUST_STORE_PASSWORD");
    assertThatThrownBy(() -> TlsSettings.of(store, name -> null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dfut.tls.key-store-password-file")
        .hasMessageContaining("DFUT_TLS_KEY_STORE_PASSWORD");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "key-store = \"\" | key-store is not set",
        "key-store = \"/nowhere\" | key-store is /nowhere, which cannot be opened",
        "key-store-password-file = \"/nowhere\" | key-store-password-file is /nowhere",
        "trust-store = ${nothing} | trust-store is ",
        "protocols = [] | protocols is []",
        "protocols = [\"TLSv7\"] | TLSv7",
        "cipher-suites = [\"ROT13\"] | ROT13",
        "enabled = maybe | enabled is maybe; allowed: on or off",
      })
  void wrongSettingsAreRefusedByName(String setting, String expected) {
    String text =
        certificates.config("node", "trust")
            + "tls { "
            + setting.replace("${nothing}", '"' + certificates.store("nothing").toString() + '"')
            + " }";
    assertThatThrownBy(
            () -> SlabObjectStoreProvider.transport(StoreSettings.of(Stores.config(text))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dfut.tls.")
        .hasMessageContaining(expected);
  }

  @Test
  void wrongPasswordIsRefusedNamingTheFile() throws Exception {
    Files.writeString(folder.resolve("wrong"), "wrong\n");
    String text =
        certificates.config("node", "trust")
            + "tls.key-store-password-file = \"%s\"".formatted(folder.resolve("wrong"));
    assertThatThrownBy(
            () -> SlabObjectStoreProvider.transport(StoreSettings.of(Stores.config(text))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(certificates.store("node").toString())
        .hasMessageContaining("password");
  }

  @Test
  void channelsWorkOverAnyPiecesOfBuffers() throws Exception {
    // Both ends in turns, with sizes that fit neither records nor each other.
    TlsTransport transport =
        new TlsTransport(new TlsEngines(certificates.settings("node", "trust")));
    try (java.nio.channels.ServerSocketChannel server =
        java.nio.channels.ServerSocketChannel.open()) {
      server.bind(new InetSocketAddress("127.0.0.1", 0));
      byte[] sent = Values.of(3, 3_000_000).content();
      Thread writer =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try (DataChannel channel = transport.accept(server.accept())) {
                      channel.read(ByteBuffer.allocate(1));
                      java.util.Random random = new java.util.Random(1);
                      for (int at = 0; at < sent.length; ) {
                        int a = Math.min(sent.length - at, random.nextInt(40_000));
                        int b = Math.min(sent.length - at - a, random.nextInt(100));
                        channel.write(
                            ByteBuffer.wrap(sent, at, a), ByteBuffer.wrap(sent, at + a, b));
                        at += a + b;
                      }
                      channel.endOutput();
                      channel.read(ByteBuffer.allocate(1));
                    } catch (java.io.IOException e) {
                      throw new java.io.UncheckedIOException(e);
                    }
                  });
      try (DataChannel channel =
          transport.connect(
              "localhost", (InetSocketAddress) server.getLocalAddress(), Duration.ofSeconds(5))) {
        channel.write(ByteBuffer.wrap(new byte[] {1}));
        ByteBuffer all = ByteBuffer.allocate(sent.length + 1);
        java.util.Random random = new java.util.Random(2);
        int read = 0;
        while (read >= 0) {
          all.limit(Math.min(all.capacity(), all.position() + 1 + random.nextInt(50_000)));
          read = channel.read(all);
        }
        assertThat(all.position()).isEqualTo(sent.length);
        assertThat(all.array()).startsWith(sent);
      }
      writer.join();
    }
  }
}
