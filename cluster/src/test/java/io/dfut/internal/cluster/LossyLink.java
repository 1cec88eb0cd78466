package io.dfut.internal.cluster;

import io.dfut.internal.explore.Model;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * One direction of the link between two nodes, for an explorer: the real windows of sender and
 * receiver, used as {@link Outbox} and {@link Gateway} use them, and a connection that loses,
 * repeats and overtakes envelopes and acknowledgements, and is made anew with all that was on it
 * lost. An envelope holds one message here.
 *
 * <p>There is no clock. The receiver's tick may come whenever it owes an acknowledgement. The
 * sender's patience ends when nothing is under way any more, since it is longer than any delivery;
 * that it ends earlier is a fault as the others are.
 */
final class LossyLink implements Model {
  /** Unacknowledged envelopes, of a byte each, beyond which the sender waits. */
  private static final int WINDOW = 3;

  private static final int SEND = 0;
  private static final int DELIVER = 1;
  private static final int DELIVER_ACKNOWLEDGEMENT = 2;
  private static final int RECEIVER_TICK = 3;
  private static final int PATIENCE_ENDS = 4;
  private static final int FIRST_FAULT = 5;
  private static final int PATIENCE_ENDS_EARLY = 5;
  private static final int LOSE = 6;
  private static final int REPEAT = 7;
  private static final int OVERTAKE = 8;
  private static final int LOSE_ACKNOWLEDGEMENT = 9;
  private static final int REPEAT_ACKNOWLEDGEMENT = 10;
  private static final int OVERTAKE_ACKNOWLEDGEMENT = 11;
  private static final int RECONNECT = 12;

  private static final List<String> NAMES =
      List.of(
          "send",
          "deliver",
          "deliver the acknowledgement",
          "the receiver's tick",
          "the sender's patience ends",
          "FAULT: the sender's patience ends early",
          "FAULT: lose",
          "FAULT: deliver, and once more",
          "FAULT: the second overtakes the first",
          "FAULT: lose the acknowledgement",
          "FAULT: deliver the acknowledgement, and once more",
          "FAULT: the second acknowledgement overtakes the first",
          "FAULT: the connection is made anew");

  /** A deliberate bug, to show that it is found. */
  enum Bug {
    NONE,
    /** The receiver handles whatever comes. */
    TAKES_ALL,
    /** The sender never loses its patience. */
    PATIENT
  }

  private record Acknowledgement(long received, boolean missing) {}

  private final int messages;
  private final Bug bug;
  private final SendWindow sender = new SendWindow(WINDOW);
  private final ReceiveWindow receiver = new ReceiveWindow();
  private final ArrayDeque<SendWindow.Sent> envelopes = new ArrayDeque<>();
  private final ArrayDeque<Acknowledgement> acknowledgements = new ArrayDeque<>();
  private int offered;
  private int handled;
  private int faults;
  private int reconnects;
  private long nowNanos;

  LossyLink(int messages, int faults, int reconnects, Bug bug) {
    this.messages = messages;
    this.faults = faults;
    this.reconnects = reconnects;
    this.bug = bug;
  }

  @Override
  public int[] choices() {
    List<Integer> choices = new ArrayList<>();
    if (sender.hasAgain() || !sender.isFull() && offered < messages) {
      choices.add(SEND);
    }
    if (!envelopes.isEmpty()) {
      choices.add(DELIVER);
    }
    if (!acknowledgements.isEmpty()) {
      choices.add(DELIVER_ACKNOWLEDGEMENT);
    }
    if (receiver.owes()) {
      choices.add(RECEIVER_TICK);
    }
    boolean waits = !sender.isEmpty() && !sender.hasAgain() && bug != Bug.PATIENT;
    if (waits && envelopes.isEmpty() && acknowledgements.isEmpty() && !receiver.owes()) {
      choices.add(PATIENCE_ENDS);
    } else if (waits && faults > 0) {
      choices.add(PATIENCE_ENDS_EARLY);
    }
    if (faults > 0) {
      addFaults(choices, envelopes.size(), LOSE, REPEAT, OVERTAKE);
      addFaults(
          choices,
          acknowledgements.size(),
          LOSE_ACKNOWLEDGEMENT,
          REPEAT_ACKNOWLEDGEMENT,
          OVERTAKE_ACKNOWLEDGEMENT);
    }
    if (reconnects > 0 && !(envelopes.isEmpty() && acknowledgements.isEmpty())) {
      choices.add(RECONNECT);
    }
    return choices.stream().mapToInt(Integer::intValue).toArray();
  }

