package io.dfut.internal.store;

import io.dfut.NodeId;
import io.dfut.WorkerId;
import io.dfut.internal.sim.SimStore;
import io.dfut.internal.spi.ObjectKey;
import io.dfut.internal.spi.ObjectStore.Urgency;
import io.dfut.internal.store.StoreEffect.Absent;
import io.dfut.internal.store.StoreEffect.CloseSlab;
import io.dfut.internal.store.StoreEffect.CutPull;
import io.dfut.internal.store.StoreEffect.Decided;
import io.dfut.internal.store.StoreEffect.PinGranted;
import io.dfut.internal.store.StoreEffect.PresentAlready;
import io.dfut.internal.store.StoreEffect.Refused;
import io.dfut.internal.store.StoreEffect.SetTimer;
import io.dfut.internal.store.StoreEffect.StartAttach;
import io.dfut.internal.store.StoreEffect.StartPull;
import io.dfut.internal.store.StoreEffect.WriteGranted;
import io.dfut.internal.store.StoreInput.PullOutcome;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The real table of a store, in a simulated node: memory is a map from places to values, and a pull
 * takes a while, during which its source may freeze, die, or turn out not to have the object. Every
 * step is followed by all checks of the table.
 */
final class TableStore implements SimStore {
  /** Of each object; what the simulated workers say of theirs. */
  static final long OBJECT_BYTES = 200_000;

  private static final int TRANSFER_MAX_NANOS = 400_000;

  private record Place(int slab, long offset) {
    static Place of(Block block) {
      return new Place(block.slab(), block.offset());
    }
  }

  private record Content(ObjectKey key, Object value) {}

  /** Somebody who waits for an answer. */
  private abstract static class Waiter {
    State state = State.WAITING;
    Block block;

    /** Whether it gave up, or let go, and is not to be answered. */
    boolean gone;
  }

  private final Host host;
  private final StoreTable table;
  private final Map<Place, Content> memory = new HashMap<>();
  private final Map<Long, List<Content>> disk = new HashMap<>();
  private final Map<Long, Waiter> waiters = new HashMap<>();

  /** Copies that came over the network, until a reader has said so to the owner. */
  private final Set<ObjectKey> pulled = new LinkedHashSet<>();

  /** The stores of all nodes of the run, this one among them. */
  private final List<TableStore> all;

  /** Which of the two machines this node runs on: those of one share memory. */
  private final int machine;

  private long lastWaiter;
  private boolean closed;

  /**
   * @param all the stores of the run; this one adds itself
   */
  TableStore(Host host, long capacityBytes, List<TableStore> all) {
    this.host = host;
    this.all = all;
    all.add(this);
    this.table =
        new StoreTable(
            host.node(),
            new StoreTable.Limits(
                capacityBytes,
                OBJECT_BYTES * 4,
                200_000_000L,
                1_000_000_000L,
                10_000_000_000L,
                OBJECT_BYTES * (1 + host.draw(4)),
                1 + host.draw(3),
                1_000,
                true,
                host.draw(2) == 0
                    ? Optional.empty()
                    : Optional.of(
                        new StoreTable.SpillLimits(
                            capacityBytes / (1 + host.draw(3)),
                            OBJECT_BYTES * (1 + host.draw(3)),
                            1 + host.draw(3),
                            1 + host.draw(2),
                            1_000_000))));
    this.machine = host.node().port() % 2;
  }

  // ---- the table ----

  private void step(StoreInput input) {
    if (closed) {
      return;
    }
    long evicted = table.stats().evictedBytes();
    // Effects may bring on further steps: they are carried out when this one is over.
    ArrayDeque<StoreEffect> effects = new ArrayDeque<>();
    table.step(input, host.now(), effects::add);
    table.checkInvariants();
    if (table.stats().evictedBytes() > evicted) {
      host.count("evicted");
    }
    effects.forEach(this::carryOut);
  }

