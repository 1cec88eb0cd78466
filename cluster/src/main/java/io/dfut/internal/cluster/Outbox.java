package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.protocol.NodeMessage;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What waits to be sent to one peer. Thread-safe: anybody offers; the transport's thread drains.
 *
 * <p>At most one {@link Wire.Flush} is on its way through the transport at a time. It is turned
 * into bytes only when the transport comes to it, and takes along everything that was offered
 * meanwhile: on an idle connection a message leaves at once and alone, on a busy one many share an
 * envelope, without a timer and without knowing the load. It also keeps the transport's own queue,
 * which drops what is over its bound, almost empty.
 */
final class Outbox {
  private static final Logger LOG = LoggerFactory.getLogger(Outbox.class);

  /**
   * How bound and batch are configured.
   *
   * @param messagesMax how many messages may wait; later ones are dropped
   * @param batchMax how many messages share an envelope
   */
  record Limits(int messagesMax, int batchMax) {
    Limits {
      if (messagesMax < 1) {
        throw new IllegalArgumentException("messagesMax: " + messagesMax);
      }
      if (batchMax < 1 || batchMax > WireCodec.MESSAGES_MAX) {
        throw new IllegalArgumentException("batchMax: " + batchMax);
      }
    }
  }

  /** Several dozen full envelopes, so that acknowledgements keep up with any connection. */
  private static final int UNACKNOWLEDGED_BYTES_MAX = 16 << 20;

  private final NodeId from;
  private final NodeId to;
  private final Limits limits;

  private final ConcurrentLinkedQueue<NodeMessage> waiting = new ConcurrentLinkedQueue<>();

  /** What was sent and may have been lost. Guarded by this. */
  private final SendWindow window = new SendWindow(UNACKNOWLEDGED_BYTES_MAX);

  /** Of the peer's envelopes; rides in ours. */
  private volatile long acknowledging;

  /** What is left of a message that is larger than an envelope. Guarded by this. */
  private final ArrayDeque<NodeMessage> pieces = new ArrayDeque<>();

  private long lastCut;
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicLong dropped = new AtomicLong();

  /** Whether a flush is on its way: set by whoever sends it, cleared when it has been drained. */
  private final AtomicBoolean flushing = new AtomicBoolean();

  private volatile long flushedAtNanos;

  /** How a flush is sent; empty until the peer knows this node, and after it is gone. */
  private volatile Optional<Consumer<Wire.Flush>> transport = Optional.empty();

  private volatile boolean closed;

  Outbox(NodeId from, NodeId to, Limits limits) {
    this.from = from;
    this.to = to;
    this.limits = limits;
  }

  NodeId to() {
    return to;
  }

  /** Puts a message last in the queue, or drops it when the peer is gone or the queue is full. */
  void offer(NodeMessage message) {
    if (closed) {
      return;
    }
    if (count.incrementAndGet() > limits.messagesMax()) {
      count.decrementAndGet();
      long soFar = dropped.incrementAndGet();
      if (Long.bitCount(soFar) == 1) { // 1, 2, 4, 8, …: seldom enough
        LOG.error(
            "{} messages wait for {}, the bound dfut.cluster.outbox-messages-max; {} dropped so"
                + " far",
            limits.messagesMax(),
            to,
            soFar);
      }
      return;
    }
    waiting.add(message);
    flush();
  }

  /** The peer knows this node: what waits may go. */
  void open(Consumer<Wire.Flush> transport) {
    this.transport = Optional.of(transport);
    flush();
  }

  /** The peer is gone: forgets everything. */
  synchronized void close() {
    closed = true;
    transport = Optional.empty();
    waiting.clear();
    pieces.clear();
    window.clear();
    count.set(0);
  }

  /** Whether the peer has everything. */
  synchronized boolean isEmpty() {
    return waiting.isEmpty() && pieces.isEmpty() && window.isEmpty();
  }

  private synchronized boolean isSendable() {
    return window.hasAgain() || !window.isFull() && !(waiting.isEmpty() && pieces.isEmpty());
  }

  /** What this node has received of the peer; told with the next envelope. */
  void acknowledging(long number) {
    acknowledging = number;
  }

  /**
   * The peer said how far it has come.
   *
   * @param missing whether it knows that it lacks the next one
   */
  void acknowledged(long number, boolean missing, long nowNanos) {
    synchronized (this) {
      window.acknowledged(number, nowNanos);
      if (missing) {
        window.missing(nowNanos);
      }
    }
    flush();
  }

  /**
   * Time has passed. Sends another flush when the last one seems lost, and envelopes again that
   * seem lost: the transport drops messages when it restarts a connection.
   */
  void tick(long nowNanos, long patienceNanos) {
    synchronized (this) {
      window.tick(nowNanos);
    }
    if (flushing.get() && isSendable() && nowNanos - flushedAtNanos > patienceNanos) {
      flushedAtNanos = nowNanos;
      transport.ifPresent(send -> send.accept(new Wire.Flush(this)));
    }
    flush();
  }

  private void flush() {
    Optional<Consumer<Wire.Flush>> send = transport;
    if (send.isPresent() && isSendable() && flushing.compareAndSet(false, true)) {
      flushedAtNanos = System.nanoTime();
      send.get().accept(new Wire.Flush(this));
    }
  }

  /** Called by the transport: the next envelope, which may be empty. */
  byte[] drain(WireCodec codec) {
    byte[] envelope;
    synchronized (this) {
      Optional<SendWindow.Sent> next = window.pollAgain();
      if (next.isEmpty() && !window.isFull()) {
        next = fill(codec);
      }
      envelope =
          codec.envelope(
              from.incarnation(),
              to.incarnation(),
              acknowledging,
              next.orElse(new SendWindow.Sent(0, 0, new byte[0])));
    }
    flushing.set(false);
    flush(); // for what came after the last look, or did not fit
    return envelope;
  }

  private Optional<SendWindow.Sent> fill(WireCodec codec) {
    WireCodec.BatchWriter batch = codec.batch();
    while (batch.count() < limits.batchMax()) {
      NodeMessage piece = pieces.peek();
      if (piece != null) {
        if (!add(batch, piece, codec)) {
          break;
        }
        pieces.poll();
        continue;
      }
      NodeMessage message = waiting.peek();
      if (message == null || !add(batch, message, codec)) {
        break;
      }
      waiting.poll();
      count.decrementAndGet();
    }
    return batch.count() == 0
        ? Optional.empty()
        : Optional.of(window.add(batch.count(), batch.body(), System.nanoTime()));
  }

  /** False when the message has to wait for the next envelope. */
  private boolean add(WireCodec.BatchWriter batch, NodeMessage message, WireCodec codec) {
    try {
      if (batch.add(message)) {
        return true;
      }
      if (batch.count() > 0) {
        return false;
      }
      pieces.addAll(
          Pieces.cut(++lastCut, codec.encodeWhole(message), codec.envelopeBytesMax() / 2));
    } catch (IOException | RuntimeException e) {
      LOG.error("a message for {} cannot be encoded and is dropped: {}", to, kind(message), e);
    }
    return true;
  }

  private static String kind(NodeMessage message) {
    return message instanceof NodeMessage.ToWorker toWorker
        ? toWorker.message().getClass().getSimpleName() + " for " + toWorker.to()
        : message.getClass().getSimpleName();
  }
}