  private static void addFaults(
      List<Integer> choices, int underWay, int lose, int repeat, int overtake) {
    if (underWay > 0) {
      choices.add(lose);
      choices.add(repeat);
    }
    if (underWay > 1) {
      choices.add(overtake);
    }
  }

  @Override
  public void choose(int choice) {
    if (choice >= FIRST_FAULT && choice != RECONNECT) {
      faults--;
    }
    switch (choice) {
      case SEND ->
          envelopes.addLast(
              sender
                  .pollAgain()
                  .orElseGet(() -> sender.add(1, new byte[] {(byte) ++offered}, nowNanos)));
      case DELIVER -> receive(envelopes.removeFirst());
      case DELIVER_ACKNOWLEDGEMENT -> acknowledged(acknowledgements.removeFirst());
      case RECEIVER_TICK -> acknowledge();
      case PATIENCE_ENDS, PATIENCE_ENDS_EARLY -> {
        nowNanos += 10_000_000_000L; // more than the longest patience
        sender.tick(nowNanos);
      }
      case LOSE -> envelopes.removeFirst();
      case REPEAT -> receive(envelopes.peekFirst());
      case OVERTAKE -> overtake(envelopes);
      case LOSE_ACKNOWLEDGEMENT -> acknowledgements.removeFirst();
      case REPEAT_ACKNOWLEDGEMENT -> acknowledged(acknowledgements.peekFirst());
      case OVERTAKE_ACKNOWLEDGEMENT -> overtake(acknowledgements);
      case RECONNECT -> {
        reconnects--;
        envelopes.clear();
        acknowledgements.clear();
      }
      default -> throw new IllegalArgumentException("choice " + choice);
    }
  }

  private static <T> void overtake(ArrayDeque<T> underWay) {
    T first = underWay.removeFirst();
    T second = underWay.removeFirst();
    underWay.addFirst(first);
    underWay.addFirst(second);
  }

  private void receive(SendWindow.Sent envelope) {
    if (receiver.accept(envelope.number()) || bug == Bug.TAKES_ALL) {
      handled++;
      if (envelope.body()[0] != handled) {
        throw new AssertionError(
            "message " + envelope.body()[0] + " is handled when it is the turn of " + handled);
      }
    }
    if (receiver.isUrgent()) {
      acknowledge();
    }
  }

  private void acknowledge() {
    acknowledgements.addLast(new Acknowledgement(receiver.received(), receiver.isMissing()));
    receiver.told();
  }

  private void acknowledged(Acknowledgement it) {
    sender.acknowledged(it.received, nowNanos);
    if (it.missing) {
      sender.missing(nowNanos);
    }
  }

  @Override
  public String describe(int choice) {
    return NAMES.get(choice)
        + switch (choice) {
          case DELIVER, LOSE, REPEAT -> " number " + envelopes.peekFirst().number();
          case DELIVER_ACKNOWLEDGEMENT, LOSE_ACKNOWLEDGEMENT, REPEAT_ACKNOWLEDGEMENT ->
              " " + acknowledgements.peekFirst();
          default -> "";
        };
  }

  @Override
  public void check() {
    for (int choice : choices()) {
      if (choice < FIRST_FAULT) {
        return;
      }
    }
    if (handled != messages || !sender.isEmpty()) {
      throw new AssertionError(
          "nothing can happen any more, but "
              + handled
              + " of "
              + messages
              + " messages were handled, and the sender "
              + (sender.isEmpty() ? "knows all" : "waits"));
    }
  }
}
