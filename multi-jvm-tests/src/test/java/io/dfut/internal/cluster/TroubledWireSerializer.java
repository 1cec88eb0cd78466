package io.dfut.internal.cluster;

import io.dfut.NodeId;
import io.dfut.internal.protocol.NodeMessage;
import java.io.NotSerializableException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.javadsl.Adapter;
import org.apache.pekko.serialization.SerializerWithStringManifest;

/**
 * Stands where {@link WireSerializer} does in the JVMs of a test, and says on standard output what
 * it has done to which kind of message. Thread-safe.
 */
public final class TroubledWireSerializer extends SerializerWithStringManifest {
  /** What it does, in the configuration: {@code lose} or {@code delay}. */
  public static final String KEY = "dfut-test-trouble";

  /** The first envelope with a message of each kind, to each node, does not arrive. */
  public static final String LOSE = "lose";

  /** Envelopes with messages of one kind come later; a while afterwards it is another kind. */
  public static final String DELAY = "delay";

  private static final Duration DELAY_MAX = Duration.ofSeconds(3);
  private static final Duration ONE_KIND = Duration.ofMillis(1_500);

  private final ExtendedActorSystem system;
  private final WireSerializer real;
  private final WireCodec codec;
  private final String trouble;
  private final Random random = new Random(ProcessHandle.current().pid());

  // All of the following is guarded by this.

  private final Map<NodeId, Set<Class<?>>> lost = new HashMap<>();

  /** When an envelope may arrive, by its number; of each link. Never removed: a test is short. */
  private final Map<NodeId, Map<Long, Long>> due = new HashMap<>();

  private final List<Class<?>> seen = new ArrayList<>();
  private final Set<Class<?>> delayed = new HashSet<>();
  private Class<?> kind = NodeMessage.class;
  private long kindSinceNanos = System.nanoTime();

  /** Called by Pekko. */
  public TroubledWireSerializer(ExtendedActorSystem system) {
    this.system = system;
    this.real = new WireSerializer(system);
    this.trouble = system.settings().config().getString(KEY);
    this.codec = WireSerializer.codec(system.settings().config());
  }

  @Override
  public int identifier() {
    return real.identifier();
  }

  @Override
  public String manifest(Object wire) {
    return real.manifest(wire);
  }

  @Override
  public Object fromBinary(byte[] bytes, String manifest) throws NotSerializableException {
    return real.fromBinary(bytes, manifest);
  }

  @Override
  public byte[] toBinary(Object wire) {
    byte[] bytes = real.toBinary(wire);
    if (!(wire instanceof Wire.Flush(Outbox outbox))) {
      return bytes;
    }
    try {
      Wire.Batch batch = codec.decodeBatch(bytes);
      return batch.number() == 0 || arrives(batch, outbox.to())
          ? bytes
          : codec.encodeBatch(new Wire.Batch(batch.from(), batch.to(), 0, 0, List.of()));
    } catch (NotSerializableException e) {
      throw new IllegalStateException("an envelope of ours cannot be read", e);
    }
  }

  private synchronized boolean arrives(Wire.Batch batch, NodeId to) {
    return switch (trouble) {
      case LOSE -> !loses(batch, to);
      case DELAY -> !delays(batch, to);
      default -> throw new IllegalStateException(KEY + " is " + trouble);
    };
  }

  private static Class<?> kind(NodeMessage message) {
    return switch (message) {
      case NodeMessage.ToWorker(var to, var from, var inner) -> inner.getClass();
      case NodeMessage.ToScheduler(var inner) -> inner.getClass();
      default -> message.getClass();
    };
  }

  private boolean loses(Wire.Batch batch, NodeId to) {
    boolean loses = false;
    for (NodeMessage message : batch.messages()) {
      if (lost.computeIfAbsent(to, node -> new HashSet<>()).add(kind(message))) {
        System.out.println("lost " + kind(message).getSimpleName());
        loses = true;
      }
    }
    return loses;
  }

  private boolean delays(Wire.Batch batch, NodeId to) {
    Map<Long, Long> numbers = due.computeIfAbsent(to, node -> new HashMap<>());
    Long dueNanos = numbers.get(batch.number());
    if (dueNanos != null) { // sent again
      return System.nanoTime() - dueNanos < 0;
    }
    batch.messages().stream()
        .map(TroubledWireSerializer::kind)
        .filter(any -> !seen.contains(any))
        .forEach(seen::add);
    if (System.nanoTime() - kindSinceNanos > ONE_KIND.toNanos() && !seen.isEmpty()) {
      kindSinceNanos = System.nanoTime();
      kind = seen.get(random.nextInt(seen.size()));
    }
    if (batch.messages().stream().noneMatch(message -> kind(message).equals(kind))) {
      return false;
    }
    if (delayed.add(kind)) {
      System.out.println("delayed " + kind.getSimpleName());
    }
    Duration delay = Duration.ofMillis(random.nextLong(DELAY_MAX.toMillis()));
    numbers.put(batch.number(), System.nanoTime() + delay.toNanos());
    system
        .scheduler()
        .scheduleOnce(
            delay,
            () ->
                ActorRefResolver.get(Adapter.toTyped(system))
                    .<Object>resolveActorRef(
                        "pekko://" + system.name() + "@" + to.address() + "/system/dfut-gateway")
                    .tell(batch),
            system.dispatcher());
    return true;
  }
}