  private void carryOut(StoreEffect effect) {
    switch (effect) {
      case WriteGranted granted -> {
        Waiter writer = waiters.get(granted.waiter());
        writer.state = State.READY;
        writer.block = granted.block();
      }
      case PresentAlready present -> {
        waiters.remove(present.waiter()).state = State.READY;
        host.count("present already");
      }
      case PinGranted granted -> {
        Waiter reader = waiters.get(granted.waiter());
        reader.state = State.READY;
        reader.block = granted.block();
        valueAt(granted.block(), granted.key());
      }
      case StoreEffect.AttachedGranted granted -> {
        Reader reader = (Reader) waiters.get(granted.waiter());
        reader.state = State.READY;
        reader.attachment = granted.attachment();
        // Whatever became of the source: the mapping stays.
        reader.inPlace = attachments.get(granted.attachment()).inPlace;
      }
      case StartAttach attach -> host.after(host.draw(TRANSFER_MAX_NANOS), () -> attach(attach));
      case StoreEffect.Detach detach -> detach(detach.attachment());
      case Absent absent -> waiters.remove(absent.waiter()).state = State.LOST;
      case Decided decided -> {}
      case StoreEffect.RoomWanted wanted -> host.count("room wanted");
      case Refused(long waiter, StoreEffect.Refusal why) -> {
        waiters.remove(waiter).state =
            why instanceof StoreEffect.Refusal.SourceLost ? State.LOST : State.REFUSED;
        host.count("store: " + why.getClass().getSimpleName());
      }
      case StartPull pull -> {
        host.count("pull started");
        Object value = offer(pull);
        host.after(host.draw(TRANSFER_MAX_NANOS), () -> arrive(pull, value));
      }
      case StoreEffect.StartSpill spill -> {
        host.count("spill started");
        spill.items().forEach(item -> valueAt(item.block(), item.key()));
        host.after(host.draw(TRANSFER_MAX_NANOS), () -> written(spill));
      }
      case StoreEffect.StartRestore restore ->
          host.after(host.draw(TRANSFER_MAX_NANOS), () -> restored(restore));
      case StoreEffect.DeleteSpill delete -> {
        if (disk.remove(delete.file()) == null) {
          throw new AssertionError("deleted twice: " + delete);
        }
      }
      case StoreEffect.OnDisk there -> {
        Waiter reader = waiters.remove(there.waiter());
        reader.state = State.READY;
        ((Reader) reader).onDisk = disk.get(there.spot().file()).get(there.spot().index());
      }
      case CutPull cut -> host.count("pull cut"); // it reports its end all the same
      case CloseSlab slab -> memory.keySet().removeIf(place -> place.slab() == slab.slab());
      case SetTimer set ->
          host.after(
              Math.max(0, set.atNanos() - host.now()), () -> step(new StoreInput.TimerFired()));
    }
  }

  private void written(StoreEffect.StartSpill spill) {
    if (closed) {
      return;
    }
    boolean fails = host.draw(8) == 0;
    if (!fails) {
      disk.put(
          spill.file(),
          spill.items().stream()
              .map(item -> new Content(item.key(), valueAt(item.block(), item.key())))
              .toList());
    }
    host.count(fails ? "spill failed" : "spilled");
    step(
        new StoreInput.SpillEnded(
            spill.file(), fails ? Optional.of("disk full") : Optional.empty()));
  }

  private void restored(StoreEffect.StartRestore restore) {
    if (closed) {
      return;
    }
    Content content = disk.get(restore.spot().file()).get(restore.spot().index());
    if (!content.key.equals(restore.key())) {
      throw new AssertionError("another object on disk: " + content + " for " + restore);
    }
    memory.put(Place.of(restore.block()), content);
    host.count("restored");
    step(new StoreInput.PullEnded(restore.transfer(), new PullOutcome.Complete()));
  }

  // ---- attaches ----

  /** What a source holds for this node, by the number of the attach. */
  private final Map<Long, Reader> attachments = new HashMap<>();

  /** What a source is being told to let go. */
  private final Set<Reader> releases = new LinkedHashSet<>();

  private void attach(StartAttach attach) {
    TableStore source = (TableStore) host.storeOf(attach.source());
    if (host.isFrozen(attach.source()) && !source.closed && !host.isKnownDead(attach.source())) {
      host.count("argument at a frozen node");
      host.after(1_000_000, () -> attach(attach)); // it hangs
      return;
    }
    step(new StoreInput.PullEnded(attach.transfer(), hold(attach, source)));
  }

  private PullOutcome hold(StartAttach attach, TableStore source) {
    if (source.closed || closed || host.isFrozen(attach.source())) {
      return new PullOutcome.Failed(0, "it died");
    }
    if (source.machine != machine) {
      return new PullOutcome.NotAttached(true, "another machine");
    }
    if (host.draw(10) == 0) {
      return new PullOutcome.NotAttached(false, "no shared memory left there");
    }
    Reader hold = source.new Reader(attach.key());
    source.waiters.put(hold.waiter, hold);
    source.step(new StoreInput.Pin(hold.waiter, attach.key()));
    if (hold.state != State.READY || hold.block == null) {
      hold.close();
      return source.table.contains(attach.key())
          ? new PullOutcome.NotAttached(false, "on disk there")
          : new PullOutcome.NotThere("not there");
    }
    host.count("attached");
    hold.inPlace = hold.value();
    attachments.put(attach.transfer(), hold);
    return new PullOutcome.Attached();
  }

