package io.dfut.internal.sim;

import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.spi.ObjectKey;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** A store that has room for everything and does everything at once. */
final class MapStore implements SimStore {
  private final Host host;
  private final Map<ObjectKey, Object> values = new LinkedHashMap<>();

  MapStore(Host host) {
    this.host = host;
  }

  @Override
  public Write write(ObjectKey key, Object value) {
    return new Write() {
      @Override
      public State state() {
        return State.READY;
      }

      @Override
      public void seal() {
        values.put(key, value);
      }

      @Override
      public void abort() {}
    };
  }

  @Override
  public Read read(ObjectKey key, List<NodeId> sources) {
    return new MapRead(key, sources);
  }

  private final class MapRead implements Read {
    private final ObjectKey key;
    private final List<NodeId> sources;
    private State state = State.WAITING;
    private Object value;
    private boolean pulled;

    MapRead(ObjectKey key, List<NodeId> sources) {
      this.key = key;
      this.sources = sources;
    }

    /** A pull from a frozen node hangs until that goes on, or is said to be dead. */
    @Override
    public State state() {
      if (state == State.WAITING) {
        value = values.get(key);
        boolean hangs = false;
        for (NodeId source : value == null ? sources : List.<NodeId>of()) {
          if (host.isFrozen(source)) {
            hangs |= !host.isKnownDead(source);
          } else if (value == null) {
            value = ((MapStore) host.storeOf(source)).values.get(key);
            pulled = value != null;
          }
        }
        if (value != null) {
          state = State.READY;
        } else if (!hangs) {
          state = State.LOST;
        } else {
          host.count("argument at a frozen node");
        }
      }
      return state;
    }

    @Override
    public Object value() {
      return value;
    }

    @Override
    public boolean takePulled() {
      boolean was = pulled;
      pulled = false;
      if (was) {
        values.put(key, value); // not before: a copy that nobody reports would stay for ever
      }
      return was;
    }

    @Override
    public void close() {}
  }

  @Override
  public void free(ObjectKey key) {
    values.remove(key);
  }

  @Override
  public void promote(ObjectKey key) {}

  @Override
  public void freeOwnedBy(Predicate<WorkerId> owner) {
    values.keySet().removeIf(key -> owner.test(key.id().owner()));
  }

  @Override
  public void peerUp(NodeId node) {}

  @Override
  public void peerDown(NodeId node) {}

  @Override
  public void close() {
    values.clear();
  }

  @Override
  public boolean isInstant() {
    return true;
  }

  @Override
  public boolean isEmpty() {
    return values.isEmpty();
  }

  @Override
  public String toString() {
    return values.toString();
  }
}
