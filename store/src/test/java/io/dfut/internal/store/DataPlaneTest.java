package io.dfut.internal.store;

import static io.dfut.internal.store.Keys.key;
import static io.dfut.internal.store.Keys.node;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.dfut.internal.spi.ObjectStore.DataEndpoint;
import io.dfut.internal.spi.ObjectStore.Pinned;
import io.dfut.internal.spi.ObjectStore.SourceLostException;
import io.dfut.internal.spi.ObjectStore.Urgency;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Stores of one JVM that pull from each other over loopback. */
final class DataPlaneTest {
  private static final int MIB = 1 << 20;

  private final Stores stores = new Stores();

  @AfterEach
  void close() {
    stores.close();
  }

  /** A transport whose connections are wrapped on the side that connects. */
  private record Wrapping(UnaryOperator<DataChannel> wrap) implements DataTransport {
    @Override
    public DataChannel connect(String host, InetSocketAddress address, Duration timeout)
        throws IOException {
      return wrap.apply(new PlainTransport().connect(host, address, timeout));
    }

    @Override
    public DataChannel accept(SocketChannel socket) throws IOException {
      return new PlainTransport().accept(socket);
    }
  }

  /** A channel whose reads a test can spoil. */
  private abstract static class Spoiled implements DataChannel {
    private final DataChannel channel;
    long readBytes;

    Spoiled(DataChannel channel) {
      this.channel = channel;
    }

    abstract void afterRead(ByteBuffer target, int from, int to) throws IOException;

    @Override
    public int read(ByteBuffer target) throws IOException {
      int from = target.position();
      int read = channel.read(target);
      readBytes += Math.max(0, read);
      afterRead(target, from, target.position());
      return read;
    }

    @Override
    public void write(ByteBuffer... sources) throws IOException {
      channel.write(sources);
    }

    @Override
    public void endOutput() throws IOException {
      channel.endOutput();
    }

    @Override
    public String remote() {
      return channel.remote();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  private SlabObjectStore open(int node) {
    return open(node, "", new PlainTransport());
  }

  private SlabObjectStore open(int node, String overrides, DataTransport transport) {
    return stores.open(
        node, "store.memory = 160 MiB\nstore.data.unix-sockets = off\n" + overrides, transport);
  }

  private static void introduce(SlabObjectStore puller, int node, SlabObjectStore source) {
    puller.peerUp(node(node), source.endpoint().orElseThrow());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, MIB - 1, MIB, MIB + 1, 64 * MIB})
  void objectArrivesAsItWas(int bytes) throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    Values value = Values.of(1, bytes);
    one.putPrimary(key(1), value);
    try (Pinned pinned = Stores.get(two.fetch(key(1), bytes, List.of(node(1)), Urgency.GET))) {
      assertThat(value.isIn(pinned)).isTrue();
    }
    assertThat(two.contents()).containsEntry(key(1), "secondary");
    assertThat(two.stats().pulledBytes()).isEqualTo(bytes);
    assertThat(one.stats().servedBytes()).isEqualTo(bytes);
    await("the source lets go").untilAsserted(() -> Stores.assertNoLeaks(one));
    Stores.assertNoLeaks(two);
  }

