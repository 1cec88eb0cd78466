package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.protocol.NodeMessage.FindName;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class OutboxTest {
  private static final NodeId US = new NodeId("10.0.0.1", 25_520, 1);
  private static final NodeId PEER = new NodeId("10.0.0.2", 25_520, 2);

  private final WireCodec codec = new WireCodec(Terms.WIRE_VERSION, 252 * 1024);
  private final Outbox outbox = new Outbox(US, PEER, new Outbox.Limits(100, 64));
  private final List<Wire.Flush> flushes = new ArrayList<>();

  private static NodeMessage message(int number) {
    return new FindName(number, "namespace", "name");
  }

  private List<NodeMessage> drain() throws Exception {
    return codec.decodeBatch(outbox.drain(codec)).messages();
  }

  @Test
  void nothingLeavesBeforeThePeerKnowsUs() throws Exception {
    outbox.offer(message(1));
    assertThat(flushes).isEmpty();

    outbox.open(flushes::add);

    assertThat(flushes).hasSize(1);
    assertThat(drain()).containsExactly(message(1));
  }

  @Test
  void whatComesWhileAFlushIsOnItsWaySharesItsEnvelope() throws Exception {
    outbox.open(flushes::add);
    outbox.offer(message(1));
    outbox.offer(message(2));
    outbox.offer(message(3));

    assertThat(flushes).hasSize(1);
    assertThat(drain()).containsExactly(message(1), message(2), message(3));
    assertThat(flushes).hasSize(1);

    outbox.offer(message(4));
    assertThat(flushes).hasSize(2);
    assertThat(drain()).containsExactly(message(4));
  }

  @Test
  void anEnvelopeHoldsSoManyAndTheRestFollows() throws Exception {
    outbox.open(flushes::add);
    for (int i = 0; i < 70; i++) {
      outbox.offer(message(i));
    }

    assertThat(drain()).hasSize(64);
    assertThat(flushes).as("for the rest").hasSize(2);
    assertThat(drain()).hasSize(6);
    assertThat(flushes).hasSize(2);
  }

  @Test
  void whatIsOverTheBoundIsDropped() throws Exception {
    for (int i = 0; i < 150; i++) {
      outbox.offer(message(i));
    }
    outbox.open(flushes::add);

    assertThat(drain()).hasSize(64);
    assertThat(drain()).hasSize(36).last().isEqualTo(message(99));
    outbox.offer(message(200));
    assertThat(drain()).as("there is room again").containsExactly(message(200));
  }

  @Test
  void aFlushThatTheTransportLostIsSentAgain() throws Exception {
    outbox.open(flushes::add);
    outbox.offer(message(1));
    flushes.clear();
    long later = System.nanoTime() + 2_000_000_000L;

    outbox.tick(later, 1_000_000_000L);

    assertThat(flushes).hasSize(1);
    outbox.tick(later + 1, 1_000_000_000L);
    assertThat(flushes).as("patience again").hasSize(1);
    assertThat(drain()).containsExactly(message(1));
  }

  @Test
  void aPeerThatIsGoneGetsNothing() throws Exception {
    outbox.open(flushes::add);
    outbox.offer(message(1));

    outbox.close();
    outbox.offer(message(2));

    assertThat(outbox.isEmpty()).isTrue();
    assertThat(drain()).isEmpty();
  }

  @Test
  void aMessageThatCannotBeEncodedIsLeftOutAndTheOthersGo() throws Exception {
    outbox.open(flushes::add);
    outbox.offer(message(1));
    outbox.offer(new FindName(2, "namespace", null));
    outbox.offer(message(3));

    assertThat(drain()).containsExactly(message(1), message(3));
  }
}