  private void detach(long attachment) {
    // The release travels. A source that died has nothing to let go.
    Reader hold = attachments.remove(attachment);
    if (hold == null) {
      return; // ended with the process
    }
    releases.add(hold);
    host.after(
        host.draw(TRANSFER_MAX_NANOS),
        () -> {
          if (releases.remove(hold)) {
            hold.close();
          }
        });
  }

  private Object valueAt(Block block, ObjectKey key) {
    Content content = memory.get(Place.of(block));
    if (content == null || !content.key.equals(key)) {
      throw new AssertionError("other bytes under " + key + " at " + block + ": " + content);
    }
    return content.value;
  }

  // ---- pulls ----

  /** In place of a value: the source does not answer. */
  private static final Object NO_ANSWER = new Object();

  /** In place of a value: the source has it on disk only, and was asked for one in memory. */
  private static final Object ON_DISK = new Object();

  /** What the source holds under the key when the pull begins; null for nothing. */
  private Object offer(StartPull pull) {
    TableStore source = (TableStore) host.storeOf(pull.source());
    return host.isFrozen(pull.source()) ? NO_ANSWER : source.serve(pull.key(), pull.fromMemory());
  }

  /** For another node: pins for as long as it takes to say what is there. */
  private Object serve(ObjectKey key, boolean fromMemory) {
    if (closed) {
      return null;
    }
    Reader reader = new Reader(key);
    waiters.put(reader.waiter, reader);
    step(new StoreInput.Serve(reader.waiter, key));
    if (reader.onDisk != null && fromMemory) {
      host.count("kept back, as it is on disk");
      return ON_DISK;
    }
    if (reader.onDisk != null) {
      host.count("served from disk");
      return reader.onDisk.value;
    }
    if (reader.state != State.READY) {
      return null;
    }
    Object value = reader.value();
    host.after(host.draw(TRANSFER_MAX_NANOS), reader::close); // it sends from memory
    return value;
  }

  private void arrive(StartPull pull, Object value) {
    TableStore source = (TableStore) host.storeOf(pull.source());
    if (value == NO_ANSWER && !source.closed && !host.isKnownDead(pull.source())) {
      host.count("argument at a frozen node");
      host.after(1_000_000, () -> arrive(pull, offer(pull))); // it hangs, and then begins
      return;
    }
    if (source.closed || value == NO_ANSWER) {
      step(new StoreInput.PullEnded(pull.transfer(), new PullOutcome.Failed(0, "it died")));
    } else if (value == null) {
      host.count("pulled in vain");
      step(new StoreInput.PullEnded(pull.transfer(), new PullOutcome.NotThere("not there")));
    } else if (value == ON_DISK) {
      step(new StoreInput.PullEnded(pull.transfer(), new PullOutcome.OnDisk()));
    } else {
      memory.put(Place.of(pull.block()), new Content(pull.key(), value));
      pulled.add(pull.key());
      step(new StoreInput.PullEnded(pull.transfer(), new PullOutcome.Complete()));
    }
  }

  // ---- for workers ----

  private final class Writer extends Waiter implements Write {
    final long waiter = ++lastWaiter;
    final ObjectKey key;
    final Object value;

    Writer(ObjectKey key, Object value) {
      this.key = key;
      this.value = value;
    }

    @Override
    public State state() {
      return state;
    }

    @Override
    public void seal() {
      if (block == null || closed) {
        return; // it was present already
      }
      waiters.remove(waiter);
      memory.put(Place.of(block), new Content(key, value));
      block = null;
      step(new StoreInput.Seal(key));
      requireOnePrimary(key);
    }

    @Override
    public void abort() {
      if (closed || gone) {
        return;
      }
      gone = true;
      if (block != null) {
        waiters.remove(waiter);
        host.count("write aborted");
        step(new StoreInput.Abort(key));
      } else if (state == State.WAITING) {
        waiters.remove(waiter);
        step(new StoreInput.GiveUp(++lastWaiter, waiter));
      }
    }
  }

