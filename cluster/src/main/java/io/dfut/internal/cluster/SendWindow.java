package io.dfut.internal.cluster;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;

/**
 * The sender's half of the protocol that loses nothing between two nodes: what was sent and is not
 * acknowledged, to be sent again. Not thread-safe: guarded by its {@link Outbox}. See {@link
 * ReceiveWindow} for the other half.
 *
 * <p>Envelopes are numbered from 1. The receiver takes them in this order only, and says up to
 * which one it has come. When it has not come further for a while, or says that one is missing,
 * everything after the last one that it has is sent again, in order ("go back n": gaps are rare,
 * since the connection beneath keeps order for as long as it stands).
 */
final class SendWindow {
  /** Until the first repetition; doubled with each one that brings no answer. */
  private static final long PATIENCE_NANOS = Duration.ofSeconds(1).toNanos();

  private static final long PATIENCE_MAX_NANOS = Duration.ofSeconds(8).toNanos();

  /** An envelope's content. */
  record Sent(long number, int count, byte[] body) {}

  private final int bytesMax;

  /** Sent and not acknowledged, in order. */
  private final ArrayDeque<Sent> open = new ArrayDeque<>();

  /** Those of them that are to be sent again, in order: the last ones of {@code open}, or none. */
  private final ArrayDeque<Sent> again = new ArrayDeque<>();

  private long last;
  private long bytes;
  private long patienceNanos = PATIENCE_NANOS;
  private long progressAtNanos;

  /**
   * @param bytesMax that may be unacknowledged; what is in the last envelope may exceed it
   */
  SendWindow(int bytesMax) {
    this.bytesMax = bytesMax;
  }

  boolean isEmpty() {
    return open.isEmpty();
  }

  /** Whether nothing new may be sent until something is acknowledged. */
  boolean isFull() {
    return bytes >= bytesMax;
  }

  boolean hasAgain() {
    return !again.isEmpty();
  }

  /** Takes a new envelope's content in; what it is sent as. */
  Sent add(int count, byte[] body, long nowNanos) {
    if (open.isEmpty()) {
      progressAtNanos = nowNanos;
    }
    Sent sent = new Sent(++last, count, body);
    open.add(sent);
    bytes += body.length;
    return sent;
  }

  /** The next one to be sent again. */
  Optional<Sent> pollAgain() {
    return Optional.ofNullable(again.poll());
  }

  /** The receiver has all up to this one. */
  void acknowledged(long number, long nowNanos) {
    boolean progress = false;
    while (!open.isEmpty() && open.getFirst().number() <= number) {
      bytes -= open.removeFirst().body().length;
      progress = true;
    }
    while (!again.isEmpty() && again.getFirst().number() <= number) {
      again.removeFirst();
    }
    if (progress) {
      progressAtNanos = nowNanos;
      patienceNanos = PATIENCE_NANOS;
    }
  }

  /** The receiver lacks the one after the last that it acknowledged. */
  void missing(long nowNanos) {
    again.clear();
    again.addAll(open);
    progressAtNanos = nowNanos;
  }

  /** Nobody will acknowledge anything any more. */
  void clear() {
    open.clear();
    again.clear();
    bytes = 0;
  }

  /** Time has passed: sends all again when there was no progress for too long. */
  void tick(long nowNanos) {
    if (!open.isEmpty() && nowNanos - progressAtNanos >= patienceNanos) {
      missing(nowNanos);
      patienceNanos = Math.min(2 * patienceNanos, PATIENCE_MAX_NANOS);
    }
  }
}
