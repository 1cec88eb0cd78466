package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.protocol.NodeMessage;
import java.io.NotSerializableException;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Predicate;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.javadsl.Adapter;

/**
 * What befalls the envelopes of one cluster: on every link, the first one that carries a message of
 * a kind is lost, doubled or delayed, for each kind. Only what is sent for the first time is chosen
 * for that; what is sent again gets through. Thread-safe.
 */
final class LinkFaults implements AutoCloseable {
  enum Fault {
    /** The envelope does not arrive, as when its connection is made anew. */
    LOST,
    /** It arrives twice. */
    DOUBLED,
    /** It arrives after two later ones, or after a while if there are none. */
    DELAYED,
    /**
     * The message itself stands twice in the envelope, its last place: what {@code DOUBLED} would
     * do to its receiver, were the numbers of envelopes not looked at.
     */
    REPEATED,
    /**
     * One message is missing whenever the envelope is sent: what a link that sends nothing again
     * would do to it. Others are not held up, so that it is this message that is missed.
     */
    FORGOTTEN
  }

  /** From one incarnation of a node to another. */
  record Link(long from, long to) {
    static Link of(NodeId from, NodeId to) {
      return new Link(from.incarnation(), to.incarnation());
    }
  }

  private static final int OVERTAKEN_BY = 2;
  private static final Duration DELAY_MAX = Duration.ofMillis(200);

  /** By the name of the cluster's actor systems: Pekko makes the serialisers, and asks here. */
  private static final ConcurrentMap<String, LinkFaults> ALL = new ConcurrentHashMap<>();

  private static final Comparator<Class<?>> BY_NAME = Comparator.comparing(Class::getSimpleName);

  /** An envelope that is held back. */
  private static final class Held {
    final Wire.Batch batch;
    int later;
    boolean gone;

    Held(Wire.Batch batch) {
      this.batch = batch;
    }
  }

  /** What is known of one link. Guarded by the outer object. */
  private static final class LinkState {
    /** Messages of each kind that were sent, repetitions left out. */
    final Map<Class<?>, Integer> seen = new HashMap<>();

    final Set<Class<?>> hit = new HashSet<>();
    final List<Held> held = new ArrayList<>();

    /** What is in envelopes whose content is not what their sender has put there, by number. */
    final Map<Long, List<NodeMessage>> altered = new HashMap<>();

    long last;
    int envelopes;
    int faults;
    int overtaken;
  }

  private final String cluster;
  private final Fault fault;
  private final Predicate<Class<?>> kinds;
  private final Map<Link, LinkState> links = new HashMap<>();

  /**
   * @param cluster the name of its actor systems
   * @param kinds what the fault is for
   */
  LinkFaults(String cluster, Fault fault, Predicate<Class<?>> kinds) {
    this.cluster = cluster;
    this.fault = fault;
    this.kinds = kinds;
    if (ALL.putIfAbsent(cluster, this) != null) {
      throw new IllegalStateException("there is a cluster named " + cluster);
    }
  }

  static LinkFaults of(String cluster) {
    return Objects.requireNonNull(ALL.get(cluster), cluster);
  }

  @Override
  public void close() {
    ALL.remove(cluster);
  }

  // ---- kinds ----

  /**
   * Every kind of message that there is: the records of {@link NodeMessage}, and in place of those
   * that only say whom a message is for, those of what they carry.
   */
  static SortedSet<Class<?>> allKinds() {
    SortedSet<Class<?>> kinds = new TreeSet<>(BY_NAME);
    addKinds(NodeMessage.class, kinds);
    return kinds;
  }

  private static void addKinds(Class<?> sealedInterface, Set<Class<?>> kinds) {
    for (Class<?> kind : sealedInterface.getPermittedSubclasses()) {
      List<Class<?>> carried = carried(kind);
      if (carried.isEmpty() && !kinds.add(kind)) {
        throw new IllegalStateException("two kinds are named " + kind.getSimpleName());
      }
      carried.forEach(inner -> addKinds(inner, kinds));
    }
  }

  private static List<Class<?>> carried(Class<?> kind) {
    List<Class<?>> carried = new ArrayList<>();
    for (RecordComponent component : kind.getRecordComponents()) {
      Class<?> type = component.getType();
      if (type.isSealed() && type.getPackage().equals(NodeMessage.class.getPackage())) {
        carried.add(type);
      }
    }
    return carried;
  }

  private static Class<?> kind(NodeMessage message) {
    return switch (message) {
      case NodeMessage.ToWorker(var to, var from, var inner) -> inner.getClass();
      case NodeMessage.ToScheduler(var inner) -> inner.getClass();
      default -> message.getClass();
    };
  }

  // ---- faults ----

  /** An envelope goes out; what is to go out instead. */
  byte[] onEnvelope(byte[] envelope, NodeId to, ExtendedActorSystem system) {
    WireCodec codec = WireSerializer.codec(system.settings().config());
    try {
      Wire.Batch batch = codec.decodeBatch(envelope);
      return batch.number() == 0 ? envelope : onBatch(batch, envelope, codec, to, system);
    } catch (NotSerializableException e) {
      throw new IllegalStateException("an envelope of ours cannot be read", e);
    }
  }

