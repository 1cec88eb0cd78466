package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.dfut.NodeId;
import io.dfut.ObjectId;
import io.dfut.WorkerId;
import io.dfut.internal.protocol.LeaseId;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.protocol.NodeMessage.ToScheduler;
import io.dfut.internal.protocol.NodeMessage.ToWorker;
import io.dfut.internal.protocol.PushedArgument;
import io.dfut.internal.protocol.SchedulerMessage;
import io.dfut.internal.protocol.WorkerMessage;
import io.dfut.internal.spi.PeerInfo;
import io.dfut.internal.task.Argument;
import io.dfut.internal.task.InlineValue;
import io.dfut.internal.task.TaskSpec;
import java.io.IOException;
import java.io.NotSerializableException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class WireCodecTest {
  private static final int ENVELOPE_MAX = 252 * 1024;
  private static final NodeId NODE = new NodeId("127.0.0.1", 25_520, -7);

  private final WireCodec codec = new WireCodec(Terms.WIRE_VERSION, ENVELOPE_MAX);

  /** Every message there is, of all sealed interfaces. */
  private static List<NodeMessage> everyMessage(long seed) {
    Samples samples = new Samples(seed);
    WorkerId worker = new WorkerId(NODE, 3);
    Stream<Object> toWorkers =
        samples.ofEach(WorkerMessage.class).stream()
            .map(message -> new ToWorker(worker, worker, (WorkerMessage) message));
    Stream<Object> toSchedulers =
        samples.ofEach(SchedulerMessage.class).stream()
            .map(message -> new ToScheduler((SchedulerMessage) message));
    return Stream.of(samples.ofEach(NodeMessage.class).stream(), toWorkers, toSchedulers)
        .flatMap(messages -> messages)
        .map(NodeMessage.class::cast)
        .toList();
  }

  @Test
  void everyMessageArrivesAsItWasSent() throws Exception {
    for (long seed = 0; seed < 20; seed++) {
      for (NodeMessage message : everyMessage(seed)) {
        byte[] bytes = codec.encodeBatch(new Wire.Batch(1, -2, 3, 4, List.of(message)));

        Wire.Batch received = codec.decodeBatch(bytes);

        assertThat(received.from()).isEqualTo(1);
        assertThat(received.to()).isEqualTo(-2);
        assertThat(Samples.described(received.messages().getFirst()))
            .isEqualTo(Samples.described(message));
      }
    }
  }

  @Test
  void messagesOfOneEnvelopeArriveInOrder() throws Exception {
    List<NodeMessage> messages = new ArrayList<>(everyMessage(42));
    Collections.shuffle(messages, new Random(42));

    List<NodeMessage> received =
        codec.decodeBatch(codec.encodeBatch(new Wire.Batch(1, 2, 3, 4, messages))).messages();

    assertThat(Samples.described(received)).isEqualTo(Samples.described(messages));
  }

  @Test
  void whatIsSaidTwiceInAnEnvelopeIsWrittenOnce() throws Exception {
    NodeMessage push =
        everyMessage(1).stream()
            .filter(m -> m instanceof ToWorker(var to, var from, WorkerMessage.TaskPushed pushed))
            .findFirst()
            .orElseThrow();

    int one = codec.encodeBatch(new Wire.Batch(1, 2, 3, 4, List.of(push))).length;
    int ten = codec.encodeBatch(new Wire.Batch(1, 2, 3, 4, Collections.nCopies(10, push))).length;

    assertThat(ten - one).isLessThan(9 * one);
  }

  @Test
  void valueThatStandsInTheDescriptionIsWrittenOnce() throws Exception {
    byte[] value = new byte[1000];
    new Random(1).nextBytes(value);
    InlineValue argument = InlineValue.encoded(value);
    TaskSpec spec =
        ((WorkerMessage.TaskPushed) new Samples(7).of(WorkerMessage.TaskPushed.class))
            .spec()
            .withArguments(
                List.of(
                    new Argument.Reference(new ObjectId(new WorkerId(NODE, 1), 2, 3)),
                    new Argument.Value(argument, List.of())));
    NodeMessage push = pushOf(spec, InlineValue.encoded(value), argument);
    NodeMessage other = pushOf(spec, InlineValue.encoded(value), InlineValue.encoded(value));

    byte[] bytes = codec.encodeBatch(new Wire.Batch(1, 2, 3, 4, List.of(push)));

    assertThat(codec.encodeBatch(new Wire.Batch(1, 2, 3, 4, List.of(other))).length - bytes.length)
        .as("the first stands in no description, as it is that of a reference")
        .isBetween(value.length, value.length + 10);
    assertThat(Samples.described(codec.decodeBatch(bytes).messages().getFirst()))
        .isEqualTo(Samples.described(push));
  }

  private static NodeMessage pushOf(TaskSpec spec, InlineValue... arguments) {
    WorkerId worker = new WorkerId(NODE, 3);
    return new ToWorker(
        worker,
        worker,
        new WorkerMessage.TaskPushed(
            spec,
            0,
            new LeaseId(worker, 1),
            -1,
            Stream.of(arguments).<PushedArgument>map(PushedArgument.Value::new).toList(),
            List.of(),
            0));
  }

  @Test
  void numbersOfAllSizesArriveAsTheyWereSent() throws Exception {
    WireWriter writer = new WireWriter(1 << 20);
    List<Long> numbers = new ArrayList<>();
    for (int shift = 0; shift < 64; shift++) {
      for (int more = -1; more <= 1; more++) {
        numbers.add((1L << shift) + more);
        numbers.add(-((1L << shift) + more));
      }
    }
    numbers.addAll(List.of(Long.MIN_VALUE, Long.MAX_VALUE));
    for (long number : numbers) {
      writer.writeLong(number);
      writer.writeDouble(Double.longBitsToDouble(number));
    }

    WireReader reader = new WireReader(writer.toByteArray(), 0);
    for (long number : numbers) {
      assertThat(reader.readLong()).isEqualTo(number);
      assertThat(Double.doubleToRawLongBits(reader.readDouble())).isEqualTo(number);
    }
    reader.end();
  }

  @Test
  void whatDoesNotFitIsRefusedBeforeMemoryIsTaken() throws Exception {
    byte[] large = new byte[10_000];
    WireWriter writer = new WireWriter(20_000);
    writer.writeBytes(large);

    assertThatThrownBy(() -> writer.writeBytes(new byte[10_100]))
        .isInstanceOf(WireWriter.FullException.class);
    byte[] tooMany = {(byte) 0xFF, (byte) 0xFF, (byte) 0xFF, (byte) 0xFF, 7};
    assertThatThrownBy(() -> new WireReader(tooMany, 0).readBytes())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("0 bytes left");
    byte[] endless = new byte[20];
    Arrays.fill(endless, (byte) 0x81);
    assertThatThrownBy(() -> new WireReader(endless, 0).readLong())
        .hasMessageContaining("more than 64 bits");
    assertThatThrownBy(() -> new WireReader(new byte[] {9}, 0).readText())
        .hasMessageContaining("9 where there are 2");
  }

  @Test
  void numberOfSomethingElseIsRefused() throws Exception {
    WireWriter writer = new WireWriter(1000);
    writer.writeNode(NODE);
    writer.writeKnown(NODE.host());
    byte[] bytes = writer.toByteArray();

    WireReader reader = new WireReader(bytes, 0);
    reader.readNode();
    assertThatThrownBy(reader::readNode).hasMessageContaining("a String instead of a NodeId");
  }

  @Test
  void everyBeginningOfAnEnvelopeIsRefused() throws Exception {
    for (NodeMessage message : everyMessage(11)) {
      byte[] bytes = codec.encodeBatch(new Wire.Batch(1, 2, 3, 4, List.of(message)));
      for (int length = 0; length < bytes.length; length++) {
        byte[] beginning = Arrays.copyOf(bytes, length);
        assertThatThrownBy(() -> codec.decodeBatch(beginning))
            .isInstanceOf(NotSerializableException.class);
      }
      byte[] longer = Arrays.copyOf(bytes, bytes.length + 1);
      assertThatThrownBy(() -> codec.decodeBatch(longer))
          .isInstanceOf(NotSerializableException.class);
    }
  }

  @Test
  void nodesOfReceivedIdsAreShared() throws Exception {
    byte[] bytes =
        codec.encodeBatch(
            new Wire.Batch(
                1,
                2,
                3,
                4,
                List.of(new ToScheduler(new SchedulerMessage.WorkerGone(new WorkerId(NODE, 1))))));

    NodeId first = nodeOf(codec.decodeBatch(bytes));
    NodeId second = nodeOf(codec.decodeBatch(bytes));

    assertThat(first).isEqualTo(NODE).isSameAs(second);
  }

  private static NodeId nodeOf(Wire.Batch batch) {
    return batch.messages().getFirst()
            instanceof ToScheduler(SchedulerMessage.WorkerGone(WorkerId worker))
        ? worker.node()
        : null;
  }

  @Test
  void aFullEnvelopeTakesNoMoreAndIsNotSpoilt() throws Exception {
    InlineValue large = InlineValue.encoded(new byte[100 * 1024]);
    NodeMessage message = push(large);
    WireCodec.BatchWriter writer = codec.batch();

    assertThat(writer.add(message)).isTrue();
    assertThat(writer.add(message)).isTrue();
    assertThat(writer.add(message)).isFalse();
    assertThat(writer.add(new ToScheduler(new SchedulerMessage.NodeGone(NODE)))).isTrue();

    Wire.Batch received = codec.decodeBatch(envelope(writer));
    assertThat(received.messages()).hasSize(3);
    assertThat(received.messages().getLast())
        .isEqualTo(new ToScheduler(new SchedulerMessage.NodeGone(NODE)));
  }

  @Test
  void aMessageWhoseEncoderThrowsDoesNotSpoilTheEnvelope() throws Exception {
    NodeMessage bad =
        push(
            InlineValue.direct(
                "x",
                value -> {
                  throw new IllegalArgumentException("the user's encoder");
                }));
    WireCodec.BatchWriter writer = codec.batch();
    NodeMessage good = new ToScheduler(new SchedulerMessage.NodeGone(NODE));

    assertThat(writer.add(good)).isTrue();
    assertThatThrownBy(() -> writer.add(bad)).hasMessage("the user's encoder");
    assertThat(writer.add(good)).isTrue();

    assertThat(codec.decodeBatch(envelope(writer)).messages()).containsExactly(good, good);
  }

  private static NodeMessage push(InlineValue value) {
    return pushOf(
        ((WorkerMessage.TaskPushed) new Samples(7).of(WorkerMessage.TaskPushed.class)).spec(),
        value);
  }

  @Test
  void anotherVersionIsRefusedNamingBoth() throws Exception {
    WireCodec other = new WireCodec(9, ENVELOPE_MAX);
    byte[] bytes = other.encodeBatch(new Wire.Batch(1, 2, 3, 4, everyMessage(1)));

    assertThatThrownBy(() -> codec.decodeBatch(bytes))
        .isInstanceOf(NotSerializableException.class)
        .hasMessageContaining("version 9")
        .hasMessageContaining("version " + Terms.WIRE_VERSION);
  }

  @Test
  void theBeginningOfAHelloIsReadInEveryVersion() throws Exception {
    PeerInfo info = info();
    Wire.Preamble from = new Wire.Preamble(9, 4, info.node());

    Wire received = codec.decodeHello(new WireCodec(9, ENVELOPE_MAX).encodeGreeting(from, info));

    assertThat(received).isEqualTo(new Wire.Foreign(from));
  }

  @Test
  void handshakesArriveAsTheyWereSent() throws Exception {
    PeerInfo info = info();
    Wire.Preamble from = new Wire.Preamble(Terms.WIRE_VERSION, 4, info.node());

    assertThat(codec.decodeHello(codec.encodeGreeting(from, info)))
        .isEqualTo(new Wire.Hello(from, info));
    assertThat(codec.decodeWelcome(codec.encodeGreeting(from, info)))
        .isEqualTo(new Wire.Welcome(from, info));
    assertThat(codec.decodePreamble(codec.encodePreamble(from))).isEqualTo(from);
    Wire.Refused refused = new Wire.Refused(from, "versions differ");
    assertThat(codec.decodeRefusal(codec.encodeRefusal(refused))).isEqualTo(refused);
    Wire.Goodbye goodbye = new Wire.Goodbye(from, "its JVM exited with status 7");
    assertThat(codec.decodeGoodbye(codec.encodeGoodbye(goodbye))).isEqualTo(goodbye);
  }

  @Test
  void whatALeaverSaysIsFitForALog() throws Exception {
    Wire.Preamble from = new Wire.Preamble(Terms.WIRE_VERSION, 4, info().node());
    byte[] bytes =
        codec.encodeRefusal(new Wire.Refused(from, "line\n" + "x".repeat(10_000))); // of one body
    String cause = codec.decodeGoodbye(bytes).cause();
    assertThat(cause).startsWith("line?x").hasSizeLessThan(600);
  }

  @Test
  void reportsOfDeathsArriveAsTheyWereSent() throws Exception {
    PeerInfo info = info();
    Wire.Preamble from = new Wire.Preamble(Terms.WIRE_VERSION, 4, info.node());
    for (ProofMachine.Evidence evidence : ProofMachine.Evidence.values()) {
      Wire.DeathReport report = new Wire.DeathReport(from, new NodeId("10.9.9.9", 1, -1), evidence);
      assertThat(codec.decodeDeathReport(codec.encodeDeathReport(report))).isEqualTo(report);
    }
    byte[] foreign =
        new WireCodec(9, ENVELOPE_MAX)
            .encodeDeathReport(
                new Wire.DeathReport(
                    new Wire.Preamble(9, 4, info.node()), info.node(), ProofMachine.Evidence.SEEN));
    assertThatThrownBy(() -> codec.decodeDeathReport(foreign))
        .isInstanceOf(NotSerializableException.class)
        .hasMessageContaining("version 9");
  }

  @Test
  void whoIntroducesItselfAsSomebodyElseIsRefused() throws Exception {
    PeerInfo info = info();
    Wire.Preamble from = new Wire.Preamble(Terms.WIRE_VERSION, 4, new NodeId("10.9.9.9", 1, 1));
    byte[] bytes = codec.encodeGreeting(from, info);

    assertThatThrownBy(() -> codec.decodeHello(bytes))
        .isInstanceOf(NotSerializableException.class)
        .hasMessageContaining("10.9.9.9:1#1");
  }

  private static PeerInfo info() {
    return (PeerInfo) new Samples(5).of(PeerInfo.class);
  }

  @Test
  void javaSerialisationIsNotEvenLookedAt() {
    byte[] bytes = ByteBuffer.allocate(64).putInt(0xACED_0005).putInt(0x7372_0011).array();

    assertThatThrownBy(() -> codec.decodeBatch(bytes))
        .isInstanceOf(NotSerializableException.class)
        .hasMessageContaining("wire version 172");
  }

  @Test
  void damagedBytesEndInAnOrderlyRefusal() throws Exception {
    Random random = new Random(20_260_101);
    List<byte[]> corpus = new ArrayList<>();
    for (long seed = 0; seed < 20; seed++) {
      for (NodeMessage message : everyMessage(seed)) {
        corpus.add(codec.encodeBatch(new Wire.Batch(1, 2, 3, 4, List.of(message, message))));
      }
    }
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] damaged = damage(corpus.get(random.nextInt(corpus.size())), random);
      try {
        codec.decodeBatch(damaged);
      } catch (NotSerializableException e) {
        refused++; // anything else fails the test
      }
    }
    assertThat(refused).isGreaterThan(2_000);
  }

  @Test
  void damagedHandshakesEndInAnOrderlyRefusal() throws Exception {
    Random random = new Random(20_260_102);
    PeerInfo info = info();
    Wire.Preamble from = new Wire.Preamble(Terms.WIRE_VERSION, 4, info.node());
    byte[] hello = codec.encodeGreeting(from, info);
    byte[] refusal = codec.encodeRefusal(new Wire.Refused(from, "no"));
    byte[] report =
        codec.encodeDeathReport(
            new Wire.DeathReport(from, info.node(), ProofMachine.Evidence.REFUSED));
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      try {
        codec.decodeHello(damage(hello, random));
        codec.decodeRefusal(damage(refusal, random));
        codec.decodeDeathReport(damage(report, random));
      } catch (NotSerializableException e) {
        refused++; // anything else fails the test
      }
    }
    assertThat(refused).isGreaterThan(2_000);
  }

  /** Bits flipped, bytes set to telling values, pieces cut out, doubled or cut off. */
  private static byte[] damage(byte[] bytes, Random random) {
    byte[] damaged = bytes.clone();
    for (int times = 1 + random.nextInt(3); times > 0; times--) {
      int at = random.nextInt(damaged.length);
      switch (random.nextInt(6)) {
        case 0 -> damaged[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> damaged[at] = (byte) 0xFF;
        case 2 ->
            Arrays.fill(damaged, at, Math.min(damaged.length, at + 4), (byte) 0x80); // long numbers
        case 3 -> damaged = Arrays.copyOf(damaged, Math.max(1, at));
        case 4 -> {
          int from = random.nextInt(damaged.length);
          int length = Math.min(random.nextInt(16), damaged.length - Math.max(at, from));
          System.arraycopy(damaged, from, damaged, at, length);
        }
        default -> random.nextBytes(damaged);
      }
    }
    // The version alone would refuse most of them.
    damaged[0] = (byte) Terms.WIRE_VERSION;
    return damaged;
  }

  private byte[] envelope(WireCodec.BatchWriter writer) {
    return codec.envelope(1, 2, 4, new SendWindow.Sent(3, writer.count(), writer.body()));
  }
}
