package io.dfut.internal.sim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;

/**
 * Messages under way: in order within a pair of end points, in any order between pairs. Faults of
 * links belong here.
 */
final class Network {
  /** A message. End points are what their {@code equals} says. */
  record Envelope(Object from, Object to, Object message, Object claim) {}

  private record Link(Object from, Object to) {}

  private static final class Channel {
    final Link link;
    final boolean slow;
    final ArrayDeque<Envelope> waiting = new ArrayDeque<>();

    Channel(Link link, boolean slow) {
      this.link = link;
      this.slow = slow;
    }
  }

  /** A slow channel is passed over so many times, on average, while others have something. */
  private static final int SLOWNESS = 20;

  private final Random random;
  private final Map<Link, Channel> channels = new HashMap<>();

  /** Channels with something in them, in the order in which they came to have it. */
  private final List<Channel> busy = new ArrayList<>();

  /** Of a hundred channels, how many are slow in this run. */
  private final int slowPercent;

  Network(Random random) {
    this.random = random;
    this.slowPercent = random.nextInt(2) == 0 ? 10 + random.nextInt(40) : 0;
  }

  void send(Envelope envelope) {
    Channel channel =
        channels.computeIfAbsent(
            new Link(envelope.from, envelope.to),
            link -> new Channel(link, slowPercent > 0 && random.nextInt(100) < slowPercent));
    if (channel.waiting.isEmpty()) {
      busy.add(channel);
    }
    channel.waiting.addLast(envelope);
  }

  boolean isEmpty() {
    return busy.isEmpty();
  }

  /**
   * Takes the next message of any pair; null when there is none, or all are for receivers that take
   * none now.
   *
   * @param takesNone whether the receiver does not read its messages at the moment
   */
  Envelope take(Predicate<Object> takesNone) {
    if (busy.isEmpty()) {
      return null;
    }
    int first = random.nextInt(busy.size());
    int lastResort = -1;
    for (int i = 0; i < busy.size(); i++) {
      int index = (first + i) % busy.size();
      Channel channel = busy.get(index);
      if (takesNone.test(channel.link.to)) {
        continue;
      }
      // What goes over a slow channel is overtaken by whole conversations of others.
      if (!channel.slow || random.nextInt(SLOWNESS) == 0) {
        return takeAt(index);
      }
      lastResort = index;
    }
    return lastResort < 0 ? null : takeAt(lastResort);
  }

  private Envelope takeAt(int index) {
    Channel channel = busy.get(index);
    Envelope next = channel.waiting.removeFirst();
    if (channel.waiting.isEmpty()) {
      busy.set(index, busy.getLast());
      busy.removeLast();
    }
    return next;
  }

  /** The sender died: the tail of what it sent is lost, from a random place on. */
  void cutTailsFrom(Predicate<Object> sender) {
    for (Channel channel : List.copyOf(busy)) {
      if (sender.test(channel.link.from)) {
        int kept = random.nextInt(channel.waiting.size() + 1);
        while (channel.waiting.size() > kept) {
          channel.waiting.removeLast();
        }
        if (channel.waiting.isEmpty()) {
          busy.remove(channel);
        }
      }
    }
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    busy.forEach(channel -> channel.waiting.forEach(e -> text.append("  ").append(e).append('\n')));
    return text.toString();
  }
}