  private synchronized byte[] onBatch(
      Wire.Batch batch, byte[] envelope, WireCodec codec, NodeId to, ExtendedActorSystem system)
      throws NotSerializableException {
    LinkState link =
        links.computeIfAbsent(new Link(batch.from(), batch.to()), key -> new LinkState());
    Set<Class<?>> first = new LinkedHashSet<>();
    if (batch.number() > link.last) {
      link.last = batch.number();
      link.envelopes++;
      for (NodeMessage message : batch.messages()) {
        Class<?> kind = kind(message);
        link.seen.merge(kind, 1, Integer::sum);
        if (kinds.test(kind) && link.hit.add(kind)) {
          first.add(kind);
        }
      }
    }
    byte[] instead = envelope;
    if (!first.isEmpty()) {
      link.faults++;
      switch (fault) {
        case LOST -> instead = nothing(batch, codec);
        case DOUBLED -> gateway(to, system).tell(batch);
        case DELAYED -> {
          instead = nothing(batch, codec);
          hold(batch, link, to, system);
        }
        case REPEATED -> repeat(first, batch, link, codec);
        case FORGOTTEN -> link.altered.put(batch.number(), without(first, batch.messages()));
      }
    } else {
      overtake(link, to, system);
    }
    List<NodeMessage> altered = link.altered.get(batch.number());
    return altered == null ? instead : codec.encodeBatch(with(altered, batch));
  }

  /** Pekko has a message to send; this one says nothing, not even how far its sender has come. */
  private static byte[] nothing(Wire.Batch batch, WireCodec codec) throws NotSerializableException {
    return codec.encodeBatch(new Wire.Batch(batch.from(), batch.to(), 0, 0, List.of()));
  }

  private static Wire.Batch with(List<NodeMessage> messages, Wire.Batch batch) {
    return new Wire.Batch(batch.from(), batch.to(), batch.number(), batch.acknowledged(), messages);
  }

  /** All but the first message of these kinds. */
  private static List<NodeMessage> without(Set<Class<?>> kinds, List<NodeMessage> messages) {
    List<NodeMessage> left = new ArrayList<>(messages);
    left.remove(firstOf(kinds, messages));
    return left;
  }

  private static NodeMessage firstOf(Set<Class<?>> kinds, List<NodeMessage> messages) {
    return messages.stream().filter(each -> kinds.contains(kind(each))).findFirst().orElseThrow();
  }

  private static void repeat(
      Set<Class<?>> kinds, Wire.Batch batch, LinkState link, WireCodec codec) {
    List<NodeMessage> more = new ArrayList<>(batch.messages());
    kinds.forEach(kind -> more.add(firstOf(Set.of(kind), batch.messages())));
    try {
      codec.encodeBatch(with(more, batch));
      link.altered.put(batch.number(), more);
    } catch (NotSerializableException e) { // too large for an envelope: the next one will do
      link.hit.removeAll(kinds);
      link.faults--;
    }
  }

  private void hold(Wire.Batch batch, LinkState link, NodeId to, ExtendedActorSystem system) {
    Held held = new Held(batch);
    link.held.add(held);
    system
        .scheduler()
        .scheduleOnce(
            DELAY_MAX,
            () -> {
              synchronized (this) {
                letGo(held, to, system);
              }
            },
            system.dispatcher());
  }

  private void overtake(LinkState link, NodeId to, ExtendedActorSystem system) {
    for (Iterator<Held> all = link.held.iterator(); all.hasNext(); ) {
      Held held = all.next();
      if (held.gone || ++held.later == OVERTAKEN_BY) {
        if (!held.gone) {
          link.overtaken++;
        }
        letGo(held, to, system);
        all.remove();
      }
    }
  }

  private void letGo(Held held, NodeId to, ExtendedActorSystem system) {
    if (!held.gone) {
      held.gone = true;
      gateway(to, system).tell(held.batch);
    }
  }

  private static ActorRef<Gateway.Command> gateway(NodeId node, ExtendedActorSystem system) {
    return ActorRefResolver.get(Adapter.toTyped(system))
        .resolveActorRef(
            "pekko://" + system.name() + "@" + node.address() + "/system/dfut-gateway");
  }

  // ---- what happened ----

  /** How often a message of this kind was sent, repetitions left out. */
  synchronized int seen(Class<?> kind, Link link) {
    LinkState state = links.get(link);
    return state == null ? 0 : state.seen.getOrDefault(kind, 0);
  }

  /** Whether the fault befell an envelope with a message of this kind. */
  synchronized boolean hit(Class<?> kind, Link link) {
    LinkState state = links.get(link);
    return state != null && state.hit.contains(kind);
  }

  /** A line for each kind, and one for what befell the two links. */
  synchronized String report(Link there, Link back) {
    StringBuilder text = new StringBuilder();
    for (Class<?> kind : allKinds()) {
      text.append(
          "  %-20s %6d there %6d back%n"
              .formatted(kind.getSimpleName(), seen(kind, there), seen(kind, back)));
    }
    for (Link link : List.of(there, back)) {
      LinkState state = links.getOrDefault(link, new LinkState());
      text.append(
          "  %s: %s %d of %d envelopes, for %d kinds%s%n"
              .formatted(
                  link.equals(there) ? "there" : "back",
                  fault.name().toLowerCase(java.util.Locale.ROOT),
                  state.faults,
                  state.envelopes,
                  state.hit.size(),
                  fault == Fault.DELAYED
                      ? "; " + state.overtaken + " were overtaken, the others only late"
                      : ""));
    }
    return text.toString();
  }
}
