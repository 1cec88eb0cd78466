package io.dfut.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.dfut.NodeId;
import io.dfut.internal.protocol.NodeMessage;
import io.dfut.internal.protocol.NodeMessage.FindName;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Two nodes and a connection that loses, repeats and reorders envelopes, from one seed: whatever is
 * offered arrives once, and in order. {@code -Ddfut.sim.seed} replays.
 */
final class OutboxSimTest {
  private static final int SEEDS = 2_000;
  private static final long PATIENCE = 1_000_000_000L;

  private final WireCodec codec = new WireCodec(Terms.WIRE_VERSION, 2_000);

  /** One node's half of the link. */
  private final class End {
    final NodeId self;
    final Outbox outbox;
    final ReceiveWindow window = new ReceiveWindow();
    final List<Wire.Flush> flushes = new ArrayList<>();
    final List<NodeMessage> arrived = new ArrayList<>();
    int offered;
    End other;

    End(NodeId self, NodeId peer, int batchMax) {
      this.self = self;
      outbox = new Outbox(self, peer, new Outbox.Limits(10_000, batchMax));
      outbox.open(flushes::add);
    }

    void hear(Object envelope, long now) throws Exception {
      if (envelope instanceof Wire.Acknowledgement it) {
        outbox.acknowledged(it.received(), it.missing(), now);
        return;
      }
      Wire.Batch batch = codec.decodeBatch((byte[]) envelope);
      outbox.acknowledged(batch.acknowledged(), false, now);
      if (batch.number() > 0) {
        if (window.accept(batch.number())) {
          arrived.addAll(batch.messages());
        }
        outbox.acknowledging(window.received());
      }
    }
  }

  private record Flying(End to, Object envelope) {}

  @Test
  void whatIsOfferedArrivesOnceAndInOrder() throws Exception {
    Long given = Long.getLong("dfut.sim.seed");
    long first = given != null ? given : 1;
    int lost = 0;
    for (long seed = first; seed < first + (given != null ? 1 : SEEDS); seed++) {
      try {
        lost += run(new Random(seed));
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + e, e);
      }
    }
    assertThat(lost).as("envelopes lost in all").isPositive();
  }

  private int run(Random random) throws Exception {
    NodeId a = new NodeId("a", 1, 1);
    NodeId b = new NodeId("b", 2, 2);
    End one = new End(a, b, 1 + random.nextInt(5));
    End two = new End(b, a, 1 + random.nextInt(5));
    one.other = two;
    two.other = one;
    int losses = random.nextInt(4) * 10; // of a hundred
    int repeats = random.nextInt(3) * 10;
    boolean reorders = random.nextBoolean();
    int messages = 1 + random.nextInt(60);
    List<Flying> air = new ArrayList<>();
    long now = System.nanoTime();
    int lost = 0;
    for (int step = 0; step < 100_000; step++) {
      boolean done =
          one.outbox.isEmpty()
              && two.outbox.isEmpty()
              && one.offered == messages
              && two.offered == messages;
      if (done) {
        break;
      }
      End end = random.nextBoolean() ? one : two;
      switch (random.nextInt(5)) {
        case 0 -> {
          if (end.offered < messages) {
            end.outbox.offer(message(end.offered++, random));
          }
        }
        case 1 -> {
          if (!end.flushes.isEmpty()) {
            Wire.Flush flush = end.flushes.removeFirst();
            if (random.nextInt(100) >= losses / 2) { // else lost before it was drained
              air.add(new Flying(end.other, flush.outbox().drain(codec)));
            }
          }
        }
        case 2, 3 -> {
          if (!air.isEmpty()) {
            Flying next = air.remove(reorders ? random.nextInt(air.size()) : 0);
            if (random.nextInt(100) < losses) {
              lost++;
            } else {
              if (random.nextInt(100) < repeats) {
                air.add(next);
              }
              next.to.hear(next.envelope, now);
            }
          }
        }
        default -> {
          now += random.nextInt(200) * 1_000_000L;
          end.outbox.tick(now, PATIENCE);
          if (end.window.owes()) {
            air.add(
                new Flying(
                    end.other,
                    new Wire.Acknowledgement(1, 2, end.window.received(), end.window.isMissing())));
            end.window.told();
          }
        }
      }
    }
    for (End end : List.of(one, two)) {
      assertThat(end.arrived).as("what %s has", end.self).hasSize(messages);
      for (int i = 0; i < messages; i++) {
        assertThat(((FindName) end.arrived.get(i)).question()).isEqualTo(i);
      }
      assertThat(end.outbox.isEmpty()).isTrue();
    }
    return lost;
  }

  private static NodeMessage message(int number, Random random) {
    return new FindName(number, "namespace", "n".repeat(random.nextInt(700)));
  }
}