  @Test
  void tenFetchesAreOnePullAndOneConnectionServesManyPulls() throws Exception {
    AtomicInteger connects = new AtomicInteger();
    SlabObjectStore one = open(1);
    SlabObjectStore two =
        open(
            2,
            "",
            new Wrapping(
                channel -> {
                  connects.incrementAndGet();
                  return channel;
                }));
    introduce(two, 1, one);
    for (int k = 0; k < 5; k++) {
      Values value = Values.of(k, 8 * MIB);
      one.putPrimary(key(k), value);
      List<CompletionStage<Pinned>> fetches = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        fetches.add(two.fetch(key(k), 8 * MIB, List.of(node(1)), Urgency.values()[i % 3]));
      }
      for (CompletionStage<Pinned> fetch : fetches) {
        try (Pinned pinned = Stores.get(fetch)) {
          assertThat(value.isIn(pinned)).isTrue();
        }
      }
    }
    assertThat(two.stats().pulls()).isEqualTo(5);
    assertThat(one.stats().servedBytes()).isEqualTo(5 * 8 * MIB);
    assertThat(connects).hasValue(1);
  }

  @Test
  void checksumsOfOneObjectAreNotTakenForThoseOfALaterOneUnderTheSameKey() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    for (int i = 0; i < 4; i++) {
      Values value = Values.of(i / 2, 3 * MIB); // each value twice, the second time from known sums
      if (i % 2 == 0) {
        one.free(key(1));
        one.putPrimary(key(1), value);
      }
      try (Pinned pinned = Stores.get(two.fetch(key(1), 3 * MIB, List.of(node(1)), Urgency.GET))) {
        assertThat(value.isIn(pinned)).isTrue();
      }
      two.free(key(1));
    }
    assertThat(two.stats().pulls()).isEqualTo(4);
  }

  @Test
  void sourceThatLacksItGivesWayToTheNext() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    SlabObjectStore three = open(3);
    introduce(three, 1, one);
    introduce(three, 2, two);
    Values value = Values.of(1, 5000);
    two.putPrimary(key(1), value);
    try (Pinned pinned =
        Stores.get(three.fetch(key(1), 5000, List.of(node(1), node(2)), Urgency.GET))) {
      assertThat(value.isIn(pinned)).isTrue();
    }
    assertThatThrownBy(
            () -> Stores.get(three.fetch(key(2), 5000, List.of(node(1), node(2)), Urgency.GET)))
        .hasCauseInstanceOf(SourceLostException.class)
        .hasMessageContaining("not there");
    Stores.assertNoLeaks(three);
  }

  @Test
  void sourceWithAnotherSizeIsNotBelieved() {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    one.putPrimary(key(1), Values.of(1, 5000));
    assertThatThrownBy(() -> Stores.get(two.fetch(key(1), 5001, List.of(node(1)), Urgency.GET)))
        .hasCauseInstanceOf(SourceLostException.class)
        .hasMessageContaining("5000 bytes there instead of 5001");
    assertThat(two.stats().usedBytes()).isZero();
  }

  @Test
  void checksumErrorIsNoticedAndTheNextSourceTaken() throws Exception {
    AtomicInteger connects = new AtomicInteger();
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    SlabObjectStore three =
        open(
            3,
            "",
            new Wrapping(
                channel ->
                    connects.incrementAndGet() > 1
                        ? channel
                        : new Spoiled(channel) {
                          @Override
                          void afterRead(ByteBuffer target, int from, int to) {
                            if (readBytes > 2_500_000 && readBytes < 2_700_000) {
                              target.put(from, (byte) ~target.get(from));
                            }
                          }
                        }));
    introduce(three, 1, one);
    introduce(three, 2, two);
    Values value = Values.of(1, 5 * MIB);
    one.putPrimary(key(1), value);
    two.putPrimary(key(1), value);
    try (Pinned pinned =
        Stores.get(three.fetch(key(1), 5 * MIB, List.of(node(1), node(2)), Urgency.GET))) {
      assertThat(value.isIn(pinned)).isTrue();
    }
    // It went on where the checked part ended.
    assertThat(two.stats().servedBytes()).isEqualTo(3 * MIB);
  }

  @Test
  void checksumErrorOfTheOnlySourceIsALostSourceAndNeverAWrongValue() {
    SlabObjectStore one = open(1);
    SlabObjectStore two =
        open(
            2,
            "",
            new Wrapping(
                channel ->
                    new Spoiled(channel) {
                      @Override
                      void afterRead(ByteBuffer target, int from, int to) {
                        if (to - from > 100) {
                          target.put(from + 50, (byte) (target.get(from + 50) + 1));
                        }
                      }
                    }));
    introduce(two, 1, one);
    one.putPrimary(key(1), Values.of(1, 5000));
    assertThatThrownBy(() -> Stores.get(two.fetch(key(1), 5000, List.of(node(1)), Urgency.GET)))
        .hasCauseInstanceOf(SourceLostException.class)
        .hasMessageContaining("checksum");
    assertThat(two.stats().usedBytes()).isZero();
  }

  @Test
  void sourceThatClosesMidwayGivesWayToAnother() throws Exception {
    CountDownLatch halfway = new CountDownLatch(1);
    CountDownLatch dead = new CountDownLatch(1);
    AtomicInteger connects = new AtomicInteger();
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    SlabObjectStore three =
        open(
            3,
            "",
            new Wrapping(
                channel ->
                    connects.incrementAndGet() > 1
                        ? channel
                        : new Spoiled(channel) {
                          @Override
                          void afterRead(ByteBuffer target, int from, int to) throws IOException {
                            if (readBytes > 10 * MIB) {
                              halfway.countDown();
                              try {
                                dead.await();
                              } catch (InterruptedException e) {
                                throw new IOException(e);
                              }
                            }
                          }
                        }));
    introduce(three, 1, one);
    introduce(three, 2, two);
    Values value = Values.of(1, 64 * MIB);
    one.putPrimary(key(1), value);
    two.putPrimary(key(1), value);
    CompletionStage<Pinned> fetch =
        three.fetch(key(1), 64 * MIB, List.of(node(1), node(2)), Urgency.GET);
    halfway.await();
    one.close();
    dead.countDown();
    try (Pinned pinned = Stores.get(fetch)) {
      assertThat(value.isIn(pinned)).isTrue();
    }
    assertThat(two.stats().servedBytes()).isBetween(1L, 64L * MIB - 1);
  }

  @Test
  void otherBytesUnderTheSameKeyAreNeverMixed() throws Exception {
    AtomicInteger connects = new AtomicInteger();
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    SlabObjectStore three =
        open(
            3,
            "",
            new Wrapping(
                channel ->
                    connects.incrementAndGet() > 1
                        ? channel
                        : new Spoiled(channel) {
                          @Override
                          void afterRead(ByteBuffer target, int from, int to) throws IOException {
                            if (readBytes > 3 * MIB) {
                              throw new IOException("cut on purpose");
                            }
                          }
                        }));
    introduce(three, 1, one);
    introduce(three, 2, two);
    one.putPrimary(key(1), Values.of(1, 5 * MIB));
    Values other = Values.of(2, 5 * MIB);
    two.putPrimary(key(1), other);
    try (Pinned pinned =
        Stores.get(three.fetch(key(1), 5 * MIB, List.of(node(1), node(2)), Urgency.GET))) {
      assertThat(other.isIn(pinned)).isTrue();
    }
  }

  @Test
  void pullIsCutWhenItsNodeIsDeclaredDead() throws Exception {
    CountDownLatch reached = new CountDownLatch(1);
    SlabObjectStore one = open(1);
    SlabObjectStore two =
        open(
            2,
            "",
            new Wrapping(
                channel ->
                    new Spoiled(channel) {
                      @Override
                      void afterRead(ByteBuffer target, int from, int to) {
                        if (readBytes > MIB) {
                          reached.countDown();
                        }
                      }
                    }));
    introduce(two, 1, one);
    one.putPrimary(key(1), Values.of(1, 64 * MIB));
    CompletionStage<Pinned> fetch = two.fetch(key(1), 64 * MIB, List.of(node(1)), Urgency.GET);
    reached.await();
    two.peerDown(node(1));
    try {
      Stores.get(fetch).close(); // it was faster
    } catch (ExecutionException e) {
      assertThat(e).hasCauseInstanceOf(SourceLostException.class);
      assertThat(two.stats().usedBytes()).isZero();
    }
    assertThatThrownBy(() -> Stores.get(two.fetch(key(2), 10, List.of(node(1)), Urgency.GET)))
        .hasCauseInstanceOf(SourceLostException.class);
  }

  @Test
  void othersAreToldThePublicPort() throws Exception {
    try (ServerSocket proxy = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = proxy.getLocalPort();
      SlabObjectStore one = open(1, "store.data.public-port = " + port, new PlainTransport());
      SlabObjectStore two = open(2);
      one.putPrimary(key(1), Values.of(1, 10));
      introduce(two, 1, one);
      var pulled = two.fetch(key(1), 10, List.of(node(1)), Urgency.GET);
      proxy.setSoTimeout(10_000);
      proxy.accept().close(); // two has come here
      assertThatThrownBy(() -> Stores.get(pulled)).hasCauseInstanceOf(SourceLostException.class);
      assertThat(one.dataPlane().orElseThrow().connectionCount()).isZero();
    }
  }

  @Test
  void wrongTokenIsRefused() {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    InetSocketAddress address = one.endpoint().orElseThrow().address();
    two.peerUp(node(1), new DataEndpoint(address, "guess"));
    one.putPrimary(key(1), Values.of(1, 10));
    assertThatThrownBy(() -> Stores.get(two.fetch(key(1), 10, List.of(node(1)), Urgency.GET)))
        .hasCauseInstanceOf(SourceLostException.class)
        .hasMessageContaining("does not take our token");
    assertThat(one.stats().servedBytes()).isZero();
    await("refused").until(() -> one.dataPlane().orElseThrow().connectionCount() == 0);
  }

  @Test
  void tokenIsNotShown() {
    DataEndpoint endpoint = open(1).endpoint().orElseThrow();
    assertThat(endpoint.token()).hasSize(43);
    assertThat(endpoint.toString()).doesNotContain(endpoint.token());
  }

  @Test
  void otherVersionIsRefusedNamingIt() throws Exception {
    SlabObjectStore one = open(1);
    ByteBuffer hello = DataFrames.hello(new byte[] {1}).putShort(4, (short) 9);
    try (Socket socket = connect(one)) {
      socket.getOutputStream().write(hello.array());
      byte[] answer = socket.getInputStream().readAllBytes(); // and then closed
      assertThat(answer).hasSize(DataFrames.WELCOME_BYTES).endsWith(DataFrames.WRONG_VERSION);
    }
  }

  @Test
  void garbageAndJavaStreamsAreRefused() throws Exception {
    SlabObjectStore one = open(1);
    byte[] java = {(byte) 0xAC, (byte) 0xED, 0, 5, 0x73, 0x72, 0, 1, 2, 3};
    byte[] zeros = new byte[100];
    byte[] http = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes();
    byte[] longToken = DataFrames.hello(new byte[256]).putShort(6, (short) 0xFFFF).array();
    for (byte[] garbage : List.of(java, zeros, http, longToken)) {
      try (Socket socket = connect(one)) {
        socket.getOutputStream().write(garbage);
        assertThat(readToEnd(socket)).isEmpty();
      }
    }
    await("all closed").until(() -> one.dataPlane().orElseThrow().connectionCount() == 0);
    assertStillWorks(one);
  }

  @Test
  void garbageBehindARightTokenIsRefusedToo() throws Exception {
    SlabObjectStore one = open(1);
    byte[] token = one.endpoint().orElseThrow().token().getBytes();
    Random random = new Random(1);
    for (int i = 0; i < 50; i++) {
      try (Socket socket = connect(one)) {
        socket.getOutputStream().write(DataFrames.hello(token).array());
        assertThat(socket.getInputStream().readNBytes(DataFrames.WELCOME_BYTES))
            .endsWith(DataFrames.WELCOME);
        byte[] garbage = new byte[2 + random.nextInt(2000)];
        random.nextBytes(garbage);
        if (i % 2 == 0) { // one with a length that fits
          ByteBuffer.wrap(garbage).putShort((short) Math.min(1000, garbage.length - 2));
        }
        try {
          socket.getOutputStream().write(garbage);
          socket.shutdownOutput();
        } catch (IOException e) {
          // closed already: refused
        }
        assertThat(readToEnd(socket)).isEmpty();
      }
    }
    assertStillWorks(one);
  }

  @Test
  void peerThatSaysNothingOrLittleIsClosedInTime() throws Exception {
    SlabObjectStore one =
        open(
            1,
            "store.data { handshake-timeout = 2 s, chunk-timeout = 500 ms, idle-timeout = 1 s"
                + " }",
            new PlainTransport());
    byte[] token = one.endpoint().orElseThrow().token().getBytes();
    one.putPrimary(key(1), Values.of(1, 64 * MIB));
    DataFrames.Request request = new DataFrames.Request(key(1), 64 * MIB, 0, 0, MIB, false);
    try (Socket silent = connect(one);
        Socket slow = connect(one);
        Socket idle = connect(one);
        Socket greedy = connect(one)) {
      slow.getOutputStream().write(0x44);
      idle.getOutputStream().write(DataFrames.hello(token).array());
      greedy.getOutputStream().write(DataFrames.hello(token).array());
      ByteBuffer frame = DataFrames.encode(request);
      greedy.getOutputStream().write(frame.array(), 0, frame.limit()); // and never reads
      assertThat(readToEnd(silent)).isEmpty();
      assertThat(readToEnd(slow)).isEmpty();
      assertThat(readToEnd(idle)).hasSize(DataFrames.WELCOME_BYTES);
      await("nothing is pinned for a peer that does not read")
          .untilAsserted(() -> Stores.assertNoLeaks(one));
    }
    await("all closed").until(() -> one.dataPlane().orElseThrow().connectionCount() == 0);
  }

  @Test
  void strangersCannotKeepMembersOut() throws Exception {
    SlabObjectStore one =
        open(
            1,
            "store.data { connections-max = 8, handshake-timeout = 10 m }",
            new PlainTransport());
    List<Socket> strangers = new ArrayList<>();
    try {
      for (int i = 0; i < 20; i++) {
        strangers.add(connect(one));
      }
      await("most are closed").until(() -> one.dataPlane().orElseThrow().connectionCount() == 2);
      strangers.removeFirst().close();
      strangers.removeFirst().close();
      await("the first two are gone")
          .until(() -> one.dataPlane().orElseThrow().connectionCount() == 0);
      assertStillWorks(one);
    } finally {
      for (Socket socket : strangers) {
        socket.close();
      }
    }
  }

  @Test
  void frozenSourceGivesWayToTheNext() throws Exception {
    SlabObjectStore two = open(2);
    String quick = "store.data { chunk-timeout = 2 s, handshake-timeout = 2 s }";
    SlabObjectStore three = open(3, quick, new PlainTransport());
    // A listener that accepts in its backlog and never says a word.
    try (ServerSocket frozen = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      three.peerUp(
          node(1),
          new DataEndpoint(
              new InetSocketAddress(frozen.getInetAddress(), frozen.getLocalPort()), "x"));
      introduce(three, 2, two);
      Values value = Values.of(1, 5000);
      two.putPrimary(key(1), value);
      try (Pinned pinned =
          Stores.get(three.fetch(key(1), 5000, List.of(node(1), node(2)), Urgency.GET))) {
        assertThat(value.isIn(pinned)).isTrue();
      }
    }
  }

  @Test
  void unreachableSourceIsLost() {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    one.close();
    assertThatThrownBy(() -> Stores.get(two.fetch(key(1), 10, List.of(node(1)), Urgency.GET)))
        .hasCauseInstanceOf(SourceLostException.class);
  }

  @Test
  void connectionThatTheSourceClosedWhileIdleIsReplaced() throws Exception {
    SlabObjectStore one = open(1, "store.data.idle-timeout = 100 ms", new PlainTransport());
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    for (int k = 0; k < 3; k++) {
      one.putPrimary(key(k), Values.of(k, 5000));
      Stores.get(two.fetch(key(k), 5000, List.of(node(1)), Urgency.GET)).close();
      await("the source closes it")
          .until(() -> one.dataPlane().orElseThrow().connectionCount() == 0);
    }
  }

  @Test
  void closingEndsPullsAndServingAndLeavesNoConnection() throws Exception {
    SlabObjectStore one = open(1);
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    one.putPrimary(key(1), Values.of(1, 64 * MIB));
    CompletionStage<Pinned> fetch = two.fetch(key(1), 64 * MIB, List.of(node(1)), Urgency.GET);
    await("it runs").until(() -> one.stats().servedBytes() > 0);
    MemorySegment served = one.pin(key(1)).orElseThrow().bytes();
    two.close();
    one.close();
    assertThat(fetch.toCompletableFuture()).isDone();
    assertThat(served.scope().isAlive()).isFalse();
    assertThat(one.dataPlane().orElseThrow().connectionCount()).isZero();
    assertThat(two.dataPlane().orElseThrow().connectionCount()).isZero();
  }

  private void assertStillWorks(SlabObjectStore one) throws Exception {
    SlabObjectStore two = open(2);
    introduce(two, 1, one);
    one.putPrimary(key(99), Values.of(1, 5000));
    Stores.get(two.fetch(key(99), 5000, List.of(node(1)), Urgency.GET)).close();
  }

  private static Socket connect(SlabObjectStore store) throws IOException {
    InetSocketAddress address = store.endpoint().orElseThrow().address();
    Socket socket = new Socket(address.getAddress(), address.getPort());
    socket.setSoTimeout(20_000);
    return socket;
  }

  /** What comes until the other side closes, in whatever way. */
  private static byte[] readToEnd(Socket socket) throws IOException {
    try {
      return socket.getInputStream().readAllBytes();
    } catch (SocketException reset) {
      return new byte[0];
    }
  }
}