  private final class Reader extends Waiter implements Read {
    final long waiter = ++lastWaiter;
    final ObjectKey key;

    /** What a peer reads from disk; null for what is in memory. */
    Content onDisk;

    /** What is read in another store's memory, and by which attachment; none for 0. */
    Object inPlace;

    long attachment;

    Reader(ObjectKey key) {
      this.key = key;
    }

    @Override
    public State state() {
      return state;
    }

    @Override
    public Object value() {
      return attachment != 0 ? inPlace : valueAt(block, key);
    }

    @Override
    public boolean takePulled() {
      return attachment == 0 && pulled.remove(key); // what is read in place is no copy
    }

    @Override
    public void close() {
      if (closed || gone) {
        return;
      }
      gone = true;
      if (state == State.READY) {
        waiters.remove(waiter);
        if (attachment != 0) {
          step(new StoreInput.UnpinAttached(attachment));
          return;
        }
        if (pulled.remove(key)) {
          host.count("a copy that nobody reported"); // its reader is no more: nobody will free it
          step(new StoreInput.Unpin(key));
          step(new StoreInput.Free(key));
          return;
        }
        step(new StoreInput.Unpin(key));
      } else if (state == State.WAITING) {
        waiters.remove(waiter);
        step(new StoreInput.GiveUp(++lastWaiter, waiter));
      }
    }
  }

  /** I5, among the nodes that nobody takes for dead: of one execution's bytes there is one. */
  private void requireOnePrimary(ObjectKey key) {
    long primaries =
        all.stream()
            .filter(store -> host.isMember(store.host.node()) && store.isPrimary(key))
            .count();
    if (primaries > 1) {
      throw new AssertionError(primaries + " primaries of " + key);
    }
  }

  private boolean isPrimary(ObjectKey key) {
    return table.contents().getOrDefault(key, "").startsWith("primary");
  }

  @Override
  public Write write(ObjectKey key, Object value) {
    Writer writer = new Writer(key, value);
    waiters.put(writer.waiter, writer);
    step(new StoreInput.Create(writer.waiter, key, OBJECT_BYTES, ""));
    return writer;
  }

  @Override
  public Read read(ObjectKey key, List<NodeId> sources) {
    Reader reader = new Reader(key);
    waiters.put(reader.waiter, reader);
    List<NodeId> others = sources.stream().filter(node -> !node.equals(host.node())).toList();
    step(
        new StoreInput.Fetch(
            reader.waiter, key, OBJECT_BYTES, others, Urgency.values()[host.draw(3)]));
    return reader;
  }

  @Override
  public void free(ObjectKey key) {
    step(new StoreInput.Free(key));
  }

  @Override
  public void promote(ObjectKey key) {
    host.count("promoted");
    step(new StoreInput.Promote(++lastWaiter, key));
    requireOnePrimary(key);
  }

  @Override
  public void freeOwnedBy(Predicate<WorkerId> owner) {
    for (ObjectKey key : table.contents().keySet().stream().sorted(KEYS).toList()) {
      if (owner.test(key.id().owner())) {
        free(key);
      }
    }
  }

  private static final java.util.Comparator<ObjectKey> KEYS =
      java.util.Comparator.comparing(ObjectKey::id).thenComparingInt(ObjectKey::attempt);

  @Override
  public void peerUp(NodeId node) {
    step(new StoreInput.PeerUp(node));
  }

  @Override
  public void peerDown(NodeId node) {
    step(new StoreInput.PeerDown(node));
  }

  @Override
  public void close() {
    closed = true;
    endHolds();
    memory.clear();
    waiters.clear();
  }

  /** Its process is gone: what others hold for it they need not hold any more. */
  private void endHolds() {
    attachments.values().forEach(Reader::close);
    attachments.clear();
    releases.forEach(Reader::close);
    releases.clear();
  }

  @Override
  public boolean isInstant() {
    return false;
  }

  /** Nothing is stored, nobody waits, nothing is under way. */
  @Override
  public boolean isEmpty() {
    for (TableStore other : all) {
      if (!host.isMember(other.host.node())) {
        other.endHolds(); // the process of one that is taken for dead ends at last, too
      }
    }
    return closed
        || table.contents().isEmpty()
            && waiters.isEmpty()
            && table.waitCount() == 0
            && table.stats().usedBytes() == 0
            && disk.isEmpty();
  }

  @Override
  public String toString() {
    return table.contents() + " waiters " + waiters.keySet();
  }
}
